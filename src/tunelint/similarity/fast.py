"""Whether to run the compiled kernels: numba comes with the `[fast]` extra and is never needed for a result."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Callable
from functools import cache
from typing import Any, TypeVar, cast

from tunelint.errors import MissingExtraError

ENOUGH_WORK = 16_000_000
KERNELS = "tunelint.similarity.kernels"

Function = TypeVar("Function", bound=Callable[..., Any])


@cache
def numba_installed() -> bool:
    """Whether numba can be imported, asked without importing it."""
    return importlib.util.find_spec("numba") is not None


def pays_off(work: int) -> bool:
    """Whether compiled code is there and worth loading for this many characters or values (loading takes about 1 s)."""
    return numba_installed() and (KERNELS in sys.modules or work >= ENOUGH_WORK)


def kernels(compiled: bool | None, work: int) -> Any:
    """The module of compiled kernels, or None where the numpy path is to be taken.

    `compiled` None decides by `pays_off(work)`. Raises MissingExtraError when True asks for what is not installed.
    """
    if compiled is False or (compiled is None and not pays_off(work)):
        return None
    if not numba_installed():
        raise MissingExtraError("running compiled", "fast")
    return importlib.import_module(KERNELS)


def machine_code(function: Function) -> Function:
    """Compile a function by numba; the machine code is kept on disk, so only the first run ever pays for it."""
    import numba

    return cast(Function, numba.njit(cache=True, nogil=True)(function))

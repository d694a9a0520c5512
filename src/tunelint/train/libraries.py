"""The packages that local training stands on: are they there, which versions, and keep them quiet."""

from __future__ import annotations

import os
import platform
import warnings
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec

from tunelint.errors import MissingExtraError

NEEDED = ("torch", "transformers", "accelerate", "tokenizers", "safetensors")
REPORTED = ("tunelint", *NEEDED, "peft", "numpy")


def require_packages() -> None:
    """Raise MissingExtraError where torch and its companions are not installed; does not import them."""
    if any(find_spec(name) is None for name in NEEDED):
        raise MissingExtraError("local training", "local")


def quiet() -> None:
    """Events tell what happens; the libraries' own bars and notes would only tear them apart."""
    from transformers.utils import logging

    logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    warnings.filterwarnings("ignore", module=r"(transformers|accelerate|peft|torch)\.")


def versions() -> dict[str, str]:
    """The versions that run.json names."""
    found = {"python": platform.python_version()}
    for package in REPORTED:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed as a package"
    return found

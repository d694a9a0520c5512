"""tunelint's command line in a process that kills itself at a named moment, as a crash or the out-of-memory killer would.

    python dying.py MODULE:NAME:WHEN:COUNT ARGUMENTS...

SIGKILL comes before or after (WHEN) the COUNT-th call of the function; `children` instead of `before` or `after` means: after
it, and the processes that it has started die too.
"""

from __future__ import annotations

import functools
import importlib
import os
import signal
import subprocess
import sys
from typing import Any


def die_at(moment: str) -> None:
    """Wrap the function, so that this process ends with it."""
    module, name, when, count = moment.split(":")
    *path, last = name.split(".")
    owner: Any = functools.reduce(getattr, path, importlib.import_module(module))
    inner = getattr(owner, last)
    calls, started = 0, []
    popen = subprocess.Popen.__init__

    def noted(process: Any, *arguments: Any, **more: Any) -> None:
        popen(process, *arguments, **more)
        started.append(process.pid)

    @functools.wraps(inner)
    def dying(*arguments: Any, **more: Any) -> Any:
        nonlocal calls
        calls += 1
        last_call = calls == int(count)
        if last_call and when == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        result = inner(*arguments, **more)
        if last_call:
            for child in started if when == "children" else ():
                os.kill(child, signal.SIGKILL)
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    subprocess.Popen.__init__ = noted  # type: ignore[method-assign]
    setattr(owner, last, dying)


if __name__ == "__main__":
    die_at(sys.argv.pop(1))
    from tunelint.cli.main import main

    sys.exit(main())

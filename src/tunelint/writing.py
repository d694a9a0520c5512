"""Files that are replaced in one step: a reader sees the old bytes or the new ones, never a part."""

from __future__ import annotations

import os
from pathlib import Path


def replace_file(path: Path, data: bytes) -> None:
    """Write a file in one step, through a link where `path` is one. Raises OSError and leaves nothing behind then.

    A device or a pipe (/dev/stdout, >(command), a FIFO) is written to instead: a file in its place would be the end of it.
    """
    if _is_written_to(path):
        with open(path, "ab", buffering=0) as stream:  # not "wb": /dev/stdout may be a file that holds output already
            stream.write(data)
        return
    target = Path(os.path.realpath(path))
    temporary = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    try:
        temporary.write_bytes(data)
        os.replace(temporary, target)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise


def _is_written_to(path: Path) -> bool:
    in_devices = path.is_absolute() and path.parts[1:2] in (("dev",), ("proc",))
    return in_devices or (path.exists() and not path.is_file() and not path.is_dir())

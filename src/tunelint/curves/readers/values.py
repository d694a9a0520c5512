"""Values as logs write them: numbers, `No log`, `nan`, percent signs, text in odd encodings."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

from tunelint.curves.run import Number
from tunelint.errors import TunelintError

_LARGEST = 10**15
"""What no step, count or loss reaches."""


def number(value: Any) -> Number | None:
    """Return the number that a log means: NaN and infinity stay, `No log`, blanks and words are None."""
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, int):
        return value if abs(value) < _LARGEST else math.inf  # JSON integers have no bound, floats have one
    if isinstance(value, float):
        return value
    if not isinstance(value, str):
        return None
    text = value.strip().removesuffix("%").replace("\u2212", "-")
    try:
        found = float(text)
    except ValueError:
        return None
    return int(found) if math.isfinite(found) and found.is_integer() and "." not in text else found


def axis_number(value: Any) -> Number | None:
    """Return a step or an epoch: a finite number, whole ones as integers."""
    found = number(value)
    if found is None or not abs(found) < _LARGEST:
        return None
    return int(found) if float(found).is_integer() else found


def read_text(path: Path) -> str:
    """Return a log's text. A BOM is dropped, bytes that are not UTF-8 become U+FFFD: a log is read, not judged."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise TunelintError(f"cannot read {path}: {error.strerror or error}") from error
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return data.decode("utf-16", "replace")
    return data.decode("utf-8-sig", "replace")


def read_json(path: Path) -> Any:
    """Return the JSON value of a file (NaN and Infinity are read: trainers write them)."""
    return parse_json(read_text(path), path)


def parse_json(text: str, path: Path) -> Any:
    """Return the JSON value of the text of `path`, with a plain error where it is none."""
    try:
        return json.loads(text)
    except (json.JSONDecodeError, RecursionError) as error:
        where = f" at line {error.lineno}" if isinstance(error, json.JSONDecodeError) else ""
        raise TunelintError(f"{path} is no JSON{where}: is the file cut off? Copy it again from the run") from error

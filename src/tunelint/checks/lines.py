"""Line-scope rules: the reader already knows the faults; here they become hits."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tunelint.checks.hit import Edit, Hit
from tunelint.records.record import Fault


def fault(found: Fault, options: dict[str, Any]) -> Iterator[Hit]:
    """Report a fault of a line or of a file as the reader worded it."""
    edit = Edit("bytes", value=found.safe_bytes) if found.safe_bytes is not None else None
    yield Hit(found.message, pointer=found.pointer, edit=edit)

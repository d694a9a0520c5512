"""Parsing that answers None instead of raising, for text inside records (tool arguments, JSON blocks)."""

from __future__ import annotations

import json
from typing import Any


def parse_or_none(text: str) -> Any:
    """Return the JSON value of `text`, or None where it is no JSON (or is the literal null)."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None

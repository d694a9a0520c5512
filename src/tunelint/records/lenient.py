"""Parsing that answers None instead of raising, for text inside records (tool arguments, JSON blocks)."""

from __future__ import annotations

import json
from typing import Any

from tunelint.records.outline import MOST_LEVELS, levels


def parse_or_none(text: str) -> Any:
    """Return the JSON value of `text`, or None where it is no JSON, is the literal null or is nested too deeply to work with."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return None if text.count("[") + text.count("{") > MOST_LEVELS and levels(value) > MOST_LEVELS else value

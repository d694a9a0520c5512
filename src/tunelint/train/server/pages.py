"""Cursor pages: `limit` items after the one with the id `after`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from starlette.requests import Request

from tunelint.train.server.problems import Problem
from tunelint.train.server.store import Row


def page(rows: Sequence[Row], request: Request, most: int, shape: Callable[[Row], dict[str, Any]], default: int = 20) -> dict[str, Any]:
    """Return the list object of the rows that the request asks for. Raises Problem for a limit that is no number."""
    given = request.query_params.get("limit", str(min(default, most)))
    if not given.isdigit() or not 1 <= int(given) <= most:
        raise Problem(400, f"limit must be between 1 and {most}.", "limit")
    items = [shape(row) for row in rows]
    after = request.query_params.get("after")
    start = 0
    if after:
        places = [place for place, item in enumerate(items) if item["id"] == after]
        if not places:
            raise Problem(400, f"There is nothing with the id {after!r} in this list.", "after")
        start = places[0] + 1
    end = start + int(given)
    shown = items[start:end]
    return {
        "object": "list", "data": shown, "has_more": end < len(items),
        "first_id": shown[0]["id"] if shown else None, "last_id": shown[-1]["id"] if shown else None,
    }  # fmt: skip

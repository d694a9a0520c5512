"""From a record's digest to the place where a person finds it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Literal

from tunelint.curves.run import Run

Place = tuple[str | None, int | None]


def places(run: Run, split: Literal["train", "eval"]) -> dict[str, list[Place]]:
    """Return digest -> (path, line) of its occurrences, in order, for the rows of a split.

    The lint report's own words win, because they name the user's files; the run folder's copy of the data (one row per
    line) names the others.
    """
    splits = {str(file.get("path")): file.get("split") for file in (run.lint or {}).get("files", ()) if isinstance(file, Mapping)}
    named: dict[str, set[tuple[str, int]]] = {}
    for finding in (run.lint or {}).get("findings", ()):
        if not isinstance(finding, Mapping):
            continue
        related = finding.get("related")
        for place in (finding, *(related if isinstance(related, list) else ())):
            if isinstance(place, Mapping) and splits.get(str(place.get("path"))) == split and place.get("record"):
                line = place.get("line")
                named.setdefault(str(place["record"]), set()).add((str(place["path"]), line if isinstance(line, int) else 0))
    found = dict(_copied(Path(run.source) / "data" / f"{split}.jsonl"))
    found |= {record: [(path, line or None) for path, line in sorted(where)] for record, where in named.items()}
    return found


def place_of(where: Mapping[str, list[Place]], record: str, occurrence: int = 0) -> Place:
    """Return where a record stands, its `occurrence`-th time; (None, None) if nothing says so."""
    known = where.get(record)
    return known[min(occurrence, len(known) - 1)] if known else (None, None)


@lru_cache(maxsize=8)
def _copied(path: Path) -> Mapping[str, list[Place]]:
    """Return the digests of the run folder's own rows; nothing where there is no copy."""
    if not path.is_file():
        return {}
    rows: dict[str, list[Place]] = {}
    with path.open(encoding="utf-8", errors="replace") as file:
        for number, line in enumerate(file, start=1):
            try:
                digest = json.loads(line).get("digest")
            except (ValueError, AttributeError):
                continue  # a row that someone edited: the others still have names
            if isinstance(digest, str):
                rows.setdefault(digest, []).append((path.as_posix(), number))
    return rows

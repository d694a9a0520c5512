"""What fixes would change, as a diff for people: records cut to what changes, secrets masked. It is no patch."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

from tunelint.checks.privacy import mask_around
from tunelint.engine.excerpt import CONTEXT, MASKED_AROUND
from tunelint.fixes.work import Work, WorkFile
from tunelint.report.text import inert, visible

_LONGEST = 160  # characters of a change that are shown
_FILE_WIDE = {
    "byte-order-mark": "the byte-order mark is removed", "blank-line": "blank lines are left out",
    "json-array-file": "the array becomes one record a line", "multi-line-json": "records that run over several lines are joined to one",
}  # fmt: skip


def preview(work: Work) -> Iterator[str]:
    """Yield the lines of the diff; none where nothing would change."""
    for file in work.changed:
        removed = [entry for entry in work.removed if entry["path"] == file.original.path]
        path = visible(file.original.path)
        yield f"--- {path}"
        counts = [f"{number:,} {what}" for number, what in ((len(file.edited), "edited"), (len(removed), "removed")) if number]
        yield f"+++ {path}" + (f" ({', '.join(counts)})" if counts else "")
        for name in sorted(file.file_fixes):
            yield f"@@ file @@ {_FILE_WIDE.get(name, name)}"
        changes = [(line or 0, order, part) for order, (line, part) in enumerate([*_edits(work, file), *_removals(removed)])]
        for _, _, part in sorted(changes):
            yield from part


def _edits(work: Work, file: WorkFile) -> Iterator[tuple[int | None, list[str]]]:
    lines = work.first_lines(file) if file.edited else []
    for row, (before, after) in file.edited.items():
        line = lines[row - 1]
        old, new = before.decode("utf-8", "replace"), after.decode("utf-8", "replace")
        yield line or row, [f"@@ {f'line {line}' if line else f'row {row}'} @@", *changed_stretch(old, new)]


def _removals(removed: list[dict[str, Any]]) -> Iterator[tuple[int | None, list[str]]]:
    for entry in removed:
        raw = entry["raw"] if "raw" in entry else base64.b64decode(entry["raw_base64"]).decode("utf-8", "replace")
        where = f"line {entry['line']}" if entry["line"] else "row"
        yield entry["line"], [inert(f"@@ {where} @@ {entry['rule']}: {visible(entry['reason'])}"), "-" + _shown(raw, 0, len(raw))]


def changed_stretch(old: str, new: str) -> list[str]:
    """Return the two lines of an edit: what stands between the common beginning and the common end, with some context."""
    start = 0
    most = min(len(old), len(new))
    while start < most and old[start] == new[start]:
        start += 1
    tail = 0
    while tail < most - start and old[-1 - tail] == new[-1 - tail]:
        tail += 1
    return ["-" + _shown(old, start, len(old) - tail), "+" + _shown(new, start, len(new) - tail)]


def _shown(text: str, start: int, end: int) -> str:
    """Return text[start:end] with its surroundings, masked before it is cut."""
    first, last = max(0, start - MASKED_AROUND), min(len(text), end + MASKED_AROUND)
    masked, start, end = mask_around(text[first:last], start - first, end - first)
    if end - start > _LONGEST and end == len(masked):
        end = start + _LONGEST
    stop = min(end, start + _LONGEST)
    left, right = max(0, start - CONTEXT), min(len(masked), stop + CONTEXT)
    before = "…" if left or first else ""
    after = "…" if right < len(masked) or last < len(text) else ""
    gap = "" if stop == end else f"… ({end - stop:,} more) …"
    return inert(visible(f"{before}{masked[left:stop]}{gap}{masked[end : end + CONTEXT]}{after}" if gap else f"{before}{masked[left:right]}{after}"))

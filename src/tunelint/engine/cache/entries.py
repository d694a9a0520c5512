"""What is kept of one row, as bytes: its hits, without their place in the file, and what becomes of it at a target.

Nothing of a row's text is kept but what its findings show anyway. Hits that have to be masked, or whose mending carries more
of the text than an excerpt does, are not kept: such a row is checked again each time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any, get_args

import numpy as np
import orjson
from numpy.typing import NDArray

from tunelint.checks.hit import Edit, Hit
from tunelint.checks.privacy import mask
from tunelint.engine.excerpt import LONGEST
from tunelint.engine.scan import LocatedHit
from tunelint.findings import Excerpt, Severity
from tunelint.tokens.outcomes import Fate, Outcome

FATES: tuple[Fate, ...] = get_args(Fate)
_masked = lru_cache(maxsize=1 << 12)(mask)


def encoded_hits(hits: Sequence[LocatedHit]) -> bytes | None:
    """Return a row's hits as JSON (b"" where there are none), None where they must not or cannot be kept."""
    if not hits:
        return b""
    try:
        data = orjson.dumps([_described(located) for located in hits])
    except TypeError:  # a lone surrogate, an integer above 64 bits, an object of a plug-in
        return None
    first = hits[0]
    if decoded_hits(data, first.line, first.row, first.offset) != list(hits):
        return None
    return data if all(_fit_to_keep(located) for located in hits) else None


def _described(located: LocatedHit) -> list[Any]:
    hit, seen, edit = located.hit, located.excerpt, located.hit.edit
    return [
        located.rule, located.record, located.column, located.byte_offset - located.offset,
        seen and [seen.where, seen.text, seen.start, seen.end],
        hit.message, hit.pointer, hit.span, hit.severity, hit.score, hit.fix, hit.details,
        edit and [edit.action, edit.pointer, edit.value],
    ]  # fmt: skip


def decoded_hits(data: bytes, line: int | None, row: int, offset: int) -> list[LocatedHit]:
    """Return a row's hits at its place in this run's data. Raises ValueError, TypeError where these are no hits."""
    return [_located(entry, line, row, offset) for entry in orjson.loads(data)] if data else []


def _located(entry: list[Any], line: int | None, row: int, offset: int) -> LocatedHit:
    rule, record, column, byte, seen, message, pointer, span, severity, score, fix, details, edit = entry
    hit = Hit(
        message, pointer=pointer, span=None if span is None else (span[0], span[1]),
        severity=None if severity is None else Severity(severity), score=score, fix=fix, details=details,
        edit=None if edit is None else Edit(*edit),
    )  # fmt: skip
    return LocatedHit(rule, hit, line, row, offset, record, column, offset + byte, None if seen is None else Excerpt(*seen))


def moved(located: LocatedHit, row: int) -> LocatedHit:
    """Return a hit whose record is another one of its chunk's records (counted from 1)."""
    return located if located.row == row else replace(located, row=row)


def _fit_to_keep(located: LocatedHit) -> bool:
    hit = located.hit
    strings = [hit.message, hit.pointer or "", *_strings(hit.details)]
    if hit.edit is not None:
        mended = list(_strings(hit.edit.value))
        if sum(len(text) for text in mended) > LONGEST:
            return False
        strings += mended
    return all(len(text) < 8 or _masked(text) == text for text in strings)


def _strings(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [text for key, item in value.items() for text in (*_strings(key), *_strings(item))]
    return [text for item in value for text in _strings(item)] if isinstance(value, list | tuple) else []


def outcome_numbers(outcomes: Sequence[Outcome]) -> NDArray[np.int64]:
    """Return the numbers of outcomes, (N, 7) int64; `outcomes_of` reads them, with the reasons beside them."""
    ends = {None: -1, False: 0, True: 1}
    rows = [(FATES.index(item.fate), item.tokens, item.wanted, item.kept, item.trained, ends[item.ends], item.exact) for item in outcomes]
    return np.array(rows, dtype=np.int64).reshape(-1, 7)


def outcomes_of(numbers: NDArray[np.int64], reasons: Sequence[bytes]) -> list[Outcome]:
    """Return outcomes from their numbers and reasons."""
    ends = {-1: None, 0: False, 1: True}
    words = {reason: reason.decode() for reason in set(reasons)}
    return [
        Outcome(FATES[fate], words[reason], tokens, wanted, kept, trained, ends[end], bool(exact))
        for (fate, tokens, wanted, kept, trained, end, exact), reason in zip(numbers.tolist(), reasons, strict=True)
    ]

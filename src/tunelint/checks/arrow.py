"""What loaders built on Arrow (HF datasets, and so TRL, Axolotl, LLaMA-Factory, ms-swift) make of a whole file.

Arrow gives every path one type and every object all keys that any record has there: a second type stops the load, a missing
key becomes null. Both show only over the whole file, so they are judged on the facts of `tunelint.records.paths`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tunelint.checks.hit import Hit, Partner
from tunelint.checks.survey import Survey, needs
from tunelint.findings import Severity
from tunelint.records.paths import PATH_SHIFT, is_object, places, type_name

_MOST_PATHS = 20  # of one file; what drifts in more places than that is one fault of the program that wrote it
# Text in some turns, a list of parts in others: every chat service takes both in one file.
_BOTH_FORMS = re.compile(r"(^|\.|\])(content|value)$")
# Where a key that is null reaches the prompt: the tools' schemas, the arguments of calls, the parts of a content.
_PROMPTED = re.compile(r"(^|\.)(tools|functions)(\[\])?(\.|$)|\.arguments(\.|$)|\.parameters(\.|$)")
_PARTS = re.compile(r"\.content\[\]$")


@dataclass(frozen=True, slots=True)
class _FileFacts:
    """The distinct facts of one file, each with its first record (index in the survey) and its number of records."""

    facts: NDArray[np.uint64]
    first: NDArray[np.int64]
    records: NDArray[np.int64]

    def by_path(self) -> Iterator[NDArray[np.int64]]:
        """Yield, for every path with more than one fact, the positions of its facts, most frequent first."""
        paths = self.facts >> np.uint64(PATH_SHIFT)
        starts = np.flatnonzero(np.append(True, paths[1:] != paths[:-1]))
        ends = np.append(starts[1:], len(paths))
        for start, end in zip(starts.tolist(), ends.tolist(), strict=True):
            if end - start > 1:
                positions = np.arange(start, end)
                yield positions[np.lexsort((self.first[positions], -self.records[positions]))]


def _facts_of_files(survey: Survey) -> Iterator[_FileFacts]:
    column = survey.ragged("facts")
    for file in range(len(survey.files)):
        rows = np.flatnonzero(survey.file == file)
        if len(rows) > 1:
            taken = column.take(rows)
            facts, first, counts = np.unique(taken.values, return_index=True, return_counts=True)
            yield _FileFacts(facts, rows[taken.row_numbers[first]], counts)


@needs("facts")
def drifting_type(survey: Survey, options: dict[str, Any]) -> Iterator[Hit]:
    """SCH006: the type at a path changes between the records of a file. One hit a path, at the first record that differs."""
    for found in _facts_of_files(survey):
        drifts: list[tuple[int, str]] = []  # position of the fact that differs, the usual type
        for positions in found.by_path():
            counts: dict[str, int] = {}
            for position in positions.tolist():
                kind = type_name(int(found.facts[position]))
                counts[kind] = counts.get(kind, 0) + int(found.records[position])
            usual = max(counts, key=lambda kind: counts[kind])
            differing = [position for position in positions.tolist() if type_name(int(found.facts[position])) != usual]
            if differing:
                drifts.append((min(differing, key=lambda position: int(found.first[position])), usual))
        drifts.sort(key=lambda item: int(found.first[item[0]]))
        places_of = _named(survey, found, [position for position, _ in drifts[:_MOST_PATHS]])
        for position, usual in drifts[:_MOST_PATHS]:
            path, pointer, _ = places_of[position]
            kind, number = type_name(int(found.facts[position])), int(found.records[position])
            yield Hit(
                f"'{path}' is {kind} in {_records(number)} and {usual} in others; loaders built on Arrow give it one type.",
                at=int(found.first[position]), pointer=pointer, severity=Severity.NOTE if _BOTH_FORMS.search(path) else None,
            )  # fmt: skip


@needs("facts")
def padded_schema(survey: Survey, options: dict[str, Any]) -> Iterator[Hit]:
    """SCH007: objects at one path have different keys, and nulls in the gaps reach the prompt. One hit a file and kind."""
    for found in _facts_of_files(survey):
        differing = []
        for positions in found.by_path():
            objects = positions[[is_object(int(fact)) for fact in found.facts[positions]]]
            if len(objects) > 1:
                differing.append(objects[np.argsort(found.first[objects], kind="stable")])
        named = _named(survey, found, [int(objects[0]) for objects in differing])
        for pattern, severity in ((_PROMPTED, None), (_PARTS, Severity.NOTE)):
            padded = [objects for objects in differing if pattern.search(named[int(objects[0])][0])]
            if padded:
                yield _padding(survey, found, padded, severity)


def _padding(survey: Survey, found: _FileFacts, padded: list[NDArray[np.int64]], severity: Severity | None) -> Hit:
    """Explain the padding by the place that has the most sets of keys."""
    objects = max(padded, key=len)
    named = _named(survey, found, objects.tolist()[:_MOST_PATHS])
    path = named[int(objects[0])][0]
    sets = [frozenset(value) for _, _, value in named.values()]
    gaps = sorted(frozenset.union(*sets) - frozenset.intersection(*sets))
    listed = ", ".join(f"'{key}'" for key in gaps[:4]) + (", ..." if len(gaps) > 4 else "")
    more = f" (and at {len(padded) - 1} more places)" if len(padded) > 1 else ""
    at, *others = dict.fromkeys(found.first[objects[1:]].tolist())
    return Hit(
        f"Objects at '{path}'{more} have {len(objects)} different sets of keys; loaders built on Arrow fill the gaps with null: {listed}.",
        at=int(at), severity=severity, related=tuple(Partner(int(index)) for index in others[:5]),
    )  # fmt: skip


def _named(survey: Survey, found: _FileFacts, positions: Sequence[int]) -> dict[int, tuple[str, str, Any]]:
    """Return the path, the pointer and the value of facts, each from its first record; every record is read once."""
    records = survey.records(int(found.first[position]) for position in positions)
    named = {}
    for position in positions:
        record, fact = records[int(found.first[position])], int(found.facts[position])
        named[position] = next((path, pointer, value) for path, pointer, value, other in places(record.value) if other == fact)
    return named


def _records(number: int) -> str:
    return "1 record" if number == 1 else f"{number:,} records"

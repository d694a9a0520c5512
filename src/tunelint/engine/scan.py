"""The map: one chunk of bytes in, its findings and columns out. Pure, picklable, no global state."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING, Any

from tunelint.checks.hit import Hit
from tunelint.engine.collector import collector_paused
from tunelint.engine.dispatch import Dispatch
from tunelint.engine.excerpt import excerpt_of_line, excerpt_of_value
from tunelint.findings import Excerpt
from tunelint.records.chunks import Chunk
from tunelint.records.locate import find
from tunelint.records.reader import records_of
from tunelint.records.record import Fault, Record, read_signs

if TYPE_CHECKING:
    from tunelint.checks.survey import Column
    from tunelint.engine.features import FeaturePlan
    from tunelint.tokens.outcomes import Outcome
    from tunelint.tokens.survivors import Ledger


@dataclass(frozen=True, slots=True)
class PlannedCheck:
    """A check by its dotted name (so that a plan can travel to another process), with its rule's name and options."""

    rule: str
    check: str
    options: dict[str, Any]


@dataclass(frozen=True, slots=True)
class ScanPlan:
    """What to run over every chunk: fault kinds that are reported, record checks, features; `detailed`: a result tells
    what it sums up by record, too."""

    faults: frozenset[str] = frozenset()
    records: tuple[PlannedCheck, ...] = ()
    features: FeaturePlan | None = None
    detailed: bool = False


@dataclass(frozen=True, slots=True)
class LocatedHit:
    """A hit with its place in the file. `row` counts the chunk's own records from 1 (0 for a faulty line)."""

    rule: str
    hit: Hit
    line: int | None
    row: int
    offset: int
    record: str
    column: int | None
    byte_offset: int
    excerpt: Excerpt | None


def _integers() -> array[int]:
    return array("q")


@dataclass(frozen=True, slots=True)
class Detail:
    """What a chunk's sums are made of, one entry per parsed record: the shapes, and by target what becomes of it."""

    shapes: list[str]
    outcomes: dict[str, list[Outcome]]


@dataclass
class ChunkResult:
    """What is left of a chunk: hits, counts, columns. Arrays have one entry per parsed record, in order."""

    hits: list[LocatedHit] = field(default_factory=list)
    blank_runs: list[tuple[int, int, int]] = field(default_factory=list)  # first line, number of lines, offset
    multi_line: list[tuple[int, int, int]] = field(default_factory=list)  # first line, last line, offset
    records: int = 0
    faulty: int = 0
    shapes: Counter[str] = field(default_factory=Counter)
    lines: array[int] = field(default_factory=_integers)
    offsets: array[int] = field(default_factory=_integers)
    lengths: array[int] = field(default_factory=_integers)
    columns: dict[str, Column] = field(default_factory=dict)
    ledgers: dict[str, Ledger] = field(default_factory=dict)
    detail: Detail | None = None


def load_check(dotted: str) -> Callable[..., Any]:
    """Return the check of a dotted name below `tunelint.checks` (`turns.empty_content`), or of a full dotted name."""
    module, _, name = dotted.rpartition(".")
    try:
        full = import_module(f"tunelint.checks.{module}")
    except ModuleNotFoundError as error:
        if error.name is None or not error.name.startswith("tunelint.checks."):
            raise
        full = import_module(module)
    check: Callable[..., Any] = getattr(full, name)
    return check


def scan(chunk: Chunk, plan: ScanPlan) -> ChunkResult:
    """Read, parse and check the records of a chunk."""
    with collector_paused():
        return _scan(chunk, plan)


def _scan(chunk: Chunk, plan: ScanPlan) -> ChunkResult:
    dispatch = Dispatch((planned.rule, load_check(planned.check), planned.options) for planned in plan.records)
    result = ChunkResult()
    parsed: list[Record] = []
    outcomes: dict[str, list[Outcome]] = {}
    for record in records_of(chunk):
        if record.faults:
            _faults(record, plan, result)
            if record.raw == b"" and record.row:  # a run of blank lines
                continue
        if record.value is None:
            result.faulty += 1
            continue
        result.records += 1
        record.row = result.records
        result.shapes[record.shape] += 1
        parsed.append(record)
    read_signs(parsed)
    for record in parsed:
        for rule, check, options in dispatch.due(record):
            for hit in check(record, options):
                result.hits.append(_located(rule, hit, record))
    if plan.features is not None or plan.detailed:  # else nobody looks at a record again
        result.lines.extend([record.line or 0 for record in parsed])
        result.offsets.extend([record.offset for record in parsed])
        result.lengths.extend([len(record.raw) for record in parsed])
    if plan.features is not None and plan.features.names:
        from tunelint.engine.features import Scanned, compute
        from tunelint.engine.ledgers import outcomes_by_target
        from tunelint.tokens.survivors import survivors

        scanned = Scanned(parsed, plan.features)
        result.columns = compute(scanned)
        outcomes = outcomes_by_target(scanned)
        result.ledgers = {target: survivors(target, found) for target, found in outcomes.items()}
    if plan.detailed:
        result.detail = Detail([record.shape for record in parsed], outcomes)
    return result


def _faults(record: Record, plan: ScanPlan, result: ChunkResult) -> None:
    for fault in record.faults:
        if fault.kind == "blank-line":
            result.blank_runs.append((record.line or 0, record.row, record.offset))
        elif fault.kind == "multi-line-json":
            result.multi_line.append((record.line or 0, int(fault.message), record.offset))
        elif fault.kind in plan.faults:
            row = result.records + 1 if record.value is not None else 0
            result.hits.append(_located_fault(fault, record, row))


def _located_fault(fault: Fault, record: Record, row: int) -> LocatedHit:
    from tunelint.checks.lines import fault as as_hit

    hit = next(as_hit(fault, {}))
    excerpt = excerpt_of_line(record.raw, fault.column or 1)
    start = record.offset + (fault.byte or 0)
    return LocatedHit(fault.kind, hit, record.line, row, record.offset, record.digest, fault.column, start, excerpt)


def _located(rule: str, hit: Hit, record: Record) -> LocatedHit:
    column: int | None = None if record.tabular else 1
    start, excerpt = record.offset, None
    if hit.pointer is not None:
        excerpt = excerpt_of_value(record.value, hit.pointer, hit.span)
        place = None if record.tabular else place_of(record, hit)
        if place is not None:
            column, start = place[0], record.offset + place[1]
    return LocatedHit(rule, hit, record.line, record.row, record.offset, record.digest, column, start, excerpt)


def place_of(record: Record, hit: Hit) -> tuple[int, int] | None:
    """Return the column (from 1, within its line) and the byte offset of a hit within the record's bytes."""
    try:
        text = record.raw.decode("utf-8")
        place = find(text, hit.pointer or "")
    except (UnicodeDecodeError, ValueError, IndexError):
        return None  # a record that was repaired to be read has no such text
    if place is None:
        return None
    start = place[0]
    before = text[:start]
    return start - (before.rfind("\n") + 1) + 1, len(before.encode("utf-8", "surrogatepass"))

"""What a check yields. The rulebook turns hits into findings; a check never formats, never prints."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from tunelint.findings import FixKind, Severity


@dataclass(frozen=True, slots=True)
class Edit:
    """How a fix changes one record, as data.

    `drop` removes the record; `set` and `remove` act on the value at `pointer`; `cut` removes the list item at `pointer`
    and all after it; `bytes` replaces the record's raw bytes by `value` (bytes). Edits of one record are applied in the
    order of their rules' codes.
    """

    action: Literal["drop", "set", "remove", "cut", "bytes"]
    pointer: str = ""
    value: Any = None


@dataclass(frozen=True, slots=True)
class Partner:
    """Another record of the survey (by its index there) that belongs to a hit, with its similarity if compared."""

    index: int
    score: float | None = None


@dataclass(frozen=True, slots=True)
class Outside:
    """A record outside the survey that belongs to a hit: one of an index, by its place there."""

    path: str
    line: int | None
    record: str
    score: float | None = None
    row: int | None = None


@dataclass(frozen=True, slots=True)
class Hit:
    """One fault.

    Record checks leave `at` and `file` empty: the engine knows the record. Survey checks name the record by `at` (its
    index in the survey's columns) or a whole file by `file`; with neither the hit is about the whole set.
    `pointer` is the place inside the record (RFC 6901), `span` the characters of the string that stands there.
    `severity` overrides the page's severity (a rule may be milder in one place than in another).
    """

    message: str
    at: int | None = None
    file: int | None = None
    pointer: str | None = None
    span: tuple[int, int] | None = None
    severity: Severity | None = None
    score: float | None = None
    related: tuple[Partner, ...] = ()
    outside: tuple[Outside, ...] = ()
    edit: Edit | None = None
    fix: FixKind | None = None
    line: int | None = None
    end_line: int | None = None
    column: int | None = None
    byte_offset: int | None = None
    count: int = 1
    details: dict[str, Any] = field(default_factory=dict)

"""What a check finds: severities, findings, and the digest that names a record for ever.

Nothing here imports the rest of tunelint: checks, reports and baselines all speak in these types.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal

FixKind = Literal["safe", "unsafe"]


class Severity(StrEnum):
    """How bad a finding is: `error` means that training would fail or be wrong."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"

    @property
    def rank(self) -> int:
        """0 for a note, 1 for a warning, 2 for an error: compares severities."""
        return {"note": 0, "warning": 1, "error": 2}[self.value]


@dataclass(frozen=True, slots=True)
class Related:
    """Another record that belongs to a finding: a duplicate's twin, a leak's partner in train.

    `score` is the similarity to the finding's own record (0 to 1), None where nothing was compared.
    """

    path: str
    line: int | None
    record: str | None = None
    score: float | None = None
    row: int | None = None


@dataclass(frozen=True, slots=True)
class Excerpt:
    """A short piece of the record around the fault, already masked, for people to read.

    `where` is the place in the record in plain words (`messages[2].content`); `text[start:end]` is the fault.
    """

    where: str
    text: str
    start: int = 0
    end: int = 0


@dataclass(frozen=True, slots=True)
class Finding:
    """One fault, as every report prints it.

    `line`, `row` and `column` count from 1 (`column` in code points), `byte_offset` from 0, all in the decompressed
    file; `pointer` is an RFC 6901 JSON pointer inside the record, `span` the fault's characters in the string that stands
    there; `record` is `record_digest` of the record. A finding
    about a whole file has no line, one about the whole set has no path. `count` is above 1 only for a run of the same
    fault that was summed up (then `end_line` is its last line). `byte_column` is `column` in bytes of UTF-8, None where a
    record may take several lines.
    """

    code: str
    name: str
    severity: Severity
    message: str
    help: str
    path: str | None = None
    line: int | None = None
    end_line: int | None = None
    column: int | None = None
    byte_offset: int | None = None
    pointer: str | None = None
    row: int | None = None
    record: str | None = None
    count: int = 1
    score: float | None = None
    related: tuple[Related, ...] = ()
    fix: FixKind | None = None
    why: str = ""
    excerpt: Excerpt | None = None
    span: tuple[int, int] | None = None
    details: dict[str, Any] = field(default_factory=dict)
    edit: Any = field(default=None, repr=False)
    byte_column: int | None = None

    def sort_key(self) -> tuple[Any, ...]:
        """Path, line, code: the order in which findings are reported, then whatever makes the order total."""
        return (self.path or "", self.line or 0, self.code, self.row or 0, self.column or 0, self.pointer or "", self.message)


def canonical_json(value: Any) -> bytes:
    """Return the canonical JSON of a parsed value: UTF-8, keys sorted, no spaces, integers exact, 1.0 written as 1.

    Lone surrogates are kept as their three-byte form, so that a faulty record still has a digest.
    """
    text = json.dumps(_whole_floats_as_integers(value), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return text.encode("utf-8", "surrogatepass")


def record_digest(value: Any) -> str:
    """Return the name of a record: the first 32 hex digits of the SHA-256 of its canonical JSON."""
    return hashlib.sha256(canonical_json(value)).hexdigest()[:32]


def raw_digest(raw: bytes) -> str:
    """Return the name of a line that is no record: `raw:` and 32 hex digits of the SHA-256 of its bytes."""
    return "raw:" + hashlib.sha256(raw).hexdigest()[:32]


def _whole_floats_as_integers(value: Any) -> Any:
    if isinstance(value, float):
        return int(value) if value.is_integer() else value
    if isinstance(value, dict):
        return {key: _whole_floats_as_integers(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_whole_floats_as_integers(item) for item in value]
    return value

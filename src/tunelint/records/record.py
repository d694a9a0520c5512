"""A line of a data file, parsed: the value that stands in it, or the faults that keep it from being one."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any, Literal

import orjson

from tunelint.findings import canonical_json, raw_digest
from tunelint.records.example import Example
from tunelint.records.once import once

Split = Literal["train", "eval"]


@dataclass(frozen=True, slots=True)
class Fault:
    """Something wrong with the bytes of a line or a file. `kind` is the name of the rule that reports it.

    `column` counts code points from 1 within the line, `byte` bytes from 0 within the line.
    """

    kind: str
    message: str
    column: int | None = None
    byte: int | None = None
    pointer: str | None = None
    safe_bytes: bytes | None = None


@dataclass
class Record:
    """One record of a file. `value` is the parsed object, None for a faulty line.

    `line` counts from 1 (None in parquet), `row` counts records from 1 within what was read together, `offset` is the
    byte offset of `raw` in the decompressed file. In a table (`tabular`) `raw` is our spelling of the row.
    """

    line: int | None
    row: int
    offset: int
    raw: bytes
    value: dict[str, Any] | None
    faults: tuple[Fault, ...] = ()
    shape: str = "unknown"
    expected_shape: str | None = None
    has_floats: bool = True
    tabular: bool = False

    @property
    def digest(self) -> str:
        """The record's name: see `tunelint.findings.record_digest` and `raw_digest`."""
        return raw_digest(self.raw) if self.value is None else hashlib.sha256(self.canonical).hexdigest()[:32]

    @once
    def canonical(self) -> bytes:
        """The canonical JSON of the record. Without floats orjson spells it as the standard library does, and faster."""
        if not self.has_floats:
            return orjson.dumps(self.value, option=orjson.OPT_SORT_KEYS)
        return canonical_json(self.value)

    @once
    def example(self) -> Example:
        """The record as a conversation. Built once, from whatever is well-formed in the record."""
        from tunelint.records.views import view

        return view(self.value or {}, self.shape)

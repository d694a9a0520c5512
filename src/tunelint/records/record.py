"""A line of a data file, parsed: the value that stands in it, or the faults that keep it from being one."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import orjson

from tunelint.findings import canonical_json, raw_digest
from tunelint.records.example import Example, Turn
from tunelint.records.once import once
from tunelint.records.outline import Outline

# Escapes of characters that JSON needs no escape for: Go writes < > & so, PHP the slash, others every quotation mark.
_NEEDLESS = re.compile(rb"\\(?:u00[2-7]|/)")

Split = Literal["train", "eval"]


@dataclass(frozen=True, slots=True)
class Fault:
    """Something wrong with the bytes of a line or a file. `kind` is the name of the rule that reports it.

    `column` counts code points from 1 within the line, `byte` bytes from 0 within the line. With `unread`, there is data
    that could not be read: what is written from this file lacks it.
    """

    kind: str
    message: str
    column: int | None = None
    byte: int | None = None
    pointer: str | None = None
    safe_bytes: bytes | None = None
    unread: bool = False


@dataclass
class Record:
    """One record of a file. `value` is the parsed object, None for a faulty line.

    `line` counts from 1 (None in parquet), `row` counts records from 1 within what was read together, `offset` is the
    byte offset of `raw` in the decompressed file. In a table (`tabular`) `raw` is our spelling of the row. `outline` is
    equal for records that differ in nothing but the wording of their texts (see `tunelint.records.outline`), and `kind` is a
    number of this process for outline and shape: 0 where there is no outline, else quick to look things up by.
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
    outline: Outline | None = None
    kind: int = 0

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
    def spelled(self) -> bytes:
        """The bytes for a quick search: `raw`, with ASCII characters as themselves where they were escaped needlessly."""
        raw = self.raw
        if self.value is None or not (b"\\u00" in raw or b"\\/" in raw) or _NEEDLESS.search(raw) is None:
            return raw
        return json.dumps(self.value, ensure_ascii=False).encode("utf-8", "surrogatepass")

    @once
    def signs(self) -> int:
        """What its bytes may hold: see `tunelint.records.signs`. Of a record that was repaired to be read nothing is known."""
        from tunelint.records.signs import EVERY, signs_of

        return EVERY if self.faults else signs_of([self.spelled])[0]

    @once
    def example(self) -> Example:
        """The record as a conversation. Built once, from whatever is well-formed in the record."""
        from tunelint.records.views import view

        return view(self.value or {}, self.shape)

    @once
    def taught(self) -> list[Turn]:
        """The answers that a model is to learn: no rejected ones, none that is switched off, none of a bare document."""
        if self.shape == "text":
            return []
        example = self.example
        last = example.answer if example.label is False else None
        return [turn for turn in example.turns if turn.role == "assistant" and turn.trained and turn is not last and turn.content]


def read_signs(records: Sequence[Record]) -> None:
    """Work out `signs` of all records at once, which is a tenth of the work of doing it one by one."""
    from tunelint.records.signs import ESCAPE, signs_of  # numpy, which a look at a single record does not need

    plain = [record for record in records if not record.faults]
    found = signs_of([record.raw for record in plain])
    escaped = [index for index, signs in enumerate(found) if signs & ESCAPE and plain[index].spelled is not plain[index].raw]
    for index, signs in zip(escaped, signs_of([plain[index].spelled for index in escaped]), strict=True):
        found[index] = signs
    for record, signs in zip(plain, found, strict=True):
        record.__dict__["signs"] = signs

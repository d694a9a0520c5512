"""What is asked: each eval row as a prompt, the wanted answer, and the schema of the answer where its record gives one."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tunelint.findings import canonical_json
from tunelint.fixes.write import digest_of
from tunelint.records.lenient import parse_or_none
from tunelint.records.reader import read_records
from tunelint.train import RunFolder, TrainRecord
from tunelint.train.records import Message


@dataclass(frozen=True, slots=True)
class Case:
    """An eval row: `prompt` are the turns before its last answer, `wanted` that answer; both empty in a plain text.

    `schema` is the JSON Schema of the answer (`response_format` in the record), None where there is none.
    """

    record: TrainRecord
    prompt: tuple[Message, ...]
    answer: Message | None
    schema: dict[str, Any] | None = None

    @property
    def wanted(self) -> str:
        """The answer as one text, tool calls included."""
        return "" if self.answer is None else answer_text(self.answer.text, [(call.name, call.arguments) for call in self.answer.calls])

    @property
    def can_be_asked(self) -> bool:
        """Whether there is a prompt that a model can answer."""
        return self.answer is not None and any(turn.role not in ("system", "developer") for turn in self.prompt)


def as_case(record: TrainRecord, schema: dict[str, Any] | None = None) -> Case:
    """Return a row as a case; in a pair the answer is the chosen one."""
    last = max((place for place, turn in enumerate(record.messages) if turn.role == "assistant"), default=None)
    if record.plain or last is None:
        return Case(record, (), None)
    return Case(record, record.messages[:last], record.messages[last], schema)


def cases_of(folder: RunFolder) -> list[Case]:
    """Return the eval rows of a run. Raises TunelintError where the rows are not those that the run started with."""
    schemas = answer_schemas(folder)
    return [as_case(record, schemas.get(record.digest)) for record in folder.plan().eval]


def draw(cases: Sequence[Case], limit: int, seed: int) -> list[int]:
    """Return the places of the cases to be asked, in order: all that can be, or a seeded draw of `limit` (0: no limit)."""
    askable = [place for place, case in enumerate(cases) if case.can_be_asked]
    if limit and len(askable) > limit:
        askable = sorted(random.Random(seed).sample(askable, limit))
    return askable


def answer_text(content: str, calls: Sequence[tuple[str, Any]]) -> str:
    """Return an answer as one text: its content, then each tool call as canonical JSON on a line of its own."""
    lines = [content] if content else []
    for name, arguments in calls:
        parsed = parse_or_none(arguments) if isinstance(arguments, str) else arguments
        call = {"name": name, "arguments": arguments if parsed is None else parsed}
        lines.append(canonical_json(call).decode("utf-8", "surrogatepass"))
    return "\n".join(lines)


def answer_schemas(folder: RunFolder) -> dict[str, dict[str, Any]]:
    """Return digest -> schema for records with a `response_format` of type json_schema.

    The run's own rows hold conversations only, so the files that they came from are read again, where they still lie
    there unchanged; no schema is known of others.
    """
    found: dict[str, dict[str, Any]] = {}
    for data in folder.read()["data"].values():
        for source in data["sources"]:
            path = Path(source["path"])
            if not path.is_file() or b"json_schema" not in path.read_bytes() or digest_of(path) != source["sha256"]:
                continue
            for record in read_records(str(path)):
                schema = _schema(record.value)
                if schema is not None:
                    found[record.digest] = schema
    return found


def _schema(value: Any) -> dict[str, Any] | None:
    form = value.get("response_format") if isinstance(value, dict) else None
    if isinstance(form, str):
        try:
            form = json.loads(form)
        except ValueError:
            return None
    named = form.get("json_schema") if isinstance(form, dict) else None
    schema = named.get("schema") if isinstance(named, dict) else None
    return schema if isinstance(schema, dict) else None

"""The rows a run trains on: a conversation with a mask, taken from an Example and kept in the run folder as JSONL.

The run folder holds its own copy of the rows rather than a path to the cleaned files: `resume` then needs nothing else,
the cleaned folder may be moved, overwritten or cleaned again, and the curves can be joined to the rows long after. The
copy is small (text only), and its SHA-256 stands in run.json, so that changed bytes are refused.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tunelint.errors import TunelintError
from tunelint.records.example import Example, Turn

EXTRA_KEYS = ("name", "reasoning_content", "thinking", "reasoning")


@dataclass(frozen=True, slots=True)
class Call:
    """A tool call: `arguments` as in the record, usually a JSON string."""

    name: str
    arguments: Any
    id: str | None = None


@dataclass(frozen=True, slots=True)
class Message:
    """One turn as the trainer sees it; `trained` says whether its tokens are learnt.

    `extra` holds what chat templates read besides: the speaker's name and reasoning.
    """

    role: str
    text: str
    trained: bool = False
    calls: tuple[Call, ...] = ()
    call_id: str | None = None
    extra: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TrainRecord:
    """A row: `messages` in order, `digest` its name in every file of the run.

    `rejected` is the answer not to give (preference pairs only); `plain` marks a bare text, trained whole and without a
    chat template.
    """

    messages: tuple[Message, ...]
    digest: str
    tools: tuple[Any, ...] = ()
    rejected: tuple[Message, ...] = ()
    plain: bool = False


@dataclass(frozen=True)
class Selection:
    """The rows that can be trained on, and how many were left out, by reason."""

    records: tuple[TrainRecord, ...]
    left_out: dict[str, int] = field(default_factory=dict)


def select_records(examples: Iterable[tuple[Example, str]]) -> Selection:
    """Turn (example, digest) pairs into training rows.

    Left out and counted: rows with images (a text model cannot learn them), rows without an answer, rows whose own
    marks switch every answer off, and KTO rows that are marked undesirable.
    """
    records: list[TrainRecord] = []
    left_out: Counter[str] = Counter()
    for example, digest in examples:
        reason = _unusable(example)
        if reason:
            left_out[reason] += 1
        else:
            records.append(_from_example(example, digest))
    return Selection(tuple(records), dict(left_out))


def _unusable(example: Example) -> str:
    if any(turn.images for turn in example.turns):
        return "has images"
    if example.label is False:
        return "marked undesirable (KTO)"
    if example.shape == "text":
        return "" if any(turn.content for turn in example.turns) else "no text"
    answers = [turn for turn in example.turns if turn.role == "assistant"]
    if not answers:
        return "no answer"
    return "" if any(turn.trained for turn in answers) else "every answer is switched off"


def _from_example(example: Example, digest: str) -> TrainRecord:
    plain = example.shape == "text"
    return TrainRecord(
        messages=tuple(_message(turn, plain) for turn in example.turns),
        digest=digest,
        tools=tuple(example.tools),
        rejected=tuple(_message(turn, plain) for turn in example.rejected),
        plain=plain,
    )


def _message(turn: Turn, plain: bool) -> Message:
    return Message(
        role=turn.role,
        text=turn.content,
        trained=turn.trained and (plain or turn.role == "assistant"),
        calls=tuple(Call(call.name, call.arguments, call.id) for call in turn.calls),
        call_id=turn.call_id,
        extra=_extra(turn),
    )


def _extra(turn: Turn) -> dict[str, str]:
    raw = turn.raw if isinstance(turn.raw, dict) else {}
    return {key: raw[key] for key in EXTRA_KEYS if isinstance(raw.get(key), str)}


def encode_rows(records: Iterable[TrainRecord]) -> bytes:
    """Return the JSONL bytes of `records`, one object per line: digest, turns, and tools, rejected, plain where set."""
    return b"".join(json.dumps(_row(record)).encode("ascii") + b"\n" for record in records)


def read_rows(path: Path) -> Iterator[TrainRecord]:
    """Yield the rows of a file that `encode_rows` wrote. Raises TunelintError at a line that it did not write."""
    for number, line in enumerate(path.read_bytes().split(b"\n"), 1):
        if not line:
            continue
        try:
            row = json.loads(line)
            yield TrainRecord(
                messages=tuple(_read_message(turn) for turn in row["turns"]),
                digest=str(row["digest"]),
                tools=tuple(row.get("tools", ())),
                rejected=tuple(_read_message(turn) for turn in row.get("rejected", ())),
                plain=bool(row.get("plain", False)),
            )
        except (ValueError, KeyError, TypeError) as error:
            raise TunelintError(f"{path}:{number} is no training row of tunelint ({error!r}).") from error


def _row(record: TrainRecord) -> dict[str, Any]:
    row: dict[str, Any] = {"digest": record.digest, "turns": [_turn(message) for message in record.messages]}
    if record.tools:
        row["tools"] = list(record.tools)
    if record.rejected:
        row["rejected"] = [_turn(message) for message in record.rejected]
    if record.plain:
        row["plain"] = True
    return row


def _turn(message: Message) -> dict[str, Any]:
    turn: dict[str, Any] = {"role": message.role, "text": message.text, "trained": message.trained}
    if message.calls:
        turn["calls"] = [{"name": call.name, "arguments": call.arguments, "id": call.id} for call in message.calls]
    if message.call_id is not None:
        turn["call_id"] = message.call_id
    if message.extra:
        turn["extra"] = message.extra
    return turn


def _read_message(turn: dict[str, Any]) -> Message:
    return Message(
        role=str(turn["role"]),
        text=str(turn["text"]),
        trained=bool(turn["trained"]),
        calls=tuple(Call(call["name"], call["arguments"], call.get("id")) for call in turn.get("calls", ())),
        call_id=turn.get("call_id"),
        extra=dict(turn.get("extra", {})),
    )

"""From the plan's records to encoded rows; what is cut or left out is counted and told."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Protocol, TypeVar

from tunelint.errors import TunelintError
from tunelint.train.encode import Encoded, Encoder
from tunelint.train.events import Event, MessageEvent
from tunelint.train.objective import Pair
from tunelint.train.records import Message, TrainRecord


class _Encodable(Protocol):
    @property
    def trained(self) -> int: ...


Item = TypeVar("Item", bound=_Encodable)


def encode_answers(encoder: Encoder, records: Sequence[TrainRecord], split: str, emit: Callable[[Event], None]) -> list[Encoded]:
    """Encode rows for supervised training. Raises TunelintError where the template refuses every row."""
    rows = _encode_all(encoder.encode, records, split, emit)
    _tell_cut(sum(row.cut for row in rows), split, encoder.max_length, emit)
    return _drop_untrained(rows, split, emit)


def preference_pairs(records: Sequence[TrainRecord], split: str) -> tuple[TrainRecord, ...]:
    """Return the rows that DPO can learn from. Raises TunelintError where there are rows and none of them is a pair."""
    paired = tuple(record for record in records if record.rejected and not record.plain)
    if records and not paired:
        raise TunelintError(f"No {split} row has a chosen and a rejected answer; DPO needs preference pairs.")
    return paired


def encode_pairs(encoder: Encoder, records: Sequence[TrainRecord], split: str, emit: Callable[[Event], None]) -> list[Pair]:
    """Encode preference pairs. Raises TunelintError as `preference_pairs` does."""
    paired = preference_pairs(records, split)
    if len(paired) < len(records):
        count = len(records) - len(paired)
        emit(MessageEvent(f"{count} {split} rows have no rejected answer; DPO leaves them out.", "warning"))
    pairs = _encode_all(lambda record: _pair(encoder, record), paired, split, emit)
    _tell_cut(sum(pair.chosen.cut or pair.rejected.cut for pair in pairs), split, encoder.max_length, emit)
    kept = [pair for pair in pairs if pair.chosen.trained and pair.rejected.trained]
    if len(kept) < len(pairs):
        count = len(pairs) - len(kept)
        emit(MessageEvent(f"{count} {split} pairs lose a whole answer to the length limit; left out.", "warning"))
    return kept


def _pair(encoder: Encoder, record: TrainRecord) -> Pair:
    chosen = _only_last_answer(record.messages)
    prompt = chosen[: _last_answer(chosen)]
    whole = any(message.role == "user" for message in record.rejected)
    rejected = _only_last_answer(record.rejected if whole else (*prompt, *record.rejected))
    return Pair(
        record.digest,
        encoder.encode(replace(record, messages=chosen)),
        encoder.encode(replace(record, messages=rejected)),
    )


def _only_last_answer(messages: tuple[Message, ...]) -> tuple[Message, ...]:
    last = _last_answer(messages)
    return tuple(replace(message, trained=index == last) for index, message in enumerate(messages))


def _last_answer(messages: tuple[Message, ...]) -> int:
    return max((index for index, message in enumerate(messages) if message.role == "assistant"), default=len(messages))


def _encode_all(encode: Callable[[TrainRecord], Item], records: Sequence[TrainRecord], split: str, emit: Callable[[Event], None]) -> list[Item]:
    rows: list[Item] = []
    refusals: list[str] = []
    for record in records:
        try:
            rows.append(encode(record))
        except TunelintError as refusal:
            refusals.append(str(refusal))
    if refusals and not rows:
        raise TunelintError(f"No {split} row can be trained on. {refusals[0]}")
    if refusals:
        emit(MessageEvent(f"{len(refusals)} {split} rows are left out, the first because: {refusals[0]}", "warning"))
    return rows


def _drop_untrained(rows: list[Encoded], split: str, emit: Callable[[Event], None]) -> list[Encoded]:
    kept = [row for row in rows if row.trained]
    if len(kept) < len(rows):
        count = len(rows) - len(kept)
        emit(MessageEvent(f"{count} {split} rows have no token to learn within the limit; left out.", "warning"))
    return kept


def _tell_cut(count: int, split: str, limit: int, emit: Callable[[Event], None]) -> None:
    if count:
        emit(MessageEvent(f"{count} {split} rows are longer than {limit} tokens and are cut.", "warning"))

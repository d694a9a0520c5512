"""From a row to token ids and labels. The mask is the linter's own, so that what lint reports is what is trained."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tunelint.errors import TunelintError
from tunelint.records.example import Example, ToolCall, Turn
from tunelint.tokens.huggingface import TokenizerFolder
from tunelint.tokens.own import own_row
from tunelint.tokens.rows import NotTrainable
from tunelint.train.records import Message, TrainRecord

IGNORED = -100


@dataclass(frozen=True, slots=True)
class Encoded:
    """A row as the model sees it: `labels` is `input_ids` where the token is learnt and -100 elsewhere.

    `cut` tells that the row was longer than the limit and lost its end.
    """

    digest: str
    input_ids: list[int]
    labels: list[int]
    cut: bool

    @property
    def trained(self) -> int:
        """The number of tokens that count in the loss (the first token of a row is never predicted)."""
        return sum(label != IGNORED for label in self.labels[1:])


class Encoder:
    """Encodes rows for the tokenizer in `folder`. `max_length` is in tokens; what is longer loses its end."""

    def __init__(self, folder: Path, max_length: int) -> None:
        self.folder = TokenizerFolder(folder)
        self.max_length = max_length

    def encode(self, record: TrainRecord) -> Encoded:
        """Encode one row. Raises TunelintError, naming it, where the chat template cannot take it."""
        try:
            row = own_row(as_example(record), self.folder)
        except NotTrainable as refusal:
            raise TunelintError(f"Record {record.digest}: {refusal.reason}; mend or remove it.") from refusal
        labels = [token if trained else IGNORED for token, trained in zip(row.ids, row.trained, strict=True)]
        return Encoded(
            record.digest, row.ids[: self.max_length], labels[: self.max_length], len(row.ids) > self.max_length
        )


def as_example(record: TrainRecord) -> Example:
    """Return the row as the view that checks and masks look at."""
    return Example("text" if record.plain else "openai-chat", as_turns(record.messages), tools=record.tools)


def as_turns(messages: tuple[Message, ...]) -> tuple[Turn, ...]:
    """Return messages as turns; they have no place in a file any more, so their pointers are empty."""
    return tuple(
        Turn(
            role=message.role,
            content=message.text,
            pointer="",
            content_pointer="",
            calls=tuple(ToolCall(call.name, call.arguments, call.id, "") for call in message.calls),
            call_id=message.call_id,
            trained=message.trained,
            raw=message.extra,
        )
        for message in messages
    )

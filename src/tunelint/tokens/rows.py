"""One record as its trainer will see it: token ids, which of them are trained, and where they stand in the text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tunelint.tokens.huggingface import TokenizerFolder

if TYPE_CHECKING:
    from tokenizers import Encoding


NO_TEMPLATE = "the tokenizer has no chat template"


class NotTrainable(Exception):
    """The target cannot use this record. The text says why; `stops` is True where the whole run ends on it."""

    def __init__(self, reason: str, *, stops: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.stops = stops


@dataclass(slots=True)
class TokenRow:
    """A tokenized record.

    `ids`, `trained` and `offsets` have one entry per token; `offsets` are character spans in `text` (an empty span where
    the token has no text of its own). `ids` holds -1 for a token whose id is not published. `exact` is False where a part
    of the row had to be estimated.
    """

    ids: list[int]
    trained: list[bool]
    offsets: list[tuple[int, int]]
    text: str
    exact: bool = True

    @property
    def trained_count(self) -> int:
        """How many tokens are trained."""
        return sum(self.trained)


@dataclass(slots=True)
class RowBuilder:
    """Puts a row together from pieces that the target tokenizes one by one."""

    folder: TokenizerFolder
    ids: list[int] = field(default_factory=list)
    offsets: list[tuple[int, int]] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    length: int = 0

    def add(self, text: str) -> None:
        """Append a piece of text, tokenized on its own and without added special tokens."""
        if text:
            encoding = self.folder.encode(text)
            self.ids += encoding.ids
            self.offsets += [(start + self.length, end + self.length) for start, end in encoding.offsets]
            self.texts.append(text)
            self.length += len(text)


def row_of(encoding: Encoding, text: str, trained: list[bool]) -> TokenRow:
    """Return the row of a text that was tokenized in one piece."""
    return TokenRow(list(encoding.ids), trained, list(encoding.offsets), text)


def common_prefix(left: Sequence[object], right: Sequence[object]) -> int:
    """Return how many leading items (token ids, letters) two sequences share."""
    for index, (one, other) in enumerate(zip(left, right, strict=False)):
        if one != other:
            return index
    return min(len(left), len(right))

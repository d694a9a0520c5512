"""The one view of every format: a conversation, whatever shape the record came in.

Checks, tokens and training look at an `Example`, never at `messages`, `conversations` or `instruction` directly, so a
rule is written once and holds for all shapes.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Any

from tunelint.findings import canonical_json
from tunelint.records.once import once


@dataclass(slots=True)
class ToolCall:
    """A call that an assistant turn makes. `arguments` is as in the record: usually a JSON string, sometimes an object.

    `in_text`: the whole call is JSON inside a text, at `pointer` (ShareGPT, LLaMA-Factory's parts); nothing inside it has a
    pointer of its own.
    """

    name: str
    arguments: Any
    id: str | None
    pointer: str
    in_text: bool = False

    @property
    def text(self) -> str:
        """Name and canonical arguments: what a duplicate search compares."""
        from tunelint.records.lenient import parse_or_none

        arguments = self.arguments
        if isinstance(arguments, str):
            parsed = parse_or_none(arguments)
            arguments = arguments if parsed is None else parsed
        if isinstance(arguments, str):
            return f"{self.name} {arguments}"
        return f"{self.name} {canonical_json(arguments).decode('utf-8', 'surrogatepass')}"


@dataclass(slots=True)
class Image:
    """An image part of a turn: `url` is a http(s) address, a data: URL or a path."""

    url: str
    pointer: str

    @property
    def text(self) -> str:
        """A digest that stands for the image in comparisons: prompts that differ only in the image differ."""
        return "image" + hashlib.sha256(self.url.encode("utf-8", "surrogatepass")).hexdigest()[:16]


@dataclass(slots=True)
class Turn:
    """One turn. `role` is system, developer, user, assistant or tool where known, else the record's own word.

    `content` is the joined text parts ("" where there are none), `pointer` the turn's place in the record,
    `content_pointer` the place of its text, `own_role` the role as the record spells it (`gpt`, `human`), `trained`
    False where the record itself switches the turn off (`weight: 0`, `train: false`).
    """

    role: str
    content: str
    pointer: str
    content_pointer: str
    own_role: str = ""
    calls: tuple[ToolCall, ...] = ()
    images: tuple[Image, ...] = ()
    call_id: str | None = None
    trained: bool = True
    raw: Any = None

    @property
    def text(self) -> str:
        """All that a reader of the turn sees: text parts, tool calls, a digest per image."""
        if not self.calls and not self.images:
            return self.content
        pieces = [self.content] if self.content else []
        pieces += [call.text for call in self.calls]
        pieces += [image.text for image in self.images]
        return "\n".join(pieces)


@dataclass
class Example:
    """A record as a conversation.

    `turns` is the whole conversation; in a preference pair it ends with the chosen answer and `rejected` holds the turns
    of the rejected one. `answer_index` is the index of the last assistant turn in `turns` (None in a prompt-only record).
    `tools` are the declared tools as in the record, `label` the KTO verdict.
    """

    shape: str
    turns: tuple[Turn, ...]
    rejected: tuple[Turn, ...] = ()
    tools: tuple[Any, ...] = ()
    label: bool | None = None
    answer_index: int | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        for index in range(len(self.turns) - 1, -1, -1):
            if self.turns[index].role == "assistant":
                self.answer_index = index
                break

    @once
    def answer(self) -> Turn | None:
        """The last assistant turn (the chosen one, in pairs), None where there is none."""
        return None if self.answer_index is None else self.turns[self.answer_index]

    @once
    def prompt_turns(self) -> tuple[Turn, ...]:
        """The turns before the answer, without system turns (all of them where there is no answer)."""
        turns = self.turns if self.answer_index is None else self.turns[: self.answer_index]
        return tuple(turn for turn in turns if turn.role not in ("system", "developer"))

    @once
    def prompt_text(self) -> str:
        """The text of the prompt, turns joined by a line feed."""
        return "\n".join(turn.text for turn in self.prompt_turns)

    @once
    def answer_text(self) -> str:
        """The text of the answer, "" where there is none."""
        return self.answer.text if self.answer is not None else ""

    @property
    def system_text(self) -> str:
        """The text of all system and developer turns."""
        return "\n".join(turn.text for turn in self.turns if turn.role in ("system", "developer"))

"""What a record holds, whatever its format: messages in OpenAI's form, answers apart where the format keeps them apart."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

Kind = Literal["demonstration", "preference", "kto", "prompt", "text"]
Message = dict[str, Any]

# What a format is about; a record can only become a format of the same kind, or of one that asks for less.
KINDS: dict[str, Kind] = {
    "openai-chat": "demonstration", "sharegpt": "demonstration", "prompt-completion": "demonstration", "instruction": "demonstration",
    "text": "text", "openai-preference": "preference", "preference": "preference", "kto": "kto", "prompt-only": "prompt",
    "gemini": "demonstration",
}  # fmt: skip


class Unconvertible(Exception):
    """The record cannot be said in the other format; the text says why."""


@dataclass
class Neutral:
    """A record between two formats.

    `messages` is the whole conversation of a demonstration, else the prompt; `chosen` and `rejected` are the answers of a
    pair, `chosen` with `label` the one of KTO. `extras` are the keys that belong to no format, `lost` says in a few words
    each what the other format cannot hold.
    """

    kind: Kind
    messages: list[Message] = field(default_factory=list)
    chosen: list[Message] = field(default_factory=list)
    rejected: list[Message] = field(default_factory=list)
    label: bool | None = None
    text: str = ""
    tools: Any = None
    extras: dict[str, Any] = field(default_factory=dict)
    lost: list[str] = field(default_factory=list)

    def lose(self, what: str) -> None:
        """Note a loss, once a record."""
        if what not in self.lost:
            self.lost.append(what)


def is_plain(message: Message, role: str) -> bool:
    """Tell whether a message is nothing but a role and a text."""
    return set(message) == {"role", "content"} and message["role"] == role and isinstance(message["content"], str)


def plain_text(message: Message, neutral: Neutral) -> str:
    """Return a message's text for a format that has nothing but text; notes what is lost with it."""
    if message.get("tool_calls") or message.get("function_call") or message.get("role") == "tool":
        raise Unconvertible("it calls tools")
    for key in message:
        if key not in ("role", "content"):
            neutral.lose(f"'{key}' of messages")
    return joined_text(message.get("content"), neutral)


def joined_text(content: Any, neutral: Neutral) -> str:
    """Return a content as one string; a list of text parts is joined by line feeds."""
    if isinstance(content, str):
        return content
    if content is None:
        raise Unconvertible("a message has no content")
    parts = content if isinstance(content, list) else [content]
    texts = [part if isinstance(part, str) else part.get("text") if isinstance(part, dict) else None for part in parts]
    kept = [text for text in texts if isinstance(text, str)]
    if not kept or len(kept) < len(parts):
        raise Unconvertible("it holds images or other parts that are no text")
    neutral.lose("the division of contents into parts")
    return "\n".join(kept)

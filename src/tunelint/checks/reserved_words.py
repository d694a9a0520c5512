"""Words that a target keeps for its own template and refuses in the text of a prompt."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from tunelint.checks.hit import Hit
from tunelint.records.record import Record


def reserved_word(record: Record, options: dict[str, Any]) -> Iterable[Hit]:
    """TOK009: a system or user turn holds a word that the target reserves. One hit a turn."""
    return _reserved(record, options["words"]) if options["words"] else ()


def _reserved(record: Record, words: list[str]) -> Iterator[Hit]:
    for turn in record.example.turns:
        if turn.role == "assistant":
            continue
        places = [(turn.content.find(word), word) for word in words if word in turn.content]
        if places:
            at, word = min(places)
            content = turn.raw.get("content") if isinstance(turn.raw, dict) else turn.raw
            span = (at, at + len(word)) if content == turn.content else None
            yield Hit(f"The {turn.own_role or 'prompt'} turn holds '{word}', which the target reserves.", pointer=turn.content_pointer, span=span)

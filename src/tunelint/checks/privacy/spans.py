"""A stretch of a text that must not be shown, and how it is shown instead."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Sensitive:
    """`text[start:end]` is a secret or a person's datum of a kind (`OpenAI API key`, `e-mail address`).

    `placeholder` is what a redaction puts in its place (`[OPENAI_KEY]`), `keep` the number of its first characters that
    give nothing away (a key's public prefix), `sample` True for values that only look the part: documentation's examples.
    """

    kind: str
    placeholder: str
    start: int
    end: int
    keep: int = 0
    sample: bool = False


def without_overlaps(found: Iterable[Sensitive]) -> list[Sensitive]:
    """Return the stretches in order, the longer one where two overlap."""
    kept: list[Sensitive] = []
    for item in sorted(found, key=lambda span: (span.start, -span.end)):
        if kept and item.start < kept[-1].end:
            if item.end - item.start > kept[-1].end - kept[-1].start:
                kept[-1] = item
        else:
            kept.append(item)
    return kept


def masked(text: str, item: Sensitive) -> str:
    """Return what is shown of a stretch: its public prefix, and how long it is (`sk-proj-…(56)`)."""
    return f"{text[item.start : item.start + item.keep]}…({item.end - item.start})"


def redact(text: str, found: Iterable[Sensitive]) -> str:
    """Return the text with every stretch replaced by its placeholder."""
    pieces, position = [], 0
    for item in without_overlaps(found):
        pieces += [text[position : item.start], item.placeholder]
        position = item.end
    return "".join([*pieces, text[position:]])

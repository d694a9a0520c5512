"""Records whose parts must agree: the two outputs of a preference pair, the columns of a tokenised row."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tunelint.checks.hit import Hit
from tunelint.checks.screen import by_outline, only_where
from tunelint.findings import Severity
from tunelint.records.record import Record

_OUTPUTS = ("preferred_output", "non_preferred_output")
IGNORED_LABEL = -100  # the label that every Hugging Face loss leaves out


@by_outline
def unusable_preference_output(record: Record, options: dict[str, Any]) -> Iterator[Hit]:
    """SCH010: an output of an OpenAI preference pair is not one assistant message, or the input already ends with an answer."""
    value = record.value
    if record.shape != "openai-preference" or value is None:
        return
    for key in _OUTPUTS:
        output = value.get(key)
        messages = [message for message in output if isinstance(message, dict)] if isinstance(output, list) else []
        roles = [message.get("role") for message in messages if "role" in message]
        if messages and roles and "assistant" not in roles:
            yield Hit(f"'{key}' has no assistant message; its roles are {', '.join(map(str, roles))}.", pointer=f"/{key}")
        elif options["single"] and len(messages) > 1:
            yield Hit(f"'{key}' has {len(messages)} messages; the format takes one.", pointer=f"/{key}")
    given = [turn for turn in record.example.turns if turn.pointer.startswith("/input/")]
    if given and given[-1].role == "assistant":
        message = "Input ends with an assistant message; the answers to compare belong into the outputs."
        yield Hit(message, pointer=given[-1].pointer, severity=Severity.WARNING)


def is_tokenised(record: Record) -> bool:
    """Tell a row of token ids."""
    return record.value is not None and isinstance(record.value.get("input_ids"), list)


@only_where(is_tokenised)
def mismatched_token_columns(record: Record, options: dict[str, Any]) -> Iterator[Hit]:
    """SCH011: a tokenised row whose columns have different lengths, or whose labels train nothing."""
    value = record.value or {}
    length = len(value["input_ids"])
    for key in ("attention_mask", "labels", "position_ids", "token_type_ids"):
        column = value.get(key)
        if isinstance(column, list) and len(column) != length:
            yield Hit(f"'{key}' has {len(column):,} entries and 'input_ids' {length:,}.", pointer=f"/{key}")
    labels = value.get("labels")
    if isinstance(labels, list) and labels and all(label == IGNORED_LABEL for label in labels):
        yield Hit(f"All {len(labels):,} labels are {IGNORED_LABEL}: nothing of the record is trained.", pointer="/labels")

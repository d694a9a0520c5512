"""Ids of tool calls and of their results, where a target is strict about them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from tunelint.checks.hit import Hit
from tunelint.checks.screen import has_tools, only_where
from tunelint.checks.wording import short
from tunelint.findings import Severity
from tunelint.records.record import Record


@only_where(has_tools)
def bad_tool_call_id(record: Record, options: dict[str, Any]) -> Iterable[Hit]:
    """TOOL008: a call or a result without an id where the target must have one, or an id of another form than it takes."""
    if not (options["required"] or options["pattern"]) or record.shape != "openai-chat":
        return ()
    return _bad(record, options)


def _bad(record: Record, options: dict[str, Any]) -> Iterator[Hit]:
    for what, identity, pointer in _ids(record):
        if identity:
            if options["pattern"] and not re.fullmatch(options["pattern"], identity):
                yield Hit(f"Id '{short(identity)}' of a {what} does not have the form {options['pattern']}.", pointer=pointer)
        elif options["required"]:
            yield Hit(f"A {what} has no id; the target refuses that.", pointer=pointer, severity=Severity.ERROR)


def _ids(record: Record) -> Iterator[tuple[str, str | None, str]]:
    """Yield the ids of calls and results in the present form; the deprecated `function_call` has none."""
    for turn in record.example.turns:
        for call in turn.calls:
            if not call.in_text and "/tool_calls/" in call.pointer:
                yield "tool call", call.id, call.pointer
        if turn.own_role == "tool" and isinstance(turn.raw, dict):
            yield "tool result", turn.call_id, turn.pointer

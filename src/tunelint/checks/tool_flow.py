"""Who answers which call: one walk over a conversation, with the calls that are still open."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

from tunelint.checks.hit import Hit
from tunelint.checks.screen import has_tools, only_where
from tunelint.checks.wording import short
from tunelint.findings import Severity
from tunelint.records.example import ToolCall, Turn
from tunelint.records.record import Record

# A call that is written out in the text of an answer: Hermes, Qwen, Llama, Mistral, ReAct, Glaive, Gemma, GLM, ToolACE.
_CALL_IN_TEXT = re.compile(
    r"<tool_call|<function|<\|python_tag\|>|\[TOOL_CALLS\]|<\|tool|<tool|\bAction\s*:|functioncall|function_call|```(?:tool|python|json|bash|sql)|"
    r"<execute|<code>|^\s*\[\w[\w. ]*\(|\{\s*\"(?:name|tool|function|action)\"",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class _Fault:
    kind: Literal["orphan", "unanswered"]
    message: str
    pointer: str
    severity: Severity | None = None
    odd: bool = False  # there are more results than calls, or fewer, where the next turn begins


@dataclass
class _Walk:
    """The calls that wait for a result, by their order; `ids` are all ids seen, `answered` those with a result."""

    open: list[ToolCall] = field(default_factory=list)
    ids: set[str] = field(default_factory=set)
    answered: set[str] = field(default_factory=set)
    last_answer: Turn | None = None
    merged: bool = False  # a result without an id has come: it may hold the results of several calls

    def assistant(self, turn: Turn) -> Iterator[_Fault]:
        yield from self._left(turn)
        self.last_answer = turn
        self.merged = False
        here: set[str] = set()
        for call in turn.calls:
            if call.id is not None:
                if call.id in here:
                    message = f"Two calls have the id '{short(call.id)}': their results cannot be told apart."
                    yield _Fault("orphan", message, call.pointer, Severity.WARNING)
                here.add(call.id)
                self.ids.add(call.id)
                self.answered.discard(call.id)  # an id that is used again counts anew
        self.open = list(turn.calls)

    def result(self, turn: Turn, before: Turn | None, shape: str) -> Iterator[_Fault]:
        if turn.call_id is None:
            yield from self._without_id(turn, before, shape)
            return
        call = next((call for call in self.open if call.id == turn.call_id), None)
        if call is None and turn.call_id not in self.ids:
            call = next((call for call in self.open if call.id is None), None)  # calls without ids are answered in order
        if call is not None:
            self.open.remove(call)
            self.answered.add(turn.call_id)
        elif turn.call_id in self.answered:
            yield _Fault("orphan", f"Call '{short(turn.call_id)}' has a second result.", turn.pointer, Severity.WARNING, odd=True)
        elif turn.call_id in self.ids:
            self.answered.add(turn.call_id)  # late, after another turn: unanswered-tool-call has said so
        elif self._called_in_text():
            return
        elif self.ids:
            message = f"Tool result answers '{short(turn.call_id)}', which no call before it has as its id."
            named = isinstance(turn.raw, dict) and "tool_call_id" in turn.raw  # blocks of other services name it otherwise
            yield _Fault("orphan", message, f"{turn.pointer}/tool_call_id" if named else turn.pointer)
        else:
            yield _Fault("orphan", f"Tool result answers '{short(turn.call_id)}', but nothing was called before it.", turn.pointer)

    def _without_id(self, turn: Turn, before: Turn | None, shape: str) -> Iterator[_Fault]:
        if self.open:
            name = turn.raw.get("name") if isinstance(turn.raw, dict) else None
            call = next((call for call in self.open if call.name == name), self.open[0])
            self.open.remove(call)
            self.merged = True
            if call.id is not None:
                self.answered.add(call.id)
                if shape == "openai-chat" and turn.own_role == "tool":
                    message = f"Tool result has no tool_call_id, though its call has the id '{short(call.id)}'."
                    yield _Fault("orphan", message, turn.pointer, Severity.WARNING)
        elif before is None or before.role in ("system", "developer", "user"):
            where = "starts the conversation" if before is None else f"follows a {before.own_role} turn"
            yield _Fault("orphan", f"Tool result {where}: nothing was called before it.", turn.pointer)
        elif before.role == "assistant" and not self._called_in_text():
            yield _Fault("orphan", "Tool result follows an answer that calls nothing.", turn.pointer, Severity.WARNING, odd=True)

    def user(self, turn: Turn) -> Iterator[_Fault]:
        yield from self._left(turn)
        self.last_answer = None

    def _called_in_text(self) -> bool:
        answer = self.last_answer
        return answer is not None and not answer.calls and _CALL_IN_TEXT.search(answer.content) is not None

    def _left(self, turn: Turn) -> Iterator[_Fault]:
        for call in self.open:
            if self.merged and call.id is None:
                continue  # LLaMA-Factory writes the results of parallel calls into one turn
            message = f"Call of '{short(call.name)}' has no result before the next {turn.own_role} turn."
            yield _Fault("unanswered", message, call.pointer, odd=True)
        self.open = []

    def end(self) -> Iterator[_Fault]:
        if self.open:
            call = self.open[0]
            what = f"Record ends with a call of '{short(call.name)}'" if len(self.open) == 1 else f"Record ends with {len(self.open)} calls"
            yield _Fault("unanswered", f"{what} that nothing answers.", call.pointer, Severity.NOTE)


def _walk(record: Record) -> Iterator[_Fault]:
    walk = _Walk()
    before: Turn | None = None
    for turn in record.example.turns:
        if turn.role == "assistant":
            yield from walk.assistant(turn)
        elif turn.role == "tool":
            yield from walk.result(turn, before, record.shape)
        else:
            yield from walk.user(turn)
        before = turn
    yield from walk.end()


@only_where(has_tools)
def orphan_tool_result(record: Record, options: dict[str, Any]) -> Iterable[Hit]:
    """TOOL003: a tool's result without the call that it answers."""
    return _faults(record, "orphan", options["refused"])


@only_where(has_tools)
def unanswered_tool_call(record: Record, options: dict[str, Any]) -> Iterable[Hit]:
    """TOOL005: a call without a result. At the end of a record that is a way to train calls, and a note."""
    return _faults(record, "unanswered", options["refused"])


def _faults(record: Record, kind: str, refused: bool) -> Iterator[Hit]:
    """Yield the faults of a kind. `refused`: the target refuses an odd count of calls and results, so those are errors."""
    for fault in _walk(record):
        if fault.kind == kind:
            severity = Severity.ERROR if refused and fault.odd else fault.severity
            yield Hit(fault.message, pointer=fault.pointer, severity=severity)

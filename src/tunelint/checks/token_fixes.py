"""What can be done about a record that its target's window cuts: a shorter conversation, or no record."""

from __future__ import annotations

from tunelint.checks.hit import Edit
from tunelint.records.record import Record
from tunelint.records.views import view
from tunelint.tokens.context import TokenContext
from tunelint.tokens.outcomes import Outcome

CONVERSATIONS = frozenset({"openai-chat", "sharegpt"})
DROP = Edit("drop")


def shortened(context: TokenContext, record: Record) -> Edit:
    """Return the edit that leaves the longest beginning of the conversation that fits the window, `drop` where none does.

    A beginning ends with an answer in words, so that the model still learns where to stop, and no tool call is left
    without its result. Only whole turns go: what stays is as it was.
    """
    if record.shape not in CONVERSATIONS or record.value is None:
        return DROP
    ends: list[int] = []
    base = ""
    for turn in record.example.turns[:-1]:
        place, _, number = turn.pointer.rpartition("/")
        if turn.role == "assistant" and turn.content and not turn.calls and number.isdigit():
            base = place
            ends.append(int(number) + 1)
    key, record_value = base.removeprefix("/"), record.value
    messages = record_value.get(key)
    if not isinstance(messages, list):
        return DROP
    def outcome(number: int) -> Outcome:
        value = {**record_value, key: messages[: ends[number]]}
        return context.outcomes([(value, view(value, record.shape))])[0]

    low, high = 0, len(ends)  # the first `low` beginnings fit, those from `high` on do not: more turns are more tokens
    while low < high:
        middle = (low + high) // 2
        found = outcome(middle)
        low, high = (low, middle) if found.kept < found.tokens else (middle + 1, high)
    # One that fits may train nothing, and one that the target refuses (it may want questions and answers in turn) has no
    # length at all: take the longest that is trained whole.
    for at in range(low - 1, -1, -1):
        found = outcome(at)
        if found.fate == "trained" and found.kept == found.tokens:
            return Edit("cut", f"{base}/{ends[at]}")
    return DROP

"""What can be done about a record that its target's window cuts: a shorter conversation, or no record."""

from __future__ import annotations

from tunelint.checks.hit import Edit
from tunelint.records.record import Record
from tunelint.records.views import view
from tunelint.tokens.context import TokenContext

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
    key = base.removeprefix("/")
    messages = record.value.get(key)
    if not isinstance(messages, list):
        return DROP
    low, high = 0, len(ends)  # the first `low` beginnings fit, those from `high` on do not: more turns are more tokens
    best = None
    while low < high:
        middle = (low + high) // 2
        value = {**record.value, key: messages[: ends[middle]]}
        outcome = context.outcomes([(value, view(value, record.shape))])[0]
        if outcome.kept < outcome.tokens:
            high = middle
        else:
            low = middle + 1
            best = ends[middle] if outcome.fate == "trained" else None
    return DROP if best is None or best >= len(messages) else Edit("cut", f"{base}/{best}")

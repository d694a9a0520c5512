"""The order, roles, weights and emptiness of a conversation's turns."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from typing import Any

from tunelint.checks.hit import Edit, Hit
from tunelint.checks.order import indices
from tunelint.checks.screen import by_outline
from tunelint.findings import Severity
from tunelint.records.blocks import GEMINI_ROLES
from tunelint.records.example import Turn
from tunelint.records.outline import is_blank
from tunelint.records.record import Record
from tunelint.records.views import KNOWN_ROLES, ROLES

_CONVERSATIONS = frozenset({"openai-chat", "sharegpt", "gemini"})
_SYSTEM = ("system", "developer")
# Roles that a message may spell with `role`: the OpenAI chat format's, `function` its deprecated one, `ipython` Llama 3's.
_MESSAGE_ROLES = KNOWN_ROLES | {"function", "ipython"}
_LIKELY = {"human": "user", "gpt": "assistant", "bot": "assistant", "ai": "assistant", "model": "assistant", "chatbot": "assistant",
           "customer": "user", "agent": "assistant", "observation": "tool", "prompter": "user"}  # fmt: skip


@by_outline
def missing_assistant_reply(record: Record, options: dict[str, Any]) -> Iterator[Hit]:
    """TURN001: no turn of the conversation is the assistant's."""
    example = record.example
    if record.shape not in _CONVERSATIONS or not example.turns or example.answer_index is not None:
        return
    if any(_unknown(turn) for turn in example.turns):  # then the role is the fault, and unknown-role says so
        return
    count = len(example.turns)
    yield Hit(f"Conversation of {count} turn{'s' if count > 1 else ''} has no assistant turn.", pointer=_base(example.turns[0]))


def _base(turn: Turn) -> str:
    return turn.pointer.rsplit("/", 1)[0]


def _unknown(turn: Turn, roles: Sequence[str] = ()) -> bool:
    """Tell whether a turn's role is none of the format's, or none of the target's (`roles`, where it names them)."""
    if not isinstance(turn.raw, dict) or turn.pointer.startswith("/system"):  # a system prompt beside the conversation
        return False
    if not turn.own_role:  # a missing role and one that is no text are other rules' business
        return turn.raw.get("role") == "" or turn.raw.get("from") == ""
    if "parts" in turn.raw:
        return turn.own_role not in (roles or GEMINI_ROLES)
    if "role" in turn.raw:
        return turn.own_role not in (roles or _MESSAGE_ROLES)
    if "from" not in turn.raw and turn.role == "tool":  # a result among the parts of a turn that has been looked at
        return False
    return (turn.own_role not in ROLES and turn.own_role not in KNOWN_ROLES) or (bool(roles) and turn.role not in roles)


@by_outline
def unknown_role(record: Record, options: dict[str, Any]) -> Iterator[Hit]:
    """TURN002: a turn's role is none that the format knows, or none that the target takes."""
    for turn in (*record.example.turns, *record.example.rejected):
        if turn.own_role not in options["allow"] and _unknown(turn, options["roles"]):
            key = "role" if "role" in turn.raw else "from"
            pointer = f"{turn.pointer}/{key}"
            if not turn.own_role:
                yield Hit("Role is an empty text.", pointer=pointer)
                continue
            if not _unknown(turn):
                yield Hit(f"Role '{turn.own_role}' is none that the target takes: {', '.join(options['roles'])}.", pointer=pointer)
                continue
            if "parts" in turn.raw:
                yield Hit(f"Role '{turn.own_role[:40]}' is not known; Gemini's contents have the roles user and model.", pointer=pointer)
                continue
            known = _MESSAGE_ROLES if key == "role" else (*ROLES, *KNOWN_ROLES)
            near = difflib.get_close_matches(turn.own_role.lower(), list(known), n=1, cutoff=0.7)
            likely = near[0] if near else _LIKELY.get(turn.own_role.lower()) if key == "role" else None
            hint = f"; did you mean '{likely}'?" if likely else "."
            yield Hit(f"Role '{turn.own_role[:40]}' is not known{hint}", pointer=pointer)


@by_outline
def misplaced_system_message(record: Record, options: dict[str, Any]) -> Iterator[Hit]:
    """TURN003: a system message after the conversation has begun, or a second one."""
    turns = record.example.turns
    for index in indices(turns, "misplaced-system-message"):
        what = "a second system message" if turns[index - 1].role in _SYSTEM else f"a system message at turn {index + 1}"
        yield Hit(f"Conversation has {what}; most chat templates take one, at the start.", pointer=turns[index].pointer)


@by_outline
def empty_content(record: Record, options: dict[str, Any]) -> Iterator[Hit]:
    """TURN004: a turn without visible text, calls or images. In an answer that is an error."""
    example = record.example
    for turn in (*example.turns, *example.rejected):
        if turn.calls or turn.images or not is_blank(turn.content) or not _content_present(turn):
            continue
        answer = turn.role == "assistant" and turn.trained
        if options["null_refused"] and turn.role != "assistant" and isinstance(turn.raw, dict) and turn.raw.get("content", "") is None:
            message = f"Content of a {turn.own_role} message is null; the target takes that from the assistant only."
            yield Hit(message, pointer=turn.content_pointer, severity=Severity.ERROR)
            continue
        if turn.role == "tool" or (not answer and record.shape == "prompt-completion" and turn.content == ""):
            continue  # a tool may return nothing; an empty prompt is a documented form of unconditional completion
        who = "Answer" if answer else f"{turn.own_role.capitalize() or 'Turn'} turn"
        what = "is empty" if not turn.content else "holds nothing but white space or invisible characters"
        yield Hit(f"{who} {what}.", pointer=turn.content_pointer, severity=Severity.ERROR if answer else Severity.WARNING)


def _content_present(turn: Turn) -> bool:
    """Tell an empty text from a missing or mistyped one, which the schema rules report."""
    raw = turn.raw
    if not isinstance(raw, dict):
        return isinstance(raw, str) or raw is None or raw == []
    if any(raw.get(key) for key in ("refusal", "audio", "tool_calls", "function_call")):
        return False
    key = "parts" if "parts" in raw else turn.content_pointer.rsplit("/", 1)[-1]
    content = raw.get(key, 0)
    if key == "parts" and not isinstance(content, list):
        return False
    if isinstance(content, list):
        # Parts of other kinds than text (audio, files) are content.
        return not any(isinstance(part, dict) and part.get("type", "text" if "text" in part else "other") != "text" for part in content)
    return content is None or isinstance(content, str)


@by_outline
def repeated_role(record: Record, options: dict[str, Any]) -> Iterator[Hit]:
    """TURN005: two turns of one role in a row; some chat templates refuse that."""
    if record.shape not in _CONVERSATIONS:
        return
    turns = record.example.turns
    found = indices(turns, "repeated-role")
    if found:
        more = f", {len(found)} times" if len(found) > 1 else ""
        role = turns[found[0]].own_role
        yield Hit(f"Two {role} turns follow each other (turns {found[0]} and {found[0] + 1}{more}).", pointer=turns[found[0]].pointer)


@by_outline
def last_turn_not_assistant(record: Record, options: dict[str, Any]) -> Iterator[Hit]:
    """TURN006: the conversation goes on after its last answer; those turns are trained on by no one."""
    example = record.example
    if record.shape not in _CONVERSATIONS or example.answer_index is None:
        return
    for index in indices(example.turns, "last-turn-not-assistant"):
        left = index - example.answer_index
        reads_like_answer = left > 1 and example.turns[index - 1].role == example.turns[index].role == "user"
        what = f"A {example.turns[index].own_role} turn comes" if left == 1 else f"{left} turns come"
        teaches = "teaches" if left == 1 else "teach"
        hint = " The last one may be an answer under the wrong role." if reads_like_answer else ""
        edit = None if reads_like_answer else Edit("cut", example.turns[example.answer_index + 1].pointer)
        yield Hit(f"{what} after the last assistant turn and {teaches} nothing.{hint}", pointer=example.turns[index].pointer, edit=edit)


@by_outline
def opening_assistant_turn(record: Record, options: dict[str, Any]) -> Iterator[Hit]:
    """TURN013: the conversation begins with an answer. ShareGPT's trainers skip the turn or the whole record."""
    if record.shape not in _CONVERSATIONS or not any(turn.role == "user" for turn in record.example.turns):
        return
    for index in indices(record.example.turns, "opening-assistant-turn"):
        severity = Severity.WARNING if record.shape == "sharegpt" else None
        turn = record.example.turns[index]
        yield Hit("Conversation begins with an answer, before any question.", pointer=turn.pointer, severity=severity)


@by_outline
def bad_weight(record: Record, options: dict[str, Any]) -> Iterator[Hit]:
    """TURN007: a message weight that is not the integer 0 or 1, or that stands on another role than assistant."""
    for turn in record.example.turns:
        if not isinstance(turn.raw, dict) or turn.raw.get("weight") is None:
            continue
        weight, pointer = turn.raw["weight"], f"{turn.pointer}/weight"
        if type(weight) is not int or weight not in (0, 1):
            whole = isinstance(weight, float) and weight in (0.0, 1.0)
            edit = Edit("set", pointer, int(weight)) if whole else None
            shown = "true" if weight is True else "false" if weight is False else repr(weight)[:30]
            yield Hit(f"Message weight is {shown}; it must be the integer 0 or 1.", pointer=pointer, edit=edit)
        elif not options["any_role"] and turn.role != "assistant" and turn.role in KNOWN_ROLES:
            message = f"Weight stands on a {turn.own_role} message; only assistant messages have one."
            yield Hit(message, pointer=pointer, severity=Severity.WARNING)


@by_outline
def nothing_to_train(record: Record, options: dict[str, Any]) -> Iterator[Hit]:
    """TURN008: every assistant turn is switched off, so no token of the record is trained."""
    if record.shape not in _CONVERSATIONS:
        return
    answers = [turn for turn in record.example.turns if turn.role == "assistant"]
    if answers and not any(turn.trained for turn in answers):
        what = "The only assistant turn has" if len(answers) == 1 else f"All {len(answers)} assistant turns have"
        yield Hit(f"{what} weight 0: nothing of the record is trained.", pointer=answers[-1].pointer)

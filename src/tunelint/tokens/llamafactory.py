"""Rows as LLaMA-Factory builds them (llamafactory 0.9.5: `data/converter.py`, `data/template.py`, `data/processor/supervised.py`).

A row is a list of (source, target) pairs, each piece tokenized on its own; every target is trained. Over `cutoff_len`
the pairs are taken in order while there is room, and each pair is cut by `infer_seqlen`: in proportion where both sides
are long. Rows whose turns do not alternate, or do not end with an answer, are skipped with a warning
(https://github.com/hiyouga/LLaMA-Factory/blob/main/data/README.md). `messages` are read as that page says (`formatting:
sharegpt` with OpenAI's role names); records with tool calls need `formatting: openai`, whose converter also appends
"detailed thinking off" to every system prompt of a record without tools. The template is read off the tokenizer's chat
template, as LLaMA-Factory does where no `template` is set (`parse_template`); its tool prompt is not modelled, so a
record with tools is not exact.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any, Literal

from tunelint.tokens.huggingface import TokenizerFolder
from tunelint.tokens.rows import NotTrainable, RowBuilder, TokenRow
from tunelint.tokens.templates import ChatTemplate, TemplateRefusal

Formatting = Literal["sharegpt", "openai"]
HOLE = "{{content}}"
THOUGHT = ("<think>\n", "\n</think>\n\n")
ODD, EVEN = ("user", "observation"), ("assistant", "function")
SHAREGPT_ROLES = {"human": "user", "gpt": "assistant", "observation": "observation", "function_call": "function"}
OPENAI_ROLES = {"user": "user", "assistant": "assistant", "tool": "observation"}
NO_THINKING = "detailed thinking off"


@dataclass(frozen=True, slots=True)
class Slots:
    """A template as LLaMA-Factory keeps it: text around each kind of turn, with `{{content}}` where the text goes."""

    prefix: str
    system: str
    user: str
    assistant: str
    default_system: str
    reasoning: bool


def infer_seqlen(source: int, target: int, room: int) -> tuple[int, int]:
    """Return how many source and target tokens of a pair are kept in `room` tokens (`processor_utils.infer_seqlen`)."""
    if target * 2 < room:
        most = room
    elif source * 2 < room:
        most = room - source
    else:
        most = int(room * (target / (source + target)))
    kept = min(most, target)
    return min(max(room - kept, 0), source), kept


def parse_template(folder: TokenizerFolder) -> Slots:
    """Read the slots off the tokenizer's chat template (`data/template.py`, `parse_template`).

    Raises NotTrainable where there is no template or it cannot render the four probes.
    """
    template = ChatTemplate.of(folder)
    if template is None:
        raise NotTrainable("the tokenizer has no chat template and no template is set", stops=True)

    def render(*turns: tuple[str, str], prompt: bool = False) -> str:
        try:
            messages = [{"role": role, "content": content} for role, content in turns]
            return template.render(messages, add_generation_prompt=prompt).text
        except TemplateRefusal as refusal:
            raise NotTrainable(f"the chat template refuses LLaMA-Factory's probe: {refusal}", stops=True) from refusal

    prefix = folder.tokenizer.decode(folder.encode("", add_special_tokens=True).ids, skip_special_tokens=False)
    skip = len(prefix)
    system = render(("system", HOLE))[skip:]
    user_without = render(("system", ""), ("user", HOLE), prompt=True)[skip:]
    user = render(("user", HOLE), prompt=True)[skip:]
    assistant = render(("user", HOLE), ("assistant", HOLE))[skip + len(user) :]
    reasoning = "<think>" in assistant
    assistant = assistant.replace("<think>", "").replace("</think>", "").lstrip("\n")
    default = ""
    if len(user) > len(user_without):
        default = _difference(user_without, user)
        user = user[len(system.replace(HOLE, default, 1)) :]
    for kind, slot in (("system", system), ("user", user), ("assistant", assistant)):
        if HOLE not in slot:
            raise NotTrainable(f"LLaMA-Factory finds no place for a {kind} message in the chat template: set `template`", stops=True)
    return Slots(prefix, system, user, assistant, default, reasoning)


def _difference(short: str, long: str) -> str:
    """Return the letters of `long` that are not, in order, letters of `short`."""
    place = 0
    extra = []
    for letter in long:
        if place < len(short) and short[place] == letter:
            place += 1
        elif place < len(short):
            extra.append(letter)
        else:
            break
    return "".join(extra)


def llamafactory_row(
    record: dict[str, Any],
    folder: TokenizerFolder,
    slots: Slots,
    window: int | None = None,
    *,
    mask_history: bool = False,
    formatting: Formatting | None = None,
) -> TokenRow:
    """Return a record as LLaMA-Factory tokenizes, masks and cuts it to `window` tokens (None: uncut).

    Raises NotTrainable where LLaMA-Factory skips the record or stops on it.
    """
    turns, system = aligned_turns(record, formatting)
    system = system or slots.default_system
    pieces: list[tuple[str, RowBuilder]] = []
    for index, (role, content) in enumerate(turns):
        piece = RowBuilder(folder)
        if index == 0:
            piece.add(slots.prefix)
            if system:
                piece.add(slots.system.replace(HOLE, system, 1))
        if role == "function":
            content = _call_text(content)
        if slots.reasoning and role in EVEN and not any(word.strip() in content for word in THOUGHT):
            piece.add("".join(THOUGHT))
        piece.add((slots.user if role in ODD else slots.assistant).replace(HOLE, content, 1))
        pieces.append((role, piece))
    pairs = [(pieces[index][1], pieces[index + 1][1]) for index in range(0, len(pieces), 2)]
    row = TokenRow([], [], [], "", exact=not record.get("tools"))
    order = reversed(range(len(pairs))) if mask_history else range(len(pairs))
    kept: dict[int, tuple[int, int]] = {}
    used = 0
    for index in order:
        source, target = pairs[index]
        if window is not None and used >= window:
            break
        sizes = len(source.ids), len(target.ids)
        kept[index] = sizes if window is None else infer_seqlen(*sizes, window - used)
        used += sum(kept[index])
    for index, (source_length, target_length) in sorted(kept.items()):
        source, target = pairs[index]
        _append(row, source, source_length, False)
        _append(row, target, target_length, not mask_history or index == len(pairs) - 1)
    return row


def _append(row: TokenRow, piece: RowBuilder, length: int, trained: bool) -> None:
    shift = len(row.text)
    row.ids += piece.ids[:length]
    row.trained += [trained] * length
    row.offsets += [(start + shift, end + shift) for start, end in piece.offsets[:length]]
    row.text += "".join(piece.texts)


def aligned_turns(record: dict[str, Any], formatting: Formatting | None = None) -> tuple[list[tuple[str, str]], str]:
    """Return the turns (role user, observation, assistant or function; content) and the system text.

    `formatting` is the entry's in `dataset_info.json` for a record of `messages`; None takes what the record needs.
    Raises NotTrainable where LLaMA-Factory's converter skips the record.
    """
    if isinstance(record.get("messages"), list):
        turns, system = _openai_turns(record, formatting or ("openai" if _uses_tools(record) else "sharegpt"))
    elif isinstance(record.get("conversations"), list):
        turns, system = _sharegpt_turns(record)
    else:
        turns, system = _alpaca_turns(record)
    for index, (role, content) in enumerate(turns):
        if role not in (ODD, EVEN)[index % 2]:
            raise NotTrainable(f"turn {index + 1} is {role or 'of an unknown role'}: user and assistant must alternate")
        if not isinstance(content, str):
            raise NotTrainable(f"turn {index + 1} has no text", stops=True)
    if not turns or len(turns) % 2:
        raise NotTrainable("the conversation does not end with an answer")
    return turns, system


def _sharegpt_turns(record: dict[str, Any]) -> tuple[list[tuple[str, Any]], str]:
    messages = [message for message in record["conversations"] if isinstance(message, dict)]
    system = record.get("system")
    if messages and messages[0].get("from") == "system":
        system, messages = messages[0].get("value"), messages[1:]
    turns = [(SHAREGPT_ROLES.get(str(message.get("from")), ""), message.get("value")) for message in messages]
    return turns, system if isinstance(system, str) else ""


def _uses_tools(record: dict[str, Any]) -> bool:
    messages = record["messages"]
    return any(isinstance(turn, dict) and (turn.get("tool_calls") or turn.get("role") == "tool") for turn in messages)


def _openai_turns(record: dict[str, Any], formatting: Formatting) -> tuple[list[tuple[str, Any]], str]:
    messages = [message for message in record["messages"] if isinstance(message, dict)]
    system = record.get("system")
    if messages and messages[0].get("role") == "system":
        system, messages = messages[0].get("content"), messages[1:]
    system = system if isinstance(system, str) else ""
    if formatting == "sharegpt":
        return [(OPENAI_ROLES.get(str(message.get("role")), ""), message.get("content")) for message in messages], system
    if record.get("tools"):
        system += "\n" if system else ""
    elif "detailed thinking o" not in system:
        system = f"{system}\n{NO_THINKING}" if system else NO_THINKING
    turns: list[tuple[str, Any]] = []
    results: list[str] = []
    for message in messages:
        role, content = OPENAI_ROLES.get(str(message.get("role")), ""), message.get("content")
        if role == "observation":
            results.append(content if isinstance(content, str) else "")
            continue
        if results:
            turns.append(("observation", "\n</tool_response>\n<tool_response>\n".join(results)))
            results = []
        if role == "assistant" and message.get("tool_calls"):
            calls = [call.get("function") for call in message["tool_calls"] if isinstance(call, dict)]
            role, content = "function", json.dumps(calls, ensure_ascii=False)
        turns.append((role, content))
    # Tool results at the very end are never flushed there: LLaMA-Factory loses them without a word.
    return turns, system


def _alpaca_turns(record: dict[str, Any]) -> tuple[list[tuple[str, Any]], str]:
    turns: list[tuple[str, Any]] = []
    for pair in record.get("history") or ():
        if isinstance(pair, list) and len(pair) == 2:
            turns += [("user", pair[0]), ("assistant", pair[1])]
    query = [record[key] for key in ("instruction", "input") if isinstance(record.get(key), str) and record[key]]
    turns.append(("user", "\n".join(query)))
    if isinstance(record.get("output"), str):
        turns.append(("assistant", record["output"]))
    system = record.get("system")
    return turns, system if isinstance(system, str) else ""


def _call_text(content: str) -> str:
    """Return a function turn as the default tool format writes it."""
    thought = re.search(f"{re.escape(THOUGHT[0])}(.*?){re.escape(THOUGHT[1])}", content, re.DOTALL)
    try:
        calls = json.loads(content.replace(thought.group(0), "") if thought else content)
        listed = calls if isinstance(calls, list) else [calls]
        lines = [f"Action: {call['name']}\nAction Input: {json.dumps(call['arguments'], ensure_ascii=False)}" for call in listed]
    except (ValueError, TypeError, KeyError) as error:
        raise NotTrainable(f"a function turn is no valid JSON call: {error}", stops=True) from error
    return (thought.group(0) if thought else "") + "\n".join(lines)

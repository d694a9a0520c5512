"""How many tokens each record has, cheaply enough for every row: one flat list of texts, one call of the counter.

An `openai-chat` record counts as OpenAI counts a chat request: 3 tokens per message, 1 more for a `name`, the tokens of
role, content and name, and 3 for the reply's priming; tool definitions by the formula for gpt-4o. Sources: the cookbook
"How to count tokens with tiktoken" (https://cookbook.openai.com/examples/how_to_count_tokens_with_tiktoken, functions
`num_tokens_from_messages` and `num_tokens_for_tools`) and "Data preparation and analysis for chat model fine-tuning"
(https://cookbook.openai.com/examples/chat_finetuning_data_prep). For tool *calls* OpenAI publishes no formula: name and
arguments plus 3 per call, and an image's tokens are not text's, so such records are estimates. Every other shape counts as
the text of its turns.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, repeat
from typing import TYPE_CHECKING, Any

from tunelint.records.example import Example, Turn
from tunelint.tokens.counters import Counter

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

PER_MESSAGE = 3
PER_NAME = 1
PER_REPLY = 3
PER_CALL = 3
CHAT_SHAPES = frozenset({"openai-chat", "openai-preference"})


@dataclass(frozen=True, slots=True)
class ToolCosts:
    """The constants of `num_tokens_for_tools`, by model family."""

    per_function: int = 7
    properties: int = 3
    per_property: int = 3
    enum: int = -3
    per_enum_item: int = 3
    end: int = 12


TOOL_COSTS = {"o200k_base": ToolCosts(), "cl100k_base": ToolCosts(per_function=10)}


class _Sheet:
    """Texts to count and the record that pays for each."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.payers: list[int] = []

    def charge(self, record: int, text: str) -> None:
        self.texts.append(text)
        self.payers.append(record)


def count_examples(examples: Iterable[Example], counter: Counter, kinds: Iterable[int] = ()) -> NDArray[np.int64]:
    """Return the tokens of everything in each record (prompt, answer, and in a pair both answers), shape (records,).

    Records of one of the `kinds` (`Record.kind`, 0 for none) have the same roles: unless they have names, calls or tools, the
    tokens beside their texts are those of the first of them.
    """
    import numpy as np

    said, beside = _Sheet(), _Sheet()
    fixed: list[int] = []
    firsts: dict[int, int] = {}
    same_as: list[int] = []
    tools_memo: dict[str, tuple[int, list[str]]] = {}
    for index, (example, kind) in enumerate(zip(examples, chain(kinds, repeat(0)), strict=False)):
        turns = example.turns + example.rejected if example.rejected else example.turns
        said.texts += [turn.content for turn in turns]
        said.payers += [index] * len(turns)
        first = firsts.get(kind, index)
        same_as.append(first)
        fixed.append(0 if first < index else _charge_beside(beside, index, example, turns))
        if example.tools:
            fixed[-1] += _charge_tools(beside, index, example.tools, counter.name, tools_memo)
        elif kind and first == index and not any(turn.calls or _name(turn) for turn in turns):
            firsts[kind] = index
    slots = {text: slot for slot, text in enumerate(dict.fromkeys(chain(said.texts, beside.texts)))}
    counts = counter.count(list(slots))
    total = np.array(fixed, dtype=np.int64)
    _pay(total, beside, slots, counts)
    total = total[np.array(same_as, dtype=np.int64)]
    _pay(total, said, slots, counts)
    return total


def _pay(total: NDArray[np.int64], sheet: _Sheet, slots: dict[str, int], counts: NDArray[np.int64]) -> None:
    import numpy as np

    charged = np.fromiter(map(slots.__getitem__, sheet.texts), dtype=np.int64, count=len(sheet.texts))
    np.add.at(total, np.array(sheet.payers, dtype=np.int64), counts[charged])


def _charge_beside(sheet: _Sheet, index: int, example: Example, turns: Sequence[Turn]) -> int:
    """Charge what a record has beside the texts of its turns and its tools, return its fixed tokens."""
    fixed = 0
    for turn in turns:
        for call in turn.calls:
            sheet.charge(index, call.name)
            sheet.charge(index, arguments_text(call.arguments))
    if example.shape in CHAT_SHAPES:
        fixed += PER_REPLY + PER_MESSAGE * len(turns) + PER_CALL * sum(len(turn.calls) for turn in turns)
        for turn in turns:
            sheet.charge(index, turn.own_role)
            name = _name(turn)
            if name:
                fixed += PER_NAME
                sheet.charge(index, name)
    return fixed


def _name(turn: Turn) -> str:
    name = turn.raw.get("name") if type(turn.raw) is dict else None
    return name if isinstance(name, str) else ""


def arguments_text(arguments: Any) -> str:
    """Return a call's arguments as text: a string as it stands, another value as JSON."""
    return arguments if isinstance(arguments, str) else json.dumps(arguments, ensure_ascii=False)


def _charge_tools(sheet: _Sheet, index: int, tools: tuple[Any, ...], encoding: str, memo: dict[str, tuple[int, list[str]]]) -> int:
    """Charge the tool definitions, return their fixed tokens; most files repeat one list of tools in every record."""
    key = json.dumps(tools, ensure_ascii=False, sort_keys=True)
    if key not in memo:
        memo[key] = tool_texts_of(tools, encoding)
    fixed, texts = memo[key]
    for text in texts:
        sheet.charge(index, text)
    return fixed


def tool_texts_of(tools: Iterable[Any], encoding: str) -> tuple[int, list[str]]:
    """Return `tool_texts` with the constants of an encoding's models (those of gpt-4o for any other counter)."""
    return tool_texts(tools, TOOL_COSTS.get(encoding, TOOL_COSTS["o200k_base"]))


def tool_texts(tools: Iterable[Any], costs: ToolCosts) -> tuple[int, list[str]]:
    """Return the fixed tokens of tool definitions and the texts that are counted beside them (`num_tokens_for_tools`).

    A definition that lacks a part counts without it: the formula is for well-formed ones, and a rule reports the others.
    """
    fixed = costs.end
    texts: list[str] = []
    for function in _functions(tools):
        fixed += costs.per_function
        texts.append(f"{_text(function, 'name')}:{_text(function, 'description').removesuffix('.')}")
        parameters = function.get("parameters")
        properties = parameters.get("properties") if isinstance(parameters, dict) else None
        if not isinstance(properties, dict) or not properties:
            continue
        fixed += costs.properties
        for name, schema in properties.items():
            fixed += costs.per_property
            schema = schema if isinstance(schema, dict) else {}
            enum = schema.get("enum")
            if isinstance(enum, list):
                fixed += costs.enum + costs.per_enum_item * len(enum)
                texts += [item if isinstance(item, str) else json.dumps(item) for item in enum]
            texts.append(f"{name}:{_text(schema, 'type')}:{_text(schema, 'description').removesuffix('.')}")
    return fixed, texts


def _functions(tools: Iterable[Any]) -> Iterator[dict[str, Any]]:
    for tool in tools:
        function = tool.get("function", tool) if isinstance(tool, dict) else None
        if isinstance(function, dict):
            yield function


def _text(holder: dict[str, Any], key: str) -> str:
    value = holder.get(key)
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False) if value is not None else ""

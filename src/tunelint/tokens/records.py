"""How many tokens each record has, cheaply enough for every row: one flat list of texts, one call of the counter.

An `openai-chat` record counts as OpenAI counts a chat request: 3 tokens per message, 1 more for a `name`, the tokens of
role, content and name, and 3 for the reply's priming; tool definitions by the formula for gpt-4o. Sources: the cookbook
"How to count tokens with tiktoken" (https://cookbook.openai.com/examples/how_to_count_tokens_with_tiktoken, functions
`num_tokens_from_messages` and `num_tokens_for_tools`) and "Data preparation and analysis for chat model fine-tuning"
(https://cookbook.openai.com/examples/chat_finetuning_data_prep). For tool *calls* OpenAI publishes no formula: name and
arguments plus 3 per call, and an image's tokens are not text's; such records are marked as estimates. Every other shape
counts as the text of its turns.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tunelint.records.example import Example, Turn
from tunelint.tokens.counters import Counter
from tunelint.tokens.recipes import Recipe, turn_is_trained

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


@dataclass(frozen=True, slots=True)
class Totals:
    """Tokens per record, all of shape (records,).

    `total` is everything in the record (prompt, answer, and in a pair both answers), `estimated` marks records where
    part of the count has no published formula (tool calls, images), `trained` the tokens of the turns that a target trains
    (None without a recipe; the texts alone, without the tokens around them). A counter that is not exact makes all of them
    estimates; that is its own to say.
    """

    total: NDArray[np.int64]
    estimated: NDArray[np.bool_]
    trained: NDArray[np.int64] | None = None


class _Sheet:
    """Texts to count and who pays for them; texts that repeat (roles, a system prompt) are counted once."""

    def __init__(self) -> None:
        self.slots: dict[str, int] = {}
        self.payers: list[int] = []
        self.charged: list[int] = []
        self.trained: list[bool] = []

    def charge(self, record: int, text: str, trained: bool = False) -> None:
        if text:
            slots = self.slots
            self.payers.append(record)
            self.charged.append(slots.setdefault(text, len(slots)))
            self.trained.append(trained)


def count_examples(examples: Iterable[Example], counter: Counter, recipe: Recipe | None = None) -> Totals:
    """Return the tokens of each record, and with a target's `recipe` those that it trains."""
    import numpy as np

    sheet = _Sheet()
    flat: list[int] = []
    unsure: list[bool] = []
    tools_memo: dict[str, tuple[int, list[str]]] = {}
    for index, example in enumerate(examples):
        charge = _charge_chat if example.shape in CHAT_SHAPES else _charge_text
        flat.append(charge(sheet, index, example, recipe))
        if example.tools:
            flat[-1] += _charge_tools(sheet, index, example.tools, counter.name, tools_memo)
        unsure.append(any(turn.calls or turn.images for turn in _all_turns(example)))
    counts = counter.count(list(sheet.slots))
    total = np.array(flat, dtype=np.int64)
    trained = None if recipe is None else np.zeros(len(flat), dtype=np.int64)
    if sheet.payers:
        payers, paid = np.array(sheet.payers), counts[np.array(sheet.charged)]
        np.add.at(total, payers, paid)
        if trained is not None:
            np.add.at(trained, payers, paid * np.array(sheet.trained))
    return Totals(total, np.array(unsure, dtype=np.bool_), trained)


def _charge_chat(sheet: _Sheet, index: int, example: Example, recipe: Recipe | None) -> int:
    """Charge the messages of a chat record, return its fixed tokens."""
    turns = _all_turns(example)
    fixed = PER_REPLY + PER_MESSAGE * len(turns)
    for turn in turns:
        sheet.charge(index, turn.own_role)
        trained = recipe is not None and turn_is_trained(example, turn, recipe)
        sheet.charge(index, turn.content, trained)
        if turn.calls:
            fixed += PER_CALL * len(turn.calls)
            _charge_calls(sheet, index, turn, trained)
        name = turn.raw.get("name") if type(turn.raw) is dict else None
        if name and isinstance(name, str):
            fixed += PER_NAME
            sheet.charge(index, name)
    return fixed


def _all_turns(example: Example) -> tuple[Turn, ...]:
    return example.turns + example.rejected if example.rejected else example.turns


def _charge_text(sheet: _Sheet, index: int, example: Example, recipe: Recipe | None) -> int:
    for turn in _all_turns(example):
        trained = recipe is not None and turn_is_trained(example, turn, recipe)
        sheet.charge(index, turn.content, trained)
        _charge_calls(sheet, index, turn, trained)
    return 0


def _charge_calls(sheet: _Sheet, index: int, turn: Turn, trained: bool) -> None:
    for call in turn.calls:
        sheet.charge(index, call.name, trained)
        sheet.charge(index, arguments_text(call.arguments), trained)


def arguments_text(arguments: Any) -> str:
    """Return a call's arguments as text: a string as it stands, another value as JSON."""
    return arguments if isinstance(arguments, str) else json.dumps(arguments, ensure_ascii=False)


def _charge_tools(
    sheet: _Sheet, index: int, tools: tuple[Any, ...], encoding: str, memo: dict[str, tuple[int, list[str]]]
) -> int:
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

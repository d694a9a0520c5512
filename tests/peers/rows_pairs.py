"""Prompt and completion, preferences in three spellings, text, and the formats of other houses."""

from __future__ import annotations

from row_kit import Row, chat, group, reply, system, user

_PAIR = {"prompt": "Name a moon of Mars ->", "completion": " Phobos\n"}


def _pair(**changes: object) -> dict[str, object]:
    return {**_PAIR, **changes}


_VALID_PAIRS = {
    "pair": _PAIR,
    "pair, keys the other way round": {"completion": " Phobos\n", "prompt": "Name a moon of Mars ->"},
    "empty prompt": _pair(prompt=""),
    "long pair": _pair(prompt=", ".join(map(str, range(150))) + " ->", completion=" " + ", ".join(map(str, range(150, 250))) + "\n"),
    "Russian pair": {"prompt": "Назови спутник Марса ->", "completion": " Фобос\n"},
    "Chinese pair": {"prompt": "说出火星的一颗卫星 ->", "completion": " 火卫一\n"},
}  # fmt: skip

_FAULTY_PAIRS = {
    "completion missing": {"prompt": "Name a moon of Mars ->"},
    "prompt missing": {"completion": " Phobos\n"},
    "completion empty": _pair(completion=""),
    "completion blank": _pair(completion="  \n"),
    "completion null": _pair(completion=None),
    "prompt null": _pair(prompt=None),
    "completion a number": _pair(completion=2),
    "completion a list of strings": _pair(completion=["Phobos", "Deimos"]),
    "completion an object": _pair(completion={"moon": "Phobos"}),
    "prompt a number": _pair(prompt=42),
    "prompt an object": _pair(prompt={"question": "Name a moon"}),
    "extra key": _pair(source="astronomy.csv"),
    "keys in capitals": {"Prompt": "Name a moon of Mars ->", "Completion": " Phobos\n"},
    "no leading space": _pair(completion="Phobos\n"),
    "no separator": _pair(prompt="Name a moon of Mars"),
    "the same pair twice": (_PAIR, _PAIR),
    "all completions alike": (_PAIR, _pair(prompt="Name the inner moon of Mars ->")),
    "prompts in capitals": _pair(prompt="NAME A MOON OF MARS ->"),
    "question and answer keys": {"question": "Name a moon of Mars", "answer": "Phobos"},
}  # fmt: skip

_DPO = {"input": {"messages": [user()]}, "preferred_output": [reply("Two.")], "non_preferred_output": [reply("Nine.")]}


def _dpo(**changes: object) -> dict[str, object]:
    made = {**_DPO, **changes}
    return {key: value for key, value in made.items() if value != "absent"}


_TRL = {"prompt": "How many moons has Mars?", "chosen": "Two.", "rejected": "Nine."}


def _trl(**changes: object) -> dict[str, object]:
    made = {**_TRL, **changes}
    return {key: value for key, value in made.items() if value != "absent"}


_VALID_PREFERENCE = {
    "OpenAI": _DPO,
    "OpenAI with a system message": _dpo(input={"messages": [system(), user()]}),
    "OpenAI with a history": _dpo(input={"messages": [user("Hello"), reply("Hello!"), user()]}),
    "OpenAI with tools": _dpo(input={"messages": [user()], "tools": [], "parallel_tool_calls": True}),
    "TRL": _TRL,
    "TRL with messages": {"prompt": [user()], "chosen": [reply("Two.")], "rejected": [reply("Nine.")]},
    "TRL with an implicit prompt": {"chosen": [user(), reply("Two.")], "rejected": [user(), reply("Nine.")]},
    "TRL with implicit text": {"chosen": "Mars has two moons.", "rejected": "Mars has nine moons."},
    "KTO": {"prompt": "How many moons has Mars?", "completion": "Two.", "label": True},
    "KTO with messages": {"prompt": [user()], "completion": [reply("Nine.")], "label": False},
}  # fmt: skip

_FAULTY_PREFERENCE = {
    "preferred_output missing": _dpo(preferred_output="absent"),
    "non_preferred_output missing": _dpo(non_preferred_output="absent"),
    "input missing": _dpo(input="absent"),
    "input a list": _dpo(input=[user()]),
    "input a string": _dpo(input="How many moons has Mars?"),
    "input without messages": _dpo(input={"tools": []}),
    "input with no messages": _dpo(input={"messages": []}),
    "input ends with the assistant": _dpo(input={"messages": [user(), reply("Well,")]}),
    "output a string": _dpo(preferred_output="Two."),
    "output a message, no list": _dpo(preferred_output=reply("Two.")),
    "output empty": _dpo(preferred_output=[]),
    "output of two messages": _dpo(preferred_output=[reply("Two."), reply("Sure.")]),
    "output by the user": _dpo(preferred_output=[user("Two.")]),
    "output without role": _dpo(preferred_output=[{"content": "Two."}]),
    "output without content": _dpo(non_preferred_output=[{"role": "assistant"}]),
    "output with empty content": _dpo(preferred_output=[reply("")]),
    "output with null content": _dpo(preferred_output=[reply(None)]),
    "output with a number": _dpo(preferred_output=[reply(2)]),
    "outputs equal": _dpo(non_preferred_output=[reply("Two.")]),
    "preferred_completion, the schema's old name": {"input": _DPO["input"], "preferred_completion": [reply("Two.")],
                                                    "non_preferred_completion": [reply("Nine.")]},
    "OpenAI with an extra key": _dpo(source="astronomy.csv"),
    "chosen missing": _trl(chosen="absent"),
    "rejected missing": _trl(rejected="absent"),
    "chosen empty": _trl(chosen=""),
    "chosen null": _trl(chosen=None),
    "chosen a number": _trl(chosen=2),
    "chosen equals rejected": _trl(rejected="Two."),
    "chosen messages, rejected text": {"prompt": [user()], "chosen": [reply("Two.")], "rejected": "Nine."},
    "prompt text, chosen messages": {"prompt": "How many moons has Mars?", "chosen": [reply("Two.")], "rejected": [reply("Nine.")]},
    "chosen without messages": {"prompt": [user()], "chosen": [], "rejected": [reply("Nine.")]},
    "prompts that differ": {"chosen": [user(), reply("Two.")], "rejected": [user("How many has Venus?"), reply("Nine.")]},
    "prompt ends with a system message": {"prompt": [system()], "chosen": [reply("Two.")], "rejected": [reply("Nine.")]},
}  # fmt: skip

_VALID_OTHER = {
    "text": {"text": "Mars has two moons, Phobos and Deimos."},
    "ShareGPT": {"conversations": [{"from": "human", "value": "How many moons has Mars?"}, {"from": "gpt", "value": "Two."}]},
    "Alpaca": {"instruction": "Name the moons of Mars.", "input": "", "output": "Phobos and Deimos."},
    "prompt and completion as messages": {"prompt": [user()], "completion": [reply()]},
    "messages with a prompt only": {"prompt": [user()]},
}  # fmt: skip

_FAULTY_OTHER = {
    "text empty": {"text": ""},
    "text null": {"text": None},
    "text a number": {"text": 42},
    "text a list": {"text": ["Mars has two moons."]},
    "text with an extra key": {"text": "Mars has two moons.", "source": "astronomy.csv"},
    "content instead of text": {"content": "Mars has two moons."},
    "no known key": {"moon": "Phobos", "planet": "Mars"},
    "no key at all": {},
    "ShareGPT without value": {"conversations": [{"from": "human", "value": "How many?"}, {"from": "gpt"}]},
    "ShareGPT with an unknown from": {"conversations": [{"from": "humman", "value": "How many?"}, {"from": "gpt", "value": "Two."}]},
    "ShareGPT that begins with gpt": {"conversations": [{"from": "gpt", "value": "Hello"}, {"from": "human", "value": "How many?"},
                                                        {"from": "gpt", "value": "Two."}]},
    "Alpaca without output": {"instruction": "Name the moons of Mars.", "input": ""},
    "prompt of messages, completion text": {"prompt": [user()], "completion": "Two."},
    "data under a key": {"data": chat(user(), reply())},
}  # fmt: skip

PAIRS: dict[str, Row] = group("pairs", _VALID_PAIRS, _FAULTY_PAIRS)
PREFERENCE: dict[str, Row] = group("preference", _VALID_PREFERENCE, _FAULTY_PREFERENCE)
OTHER: dict[str, Row] = group("other", _VALID_OTHER, _FAULTY_OTHER)

"""Tool-calling rows with what goes wrong when traces of an agent are turned into training data."""

from __future__ import annotations

import json
import random
from typing import Any

from samplegen import tools
from samplegen.planting import DataSet, dump, lines


def call(ident: str, name: str, arguments: Any) -> dict[str, Any]:
    """Return a tool call; an object as arguments is written as JSON text, as the OpenAI format wants it."""
    text = arguments if isinstance(arguments, str) else json.dumps(arguments, ensure_ascii=False)
    return {"id": ident, "type": "function", "function": {"name": name, "arguments": text}}


def result(ident: str, content: str) -> dict[str, Any]:
    """Return a tool's message."""
    return {"role": "tool", "tool_call_id": ident, "content": content}


def says(role: str, content: str | None, **more: Any) -> dict[str, Any]:
    """Return a message of the user or the assistant."""
    return {"role": role, "content": content, **more}


def trace(rng: random.Random, question: str, calls: Any, answer: str) -> dict[str, Any]:
    """Return a record: question, calls and results, answer, and the tools declared (those called, now and then one more)."""
    names = list(dict.fromkeys(name for name, _, _ in calls))
    if not names or rng.random() < 0.1:
        names.append(rng.choice([name for name in tools.FUNCTIONS if name not in names]))
    idents = [f"call_{rng.randrange(16**6):06x}" for _ in calls]
    messages = [says("user", question)]
    if calls:
        made = [call(ident, name, arguments) for ident, (name, arguments, _) in zip(idents, calls, strict=True)]
        messages.append(says("assistant", None, tool_calls=made))
        messages += [result(ident, output) for ident, (_, _, output) in zip(idents, calls, strict=True)]
    messages.append(says("assistant", answer))
    return {"messages": messages, "tools": declared(*sorted(names))}


def declared(*names: str) -> list[dict[str, Any]]:
    """Return the declarations of tools."""
    return [tools.FUNCTIONS[name] for name in names]


def build(seed: int) -> DataSet:
    """Return the set with its planted defects."""
    rng = random.Random(seed)
    train = lines(trace(rng, *row) for row in tools.TRAIN)
    made = DataSet("tools", train, lines(trace(rng, *row) for row in tools.EVAL), rng)
    rng.shuffle(made.train)
    rng.shuffle(made.eval)
    _calls(made)
    _rows(made)
    _copies(made)
    for split in ("train", "eval"):
        made.plant_whole(f"{split}.jsonl", padded_schema="every tool has parameters of its own")
    made.plant_whole("train.jsonl", drifting_type="arguments are an object in one row")
    made.plant_whole(None, small_dataset="fewer than 100 rows", small_eval_split="fewer than 30 rows")
    return made


def row(question: str, *rest: dict[str, Any], offered: list[dict[str, Any]]) -> dict[str, Any]:
    """Return a record as planted defects need it: any messages after the question, any declarations."""
    return {"messages": [says("user", question), *rest], "tools": offered}


def called(name: str, arguments: Any, ident: str = "call_1") -> dict[str, Any]:
    """Return an assistant message that makes one call."""
    return says("assistant", None, tool_calls=[call(ident, name, arguments)])


def _calls(made: DataSet) -> None:
    weather, timer, play = declared("get_weather"), declared("set_timer"), declared("play")
    single = row(
        "Sunny in Split?", called("get_weather", "{'city': 'Split'}"), result("call_1", "sunny"), says("assistant", "Very."), offered=weather
    )
    made.plant(dump(single), invalid_arguments_json="arguments written by str() instead of json.dumps()")
    cut = row("Ten minutes, go.", called("set_timer", '{"minutes": 1'), result("call_1", "ok"), says("assistant", "Off it goes."), offered=timer)
    made.plant(dump(cut), invalid_arguments_json="arguments cut off")
    mail = row("Mail Jo that I am late.", called("send_mail", {"to": "Jo"}), result("call_1", "sent"), says("assistant", "Jo knows."), offered=timer)
    made.plant(dump(mail), undeclared_tool="calls send_mail, which is not declared")
    orphan = row(
        "Some blues, please.", says("assistant", "One moment."), result("call_7", "playing"), says("assistant", "There you go."), offered=play
    )
    made.plant(dump(orphan), orphan_tool_result="a result of a call that nobody made")
    word = row(
        "Half an hour for the cake.", called("set_timer", {"minutes": "thirty"}), result("call_1", "ok"), says("assistant", "Thirty."), offered=timer
    )
    made.plant(dump(word), arguments_break_schema="a word where the schema wants an integer")
    silent = row("Hail in Cork?", called("get_weather", {"city": "Cork"}), says("assistant", "No hail in sight."), offered=weather)
    made.plant(dump(silent), unanswered_tool_call="no result for the call", repeated_role="so two assistant turns follow each other")
    made.plant(
        dump(row("Mute it.", says("assistant", "I have no way to do that."), offered=[{"type": "function", "function": {"description": "Mute."}}])),
        bad_tool_schema="a function without a name",
    )
    loose = called("play", {"what": "rain sounds"})
    loose["tool_calls"][0]["function"]["arguments"] = {"what": "rain sounds"}
    made.plant(dump(row("Rain sounds for the baby.", loose, result("call_1", "playing"), says("assistant", "Sweet dreams."), offered=play)))


def _rows(made: DataSet) -> None:
    timer, weather = declared("set_timer"), declared("get_weather")
    last = row("Two minutes of plank!", called("set_timer", {"minutes": 2}), result("call_1", "ok"), offered=timer)
    made.plant(dump(last), last_turn_not_assistant="the trace ends with the tool's result")
    role = row(
        "Wind in Nice?",
        called("get_weather", {"city": "Nice"}),
        {**result("call_1", "calm"), "role": "tools"},
        says("assistant", "Calm."),
        offered=weather,
    )
    made.plant(dump(role), unknown_role="role 'tools' instead of 'tool'", unanswered_tool_call="so the call has no result")
    yes = row(
        "Seven minutes for the rice paper.",
        called("set_timer", {"minutes": 7}),
        result("call_1", "ok"),
        says("assistant", "Seven.", weight=True),
        offered=timer,
    )
    made.plant(dump(yes), bad_weight="weight true")
    thought = row("What day is it?", says("assistant", "No tool needed.</think>It is Tuesday."), offered=timer)
    made.plant(
        dump(thought), unbalanced_think_block="the end of a thought without its beginning", mixed_think_blocks="the only answer with a thought"
    )
    colours = row(
        "Gusts in Kiel?",
        called("get_weather", {"city": "Kiel"}),
        result("call_1", "\x1b[31mgale\x1b[0m"),
        says("assistant", "A gale."),
        offered=weather,
    )
    made.plant(dump(colours), control_characters="colours of a terminal in a result")
    block = says("assistant", '```json\n{"city": "Pisa", "sky": clear\n```')
    asked = row("Pisa's weather as JSON, please.", called("get_weather", {"city": "Pisa"}), result("call_1", "clear"), block, offered=weather)
    made.plant(dump(asked), broken_code_or_json_block="an answer in broken JSON")
    made.plant(b'["Who are you?", "Your assistant."]', not_an_object="a bare list")
    missing = row(
        "Sauna for a quarter of an hour.", called("set_timer", {"minutes": 15}), result("call_1", "ok"), says("assistant", "Enjoy."), offered=timer
    )
    made.plant(dump(missing).replace(b'"messages"', b'"message"'), unknown_shape="'message' instead of 'messages'")


def _copies(made: DataSet) -> None:
    first = made.clean_line(6)
    made.plant(first.raw, twin=first, exact_duplicate="a copy of an earlier row")
    made.leak(made.clean_line(5, "eval"), exact_leak="the row was copied into train")

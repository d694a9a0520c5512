"""Tool arguments as text or as an object, in ten chat templates: which of them lose or mangle a call.

The templates are written by hand after the documented form of each family's tool calls; the table is the one of
https://github.com/huggingface/transformers/issues/45419, where the same call renders differently from a string of JSON and
from an object.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal

import pytest

from tunelint.records.views import view
from tunelint.tokens.faults import losses
from tunelint.tokens.huggingface import TokenizerFolder
from tunelint.tokens.own import own_row
from tunelint.tokens.rows import NotTrainable
from tunelint.tokens.trl import sft_row

Verdict = Literal["fine", "mangled", "refused"]
TOJSON = '{"name": "{{ call.function.name }}", "arguments": {{ call.function.arguments | tojson }}}'
EITHER = "{% if call.function.arguments is string %}{{ call.function.arguments }}{% else %}{{ call.function.arguments | tojson }}{% endif %}"
ITEMS = "{% for key, value in call.function.arguments.items() %}"

TEMPLATES: dict[str, tuple[str, Verdict, Verdict]] = {
    # family: how it writes a call, the verdict for a string of JSON, the verdict for an object
    "Qwen2.5": (f"<tool_call>\n{TOJSON}\n</tool_call>", "mangled", "fine"),
    "Qwen3": (f'<tool_call>\n{{"name": "{{{{ call.function.name }}}}", "arguments": {EITHER}}}\n</tool_call>', "fine", "fine"),
    "Qwen3-Coder": (
        "<function={{ call.function.name }}>" + ITEMS + "<parameter={{ key }}>{{ value }}</parameter>{% endfor %}</function>",
        "refused", "fine",
    ),
    "Llama 3.1": ('{"name": "{{ call.function.name }}", "parameters": {{ call.function.arguments | tojson }}}', "mangled", "fine"),
    "Llama 3.1 built-in": (
        "<|python_tag|>{{ call.function.name }}.call(" + ITEMS + '{{ key }}="{{ value }}"{% endfor %})', "refused", "fine",
    ),
    "DeepSeek V3": (
        "<tool>{{ call.function.name }}\n```json\n{{ '' + call.function.arguments }}\n```</tool>", "fine", "refused",
    ),
    "GLM 4.5": (
        "<tool_call>{{ call.function.name }}\n" + ITEMS
        + "<arg_key>{{ key }}</arg_key><arg_value>{{ value }}</arg_value>{% endfor %}</tool_call>", "refused", "fine",
    ),
    "Mistral": ("[TOOL_CALLS][" + TOJSON + "]", "mangled", "fine"),
    "gpt-oss": ("to=functions.{{ call.function.name }} json<|message|>{{ call.function.arguments | tojson }}", "mangled", "fine"),
    "Command R": ('Action: [{"tool_name": "{{ call.function.name }}", "parameters": ' + EITHER + "}]", "fine", "fine"),
}  # fmt: skip


def chatml(folder: Path, call: str) -> TokenizerFolder:
    """A folder whose template writes calls in the given form; the tokenizer is the fixtures' own."""
    source = Path(__file__).parent / "fixtures" / "chatml"
    (folder / "tokenizer.json").write_bytes((source / "tokenizer.json").read_bytes())
    (folder / "tokenizer_config.json").write_text(json.dumps({"eos_token": "<|im_end|>"}))
    template = (
        "{% for message in messages %}<|im_start|>{{ message.role }}\n{{ message.content or '' }}"
        "{% for call in message.tool_calls or [] %}" + call + "{% endfor %}<|im_end|>\n{% endfor %}"
    )
    (folder / "chat_template.jinja").write_text(template)
    return TokenizerFolder(folder)


def record(arguments: Any) -> dict[str, Any]:
    call = {"id": "c1", "type": "function", "function": {"name": "track_order", "arguments": arguments}}
    return {"messages": [
        {"role": "user", "content": "Where is order 7?"}, {"role": "assistant", "content": "", "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c1", "content": "in Lyon"}, {"role": "assistant", "content": "It is in Lyon."},
    ]}  # fmt: skip


@pytest.mark.parametrize("family", TEMPLATES)
@pytest.mark.parametrize("form", ["string", "object"])
def test_what_a_template_makes_of_arguments(family: str, form: str, tmp_path: Path) -> None:
    call, of_string, of_object = TEMPLATES[family]
    folder = chatml(tmp_path, call)
    arguments: Any = {"order": "No. 7", "country": "France"}
    example_record = record(json.dumps(arguments) if form == "string" else arguments)
    wanted = of_string if form == "string" else of_object
    try:
        row = sft_row(example_record, folder)  # TRL gives the record to the template as it is
    except NotTrainable:
        assert wanted == "refused"
        return
    found = [loss.what for loss in losses(view(example_record, "openai-chat"), row.text)]
    if wanted == "fine":
        assert found == []
    else:
        assert wanted == "mangled"
        assert found == ["the arguments of 'track_order' are written as a quoted string; give them as an object"]


@pytest.mark.parametrize("family", [family for family, (_, _, of_object) in TEMPLATES.items() if of_object == "fine"])
def test_our_own_rows_hand_over_an_object(family: str, tmp_path: Path) -> None:
    folder = chatml(tmp_path, TEMPLATES[family][0])
    example = view(record('{"order": "No. 7", "country": "France"}'), "openai-chat")
    row = own_row(example, folder)
    assert list(losses(example, row.text)) == []


def test_reasoning_and_repeated_turns() -> None:
    turns = [{"role": "system", "content": "Answer every question in one sentence."}, {"role": "user", "content": "Why?"}]
    answer = {"role": "assistant", "content": "Because.", "reasoning_content": "They ask why."}
    example = view({"messages": [*turns, answer]}, "openai-chat")
    rendered = "Answer every question in one sentence. Why? Because."
    assert [loss.what for loss in losses(example, rendered)] == ["reasoning of 13 characters is left out"]
    doubled = f"They ask why. {rendered} {rendered}"
    assert [loss.what for loss in losses(example, doubled)] == ["the system turn stands there 2 times"]
    moved = "Why? Answer every question in one sentence. Because. They ask why."
    assert [loss.what for loss in losses(example, moved)] == ["the user turn stands in another place"]

"""Chat templates render as transformers renders them, in a sandbox."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tunelint.errors import TunelintError
from tunelint.tokens.huggingface import TokenizerFolder
from tunelint.tokens.templates import ChatTemplate, TemplateRefusal

USER = {"role": "user", "content": "Where is it?"}
ANSWER = {"role": "assistant", "content": "On its way."}


def render(source: str, *messages: dict[str, Any], **options: Any) -> str:
    return ChatTemplate(source, {"bos_token": "<s>", "eos_token": "</s>"}).render(messages, **options).text


def test_blocks_are_trimmed_and_specials_are_known() -> None:
    source = "{{ bos_token }}\n{% for message in messages %}\n    {% if true %}\n{{ message.content }}{{ eos_token }}\n    {% endif %}\n{% endfor %}"
    assert render(source, USER, ANSWER) == "<s>\nWhere is it?</s>\nOn its way.</s>\n"


def test_loop_controls_and_plain_json() -> None:
    source = "{% for message in messages %}{% if loop.index > 1 %}{% break %}{% endif %}{{ message | tojson }}{% endfor %}"
    assert render(source, {"role": "user", "content": "<é>"}, ANSWER) == '{"role": "user", "content": "<é>"}'


def test_tools_and_generation_prompt() -> None:
    source = "{% if tools %}{{ tools | tojson(indent=1) }}{% endif %}{% if add_generation_prompt %}GO{% endif %}"
    assert render(source, USER, tools=[{"a": 1}], add_generation_prompt=True) == '[\n {\n  "a": 1\n }\n]GO'
    assert render(source, USER) == ""


def test_generation_spans_also_behind_long_text_and_twice() -> None:
    source = "{% for m in messages %}{{ m.role }}: {% generation %}{{ m.content }}{% endgeneration %}\n{% endfor %}"
    template = ChatTemplate(source, {})
    assert template.marks_generation
    rendering = template.render([{"role": "assistant", "content": "x" * 5000}, {"role": "assistant", "content": "yy"}])
    assert [rendering.text[start:end] for start, end in rendering.generation] == ["x" * 5000, "yy"]
    assert template.render([ANSWER]).generation == ((11, 22),)


@pytest.mark.parametrize(
    ("source", "complaint"),
    [
        ("{{ raise_exception('roles must alternate') }}", "roles must alternate"),
        ("{{ ''.__class__.__mro__ }}", "unsafe"),
        ("{{ messages.append(1) }}", "append"),
        ("{% for key, value in messages[0].content.items() %}{% endfor %}", "no attribute 'items'"),
        ("{{ messages[0].content + 1 }}", "concatenate"),
    ],
)
def test_a_refusal_is_the_templates_own_complaint(source: str, complaint: str) -> None:
    with pytest.raises(TemplateRefusal, match=complaint):
        render(source, USER)


def test_a_template_that_is_no_jinja() -> None:
    with pytest.raises(TunelintError, match="chat template, line 2"):
        render("ok\n{% if %}", USER)


def test_reasoning_is_read_under_every_name() -> None:
    source = "{{ messages[0].reasoning_content }}|{{ messages[0].thinking }}"
    assert render(source, {**ANSWER, "reasoning": "hm"}) == "hm|hm"
    assert render(source, {**ANSWER, "thinking": "so"}) == "so|so"


def test_template_of_a_folder(byte_level_folder: Path, wordpiece_folder: Path) -> None:
    template = ChatTemplate.of(TokenizerFolder(byte_level_folder))
    assert template is not None
    assert not template.marks_generation
    assert template.render([USER], add_generation_prompt=True).text == "<|im_start|>user\nWhere is it?<|im_end|>\n<|im_start|>assistant\n"
    assert ChatTemplate.of(TokenizerFolder(wordpiece_folder)) is None


def test_same_text_as_transformers(byte_level_folder: Path, sentencepiece_folder: Path) -> None:
    transformers = pytest.importorskip("transformers")
    for folder in (byte_level_folder, sentencepiece_folder):
        theirs = transformers.PreTrainedTokenizerFast(tokenizer_file=str(folder / "tokenizer.json"))
        ours = ChatTemplate.of(TokenizerFolder(folder))
        assert ours is not None
        theirs.chat_template, theirs.bos_token, theirs.eos_token = ours.source, "<s>", "</s>"
        for messages in ([USER], [USER, ANSWER], [USER, ANSWER, USER, {**ANSWER, "content": "  {{ x }} 🙂\n"}]):
            mine = ours.render(messages).text.replace("<|im_end|>", "</s>")
            assert mine == theirs.apply_chat_template(messages, tokenize=False).replace("<|im_end|>", "</s>")

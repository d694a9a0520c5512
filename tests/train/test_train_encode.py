"""The mask: exactly the answers, with their end token, whatever the chat template does."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import pytest
from train_rows import support_rows

from tunelint.errors import TunelintError
from tunelint.train.encode import IGNORED, Encoded, Encoder
from tunelint.train.models import PLAIN_TEMPLATE
from tunelint.train.records import Call, Message, TrainRecord

pytest.importorskip("transformers", reason="local training is an extra")

LLAMA3 = (
    "{{- bos_token -}}{%- for m in messages -%}"
    "{{- '<|start_header_id|>' + m.role + '<|end_header_id|>\n\n' + m.content | trim + '<|eot_id|>' -}}"
    "{%- endfor -%}{%- if add_generation_prompt -%}"
    "{{- '<|start_header_id|>assistant<|end_header_id|>\n\n' -}}{%- endif -%}"
)
# Like Qwen3: reasoning is shown in the last turn only, so that earlier turns are rendered anew.
FORGETFUL = (
    "{%- for m in messages -%}{%- set text = m.content -%}"
    "{%- if m.role == 'assistant' and not loop.last -%}{%- set text = text.split('</think>')[-1] -%}{%- endif -%}"
    "{{- '<|im_start|>' + m.role + '\n' + text + '<|im_end|>\n' -}}{%- endfor -%}"
    "{%- if add_generation_prompt -%}{{- '<|im_start|>assistant\n<think>' -}}{%- endif -%}"
)
# Like Mistral's: it refuses half a conversation, and the end of an answer is the end of the sequence.
STRICT = (
    "{%- if messages | length < 4 -%}{{ raise_exception('a whole conversation, please') }}{%- endif -%}"
    "{{- bos_token -}}{%- for m in messages -%}{%- if m.role == 'user' -%}{{- '[INST] ' + m.content + ' [/INST]' -}}"
    "{%- else -%}{{- m.content + eos_token -}}{%- endif -%}{%- endfor -%}"
)


def tokenizer_with(template: str, eos: str = "</s>") -> Any:
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    alphabet = {token: index for index, token in enumerate(sorted(pre_tokenizers.ByteLevel.alphabet()))}
    tokenizer = Tokenizer(models.BPE(vocab=alphabet, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    extra = ["<|im_start|>", "<|im_end|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"]
    extra += ["[INST]", "[/INST]"]
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, bos_token="<s>", eos_token=eos, pad_token=eos, extra_special_tokens=extra
    )
    fast.chat_template = template
    return fast


def chat(*turns: tuple[str, str] | tuple[str, str, bool]) -> TrainRecord:
    messages = [Message(turn[0], turn[1], turn[2] if len(turn) == 3 else turn[0] == "assistant") for turn in turns]
    return TrainRecord(tuple(messages), "d" * 32)


def encode(tokenizer: Any, record: TrainRecord, max_length: int = 10_000) -> Encoded:
    with tempfile.TemporaryDirectory() as folder:
        tokenizer.save_pretrained(folder)
        return Encoder(Path(folder), max_length).encode(record)


def learnt(tokenizer: Any, record: TrainRecord) -> list[str]:
    """The runs of learnt tokens, decoded."""
    encoded = encode(tokenizer, record)
    runs: list[list[int]] = [[]]
    for label in encoded.labels:
        if label == IGNORED:
            runs.append([])
        else:
            runs[-1].append(label)
    return [tokenizer.decode(run) for run in runs if run]


TALK = chat(("user", "Hi"), ("assistant", "<think>greet</think>Hello"), ("user", "Bye"), ("assistant", "Bye bye"))


@pytest.mark.parametrize(
    ("template", "eos", "expected"),
    [
        (LLAMA3, "<|eot_id|>", ["<think>greet</think>Hello<|eot_id|>", "Bye bye<|eot_id|>"]),
        (FORGETFUL, "<|im_end|>", ["Hello<|im_end|>", "Bye bye<|im_end|>"]),
        (STRICT, "</s>", ["<think>greet</think>Hello</s>", "Bye bye</s>"]),
        (PLAIN_TEMPLATE, "</s>", ["<think>greet</think>Hello</s>", "Bye bye</s>"]),
    ],
    ids=["prefix", "forgetful", "strict", "plain"],
)
def test_answers_and_their_end_tokens_are_learnt(template: str, eos: str, expected: list[str]) -> None:
    assert learnt(tokenizer_with(template, eos), TALK) == expected


@pytest.mark.parametrize("template", [LLAMA3, FORGETFUL, STRICT, PLAIN_TEMPLATE])
def test_a_turn_that_is_switched_off_is_not_learnt(template: str) -> None:
    record = chat(("user", "Hi"), ("assistant", "wrong", False), ("user", "Again"), ("assistant", "right"))
    runs = learnt(tokenizer_with(template), record)
    assert len(runs) == 1
    assert runs[0].startswith("right")


def test_an_answer_that_repeats_role_and_question_is_found_in_its_place() -> None:
    record = chat(("user", "assistant"), ("assistant", "assistant"), ("user", "assistant"), ("assistant", "a"))
    for template, eos in ((LLAMA3, "<|eot_id|>"), (FORGETFUL, "<|im_end|>"), (STRICT, "</s>")):
        assert learnt(tokenizer_with(template, eos), record) == ["assistant" + eos, "a" + eos]


def test_an_assistant_turn_that_opens_is_learnt_without_its_header() -> None:
    record = chat(("assistant", "Welcome!"), ("user", "Hi"), ("assistant", "Yes?"), ("user", "No"))
    assert learnt(tokenizer_with(LLAMA3, "<|eot_id|>"), record) == ["Welcome!<|eot_id|>", "Yes?<|eot_id|>"]


def test_tool_calls_are_learnt_and_results_are_not() -> None:
    from tunelint.train.tiny import TEMPLATE

    record = TrainRecord(
        (
            Message("user", "Weather?"),
            Message("assistant", "", True, (Call("weather", '{"city": "Oslo"}', "c1"),)),
            Message("tool", "rain", call_id="c1"),
            Message("assistant", "It rains.", True),
        ),
        "d" * 32,
        tools=({"type": "function", "function": {"name": "weather"}},),
    )
    call, answer = learnt(tokenizer_with(TEMPLATE, "<|im_end|>"), record)
    assert call == '\n<tool_call>{"name": "weather", "arguments": {"city": "Oslo"}}</tool_call><|im_end|>'
    assert answer == "It rains.<|im_end|>"


def test_a_plain_text_is_learnt_whole() -> None:
    tokenizer = tokenizer_with(LLAMA3)
    record = TrainRecord((Message("assistant", "Once upon a time", True),), "d" * 32, plain=True)
    encoded = encode(tokenizer, record)
    assert tokenizer.decode(encoded.input_ids) == "Once upon a time</s>"
    assert encoded.labels == encoded.input_ids


def test_what_is_longer_than_the_limit_loses_its_end_and_says_so() -> None:
    tokenizer = tokenizer_with(LLAMA3)
    whole = encode(tokenizer, TALK)
    cut = encode(tokenizer, TALK, 40)
    assert not whole.cut
    assert cut.cut
    assert cut.input_ids == whole.input_ids[:40]
    assert cut.labels == whole.labels[:40]
    assert cut.trained < whole.trained


def test_accents_and_emoji_are_masked_by_character_not_by_byte() -> None:
    record = chat(("user", "Çà 🙂"), ("assistant", "Ответ 🙂 да"), ("user", "ß"), ("assistant", "ok"))
    for template in (LLAMA3, STRICT):
        first = learnt(tokenizer_with(template, "<|eot_id|>"), record)[0]
        assert first.startswith("Ответ 🙂 да")


def test_a_template_that_refuses_is_one_clear_error() -> None:
    with pytest.raises(
        TunelintError, match=f"Record {'d' * 32}: the chat template refuses .*whole conversation, please"
    ):
        learnt(tokenizer_with(STRICT), chat(("user", "Hi"), ("assistant", "Hello")))


def test_an_answer_that_the_template_hides_is_not_learnt() -> None:
    mute = "{%- for m in messages -%}{{- m.role -}}{%- endfor -%}"
    assert learnt(tokenizer_with(mute), chat(("user", "Hi"), ("assistant", "Hello"))) == []


def test_reasoning_beside_the_answer_is_learnt_where_the_template_shows_it() -> None:
    template = (
        "{%- for m in messages -%}<|im_start|>{{ m.role }}\n"
        "{%- if m.reasoning_content -%}<think>{{ m.reasoning_content }}</think>{%- endif -%}"
        "{{- m.content }}<|im_end|>{%- endfor -%}"
    )
    answer = Message("assistant", "Four.", True, extra={"reasoning_content": "2 + 2"})
    record = TrainRecord((Message("user", "2 + 2?"), answer), "d" * 32)
    assert learnt(tokenizer_with(template, "<|im_end|>"), record) == ["<think>2 + 2</think>Four.<|im_end|>"]


def test_the_tiny_tokenizer_takes_text_it_has_never_seen() -> None:
    from tunelint.train.tiny import train_tokenizer

    tokenizer = train_tokenizer(support_rows(20, 1))
    assert len(tokenizer) <= 1024
    record = chat(("user", "Переведи: боль 🙂"), ("assistant", "«цефалгия» \x00 <|im_end|>?"))
    assert learnt(tokenizer, record) == ["«цефалгия» \x00 <|im_end|>?<|im_end|>"]

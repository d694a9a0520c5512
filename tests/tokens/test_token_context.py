"""The run's tokenizer and recipe: real rows where there is a folder, counts where there is not."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from tunelint.records.shapes import detect
from tunelint.records.views import view
from tunelint.tokens.context import TokenContext, token_context
from tunelint.tokens.faults import DOUBLED_START, LOST_CONTENT, REFUSED, UNTRAINED_END

FIXTURES = Path(__file__).parent / "fixtures"


def pairs(*records: dict[str, object]) -> list[tuple[dict[str, object], object]]:
    return [(record, view(record, detect(record))) for record in records]


def chat(*turns: tuple[str, str]) -> dict[str, object]:
    return {"messages": [{"role": role, "content": content} for role, content in turns]}


def bits(context: TokenContext, record: dict[str, object]) -> int:
    return int(context.rows_of(pairs(record))[0, 2])


def test_rows_and_faults_of_a_folder() -> None:
    marked, inst = token_context(str(FIXTURES / "chatml"), None), token_context(str(FIXTURES / "inst"), None)
    plain = chat(("user", "Hi"), ("assistant", "Hello you"))
    rows = marked.rows_of(pairs(plain))
    assert rows.shape == (1, 3)
    assert 0 < rows[0, 1] < rows[0, 0]
    assert bits(marked, plain) == 0
    assert bits(inst, plain) == 0
    assert bits(inst, {"text": "<s>Once upon a time</s>"}) & DOUBLED_START
    assert not bits(inst, {"text": "Once upon a time"}) & (DOUBLED_START | UNTRAINED_END)


def test_a_refusal_and_lost_content(tmp_path: Path) -> None:
    source = FIXTURES / "chatml"
    (tmp_path / "tokenizer.json").write_bytes((source / "tokenizer.json").read_bytes())
    template = (
        "{% for m in messages %}{% if m.role == 'tool' %}{{ raise_exception('no tools') }}{% endif %}"
        "{% if m.role != 'system' %}{{ m.role }}: {{ m.content }}\n{% endif %}{% endfor %}"
    )
    (tmp_path / "tokenizer_config.json").write_text(json.dumps({"eos_token": "<|im_end|>", "chat_template": template}))
    context = token_context(str(tmp_path), None)
    assert bits(context, chat(("system", "Be kind."), ("user", "Hi"), ("assistant", "Yo"))) & LOST_CONTENT
    assert bits(context, chat(("user", "Hi"), ("assistant", "Yo"))) == UNTRAINED_END
    assert bits(context, chat(("user", "Hi"), ("tool", "x"), ("assistant", "Yo"))) == REFUSED


def test_a_folder_without_a_template_counts(wordpiece_folder: Path) -> None:
    context = token_context(str(wordpiece_folder), None).with_window(6)
    record = chat(("user", "hello world hello world"), ("assistant", "hello"))
    assert context.rows_of(pairs(record)).tolist() == [[0, 0, 0]]
    outcome = context.outcomes(pairs(record))[0]
    assert outcome.tokens > 6
    assert outcome.fate == "dropped"
    assert not outcome.trained


def test_without_a_folder_nothing_is_rendered() -> None:
    context = token_context("gpt-4o", None)
    assert context.maker is None
    assert not np.any(context.rows_of(pairs(chat(("user", "Hi")))))


def test_pairs_within_the_window() -> None:
    same = "The bridge is closed until Sunday, please take the ferry from the harbour instead of "
    pair = {"prompt": "How do I get home?", "chosen": f" {same}the tram", "rejected": f" {same}the bus"}
    equal = {**pair, "rejected": pair["chosen"]}
    for tokenizer in ("gpt-4o", str(FIXTURES / "chatml")):
        for window, wanted in ((12, True), (1000, False), (2, False) if "chatml" in tokenizer else (1000, False)):
            context = token_context(tokenizer, "trl").with_window(window)
            assert context.pair_is_same_within_window(*pairs(pair)[0]) is wanted, (tokenizer, window)  # type: ignore[arg-type]
        assert not token_context(tokenizer, "trl").with_window(12).pair_is_same_within_window(*pairs(equal)[0])  # type: ignore[arg-type]
    assert not token_context("gpt-4o", None).pair_is_same_within_window(*pairs(pair)[0])  # type: ignore[arg-type]

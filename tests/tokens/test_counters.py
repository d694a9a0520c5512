"""Counters: exact against tiktoken, never raising, honest about estimates."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tunelint.errors import TunelintError
from tunelint.tokens import openai_counter, probe
from tunelint.tokens.counters import counter_for
from tunelint.tokens.model_names import encoding_of_model
from tunelint.tokens.openai_counter import OpenAICounter, fast_batch_count, mend_surrogates, tiktoken_count
from tunelint.tokens.vocabularies import VOCABULARIES, load_encoding

ANY_TEXT = st.text(alphabet=st.characters(exclude_categories=()), max_size=200)
PIECES = st.lists(
    st.sampled_from(["<|endoftext|>", "<|im_start|>", "'LL", "’s", "\r\n\r\n", "\u2028", "e\u0301", "क्षि", "👩‍👩‍👧", "\ud800",
                     "ΑΒΓ", "Wörter", "camelCase", "12345", "   ", "\t", "中文", "def f():\n    ", "////", "²½"]),
    max_size=30,
).map("".join)  # fmt: skip


@pytest.mark.parametrize("encoding", VOCABULARIES)
@settings(max_examples=300, deadline=None)
@given(texts=st.lists(ANY_TEXT | PIECES, max_size=5))
def test_fast_counter_equals_tiktoken(encoding: str, texts: list[str]) -> None:
    fast = fast_batch_count(encoding)
    if fast is None:
        pytest.skip("toktok-rs (the [fast] extra) is not installed")
    assert fast(texts) == [len(load_encoding(encoding).encode_ordinary(text)) for text in texts]


def test_letters_of_a_newer_unicode_are_counted_by_tiktoken() -> None:
    """toktok-rs 0.3 takes U+330A0 for a letter, tiktoken 0.14 does not: 10 tokens against 11."""
    fast = fast_batch_count("cl100k_base")
    if fast is None:
        pytest.skip("toktok-rs (the [fast] extra) is not installed")
    assert fast(["\U00077c47\U000330a0\ud5b0"]) == [11]


@pytest.mark.parametrize(
    ("model", "encoding"),
    [
        ("gpt-4o-mini", "o200k_base"), ("gpt-4o", "o200k_base"), ("gpt-4.1-nano-2025-04-14", "o200k_base"),
        ("ft:gpt-4.1-mini-2025-04-14:acme:support:9xYz", "o200k_base"), ("ft:o4-mini-2025-04-16:acme::1", "o200k_base"),
        ("ft:gpt-4o:acme::1:ckpt-step-88", "o200k_base"), ("gpt-5.2", "o200k_base"), ("o3-mini", "o200k_base"),
        ("gpt-oss-20b", "o200k_base"), ("gpt-4", "cl100k_base"), ("gpt-4-0613", "cl100k_base"),
        ("ft:gpt-3.5-turbo-0125:acme::1", "cl100k_base"), ("gpt-35-turbo-1106", "cl100k_base"), ("davinci-002", "cl100k_base"),
        ("OpenAI/GPT-4o", "o200k_base"), ("gpt-40b", None), ("meta-llama/Llama-3.1-8B", None), ("", None), ("ft:", None),
    ],
)  # fmt: skip
def test_encoding_of_model(model: str, encoding: str | None) -> None:
    assert encoding_of_model(model) == encoding


@given(name=st.text(max_size=40).filter(lambda name: not name.startswith((".", "/", "~")) and "\x00" not in name))
def test_unknown_names_never_raise(name: str) -> None:
    counter = counter_for(name)
    assert counter.exact or "estimate" in counter.note


def test_unknown_model_says_estimate(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    counter = counter_for("acme/own-7b")
    assert (counter.name, counter.exact) == ("estimate", False)
    assert "acme/own-7b" in counter.note
    assert "--tokenizer" in counter.note


@pytest.mark.parametrize(
    "text",
    ["The quick brown fox jumps over the lazy dog, and nobody knows why it does so every single morning.",
     "Хорошая погода стоит уже третий день, и мы решили поехать за город всей семьёй.",
     "今天天气很好，我们决定全家一起去郊外走走，顺便看看老朋友。",
     "def add(left, right):\n    return left + right\n\nprint(add(1, 2))\n"],
)  # fmt: skip
def test_estimate_is_near(text: str) -> None:
    exact = counter_for("gpt-4o").count([text])[0]
    assert 0.6 * exact <= counter_for("estimate").count([text])[0] <= 1.6 * exact


def test_estimate_of_nothing() -> None:
    assert counter_for("estimate").count([]).tolist() == []
    assert counter_for("estimate").count(["", "a", "\ud800", ""]).tolist()[::3] == [0, 0]
    assert (counter_for("estimate").count(["a", "\ud800"]) >= 1).all()


@given(texts=st.lists(ANY_TEXT, max_size=6))
def test_estimates_do_not_depend_on_the_neighbours(texts: list[str]) -> None:
    together = counter_for("estimate").count(texts)
    alone = [counter_for("estimate").count([text])[0] for text in texts]
    assert np.abs(together - np.array(alone, dtype=np.int64)).max(initial=0) <= 1


def test_surrogates_as_in_tiktoken() -> None:
    assert mend_surrogates("a\ud83d\ude00b\ud800") == "a😀b\ufffd"
    for encoding in VOCABULARIES:
        texts = ["\ud800", "x\ud83d\ude00", "plain"]
        wanted = [len(load_encoding(encoding).encode_ordinary(text)) for text in texts]
        assert OpenAICounter(encoding).count(texts).tolist() == wanted
        assert OpenAICounter(encoding, expected_chars=10**9).count(texts).tolist() == wanted


def test_a_million_spaces_do_not_bring_the_run_down() -> None:
    """tiktoken 0.14 panics on this text (its pattern engine's stack overflows); the count must come all the same."""
    text = "before" + " " * 1_000_000 + "after"
    fast = fast_batch_count("o200k_base")
    counted = tiktoken_count("o200k_base", text)
    assert counted > 7_000
    if fast is not None:
        assert fast([text]) == [counted]


def test_pieces_count_as_the_whole() -> None:
    """The way round the panic gives tiktoken's own count where tiktoken can still count."""
    text = "Header\n" + " \t" * 60_000 + "\n\n tail ' it's 12345" + "\u00a0" * 100_000
    for encoding in VOCABULARIES:
        assert tiktoken_count(encoding, text) == len(load_encoding(encoding).encode_ordinary(text))


def test_referee_drops_a_fast_counter_that_differs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(openai_counter, "fast_batch_count", lambda encoding: lambda texts: [len(text) for text in texts])
    counter = OpenAICounter("o200k_base", expected_chars=10**9)
    assert counter.count(["hello world", "again"]).tolist() == [2, 1]
    assert "differed from tiktoken" in counter.note
    assert counter.exact


@pytest.mark.parametrize("encoding", VOCABULARIES)
def test_probe_holds_tiktokens_counts(encoding: str) -> None:
    assert tuple(len(load_encoding(encoding).encode_ordinary(text)) for text in probe.TEXTS) == probe.COUNTS[encoding]


def test_known_fast_counter_needs_no_referee(monkeypatch: pytest.MonkeyPatch) -> None:
    """A version that was held against tiktoken and passes the probe counts alone; one that fails it is refereed."""
    fast = fast_batch_count("o200k_base")
    if fast is None:
        pytest.skip("toktok-rs (the [fast] extra) is not installed")
    assert openai_counter.is_verified("o200k_base", fast)
    assert not openai_counter.is_verified("o200k_base", lambda texts: [*fast(texts)[:-1], 1])
    asked: list[str] = []

    def count(encoding: str, text: str) -> int:
        asked.append(text)
        return len(load_encoding(encoding).encode_ordinary(text))

    monkeypatch.setattr(openai_counter, "tiktoken_count", count)
    assert OpenAICounter("o200k_base", expected_chars=10**9).count(["hello world", "again"]).tolist() == [2, 1]
    assert asked == []
    monkeypatch.setattr(openai_counter, "VERIFIED", frozenset())
    OpenAICounter("o200k_base", expected_chars=10**9).count(["hello world"])
    assert asked


def test_referee_samples_after_the_first_texts(monkeypatch: pytest.MonkeyPatch) -> None:
    """A fast counter of a version that nobody knows, which goes wrong only later, is found by the one text in a hundred."""
    monkeypatch.setattr(openai_counter, "VERIFIED", frozenset())
    monkeypatch.setattr(openai_counter, "REFEREED_IN_FULL", 10)
    monkeypatch.setattr(
        openai_counter, "fast_batch_count", lambda encoding: lambda texts: [tiktoken_count(encoding, t) + ("bad" in t) for t in texts]
    )
    counter = OpenAICounter("cl100k_base", expected_chars=10**9)
    counter.count(["a first text of good quality"])
    assert counter.note == ""
    assert counter.count(["bad"] * 200).tolist() == [1] * 200
    assert counter.note != ""


def test_without_the_fast_extra_tiktoken_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(openai_counter, "fast_batch_count", lambda encoding: None)
    counter = OpenAICounter("o200k_base", expected_chars=10**9)
    assert counter.count(["hello world"]).tolist() == [2]
    assert counter.note == ""


def test_fast_counter_takes_over_on_the_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(openai_counter, "FAST_PAYS_FROM", 20)
    loaded: list[str] = []
    monkeypatch.setattr(
        openai_counter, "fast_batch_count",
        lambda encoding: loaded.append(encoding) or (lambda texts: [tiktoken_count(encoding, t) for t in texts]),
    )  # fmt: skip
    counter = OpenAICounter("o200k_base")
    counter.count(["twenty characters long"])
    assert loaded == []
    counter.count(["and now the other one"])
    assert loaded == ["o200k_base"]


def test_counters_travel_to_other_processes(wordpiece_folder: Path) -> None:
    for counter in (OpenAICounter("cl100k_base", expected_chars=10**9), counter_for("estimate"), counter_for(wordpiece_folder)):
        before = counter.count(["hello world"]).tolist()
        assert pickle.loads(pickle.dumps(counter)).count(["hello world"]).tolist() == before


def test_a_path_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(TunelintError, match="no such file or folder"):
        counter_for("./no-such-tokenizer")
    with pytest.raises(TunelintError, match=r"holds no tokenizer\.json"):
        counter_for(tmp_path)
    (tmp_path / "tokenizer.json").write_text("{}")
    with pytest.raises(TunelintError, match="not a readable"):
        counter_for(tmp_path).count(["x"])

"""Rewordings with hardly a word in common: the sentence model of the [semantic] extra, off unless asked for."""

from __future__ import annotations

import importlib.util
import json
import re
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import pytest

from tunelint.similarity import meaning
from tunelint.similarity.lexical import Comparison

QUESTIONS = """Why do leaves turn red in autumn?|How do I sharpen a kitchen knife?|What is the tallest tree on earth?|Who wrote the first dictionary?
How many bones does a horse have?|Why does bread rise?|How do I remove rust from a bicycle?|What causes thunder?|How is glass made?
Which birds cannot fly?|How do I tie a bow tie?|Why is the moon sometimes red?|How long do elephants live?|What is a good name for a bakery?
How do vaccines work?|Why do we yawn?|How do I fold a paper crane?|What does a notary do?|Which cheese melts best?|How deep is the ocean?
Why do magnets attract iron?|How do I grow tomatoes on a balcony?|What is inflation?|Who built the pyramids?|How does a zip fastener work?
What is the fastest fish?|How do I clean a cast iron pan?|Why do geese fly in a V?|What is a haiku?|How do submarines dive?
Which planet spins backwards?|How do I whistle with two fingers?|Why are flamingos pink?|What makes chilli hot?|How old is the universe?
How do I fix a dripping tap?|What is a black hole?|Why do onions make us cry?|How does a fridge keep cold?|What is the rarest blood group?
How do I learn to juggle?|Why does ice float?|What is a leap year for?|How are pearls formed?|Which city has the most bridges?""".replace(
    "\n", "|"
).split("|")
HIDDEN = [  # one word in common each: candidates are found by words
    ("Recommend some inexpensive places to spend a holiday with small children.", "Where can a family with toddlers take a cheap holiday?"),
    ("My laptop shuts down by itself whenever it becomes too warm.", "A laptop overheats and then switches off. How to stop this?"),
]
OTHERS = ["Explain the offside rule.", "Translate good morning into Welsh.", "Write a limerick about a snail.", "Is a tomato a fruit?"]

needs_model = pytest.mark.skipif(
    importlib.util.find_spec(meaning.PACKAGE) is None, reason="the [semantic] extra is not installed: no sentence model here"
)


def findings(tunelint: Callable[..., Any], tmp_path: Path, semantic: bool) -> Any:
    train, evals = [*QUESTIONS, *(said for _, said in HIDDEN)], [*OTHERS, *(asked for asked, _ in HIDDEN)]
    for name, prompts in (("train", train), ("eval", evals)):
        rows = [json.dumps({"prompt": prompt, "completion": f"answer {place} of {name}"}) for place, prompt in enumerate(prompts)]
        (tmp_path / f"{name}.jsonl").write_text("\n".join(rows) + "\n")
    (tmp_path / "tunelint.toml").write_text(f"[rules.reworded-leak]\nsemantic = {str(semantic).lower()}\n")
    return tunelint("lint", ".", "--select", "LEAK005", "--format", "json")


@needs_model
def test_rewordings_with_hardly_a_common_word_are_found_by_their_meaning(
    tunelint: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any) -> NoReturn:
        raise AssertionError("the network was asked for")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    found = findings(tunelint, tmp_path, True).json["findings"]
    assert [finding["line"] for finding in found] == [5, 6]
    assert [finding["related"][0]["line"] for finding in found] == [len(QUESTIONS) + 1, len(QUESTIONS) + 2]
    for finding in found:
        assert re.search(r"\d% alike in wording and [5-9]\d% in meaning", finding["message"])
        assert finding["score"] < 0.5


def test_without_asking_only_wording_counts(tunelint: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> NoReturn:
        raise AssertionError("the model was loaded")

    monkeypatch.setattr("tunelint.checks.rewordings.vectors", refuse)
    assert findings(tunelint, tmp_path, False).json["findings"] == []


def test_the_missing_extra_is_named(tunelint: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(meaning, "PACKAGE", "a_package_that_nobody_has")
    ran = findings(tunelint, tmp_path, True)
    assert ran.code == 2
    assert "pip install 'tunelint[semantic]'" in ran.err


@needs_model
def test_vectors_have_length_one_whatever_the_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = ["", *QUESTIONS[:9], "word " * 400]
    whole = meaning.vectors(texts)
    monkeypatch.setattr(meaning, "BATCH", 2)
    assert np.allclose(meaning.vectors(texts), whole, atol=1e-4)
    assert np.allclose(np.linalg.norm(whole, axis=1), 1, atol=1e-5)


def test_meaning_adds_to_the_similarity() -> None:
    texts = ["a cat sleeps", "the feline naps", "stocks fell"]
    vectors = np.array([[1, 0], [0.8, 0.6], [0, 1]], dtype=np.float32)
    left, right = np.array([0, 0]), np.array([1, 2])
    plain, more = Comparison(texts), Comparison(texts, lambda _: vectors)
    assert plain.meaning(left, right).tolist() == [0, 0]
    assert more.meaning(left, right) == pytest.approx([0.8, 0])
    assert more.similarity(left, right) - plain.similarity(left, right) == pytest.approx([1.6, 0])
    assert more.wording(left, right) == pytest.approx(plain.wording(left, right))

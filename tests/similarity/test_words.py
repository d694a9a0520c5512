"""Words: the definition on cases that people meet, and the vectorised hashes against the definition."""

from __future__ import annotations

import unicodedata

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tunelint.similarity.fast import numba_installed
from tunelint.similarity.words import BASE, BLOCK, character_values, kept_text, normalised, word_hashes, words

PATHS = [False, True] if numba_installed() else [False]
MASK = (1 << 64) - 1


def splitmix(value: int) -> int:
    value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9 & MASK
    value = (value ^ (value >> 27)) * 0x94D049BB133111EB & MASK
    return value ^ (value >> 31)


def hash_of(word: str) -> int:
    """The word's hash by big integers, one character at a time."""
    values = [int(value) for value in character_values(word)]
    return splitmix(sum(value * pow(BASE, place, 1 << 64) for place, value in enumerate(values)) & MASK)


def expected(texts: list[str]) -> list[list[int]]:
    return [[hash_of(word) for word in words(text)] for text in texts]


def hashed(texts: list[str], compiled: bool) -> list[list[int]]:
    rows = word_hashes(texts, compiled=compiled)
    return [rows.row(i).tolist() for i in range(len(rows))]


@pytest.mark.parametrize(
    ("text", "expected_words"),
    [
        ("Don't PANIC, it's 3.14!", ["don", "t", "panic", "it", "s", "3", "14"]),
        ("", []),
        ("... — !?", []),
        ("Straße STRASSE", ["strasse", "strasse"]),
        ("ﬁne ２ｎｄ", ["fine", "2nd"]),
        ("İstanbul", ["i̇stanbul"]),
        ("cafe\u0301 café", ["café", "café"]),
        ("我爱Python吗", ["我", "爱", "python", "吗"]),
        ("ひらカタ漢", ["ひ", "ら", "カ", "タ", "漢"]),
        ("ｶﾞ", ["ガ"]),
        ("한국어 단어", ["한국어", "단어"]),
        ("ก่อน", ["ก", "่", "อ", "น"]),
        ("snake_case a²", ["snake", "case", "a2"]),
        ("a\u200bb", ["a", "b"]),
        ("ΣΊΣΥΦΟΣ", ["σίσυφοσ"]),
        ("\ud800x", ["x"]),
        ("ₓ½", ["x1", "2"]),
    ],
)
def test_the_definition(text: str, expected_words: list[str]) -> None:
    assert words(text) == expected_words


@pytest.mark.parametrize("compiled", PATHS)
def test_hashes_of_known_texts_follow_the_definition(compiled: bool) -> None:
    texts = [
        "Don't PANIC",
        "",
        "İ ß ﬃ",
        "我爱Python吗",
        "한국어",
        "\ud800x \uffff",
        "ก่อน ＡＢＣ",
        "a\nb",
        "\u0301x",
        "z" * 300,
    ]
    assert hashed(texts, compiled) == expected(texts)


ALPHABET = st.one_of(st.sampled_from("aAbZ09 .,-_\n\t'\"éßİſﬁ２½我爱ひカｶﾞ한กែမ\u0301\u0345\u200b\ud800\udfff😀Σςﬃǅŉΐ"), st.characters())


@settings(max_examples=150, deadline=None)
@given(st.lists(st.text(ALPHABET, max_size=30), max_size=8))
def test_hashes_follow_the_definition_on_any_text(texts: list[str]) -> None:
    for compiled in PATHS:
        assert hashed(texts, compiled) == expected(texts)


@pytest.mark.parametrize("compiled", PATHS)
def test_a_word_keeps_its_hash_wherever_it_stands(compiled: bool) -> None:
    long = "word " * (BLOCK // 4)
    rows = word_hashes([long, "ein Wort", "x" * (BLOCK + 7), long + "é", "word"], compiled=compiled)
    word = rows.row(4)[0]
    assert np.all(rows.row(0) == word)
    assert np.all(rows.row(3)[:-1] == word)
    assert rows.row(2).tolist() == [hash_of("x" * (BLOCK + 7))]
    assert rows.row(1).tolist() == [hash_of("ein"), hash_of("wort")]


def test_every_character_that_casefolds_or_decomposes_is_hashed_as_defined() -> None:
    special = [chr(code) for code in range(0x80, 0x30000) if normalised(chr(code)) != chr(code) and unicodedata.category(chr(code)) != "Cs"]
    texts = [f"a{character}b" for character in special]
    assert len(texts) > 5000
    rows = word_hashes(texts, compiled=False)
    known: dict[str, int] = {}
    for index, text in enumerate(texts):
        for word, found in zip(words(text), rows.row(index).tolist(), strict=True):
            assert known.setdefault(word, found) == found
    assert len(set(known.values())) == len(known)


def test_words_of_hangul_run_on_and_chinese_characters_stand_alone() -> None:
    assert len(word_hashes(["안녕하세요"]).values) == 1
    assert len(word_hashes(["你好世界"]).values) == 4


@settings(max_examples=150, deadline=None)
@given(st.text(ALPHABET, max_size=40), st.data())
def test_kept_text_has_the_kept_words(text: str, data: st.DataObject) -> None:
    found = words(text)
    keep = data.draw(st.lists(st.booleans(), min_size=len(found), max_size=len(found)))
    left = kept_text(text, np.array(keep, dtype=bool))
    assert all(kept in left for kept, wanted in zip(found, keep, strict=True) if wanted)
    if all(keep):
        assert words(left) == found

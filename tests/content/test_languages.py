"""Languages of many texts at once are those of each text by itself."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from tunelint.checks.language_votes import LONGEST
from tunelint.checks.languages import _VOTES, language, languages

_WORDS = [*_VOTES, *(word.upper() for word in _VOTES), "Straße", "“c’est”", "déjà", "İstanbul", "слово", "的", "x1", "extraordinarily", "", "..", "'"]
_PARTS = st.lists(
    st.tuples(
        st.sampled_from(_WORDS),
        st.sampled_from([" ", ", ", ". ", "\n", " (", "'", ") ", "\x1c", '\t"', "-", "?! ", "\u00a0", "\u3000", "\u2009«", "» ", "\x85", "\u202f"]),
    ),
    max_size=70,
)
_SENTENCES = _PARTS.map(lambda parts: "".join(word + gap for word, gap in parts))


def test_small_words_fit_the_table() -> None:
    assert max(len(word.encode()) for word in _VOTES) <= LONGEST


@settings(max_examples=300, deadline=None)
@given(texts=st.lists(_SENTENCES | st.text(max_size=80), max_size=8))
def test_many_texts_are_told_as_each_alone(texts: list[str]) -> None:
    assert languages(texts) == [language(text) for text in texts]


def test_known_sentences() -> None:
    texts = ["Der Hund ist nicht mit dem Auto auf die Insel gefahren, und er ist auch noch da.", "", "What is this for, and who are they?",
             "El perro no es de los que se va por la calle con una pelota.", "12345 67890", "Lorem Ipsum Dolor Amet Nunc"]  # fmt: skip
    assert languages(texts) == ["de", "", "en", "es", "", "latin"]

"""The examples of the few-shot prompt: for each eval row the nearest train rows, or a seeded draw of them."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace

from tunelint.comparing.cases import Case, as_case
from tunelint.train import TrainRecord
from tunelint.train.records import Message

HOW = {"nearest": "nearest by TF-IDF of the prompt's words", "random": "drawn at random with the seed"}


def choose_shots(cases: Sequence[Case], train: Sequence[TrainRecord], most: int, how: str, seed: int) -> list[list[Case]]:
    """Return for each case at most `most` train rows to show, the nearest last, next to the question.

    `how` is "nearest" (cosine of TF-IDF vectors over words and word pairs) or "random". A train row with the very prompt
    of the case is never shown: it would give the answer away. Plain texts are no examples.
    """
    pool = [shot for shot in map(as_case, train) if shot.can_be_asked]
    if not pool or not most:
        return [[] for _ in cases]
    texts = [_text(shot) for shot in pool]
    orders = _nearest(cases, texts) if how == "nearest" else _drawn(cases, len(pool), seed)
    chosen = []
    for case, order in zip(cases, orders, strict=True):
        own = _text(case)
        best = [pool[place] for place in order if texts[place] != own][:most] if case.can_be_asked else []
        chosen.append(best[::-1])
    return chosen


def with_shots(case: Case, shots: Sequence[Case]) -> TrainRecord:
    """Return the case's row with the examples between its system turns and its own; nothing of the examples is trained."""
    turns = case.record.messages
    start = next((place for place, turn in enumerate(turns) if turn.role not in ("system", "developer")), len(turns))
    shown: list[Message] = []
    for shot in shots:
        answer = (shot.answer,) if shot.answer is not None else ()
        shown += [replace(turn, trained=False) for turn in (*shot.prompt, *answer) if turn.role not in ("system", "developer")]
    return replace(case.record, messages=(*turns[:start], *shown, *turns[start:]))


def _text(case: Case) -> str:
    return "\n".join(turn.text for turn in case.prompt if turn.role not in ("system", "developer"))


def _drawn(cases: Sequence[Case], count: int, seed: int) -> list[list[int]]:
    """One draw for all cases, as a prompt that somebody wrote once would have it."""
    order = list(range(count))
    random.Random(seed).shuffle(order)
    return [order for _ in cases]


def _nearest(cases: Sequence[Case], texts: Sequence[str]) -> list[list[int]]:
    import numpy as np
    from sklearn.feature_extraction.text import TfidfVectorizer

    # One letter is a word too: "is 3 + 4" must not be empty.
    vectors = TfidfVectorizer(token_pattern=r"(?u)\w+", ngram_range=(1, 2), sublinear_tf=True)
    try:
        pool = vectors.fit_transform(texts)
    except ValueError:  # no prompt has a word
        return [list(range(len(texts))) for _ in cases]
    orders = []
    for case in cases:
        likeness = np.round((vectors.transform([_text(case)]) @ pool.T).toarray()[0], 9)
        orders.append(np.argsort(-likeness, kind="stable").tolist())
    return orders

"""Eval records that share a long passage with train, word for word."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np

from tunelint.checks.duplicates import collapsed, place
from tunelint.checks.leak import MOST_PARTNERS, Leak, and_more
from tunelint.checks.near import Rows, whole_shingles
from tunelint.checks.survey import Survey
from tunelint.similarity.batches import Batches
from tunelint.similarity.columns import Hashes, Ragged
from tunelint.similarity.passages import shared_passages
from tunelint.similarity.shingles import SHINGLE_WORDS, one_sequence, shingle_sequence
from tunelint.similarity.templates import in_template, template_values


def template_of_both(survey: Survey) -> Hashes:
    """Return the shingles that more than a fifth of the records of both splits share, exact copies counted."""
    if "template-of-both" not in survey.extras:
        sides = [collapsed(survey, "train"), collapsed(survey, "eval")]
        shingles = Batches(tuple(whole_shingles(survey, side.rows) for side in sides))
        survey.extras["template-of-both"] = template_values(shingles, np.concatenate([side.counts for side in sides]))
    template: Hashes = survey.extras["template-of-both"]
    return template


def passage_leaks(survey: Survey, options: dict[str, Any], evals: list[int]) -> dict[int, Leak]:
    """Return the leaks of shared-passage: a run of words of prompt and answer stands in train, template text left out."""
    rows, train = np.array(evals, dtype=np.int64), collapsed(survey, "train")
    width = max(int(options["words"]), SHINGLE_WORDS) - SHINGLE_WORDS + 1
    own = _without_template(survey, rows)
    found = shared_passages(own, _without_template(survey, train.rows), width)
    borders = np.searchsorted(found.left, np.arange(len(rows) + 1))
    leaks = {}
    # Eval records that quote one document mostly have the same partners: they share one list.
    known: dict[bytes, list[int]] = {}
    for position in np.unique(found.left).tolist():
        first, last = borders[position : position + 2].tolist()
        right, length = found.right[first:last], found.length[first : min(last, first + MOST_PARTNERS)]
        key = hashlib.blake2b(right.tobytes(), digest_size=16).digest()
        if key not in known:
            known[key] = train.rows[right].tolist()
        partners = known[key]
        shares = np.minimum(length / own.lengths[position], 1.0).round(4).tolist()
        words = int(length[0]) + SHINGLE_WORDS - 1
        message = f"A passage of {words:,} words of this eval record stands in train: {place(survey, partners[0])}{and_more(partners)}."
        leaks[int(rows[position])] = Leak(partners, shares, message)
    return leaks


def _without_template(survey: Survey, rows: Rows) -> Ragged:
    words = one_sequence(survey.words("prompt-words").take(rows), survey.words("answer-words").take(rows))
    sequence = shingle_sequence(words)
    return sequence.where(~in_template(sequence.values, template_of_both(survey)))

"""Which records must stay on one side of a split: the connected components of everything that would be a leak."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tunelint.rulebook import ActiveRule
from tunelint.similarity.clusters import connected_components
from tunelint.similarity.columns import Hashes, Indices
from tunelint.similarity.near import Texts, near_duplicates
from tunelint.similarity.passages import tied_by_passages
from tunelint.similarity.shingles import SHINGLE_WORDS, one_sequence, shingle_sequence, shingles
from tunelint.similarity.templates import in_template, template_values
from tunelint.splitting.material import Material


@dataclass(frozen=True)
class Limits:
    """From where on two texts are too much alike: Jaccard similarity of shingles, and words of a passage."""

    threshold: float = 0.8
    passage_words: int = 50

    @staticmethod
    def of(rules: Iterable[ActiveRule]) -> Limits:
        """Take the limits of the leakage rules, as the settings have them."""
        options = {active.rule.name: active.options for active in rules}
        threshold = float(options.get("near-leak", {}).get("threshold", Limits.threshold))
        words = int(options.get("shared-passage", {}).get("words", Limits.passage_words))
        return Limits(min(0.95, max(0.5, threshold)), max(SHINGLE_WORDS, words))


def clusters_of(material: Material, groups: Iterable[Hashes], limits: Limits) -> Indices:
    """Return for every record the first record that it hangs together with, (N,).

    Tied are copies, equal prompts, near copies of prompt and answer and of the prompts alone, passages in common, and
    equal group ids. The measures are those of exact-leak, shared-prompt, near-leak and shared-passage: template text is
    what more than a fifth of *both* splits' records share, so that it does not depend on where the border is drawn.
    """
    ties = [pair for _, pair in text_ties(material, limits)]
    return joined(len(material), [*ties, *(_ties(column, column != 0) for column in groups)])


def text_ties(material: Material, limits: Limits) -> list[tuple[str, tuple[Indices, Indices]]]:
    """Return what ties records together but group ids: the name of the tie and pairs of rows, by which it ties them."""
    copy = np.ascontiguousarray(material.copy).view([("a", "u8"), ("b", "u8")]).reshape(-1)
    ties = [("exact copies", _ties(copy)), ("equal prompts", _ties(material.prompt, material.prompt != 0))]
    _, leads, counts = np.unique(copy, return_index=True, return_counts=True)
    order = np.argsort(leads)
    leads, counts = leads[order], counts[order]
    prompts, answers = material.prompt_words, material.answer_words
    whole, of_prompt = shingles(prompts, answers, rows=leads), shingles(prompts, rows=leads)
    template = template_values(whole, counts)
    record_texts = Texts.of(whole, template, shingles(answers, rows=leads), answers.lengths[leads])
    prompt_texts = Texts.of(of_prompt, template_values(of_prompt, counts))
    for name, texts in (("near copies", record_texts), ("nearly equal prompts", prompt_texts)):
        first = near_duplicates(texts, limits.threshold).first
        ties.append((name, (leads[first], leads)))
    runs = shingle_sequence(one_sequence(prompts.take(leads), answers.take(leads)))
    runs = runs.where(~in_template(runs.values, template))
    left, right = tied_by_passages(runs, limits.passage_words - SHINGLE_WORDS + 1)
    ties.append(("passages in common", (leads[left], leads[right])))
    return ties


def joined(rows: int, ties: Iterable[tuple[Indices, Indices]]) -> Indices:
    """Return the connected components of pairs of rows: for each row the lowest row of its component, (rows,)."""
    pairs = list(ties)
    left, right = (np.concatenate([np.empty(0, np.int64), *(pair[side] for pair in pairs)]) for side in (0, 1))
    return connected_components(rows, left, right)


def _ties(values: NDArray[np.generic], counted: NDArray[np.bool_] | None = None) -> tuple[Indices, Indices]:
    """Tie every row to the first row of the same value."""
    rows = np.arange(len(values)) if counted is None else np.flatnonzero(counted)
    if not len(rows):
        return np.empty(0, np.int64), np.empty(0, np.int64)
    _, first, inverse = np.unique(values[rows], return_index=True, return_inverse=True)
    return rows[first[inverse.reshape(-1)]], rows

"""Weighted lexical similarity: TF-IDF vectors of words, character 5-grams and numbers, for many pairs at once.

Weights are (1 + ln tf) (1 + ln(N / df)) with cosine normalisation (Salton, Buckley 1988, "Term-weighting approaches in
automatic text retrieval"). Nearest rows are found by words alone, since that product is sparse and cheap; characters and
numbers are compared only for the candidates.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tunelint.similarity.columns import Indices, Ragged, mix, offsets_of, table_size, table_slots
from tunelint.similarity.numerals import numbers

Scores = NDArray[np.float64]
Embed = Callable[[Sequence[str]], NDArray[np.float32]]

CHARACTERS = 5
WORD_WEIGHT, CHARACTER_WEIGHT, NUMBER_WEIGHT, MEANING_WEIGHT = 0.3, 0.7, 0.5, 2.0
NUMBER_DAMPING = 10.0  # in the norm of a number vector: texts with few numbers must not agree by those alone
COMMON_SHARE = 0.1  # words in more of the records than this find no candidates, they only make the product dense
BLOCK = 256
PAIR_BLOCK = 1 << 14
SPACELESS = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
WORD = re.compile(f"[{SPACELESS}]|[^\\W_{SPACELESS}]+")
SUFFIXES = ("ingly", "edly", "ing", "ies", "ied", "es", "ed", "ly", "s", "e")


def nearest(queries: Ragged, targets: Ragged, count: int) -> tuple[Indices, Scores]:
    """For each row of word hashes its most similar targets by words, best first: indices and cosines (rows, count).

    Rows with fewer than `count` neighbours are filled up with index -1 and cosine 0. Memory is that of a block of 256
    queries times what they share words with, never queries times targets.
    """
    both = tfidf(Ragged.concatenate([queries, targets]), COMMON_SHARE)
    left, right = both[: len(queries)], both[len(queries) :].T.tocsr()
    index = np.full((len(queries), count), -1, dtype=np.int64)
    score = np.zeros((len(queries), count))
    for begin in range(0, len(queries), BLOCK):
        product = left[begin : begin + BLOCK] @ right
        for row, (first, last) in enumerate(pairwise(product.indptr.tolist()), start=begin):
            near, cosine = product.indices[first:last], product.data[first:last]
            if last - first > count:
                keep = np.argpartition(-cosine, count)[:count]
                near, cosine = near[keep], cosine[keep]
            order = np.lexsort((near, -cosine))
            index[row, : len(order)], score[row, : len(order)] = near[order], cosine[order]
    return index, score


def tfidf(rows: Ragged, most: float = 1.0, damping: float = 0.0, slots: int | None = None) -> Any:
    """A sparse matrix of weighted, normalised rows from rows of hashes (repetitions count).

    Values in more than the share `most` of the rows are left out; `damping` is added to the norm in quadrature. With
    `slots` (a power of two) values share that many columns by their lower bits, which spares sorting them.
    """
    from scipy import sparse

    if slots is None:
        values, place = np.unique(rows.values, return_inverse=True)
        columns = max(len(values), 1)
    else:
        place, columns = table_slots(rows.values, slots), slots
    matrix = sparse.csr_matrix((np.ones(len(place)), place, rows.offsets), shape=(len(rows), columns))
    matrix.sum_duplicates()
    frequency = np.bincount(matrix.indices, minlength=columns)
    weight = np.log((1 + len(rows)) / (1 + frequency)) + 1
    weight[frequency > max(most * len(rows), 2)] = 0
    matrix.data = (1 + np.log(matrix.data)) * weight[matrix.indices]
    matrix.eliminate_zeros()
    norm = np.sqrt(np.asarray(matrix.multiply(matrix).sum(axis=1)).ravel() + damping**2)
    matrix.data /= np.repeat(np.maximum(norm, 1e-12), np.diff(matrix.indptr))
    return matrix


class Comparison:
    """The weighted similarity of any pairs among some texts: 0.3 words + 0.7 characters + 0.5 numbers, and, with `embed`
    (texts to vectors of length one), 2.0 meaning."""

    def __init__(self, texts: Sequence[str], embed: Embed | None = None) -> None:
        self.numbers = [numbers(text) for text in texts]
        followed = [[*row, *(f"{a}>{b}" for a, b in pairwise(row))] for row in self.numbers]
        grams = character_grams(texts)
        self._parts = [
            (WORD_WEIGHT, tfidf(_numbered([_stems(text) for text in texts]))),
            (CHARACTER_WEIGHT, tfidf(grams, slots=max(table_size(len(grams.values), 24), 1 << 20))),
            (NUMBER_WEIGHT, tfidf(_numbered(followed), damping=NUMBER_DAMPING)),
        ]

        self._vectors = None if embed is None else embed(texts)

    def similarity(self, left: Indices, right: Indices) -> Scores:
        """The similarity (0 to 1.5, with meaning up to 3.5) of text left[i] and text right[i]."""
        lexical = self.lexical(left, right)
        return lexical if self._vectors is None else lexical + MEANING_WEIGHT * self.meaning(left, right)

    def lexical(self, left: Indices, right: Indices) -> Scores:
        """The same without meaning (0 to 1.5)."""
        return self.wording(left, right) + self._product(self._parts[2:], left, right)

    def wording(self, left: Indices, right: Indices) -> Scores:
        """The similarity (0 to 1) of the wordings of text left[i] and text right[i], numbers aside."""
        return self._product(self._parts[:2], left, right)

    def meaning(self, left: Indices, right: Indices) -> Scores:
        """The cosine (0 to 1) of the vectors of text left[i] and text right[i]; zeros without vectors."""
        cosine = np.zeros(len(left))
        if self._vectors is None:
            return cosine
        for begin in range(0, len(left), PAIR_BLOCK):
            block = slice(begin, begin + PAIR_BLOCK)
            cosine[block] = np.einsum("ij,ij->i", self._vectors[left[block]], self._vectors[right[block]])
        return np.clip(cosine, 0, 1)

    def _product(self, parts: Sequence[tuple[float, Any]], left: Indices, right: Indices) -> Scores:
        total = np.zeros(len(left))
        for begin in range(0, len(left), PAIR_BLOCK):
            block = slice(begin, begin + PAIR_BLOCK)
            for weight, matrix in parts:
                product = matrix[left[block]].multiply(matrix[right[block]]).sum(axis=1)
                total[block] += weight * np.asarray(product).ravel()
        return total


def character_grams(texts: Sequence[str]) -> Ragged:
    """Every run of five characters of each text, casefolded, white space as one blank, hashed; short texts whole."""
    joined = [f" {' '.join(text.casefold().split())} " for text in texts]
    lengths = np.array([len(text) for text in joined], dtype=np.int64)
    codes = np.frombuffer("".join(joined).encode("utf-32-le", "surrogatepass"), dtype="<u4").astype(np.uint64)
    padded = np.concatenate((codes, np.zeros(CHARACTERS, dtype=np.uint64)))
    hashed = np.zeros(len(codes), dtype=np.uint64)
    for place in range(CHARACTERS):
        hashed = hashed * np.uint64(0x9E3779B97F4A7C15) + padded[place : place + len(codes)]
    counts = np.maximum(lengths - CHARACTERS + 1, 1)
    offsets = offsets_of(lengths)
    keep = np.arange(len(codes)) - np.repeat(offsets[:-1], lengths) < np.repeat(counts, lengths)
    return Ragged(mix(hashed[keep]), offsets_of(counts))


def _stems(text: str) -> list[str]:
    """Words without digits, English endings cut off."""
    return [stem(word) for word in WORD.findall(text.casefold()) if not word[0].isdigit()]


@lru_cache(maxsize=1 << 18)
def stem(word: str) -> str:
    """Cut the longest known ending off that leaves three letters."""
    ending = next((s for s in SUFFIXES if word.endswith(s) and len(word) - len(s) >= 3), "")
    return word[: len(word) - len(ending)]


def _numbered(rows: Sequence[Sequence[str]]) -> Ragged:
    """Strings as numbers in the order of their first appearance."""
    names: dict[str, int] = {}
    flat = np.array([names.setdefault(item, len(names)) for row in rows for item in row], dtype=np.uint64)
    return Ragged(flat, offsets_of(np.array([len(row) for row in rows], dtype=np.int64)))

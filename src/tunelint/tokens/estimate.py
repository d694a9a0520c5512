"""A token estimate for a tokenizer that is not at hand: weights per script, never called exact.

Each character costs the weight of its class (the script's block), and each first character of a run of one class costs a
little more or less, because a word's first letters join with the space before it. The weights are a non-negative least
squares fit of the mean of o200k_base and cl100k_base over 107,000 texts in 60 languages and code
(`benchmarks/token_counters.py --calibrate` fits and measures them anew). A vocabulary of 32,000 words, or one trained on
another language, can be half as dense again: this is good enough to rank rows, not to pay by.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import accumulate
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

CLASSES: tuple[tuple[str, tuple[tuple[int, int], ...]], ...] = (
    ("other", ((0x80, 0x10FFFF),)),
    ("control", ((0x00, 0x1F), (0x7F, 0x9F))),
    ("space", ((0x20, 0x20), (0x09, 0x09))),
    ("line feed", ((0x0A, 0x0A), (0x0D, 0x0D))),
    ("digit", ((0x30, 0x39),)),
    ("punctuation", ((0x21, 0x2F), (0x3A, 0x40), (0x5B, 0x60), (0x7B, 0x7E))),
    ("capital", ((0x41, 0x5A),)),
    ("letter", ((0x61, 0x7A),)),
    ("latin", ((0xAA, 0xAA), (0xB5, 0xB5), (0xBA, 0xBA), (0xC0, 0x24F), (0x1E00, 0x1EFF))),
    ("mark", ((0xA0, 0xA9), (0xAB, 0xB4), (0xB6, 0xB9), (0xBB, 0xBF), (0x2000, 0x2BFF))),
    ("greek", ((0x370, 0x3FF), (0x1F00, 0x1FFF))),
    ("cyrillic", ((0x400, 0x52F),)),
    ("hebrew", ((0x590, 0x5FF),)),
    ("arabic", ((0x600, 0x77F), (0x8A0, 0x8FF), (0xFB50, 0xFDFF), (0xFE70, 0xFEFC))),
    ("devanagari", ((0x900, 0x97F),)),
    ("indic", ((0x980, 0xDFF),)),
    ("thai", ((0xE00, 0xE7F),)),
    ("southeast asian", ((0xE80, 0x109F), (0x1780, 0x17FF))),
    ("caucasian", ((0x530, 0x58F), (0x10A0, 0x10FF))),
    ("hangul", ((0x1100, 0x11FF), (0x3130, 0x318F), (0xAC00, 0xD7AF))),
    ("kana", ((0x3040, 0x30FF),)),
    ("fullwidth", ((0x3000, 0x303F), (0xFF00, 0xFFEF))),
    ("han", ((0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xF900, 0xFAFF), (0x20000, 0x323AF))),
    ("emoji", ((0x1F000, 0x1FAFF),)),
)
"""Name and code point ranges (both ends included) of each class; a later class wins over an earlier one."""

WEIGHTS: tuple[tuple[float, float], ...] = (
    (3.71, -0.40),  # other
    (0.20, 0.17),  # control
    (0.11, -0.12),  # space
    (0.02, 0.16),  # line feed
    (0.17, 1.19),  # digit
    (0.16, 0.68),  # punctuation
    (0.46, 0.07),  # capital
    (0.17, 0.32),  # letter
    (0.02, 1.37),  # latin
    (0.38, 0.82),  # mark
    (0.73, 0.01),  # greek
    (0.34, 0.74),  # cyrillic
    (0.95, -0.23),  # hebrew
    (0.78, -0.40),  # arabic
    (0.73, 0.51),  # devanagari
    (0.97, 1.10),  # indic
    (0.68, 0.48),  # thai
    (1.51, -0.40),  # southeast asian
    (1.17, 0.56),  # caucasian
    (0.76, 0.51),  # hangul
    (0.77, -0.04),  # kana
    (0.99, -0.06),  # fullwidth
    (0.89, 0.60),  # han
    (3.57, -0.40),  # emoji
)
"""Tokens per character of a class, and added per run of that class, in the order of CLASSES."""


@lru_cache(maxsize=1)
def class_table() -> NDArray[np.uint8]:
    """Return the class index of every code point: 1,114,112 bytes."""
    import numpy as np

    table = np.zeros(0x110000, dtype=np.uint8)
    for index, (_, ranges) in enumerate(CLASSES):
        for first, last in ranges:
            table[first : last + 1] = index
    return table


@lru_cache(maxsize=1)
def weights() -> NDArray[np.float32]:
    """Return `WEIGHTS` as an array, shape (classes, 2)."""
    import numpy as np

    return np.array(WEIGHTS, dtype=np.float32)


def classify(texts: list[str]) -> tuple[NDArray[np.uint8], NDArray[np.bool_], NDArray[np.int64]]:
    """Return, over all characters of all texts: class, whether it starts a run, and where each text starts (n + 1)."""
    import numpy as np

    codes = np.frombuffer("".join(texts).encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
    bounds = np.fromiter(accumulate(map(len, texts), initial=0), dtype=np.int64, count=len(texts) + 1)
    classes = class_table()[codes]
    starts = np.ones(len(classes), dtype=np.bool_)
    np.not_equal(classes[1:], classes[:-1], out=starts[1:])
    starts[bounds[:-1][bounds[:-1] < len(classes)]] = True
    return classes, starts, bounds


def estimate(texts: list[str]) -> NDArray[np.int64]:
    """Return the estimated number of tokens of each text, shape (len(texts),); at least 1 for a text that is not empty."""
    import numpy as np

    classes, starts, bounds = classify(texts)
    costs = weights()[:, 0][classes]
    costs[starts] += weights()[:, 1][classes[starts]]
    sums = np.concatenate([[0.0], np.cumsum(costs, dtype=np.float64)])
    rounded = np.rint(sums[bounds[1:]] - sums[bounds[:-1]]).astype(np.int64)
    return np.asarray(np.maximum(rounded, np.diff(bounds) > 0), dtype=np.int64)

"""The numbers of a text, in order: what a rewording keeps when it changes every other word."""

from __future__ import annotations

import re
from collections import Counter

_SMALL = "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen"
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety"
SPELLED: dict[str, str] = {
    **{word: str(value) for value, word in enumerate(_SMALL.split())},
    **{word: str(10 * value) for value, word in enumerate(_TENS.split(), start=2)},
    "first": "1", "once": "1", "second": "2", "twice": "2", "double": "2", "third": "3", "thrice": "3", "triple": "3",
    "half": "1/2", "quarter": "1/4", "dozen": "12", "hundred": "100", "thousand": "1000",
}  # fmt: skip
DAMPING = 2
_TOKEN = re.compile(r"\d[\d,]*(?:\.\d+)?|[^\W\d_]+")


def numbers(text: str) -> list[str]:
    """The numbers of a text in order, in one spelling: 1,000.50 as 1000.5, and English number words as digits."""
    found = []
    for token in _TOKEN.findall(text.lower()):
        if token[0].isdigit():
            token = token.replace(",", "")
            found.append(token.rstrip("0").rstrip(".") if "." in token else token)
        elif token in SPELLED:
            found.append(SPELLED[token])
    return found


def agreement(a: list[str], b: list[str]) -> float:
    """Share of the numbers of two texts that both have, as multisets, damped by 2: few numbers agree by chance."""
    common, union = Counter(a) & Counter(b), Counter(a) | Counter(b)
    return common.total() / (union.total() + DAMPING)

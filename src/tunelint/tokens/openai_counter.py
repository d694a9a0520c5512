"""Exact counts for OpenAI's encodings: tiktoken, and a faster exact counter where there is enough text to pay its start.

tiktoken is ready after 0.3 CPU seconds and counts 15 MB/s, toktok-rs (the `[fast]` extra) is ready after 0.3 and counts
60 MB/s (`benchmarks/token_counters.py`). So small inputs are tiktoken's alone and large ones toktok's. A version of toktok
that was held against tiktoken (`VERIFIED`) has to count a few known texts right at its start; any other one has tiktoken as
referee: whatever it counts first is recounted in full up to a bound, then one text in a hundred. On the first difference
toktok is dropped for the rest of the run, that batch is counted by tiktoken, and `note` says so.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from tunelint.tokens.probe import COUNTS, TEXTS
from tunelint.tokens.vocabularies import VOCABULARIES, load_encoding

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

BatchCount = Callable[[list[str]], list[int]]

FAST_PAYS_FROM = 8_000_000
"""Characters from which the fast counter's start-up costs less than counting them with tiktoken."""
VERIFIED = frozenset({"0.3.0"})
"""Versions of toktok-rs without a difference from tiktoken in 600,000 fuzzed strings per encoding and all texts of the
public data sets (`benchmarks/token_counters.py`)."""
REFEREED_IN_FULL = 200_000
"""Characters of the fast counter's first texts that are all recounted."""
REFEREED_SHARE = 100
"""After that, one text in so many is recounted."""
LONG_SPACE_RUN = re.compile(r"\s{100000}")
"""A run of white space so long that tiktoken's pattern engine overflows its stack and panics (seen from 1,000,000)."""

_NEWER_BASIC = (
    "\u0295\u0558\u058b\u058c\u05c8\u05c9\u088f\u0b53\u0b54\u0c5c\u0cdc\u1acf-\u1aff\u208f\u209d-\u209f\ua7ce-\ua7f1\uab6c\uab6d"
)
_NEWER_ASTRAL = (
    "\U000107bb-\U000107bf\U00010940-\U0001095f\U00010ec5-\U00010eff\U00011b00-\U00011b7f\U00011db0-\U00011dff"
    "\U0001246f-\U0001247f\U00012550-\U000126ff\U00016ea0-\U00016eff\U00016ff2-\U00016fff\U000187f8-\U000187ff"
    "\U00018cd6-\U000191ff\U0001b123-\U0001b168\U0001d127\U0001d128\U0001d250-\U0001d2bf\U0001d6a6\U0001df1f-\U0001dfff"
    "\U0001e6c0-\U0001e6ff\U0002b73a-\U0002b73f\U0002b81e\U0002cea2-\U0002cead\U000323b0-\U0003ffff"
)
# Python's matcher walks a class's astral ranges one by one for every character, so most texts are told by a short class.
_PERHAPS_NEWER = re.compile(f"[{_NEWER_BASIC}\U00010000-\U0010ffff]")
NEWER_THAN_UNICODE_16 = re.compile(f"[{_NEWER_BASIC}{_NEWER_ASTRAL}]")
"""Characters that became letters, marks or numbers after Unicode 16, and their blocks: tiktoken 0.14 splits by the tables
of Unicode 16, toktok-rs 0.3 by newer ones, so they can part a text differently. Found by fuzzing; such texts are tiktoken's."""


def mend_surrogates(text: str) -> str:
    """Return the text with surrogate pairs joined and lone surrogates as U+FFFD, as tiktoken does before it encodes."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def fast_batch_count(encoding: str) -> BatchCount | None:
    """Return toktok-rs's single-threaded batch counter, None where the `[fast]` extra is not installed."""
    try:
        from toktok import batch_count
    except ImportError:
        return None

    def count(texts: list[str]) -> list[int]:
        try:
            counts = list(batch_count(texts, encoding, threads=1))
        except UnicodeEncodeError:
            counts = list(batch_count([mend_surrogates(text) for text in texts], encoding, threads=1))
        for index, text in enumerate(texts):
            if not text.isascii() and _PERHAPS_NEWER.search(text) and NEWER_THAN_UNICODE_16.search(text):
                counts[index] = tiktoken_count(encoding, text)
        return counts

    return count


def is_verified(encoding: str, fast: BatchCount) -> bool:
    """Tell whether the fast counter is of a version that was held against tiktoken, and counts known texts right here."""
    try:
        from toktok import __version__
    except ImportError:
        return False
    return __version__ in VERIFIED and fast(list(TEXTS)) == list(COUNTS[encoding])


def tiktoken_count(encoding: str, text: str) -> int:
    """Return the length of tiktoken's `encode_ordinary`, without its panic on very long runs of white space."""
    if len(text) >= 100_000 and LONG_SPACE_RUN.search(text):
        return _count_in_pieces(encoding, text)
    return len(load_encoding(encoding).encode_ordinary(text))


def _count_in_pieces(encoding: str, text: str) -> int:
    """Split by the encoding's pattern with the `regex` package (a dependency of tiktoken), then encode each piece.

    Only the Unicode version of the character classes can differ from tiktoken's own split.
    """
    import regex

    whole = load_encoding(encoding, whole=True)
    pieces = regex.finditer(VOCABULARIES[encoding].pattern, mend_surrogates(text))
    return sum(len(whole.encode_ordinary(piece.group())) for piece in pieces)


class OpenAICounter:
    """Counts as tiktoken's `encode_ordinary` does for o200k_base or cl100k_base: special-token text is ordinary text.

    Picklable: the loaded encoders stay behind, a copy loads its own on first use.
    """

    exact = True

    def __init__(self, encoding: str, *, expected_chars: int | None = None) -> None:
        self.name = encoding
        self.note = ""
        self._expected = expected_chars
        self._counted = 0
        self._refereed = 0
        self._trust_fast = True
        self._fast: BatchCount | None = None
        self._needs_referee = True

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_fast": None}

    def prepare(self) -> None:
        """Load what `count` will need, so that forked workers share it."""
        fast = self._load_fast() if self._fast_is_due() else None
        if fast is None or self._needs_referee:
            load_encoding(self.name)

    def count(self, texts: list[str]) -> NDArray[np.int64]:
        """Return the number of tokens of each text, shape (len(texts),)."""
        import numpy as np

        counts = self._count_fast(texts) if self._trust_fast and self._fast_is_due() else None
        if counts is None:
            counts = [tiktoken_count(self.name, text) for text in texts]
            self._counted += sum(map(len, texts))
        return np.array(counts, dtype=np.int64)

    def _fast_is_due(self) -> bool:
        return max(self._expected or 0, self._counted) >= FAST_PAYS_FROM

    def _load_fast(self) -> BatchCount | None:
        if self._fast is None:
            self._fast = fast_batch_count(self.name)
            self._trust_fast = self._fast is not None
            self._needs_referee = self._fast is None or not is_verified(self.name, self._fast)
        return self._fast

    def _count_fast(self, texts: list[str]) -> list[int] | None:
        """Return the fast counter's counts, None where it is not installed or the referee found a difference."""
        fast = self._load_fast()
        if fast is None:
            return None
        counts = fast(texts)
        for index, text in enumerate(texts if self._needs_referee else ()):
            if self._refereed < REFEREED_IN_FULL or index % REFEREED_SHARE == 0:
                self._refereed += len(text)
                if counts[index] != tiktoken_count(self.name, text):
                    self._trust_fast = False
                    self.note = (
                        "the fast token counter differed from tiktoken on a sampled text and was dropped; please report"
                        " it with the installed version of toktok-rs"
                    )
                    return None
        return counts

"""Which language a text is in: by its script, and by small words where several languages share one.

Made for millions of rows: a few byte counts decide for scripts of one language, two substring counts for most English, and
only then are words looked at. It answers "" rather than guess: for short texts, mixtures, code and languages it does not know.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np

from tunelint.checks.language_votes import Ballot, ballot_of, count_votes

NAMES = {
    "en": "English", "ru": "Russian", "uk": "Ukrainian", "zh": "Chinese", "ja": "Japanese", "ko": "Korean", "de": "German", "fr": "French",
    "es": "Spanish", "it": "Italian", "pt": "Portuguese", "nl": "Dutch", "pl": "Polish", "tr": "Turkish", "ar": "Arabic", "he": "Hebrew",
    "hi": "Hindi", "th": "Thai", "el": "Greek",
}  # fmt: skip
LATIN = "latin"  # some language in Latin letters
CODES = ("", LATIN, *NAMES)
LATIN_LANGUAGES = frozenset({"en", "de", "fr", "es", "it", "pt", "nl", "pl", "tr"})
_SAMPLE = 300  # characters
_LEAST_LETTERS = 16
_LEAST_WORDS = 4  # small words of one language, and
_LEAST_SHARE = 0.2  # their share of all words

# Frequent words of each language that are no words of English, or of few of the others.
_WORDS = {
    "en": "the of and to is that for with are was this by from or which be have has not but they you it's can will their your i'm i he she a in it",
    "de": "der die und das ist nicht ein eine den von mit dem sich auf für im sie es auch als bei oder wird einer sind zu wie kann haben ich",
    "fr": "le les des est et une dans qui pas sur du que il elle sont avec vous ce au cette ou par nous mais aux ses être c'est un la en à",
    "es": "el los las es una por con para del y se como pero está son al lo su esta muy puede hay o también sus ser un la que en de",
    "it": "il di è che una non sono gli della con del nel anche più alla le questo si sua essere delle un la per in dei",
    "pt": "os um uma não com para da em são por mais dos você foi ao pela isso também seu sua ser nas o que é de do e",
    "nl": "het een van en dat niet op te zijn voor met de ook aan er maar om bij als naar dit worden wordt je ik",
    "pl": "na się jest nie że jak są przez dla od po oraz ale lub tym może które który być w z i co czy jego tylko bardzo",
    "tr": "ve bir bu için ile olarak olan çok daha gibi kadar olduğu veya değil sonra ancak onun benim",
}
_VOTES: dict[str, tuple[str, ...]] = {}
for _language, _words in _WORDS.items():
    for _word in _words.split():
        _VOTES[_word] = (*_VOTES.get(_word, ()), _language)
_LATIN_CODES = tuple(_WORDS)
# The lead bytes of UTF-8 by script; E3 is Japanese letters and the punctuation of all of East Asia.
_LEADS = {0xD0: "c", 0xD1: "c", 0xE3: "k", 0xD7: "w", 0xCE: "g", 0xCF: "g", 0xE0: "i", **dict.fromkeys(range(0xE4, 0xEA), "h"),
          **dict.fromkeys(range(0xEA, 0xEE), "o"), **dict.fromkeys(range(0xD8, 0xDC), "a")}  # fmt: skip
_LETTERS = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")
_TO_SCRIPTS = bytes(ord(_LEADS.get(code, "l" if code in _LETTERS else "-")) for code in range(256))
_NO_LETTER = bytes(code for code in range(256) if code not in _LETTERS)
_NO_SCRIPT = bytes(code for code in range(256) if code not in _LETTERS and code not in _LEADS)


def language(text: str) -> str:
    """Return the code of a text's language, `LATIN` where only the script can be told, "" where not even that."""
    sample = text[:_SAMPLE]
    if sample.isascii():
        if sample.count(" the ") + sample.count(" and ") >= 2:
            return "en"
        return _by_words(sample)
    code = _by_script(sample)
    return _by_words(sample) if code is None else code


def languages(texts: Sequence[str]) -> list[str]:
    """Return `language` of each text, which for many texts at once is a quarter of the work."""
    found = [""] * len(texts)
    undecided: list[int] = []
    samples: list[str] = []
    for index, text in enumerate(texts):
        sample = text[:_SAMPLE]
        if not sample.isascii():
            code = _by_script(sample)
            if code is not None:
                found[index] = code
                continue
        elif sample.count(" the ") + sample.count(" and ") >= 2:
            found[index] = "en"
            continue
        if sample:
            undecided.append(index)
            samples.append(sample)
    votes, words = count_votes(samples, _ballot())
    best = votes.argmax(axis=1)
    top = np.take_along_axis(votes, best[:, None], axis=1)[:, 0]
    np.put_along_axis(votes, best[:, None], 0, axis=1)
    sure = (top >= np.maximum(_LEAST_WORDS, _LEAST_SHARE * words)) & (top >= 1.5 * votes.max(axis=1))
    for index, sample, code, is_sure in zip(undecided, samples, best.tolist(), sure.tolist(), strict=True):
        found[index] = _LATIN_CODES[code] if is_sure else _script_alone(sample)
    return found


@cache
def _ballot() -> Ballot:
    return ballot_of(_VOTES, _LATIN_CODES)


def _by_script(sample: str) -> str | None:
    """Count the lead bytes of UTF-8, which belong to blocks of scripts. None: the words have to tell."""
    raw = sample.encode("utf-8", "surrogatepass")
    scripts = raw.translate(_TO_SCRIPTS, _NO_SCRIPT)
    if len(scripts) == scripts.count(b"l"):
        return None
    latin, cyrillic, han, hangul = scripts.count(b"l"), scripts.count(b"c"), scripts.count(b"h"), scripts.count(b"o")
    arabic, hebrew, greek = scripts.count(b"a"), scripts.count(b"w"), scripts.count(b"g")
    kana = indic = thai = 0
    if b"k" in scripts:
        kana = raw.count(b"\xe3\x81") + raw.count(b"\xe3\x82") + raw.count(b"\xe3\x83")
    if b"i" in scripts:
        indic, thai = raw.count(b"\xe0\xa4") + raw.count(b"\xe0\xa5"), raw.count(b"\xe0\xb8") + raw.count(b"\xe0\xb9")
    # A Han character says about as much as two and a half letters.
    counts = {
        "zh": 2.5 * han, "ja": 2.5 * (han + kana) if kana > 0.15 * (han + kana) else 0.0, "ko": 2.5 * hangul, "ru": float(cyrillic),
        "ar": float(arabic), "he": float(hebrew), "el": float(greek), "hi": float(indic), "th": float(thai),
    }  # fmt: skip
    best = max(counts, key=lambda code: counts[code])
    if best == "zh" and counts["ja"] > 0:
        best = "ja"
    if counts[best] < _LEAST_LETTERS:
        return None
    others = latin + sum(count for code, count in counts.items() if code not in (best, "zh" if best == "ja" else ""))
    if counts[best] < 2 * others:
        return ""  # a mixture
    if best == "ru" and any(char in sample for char in "іїєґІЇЄҐ"):
        return "uk"
    return best


def _by_words(sample: str) -> str:
    votes: dict[str, int] = {}
    words = sample.lower().split()
    for word in {word.strip(".,;:!?\"'()»«") for word in words}:
        for code in _VOTES.get(word, ()):
            votes[code] = votes.get(code, 0) + 1
    if not votes:
        return _script_alone(sample)
    best = max(votes, key=lambda code: votes[code])
    second = max((count for code, count in votes.items() if code != best), default=0)
    enough = votes[best] >= max(_LEAST_WORDS, _LEAST_SHARE * len(words))
    return best if enough and votes[best] >= 1.5 * second else _script_alone(sample)


def _script_alone(sample: str) -> str:
    head = sample[:100]
    if head.isascii():
        return LATIN if len(head.encode("ascii").translate(None, _NO_LETTER)) >= _LEAST_LETTERS else ""
    return LATIN if sum(map(str.isalpha, head)) >= _LEAST_LETTERS else ""

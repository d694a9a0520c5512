"""TEXT008: answers that stop in the middle, told by how the other answers of their file end."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from tunelint.checks.hit import Hit, Partner
from tunelint.checks.languages import language
from tunelint.checks.survey import Survey, needs
from tunelint.checks.texts import own_strings, taught
from tunelint.findings import Severity
from tunelint.records.record import Record

WHOLE, OPEN, CUT, LIKELY = 1, 2, 3, 4
_LEAST_LINE = 40  # characters of the last line: a shorter one is a signature, a label, an item
_LONGEST_ITEM = 4  # words of an item in a list within one line
_MOST_LOOKED_UP = 2_000
_MOST_OPEN, _MOST_OPEN_SHARE = 10, 0.01
_WHOLE_ENDS = frozenset(".!?…。！？．｡؟।:;~^%°€$£)]}>»”’\"'`*_|=+✓✔☺❤»」』）】》〉；：】♪)")
_ITEM = re.compile(r"\s*(?:[-*+•·–—#>|]|\d+[.)、]|[A-Za-z][.)]\s|\(?[a-zA-Z0-9]{1,3}\)|https?://|\\|\$|[\[{(<@])")
_CODE = re.compile(r"[{};=<>\\$|]|https?://|www\.|^\s*(?:def|class|import|SELECT|return)\b")
# "... no other. -C.S. Lewis": a quotation's author, a caption's source.
_SIGNED = re.compile(r"[-–—~(]\s?(?:[A-Z][\w.'’-]*\s?){1,4}$")
_MARKED = re.compile(r"[.!?]['\"”’)]?\s|[。！？]")
# Words that a sentence of the language does not end with.
_NEVER_LAST = {
    "en": "the a an and or but because their its our my whose although unless between during",
    "ru": "и а но или что который которая которое которые потому чтобы в на с по для от из к у о об при между без через если когда также",
    "uk": "і та але або що який яка які щоб в у на з по для від із до при між без через якщо коли",
    "de": "der die das den dem des ein eine einen einem einer und oder aber weil dass mit von für bei durch ohne zwischen sowie",
    "fr": "le la les un une des du de et ou mais que qui dans pour avec sur par sans entre est sont ces leur leurs",
    "es": "el la los las un una unos unas de del y o pero que en para con por sin entre como su sus",
    "it": "il lo la gli le un una di del della e o ma che nel per con su tra come",
    "pt": "o a os as um uma de do da e ou mas que em para com por sem entre como seu sua",
}
# These end a sentence now and then ("what it is for"); whoever has set marks before sets one there too.
_SELDOM_LAST = frozenset(
    {"of", "into", "than", "which", "while", "every", "his", "onto", "to", "if", "when", "where", "who", "how", "why", "what",
     "that", "could", "would", "should", "may", "might", "can", "will", "i", "we", "they", "he", "she", "i'm", "it's", "you're",
     "they're", "we're", "that's", "i'd", "i've", "i'll", "you'll", "we'll", "very", "more", "most", "some", "any", "so", "also",
     "been", "be", "have", "has", "had", "do", "does", "don't", "doesn't", "is", "are", "was", "were", "at", "for", "by", "as",
     "only", "just", "even", "there's", "here's", "let's"}
)  # fmt: skip
_NEVER_LAST_WORDS = {code: frozenset(words.split()) for code, words in _NEVER_LAST.items()}


def ending(record: Record) -> int:
    """Return how a record's last answer ends: 1 whole, 2 open, 3 in the middle of a sentence, 4 open after sentences with marks,
    at a word that seldom ends one; 0 where it cannot be told."""
    answers = taught(record)
    if not answers or answers[-1] is not record.example.answer or answers[-1].calls:
        return 0
    return ending_of(answers[-1].content)


def ending_of(text: str) -> int:
    """Return how a text ends; the last line tells, if it is a line of prose."""
    text = text.rstrip()
    if len(text) < _LEAST_LINE / 2:
        return 0
    last = text[-1]
    if last in _WHOLE_ENDS or not (last.isalnum() or last in ",，、-–—("):
        return WHOLE
    line = text[text.rfind("\n") + 1 :]
    wide = not line.isascii() and sum(char >= "\u2e80" for char in line) > len(line) / 2
    if len(line) < (_LEAST_LINE / 2 if wide else _LEAST_LINE) or _ITEM.match(line) or _CODE.search(line) or text.count("```") % 2:
        return 0
    if "\uac00" <= last <= "\ud7a3" or "\u0e00" <= last <= "\u0eff" or last.isdigit():
        return 0  # Korean and Thai sentences need no mark at their end; a number is a result
    if last == "," and line == text and max(len(item.split()) for item in line.split(",")) <= _LONGEST_ITEM:
        return 0  # a list of names in one line, with a comma too many
    if last in ",，、(":
        return CUT
    words = line.split()
    if not wide and len(words) >= 6 and _small(words[-1]) in _NEVER_LAST_WORDS.get(language(text), ()):
        return CUT
    if last in "-–—":
        return CUT if not wide and len(words) >= 6 else 0
    if not (wide or len(words) >= 8) or line.isupper() or line.istitle() or words[-1][0] in "#@" or _SIGNED.search(line):
        return 0
    likely = _small(words[-1]) in _SELDOM_LAST and _MARKED.search(text, max(0, len(text) - 800))
    return LIKELY if likely else OPEN


def _small(word: str) -> str:
    """Return a word as the lists spell it; a capital by itself is a name (group A)."""
    return word if len(word) == 1 else word.lower().replace("’", "'")


@needs("ending")
def cut_off_answer(survey: Survey, options: dict[str, Any]) -> Iterator[Hit]:
    """TEXT008: answers that stop in the middle of a sentence."""
    endings = survey.column("ending")
    for file in range(len(survey.files)):
        rows = np.flatnonzero((survey.file == file) & (endings > 0))
        if not len(rows):
            continue
        whole = np.count_nonzero(endings[rows] == WHOLE) / len(rows)
        strict = whole >= options["whole_share"] and len(rows) >= options["least_records"]
        cut = rows[endings[rows] == CUT]
        if len(cut) > 0.3 * len(rows) and len(rows) >= options["least_records"]:
            cut = cut[:0]  # texts that end so by their nature: verses, titles, keywords
        likely = rows[endings[rows] == LIKELY] if strict else rows[:0]
        open_ends = rows[endings[rows] == OPEN] if strict else rows[:0]
        # Many of them are a habit of the file, not answers that were cut one by one.
        many = len(open_ends) > max(_MOST_OPEN, _MOST_OPEN_SHARE * len(rows))
        looked_up = survey.records(np.sort(np.concatenate([cut, likely, open_ends[:1] if many else open_ends]))[:_MOST_LOOKED_UP])
        for row in cut:
            yield _hit(int(row), looked_up.get(int(row)), "Answer stops in the middle of a sentence")
        message = f"Answer ends without a mark, as only {1 - whole:.1%} of the file's answers do; it seems cut off"
        for row in likely:
            yield _hit(int(row), looked_up.get(int(row)), message)
        if many:
            message = f"{len(open_ends):,} of the file's answers end without a mark, where {whole:.1%} end with one; the first"
            first = int(open_ends[0])
            related = tuple(Partner(int(row)) for row in open_ends[1:6])
            yield replace(_hit(first, looked_up.get(first), message), severity=Severity.NOTE, related=related)
            continue
        for row in open_ends:
            yield replace(_hit(int(row), looked_up.get(int(row)), message), severity=Severity.NOTE)


def _hit(row: int, record: Record | None, message: str) -> Hit:
    if record is None or record.example.answer is None:
        return Hit(message + ".", at=row)
    own = own_strings(record, record.example.answer)
    pointer, text = own[-1] if own else (record.example.answer.content_pointer, record.example.answer.content)
    text = text.rstrip()
    start = max(text.rfind(" ", 0, len(text) - 12), len(text) - 30, 0)
    tail = text[start:].strip()
    return Hit(f"{message}: '…{tail}'.", at=row, pointer=pointer, span=(start, len(text)))

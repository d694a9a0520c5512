"""TEXT009: rows whose answer, or whose whole text, is in another language than it should be."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tunelint.checks.hit import Hit, Partner
from tunelint.checks.languages import CODES, LATIN, LATIN_LANGUAGES, NAMES, languages
from tunelint.checks.survey import Survey, needs
from tunelint.findings import Severity
from tunelint.records.record import Record

_MOST_LOOKED_UP = 2_000
_INDEX = {code: index for index, code in enumerate(CODES)}
_TOLD = 2  # the first code that stands for a language
# A prompt that speaks of a language, or of translating, may well be answered in another one.
_ABOUT_LANGUAGES = re.compile(
    r"translat|\blanguage|\b(?:english|russian|chinese|mandarin|japanese|korean|german|french|spanish|italian|portuguese|dutch|polish|turkish|arabic|"
    r"hebrew|hindi|latin|ukrainian|thai|greek)\b|transliterat|grammar|rewrite|paraphras|correct|proofread|summari|перев[её]|перевод|язык|англ|"
    r"по-(?:русски|немецки|французски|испански|китайски)|испанск|немецк|французск|китайск|翻译|译成|翻成|英文|英语|中文|语言|日语|韩语|法语|德语|西班牙|俄语|"
    r"翻訳|英語|日本語|言語|번역|영어|한국어|언어|übersetz|sprache|englisch|deutsch|französisch|spanisch|tradui|langue|anglais|français|espagnol|allemand|"
    r"traduc|traduz|idioma|lengua|inglés|español|francés|alemán|ruso|chino",
    re.IGNORECASE,
)


_QUOTED = re.compile("[\"'“‘「『«《(（][^\"'”’」』»》)）\n]{0,80}?[A-Za-z]{3,}[^\"'”’」』»》)）\n]{0,80}?[\"'”’」』»》)）]")
_CODE = re.compile(r"```|^\s*(?:def |class |import |from \w+ import|#include|function |var |let |const |SELECT |public |<\w+)|[;{]\s*$", re.MULTILINE)


def language_codes(records: Sequence[Record]) -> NDArray[np.uint8]:
    """Return the languages of each record's prompt and answer as indices into `languages.CODES`, 0 where they cannot be
    told, shape (records, 2)."""
    texts: list[str] = []
    for record in records:
        example = record.example
        prompt = example.prompt_turns[-1].content if example.answer is not None and record.shape != "text" and example.prompt_turns else ""
        texts += (prompt, "" if example.answer is None else example.answer.content)
    return np.array([_INDEX[code] for code in languages(texts)], dtype=np.uint8).reshape(-1, 2)


@needs("languages")
def language_mismatch(survey: Survey, options: dict[str, Any]) -> Iterator[Hit]:
    """TEXT009: answers in another language than their prompts, and a few rows in another language than the file's."""
    codes = survey.column("languages")
    for file in range(len(survey.files)):
        rows = np.flatnonzero(survey.file == file)
        yield from _answers(survey, file, rows, codes, options)
        yield from _strangers(survey, rows, codes, options)


def _answers(survey: Survey, file: int, rows: NDArray[np.int64], codes: NDArray[np.uint8], options: dict[str, Any]) -> Iterator[Hit]:
    prompts, answers = codes[rows, 0], codes[rows, 1]
    known = (prompts >= _TOLD) & (answers >= _TOLD)
    other = rows[known & (prompts != answers)]
    if not len(other):
        return
    if len(other) > options["rare"] * np.count_nonzero(known) and len(other) >= 5:
        share = len(other) / np.count_nonzero(known)
        message = f"{len(other):,} answers ({share:.0%}) are in another language than their prompts."
        yield Hit(message, file=file, severity=Severity.NOTE, related=tuple(Partner(int(row)) for row in other[:5]))
        return
    looked_up = survey.records(other[:_MOST_LOOKED_UP])
    for row in other[:_MOST_LOOKED_UP]:
        record = looked_up.get(int(row))
        if record is not None and record.example.answer is not None and not _is_meant(record):
            prompt, answer = (NAMES[CODES[codes[row, side]]] for side in (0, 1))
            pointer = record.example.answer.content_pointer
            yield Hit(f"Prompt is {prompt}, the answer {answer}.", at=int(row), pointer=pointer)


def _is_meant(record: Record) -> bool:
    """Tell a slip from a task that asks for another language, quotes its words, or asks for code."""
    asked = "\n".join(turn.content for turn in record.example.turns if turn.role != "assistant")
    quoted = not asked.isascii() and _QUOTED.search(asked) is not None
    return quoted or _ABOUT_LANGUAGES.search(asked) is not None or _CODE.search(record.example.answer_text) is not None


def _strangers(survey: Survey, rows: NDArray[np.int64], codes: NDArray[np.uint8], options: dict[str, Any]) -> Iterator[Hit]:
    """Rows that are wholly in a language which next to no other row of the file is in."""
    prompts, answers = codes[rows, 0], codes[rows, 1]
    known = rows[answers > 0]
    if len(known) < options["least_records"]:
        return
    counts = np.bincount(codes[known, 1], minlength=len(CODES))
    main = int(counts[_TOLD:].argmax()) + _TOLD
    latin = int(counts[CODES.index(LATIN)])
    of_main = int(counts[main]) + (latin if CODES[main] in LATIN_LANGUAGES else 0)
    if of_main < options["dominant"] * len(known) or 2 * int(counts[main]) < len(known) - latin:
        return
    strangers = rows[(answers >= _TOLD) & (answers != main) & ((prompts == answers) | (prompts < _TOLD))]
    looked_up = survey.records(strangers[:_MOST_LOOKED_UP])
    for row in strangers[:_MOST_LOOKED_UP]:
        record = looked_up.get(int(row))
        if record is None or _is_meant(record):
            continue
        name = NAMES[CODES[codes[row, 1]]]
        yield Hit(f"Record is {name} in a file that is {of_main / len(known):.1%} {NAMES[CODES[main]]}.", at=int(row))

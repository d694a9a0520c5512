"""Eval records that train gives away.

An eval record gets one finding, by the first of the stages that holds: exact copy, near copy of prompt and answer, shared
prompt, near copy of the prompt, and what later stages add. A rule that does not run leaves its records to the next stage.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from tunelint.checks.against import outside_hits
from tunelint.checks.duplicates import collapsed, place
from tunelint.checks.hit import Edit, Hit, Partner
from tunelint.checks.leak import MOST_PARTNERS, Leak, Stage, and_more
from tunelint.checks.near import matches_of, threshold_of
from tunelint.checks.passages import passage_leaks
from tunelint.checks.rewordings import reworded_leaks
from tunelint.checks.survey import Survey, needs


def leaks_of(survey: Survey, rule: str) -> dict[int, Leak]:
    """Return the leaks that belong to a rule: eval index -> leak. All stages run once a survey."""
    if "leaks" not in survey.extras:
        survey.extras["leaks"] = _all_leaks(survey)
    leaks: dict[int, Leak] = survey.extras["leaks"].get(rule, {})
    return leaks


def _all_leaks(survey: Survey) -> dict[str, dict[int, Leak]]:
    found: dict[str, dict[int, Leak]] = defaultdict(dict)
    left = survey.of_split("eval").tolist()
    if not len(survey.of_split("train")):
        return found
    for rule, stage in STAGES:
        if rule in survey.extras["rules"] and left:
            claimed = stage(survey, survey.extras["options"][rule], left)
            found[rule].update(claimed)
            left = [index for index in left if index not in claimed]
    return found


def equal_partners(survey: Survey, column: str, evals: list[int]) -> dict[int, list[int]]:
    """Return eval index -> train indices of equal, non-zero values in a column, for the eval records that have any."""
    values = survey.column(column)
    keys = values if values.ndim == 1 else np.ascontiguousarray(values).view([("a", "u8"), ("b", "u8")]).reshape(-1)
    train, evaluation = survey.of_split("train"), np.array(evals, dtype=np.int64)
    shared = np.intersect1d(keys[train], keys[evaluation])
    if values.ndim == 1:
        shared = shared[shared != 0]
    wanted: dict[Any, list[int]] = defaultdict(list)
    for index in train[np.isin(keys[train], shared)].tolist():
        wanted[keys[index].item()].append(index)
    return {index: wanted[keys[index].item()] for index in evaluation[np.isin(keys[evaluation], shared)].tolist()}


def _exact(survey: Survey, options: dict[str, Any], evals: list[int]) -> dict[int, Leak]:
    return {
        at: Leak(partners, _ones(partners), f"Eval record stands in train too: {place(survey, partners[0])}{and_more(partners)}.")
        for at, partners in equal_partners(survey, "copy", evals).items()
    }


def _shared_prompt(survey: Survey, options: dict[str, Any], evals: list[int]) -> dict[int, Leak]:
    answers = survey.column("answer")
    found = {}
    # Where one prompt stands in every record, a list of its own for each eval record would be quadratic in time and memory.
    known: dict[int, set[int]] = {}
    apart: dict[tuple[int, int], list[int]] = {}
    for at, partners in equal_partners(survey, "prompt", evals).items():
        prompt, answer = partners[0], int(answers[at])
        if prompt not in known:
            known[prompt] = set(answers[partners].tolist())
        others = partners
        if answer in known[prompt]:
            if (prompt, answer) not in apart:
                apart[prompt, answer] = [partner for partner in partners if answers[partner] != answer]
            others = apart[prompt, answer]
        if others:
            message = f"Prompt stands in train with another answer: {place(survey, others[0])}{and_more(others)}."
            found[at] = Leak(others, _ones(others), message)
    return found


def _ones(partners: list[int]) -> list[float]:
    return [1.0] * min(len(partners), MOST_PARTNERS)


def _near(whole: bool) -> Stage:
    def stage(survey: Survey, options: dict[str, Any], evals: list[int]) -> dict[int, Leak]:
        train = collapsed(survey, "train")
        rows = np.array(evals, dtype=np.int64)
        matches = matches_of(survey, rows, train, threshold_of(options), whole)
        found = {}
        # Eval records that are compared as one text have the same partners: they share one list.
        known: dict[int, tuple[list[int], list[float]]] = {}
        for position in matches.matched.tolist():
            text = int(matches.eval_group[position])
            if text not in known:
                partners, alike = matches.of(position)
                known[text] = train.rows[partners].tolist(), alike[:MOST_PARTNERS].tolist()
            places, scores = known[text]
            if not places:
                continue
            what = "Eval record nearly stands in train" if whole else "Prompt nearly stands in train"
            message = f"{what}: {place(survey, places[0])}, {scores[0]:.0%} alike{and_more(places)}."
            found[int(rows[position])] = Leak(places, [round(score, 4) for score in scores], message)
        return found

    return stage


# In the order in which they are asked.
STAGES: list[tuple[str, Stage]] = [
    ("exact-leak", _exact),
    ("near-leak", _near(whole=True)),
    ("shared-prompt", _shared_prompt),
    ("near-leak", _near(whole=False)),
    ("shared-passage", passage_leaks),
    ("reworded-leak", reworded_leaks),
]


def leak_hits(survey: Survey, rule: str) -> Iterator[Hit]:
    """Yield the hits of one rule of the stages."""
    copied = set() if rule != "exact-leak" else _records_of_copied_files(survey)
    for at, leak in leaks_of(survey, rule).items():
        if at in copied:
            continue
        related = tuple(Partner(partner, score) for partner, score in zip(leak.partners[:MOST_PARTNERS], leak.scores, strict=False))
        yield Hit(leak.message, at=at, score=leak.scores[0], related=related, edit=Edit("drop"), details={"partners": leak.partners})
    yield from outside_hits(survey, rule)


@needs("copy", "prompt", "prompt-words", "answer-words")
def exact_leak(survey: Survey, options: dict[str, Any]) -> Iterator[Hit]:
    """LEAK001: the eval record is a copy of a train record (key order, spacing, ids and dates aside)."""
    yield from leak_hits(survey, "exact-leak")


@needs("copy", "prompt", "answer", "prompt-words", "answer-words")
def shared_prompt(survey: Survey, options: dict[str, Any]) -> Iterator[Hit]:
    """LEAK002: the eval record's prompt, word for word, stands in train with another answer."""
    yield from leak_hits(survey, "shared-prompt")


@needs("copy", "prompt", "prompt-words", "answer-words")
def near_leak(survey: Survey, options: dict[str, Any]) -> Iterator[Hit]:
    """LEAK003: the eval record, or its prompt alone, is nearly that of a train record."""
    yield from leak_hits(survey, "near-leak")


@needs("copy", "prompt-words", "answer-words")
def shared_passage(survey: Survey, options: dict[str, Any]) -> Iterator[Hit]:
    """LEAK004: a run of many words of the eval record stands in a train record."""
    yield from leak_hits(survey, "shared-passage")


@needs("copy", "prompt-words", "answer-words")
def reworded_leak(survey: Survey, options: dict[str, Any]) -> Iterator[Hit]:
    """LEAK005: a train record says what the eval record says, in other words."""
    yield from leak_hits(survey, "reworded-leak")


@dataclass(frozen=True, slots=True)
class CopiedFile:
    """An eval file that is another file under another name; `records` are its records that stand there."""

    file: int
    other: int
    records: list[int]
    partners: list[int]
    similarity: float


def copied_files(survey: Survey, options: dict[str, Any]) -> list[CopiedFile]:
    """Return the eval files whose records, copies aside, are those of a train file or of an earlier eval file."""
    if "copied-files" not in survey.extras:
        survey.extras["copied-files"] = _copied_files(survey, options["share"], options["records"])
    copied: list[CopiedFile] = survey.extras["copied-files"]
    return copied


def _copied_files(survey: Survey, share: float, least: int) -> list[CopiedFile]:
    if all(item.split != "eval" for item in survey.files):
        return []
    keys = np.ascontiguousarray(survey.column("copy")).view([("a", "u8"), ("b", "u8")]).reshape(-1)
    members = [np.flatnonzero(survey.file == index) for index in range(len(survey.files))]
    distinct = [np.unique(keys[rows]) for rows in members]
    found = []
    for file, item in enumerate(survey.files):
        if item.split != "eval" or len(distinct[file]) < least:
            continue
        for other in range(file):  # train files come first, then earlier eval files
            both = len(np.intersect1d(distinct[file], distinct[other]))
            similarity = both / max(1, len(distinct[file]) + len(distinct[other]) - both)
            if similarity >= share:
                shared = members[file][np.isin(keys[members[file]], distinct[other])]
                partners = members[other][np.isin(keys[members[other]], distinct[file])]
                found.append(CopiedFile(file, other, shared.tolist(), partners.tolist(), similarity))
                break
    return found


def _records_of_copied_files(survey: Survey) -> set[int]:
    """Records whose whole file is reported: their own exact-leak findings would only repeat it."""
    if "split-copied" not in survey.extras["rules"]:
        return set()
    files = copied_files(survey, survey.extras["options"]["split-copied"])
    return {record for copied in files if survey.files[copied.other].split == "train" for record in copied.records}


@needs("copy")
def split_copied(survey: Survey, options: dict[str, Any]) -> Iterator[Hit]:
    """LEAK008: an eval file is a train file, or another eval file, under another name."""
    for copied in copied_files(survey, options):
        other = survey.files[copied.other]
        in_train = other.split == "train"
        related = tuple(Partner(partner, 1.0) for partner in copied.partners[:1])
        rows = [int(survey.row[record]) for record in copied.records]
        yield Hit(
            f"Eval file is {other.path} ({other.split}) under another name: {copied.similarity:.0%} of the records of both are the same.",
            file=copied.file, score=round(copied.similarity, 4), related=related,
            details={"partners": copied.partners if in_train else [], "leaked_rows": rows if in_train else []},
        )  # fmt: skip

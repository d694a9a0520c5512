"""What the records of one file should have in common and some do not: the system prompt; the seam of prompt and completion."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from tunelint.checks.hit import Hit, Partner
from tunelint.checks.survey import Survey, needs
from tunelint.records.record import Record


@needs("system", "shape")
def inconsistent_system_prompt(survey: Survey, options: dict[str, Any]) -> Iterator[Hit]:
    """TURN010: nearly all records of a file share one system prompt (or have none), a few differ. One hit a file."""
    digests, shapes = survey.column("system"), survey.column("shape")
    for file in range(len(survey.files)):
        rows = np.flatnonzero(survey.file == file)
        # Plain texts among conversations have no place for a system prompt; mixed-shapes reports them.
        rows = rows[shapes[rows] == np.bincount(shapes[rows]).argmax()] if len(rows) else rows
        if len(rows) < options["from_records"]:
            continue
        prompts, counts = np.unique(digests[rows], return_counts=True)
        usual = prompts[np.argmax(counts)]
        others = rows[digests[rows] != usual]
        if not len(others) or len(others) > (1 - options["share"]) * len(rows):
            continue
        same = "have no system prompt" if usual == 0 else "have the same system prompt"
        differ = f"this record and {len(others) - 1:,} more" if len(others) > 1 else "this record"
        have = "have" if len(others) > 1 else "has"
        does = f"{have} one" if usual == 0 else f"{have} another or none"
        yield Hit(
            f"{len(rows) - len(others):,} of {len(rows):,} records {same}; {differ} {does}.", at=int(others[0]),
            related=tuple(Partner(int(index)) for index in others[1:6]),
        )  # fmt: skip


def seam(record: Record) -> int:
    """Return how prompt and completion meet: 0 where they are no two bare texts, else the prompt's last character (its code
    point plus 1), negative where white space keeps the two apart."""
    value = record.value or {}
    prompt, completion = value.get("prompt"), value.get("completion")
    if not isinstance(prompt, str) or not isinstance(completion, str) or not prompt or not completion:
        return 0
    last = ord(prompt[-1]) + 1
    return -last if prompt[-1].isspace() or completion[0].isspace() else last


@needs("seam")
def missing_separator(survey: Survey, options: dict[str, Any]) -> Iterator[Hit]:
    """SCH008: bare prompts and completions that run into each other. One hit a file, at the first such record."""
    seams = survey.column("seam")
    for file in range(len(survey.files)):
        rows = np.flatnonzero((survey.file == file) & (seams != 0))
        if len(rows) < options["from_records"]:
            continue
        glued = rows[seams[rows] > 0]
        ends = np.unique(seams[glued])
        if not len(glued) or (len(ends) == 1 and not chr(int(ends[0]) - 1).isalnum()):
            continue  # one mark ends every prompt ("->", "###", ":"): that is a separator
        yield Hit(
            f"{len(glued):,} of {len(rows):,} prompts run straight into their completions; a trainer that joins the two texts "
            "shows the model no border.", at=int(glued[0]),
        )  # fmt: skip

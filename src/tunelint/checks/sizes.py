"""Is there enough data: rows to train on, rows to judge by."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tunelint.checks.duplicates import collapsed
from tunelint.checks.hit import Hit
from tunelint.checks.survey import Survey, needs
from tunelint.records.record import Split


def _different(survey: Survey, split: Split) -> int:
    """Count the records of a split, exact copies once."""
    return len(collapsed(survey, split).rows)


def _has_records(survey: Survey, split: Split) -> bool:
    """Files that were not read (pointers, broken archives) say so themselves; their size is not known."""
    return len(survey.of_split(split)) > 0


def _counted(survey: Survey, split: Split) -> str:
    different, all_of_them = _different(survey, split), len(survey.of_split(split))
    noun = "record" if different == 1 else "records"
    copies = f" (exact copies among {all_of_them:,} left out)" if all_of_them != different else ""
    return f"{different:,} {noun}{copies}"


@needs("copy")
def too_few_records(survey: Survey, options: dict[str, Any]) -> Iterator[Hit]:
    """SIZE001: fewer training records than the service or the trainer takes."""
    if _has_records(survey, "train") and _different(survey, "train") < options["minimum"]:
        yield Hit(f"Train has {_counted(survey, 'train')}; at least {options['minimum']:,} are needed.")


@needs("copy")
def small_dataset(survey: Survey, options: dict[str, Any]) -> Iterator[Hit]:
    """SIZE002: enough to start a job, too little to learn much from."""
    different = _different(survey, "train")
    if different < options["advised"] and different >= options["silent_below"]:
        yield Hit(f"Train has {_counted(survey, 'train')}; below {options['advised']:,} a fine-tune seldom beats a good prompt.")


def missing_eval_split(survey: Survey, options: dict[str, Any]) -> Iterator[Hit]:
    """SIZE003: nothing to judge the training by."""
    if survey.has_split("train") and not survey.has_split("eval"):
        yield Hit("There is no eval split: overfitting cannot be seen and no checkpoint chosen.")


@needs("copy")
def small_eval_split(survey: Survey, options: dict[str, Any]) -> Iterator[Hit]:
    """SIZE004: an eval split whose loss is mostly noise."""
    if _has_records(survey, "eval") and _different(survey, "eval") < options["advised"]:
        yield Hit(f"Eval has {_counted(survey, 'eval')}; with fewer than {options['advised']:,} its loss is mostly noise.")


def file_too_large(survey: Survey, options: dict[str, Any]) -> Iterator[Hit]:
    """SIZE006: a file above what the service takes."""
    limit = options["max_bytes"]
    for index, file in enumerate(survey.files):
        if limit and file.bytes > limit:
            yield Hit(f"File has {file.bytes:,} bytes; at most {limit:,} are taken.", file=index)

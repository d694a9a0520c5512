"""From data files to an index, and from what `--against` names to the indexes that the checks compare with."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from tunelint.checks.near import answer_shingles, prompt_shingles, whole_shingles
from tunelint.engine.features import FeaturePlan
from tunelint.engine.findings import FindingMaker
from tunelint.engine.plan import RunPlan
from tunelint.engine.run import scan_files
from tunelint.engine.scan import ScanPlan
from tunelint.errors import TunelintError
from tunelint.index import Index, is_index, load_index
from tunelint.records.discover import Input, discover
from tunelint.records.shapes import NAMING_KEYS

_FEATURES = ("answer-words", "copy", "prompt", "prompt-words", "record")


def build_index(
    inputs: Sequence[Input],
    *,
    path: str = "",
    benchmark: str | None = None,
    ignore_fields: Sequence[str] | None = None,
    jobs: int | None = None,
    cache_dir: str | None = None,
) -> Index:
    """Index all records of the files; `path` is what findings name. Raises TunelintError for a file that cannot be read."""
    ignored = NAMING_KEYS if ignore_fields is None else tuple(ignore_fields)
    plan = RunPlan(ScanPlan(frozenset(), (), FeaturePlan(_FEATURES, ignored)), ())
    survey = FindingMaker([], scan_files(inputs, plan, jobs=jobs, cache_dir=cache_dir), plan, None, {}).survey
    rows = np.arange(len(survey), dtype=np.int64)
    return Index(
        path, tuple(file.path for file in survey.files), benchmark, ignored, survey.column("record"), survey.column("copy"),
        survey.column("prompt"), survey.words("answer-words").lengths, survey.file, survey.line, survey.row,
        whole_shingles(survey, rows), prompt_shingles(survey, rows), answer_shingles(survey, rows),
    )  # fmt: skip


def opened(
    paths: Sequence[str], ignore_fields: Sequence[str] | None = None, jobs: int | None = None, cache_dir: str | None = None
) -> tuple[Index, ...]:
    """Return an index for each path: a saved one, or one of the data file, folder or glob; NAME=PATH calls it a benchmark.

    Raises TunelintError when a path is missing, or a saved index left out other fields than this run does.
    """
    found = []
    for given in paths:
        name, path = _named(given)
        if not is_index(path):
            inputs = discover([path])
            found.append(build_index(inputs, path=path, benchmark=name, ignore_fields=ignore_fields, jobs=jobs, cache_dir=cache_dir))
            continue
        index = load_index(path)
        if set(index.ignore_fields) != set(NAMING_KEYS if ignore_fields is None else ignore_fields):
            raise TunelintError(f"{path} was built with another ignore-fields setting; build it again with this one's config")
        found.append(index if name is None else replace(index, benchmark=name))
    return tuple(found)


def not_among(inputs: Sequence[Input], paths: Sequence[str]) -> list[Input]:
    """Return the inputs without those that are compared with: found in a folder, they are not the new data."""
    others = {os.path.realpath(_named(path)[1]) for path in paths}
    return [item for item in inputs if os.path.realpath(item.path) not in others]


def _named(given: str) -> tuple[str | None, str]:
    """Take NAME=PATH apart; a path with such a character in it that exists is a path."""
    name, sign, path = given.partition("=")
    return (name, path) if sign and name and not os.path.exists(given) else (None, given)

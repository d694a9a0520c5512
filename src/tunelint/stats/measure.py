"""Reads the files once: the length of every record, and the ledger of every target."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tunelint.engine.plan import plan_run
from tunelint.engine.run import Progress, ReadFile, scan_files
from tunelint.engine.tokens import expected_chars, run_counter
from tunelint.records.discover import Input
from tunelint.records.record import Split
from tunelint.tokens.survivors import Ledger, joined

SPLITS: tuple[Split, ...] = ("train", "eval")
WINDOWS = tuple(1 << power for power in range(9, 18))  # 512 to 131,072
PERCENTILES = (5, 25, 50, 75, 90, 95, 99)


@dataclass(frozen=True, slots=True)
class LongRow:
    """One of the longest records. `line` is None in a table without lines; `row` counts records from 1."""

    path: str
    line: int | None
    row: int
    tokens: int


@dataclass(frozen=True, slots=True)
class FileLengths:
    """One file: `counts` (records,) int64 tokens and `lines` of its records (0 where there are none), its ledgers."""

    path: str
    split: Split
    shape: str
    records: int
    faulty_lines: int
    counts: NDArray[np.int64]
    lines: NDArray[np.int64]
    ledgers: tuple[Ledger, ...]


@dataclass(frozen=True, slots=True)
class Stats:
    """The lengths of all files. `counter`, `exact` and `note` say what the tokens were counted with."""

    counter: str
    exact: bool
    note: str
    files: tuple[FileLengths, ...]
    targets: tuple[str, ...]
    window: int | None

    def counts(self, split: Split) -> NDArray[np.int64]:
        """Return the tokens of every record of a split, in order."""
        parts = [file.counts for file in self.files if file.split == split]
        return np.concatenate(parts) if parts else np.zeros(0, np.int64)

    def ledgers(self, split: Split) -> list[Ledger]:
        """Return the ledger of each target over the files of a split."""
        files = [file for file in self.files if file.split == split]
        return [joined([file.ledgers[at] for file in files if file.ledgers]) for at in range(len(self.targets)) if files]

    def longest(self, split: Split, most: int = 5) -> list[LongRow]:
        """Return the longest records of a split, longest first; of equally long ones the earlier first."""
        rows = []
        for file in self.files:
            if file.split == split:
                for at in np.argsort(-file.counts, kind="stable")[:most].tolist():
                    rows.append(LongRow(file.path, int(file.lines[at]) or None, at + 1, int(file.counts[at])))
        return sorted(rows, key=lambda row: -row.tokens)[:most]


def windows_for(longest: int) -> tuple[int, ...]:
    """Return the common windows up to the first that holds every record."""
    wide = [window for window in WINDOWS if window >= longest]
    return tuple(window for window in WINDOWS if not wide or window <= wide[0])


def measure(
    inputs: Sequence[Input],
    *,
    tokenizer: str | None = None,
    targets: Sequence[str] = (),
    window: int | None = None,
    jobs: int | None = None,
    stdin: bytes | None = None,
    progress: Progress | None = None,
    cache_dir: str | None = None,
) -> Stats:
    """Count every record of the files, and enter it in each target's ledger.

    `window` replaces the targets' own; `cache_dir` keeps what was counted. Raises TunelintError when a file or the tokenizer cannot be opened.
    """
    parameters = {
        "tokenizer": tokenizer, "target": targets[0] if targets else None, "expected_chars": expected_chars(inputs),
        "features": ("tokens",), "ledgers": tuple(targets), "window": window,
    }  # fmt: skip
    plan = plan_run([], None, parameters)
    files = scan_files(inputs, plan, jobs=jobs, parameters=parameters, stdin=stdin, progress=progress, cache_dir=cache_dir)
    counter = run_counter(parameters)
    return Stats(counter.name, counter.exact, counter.note, tuple(_lengths(file) for file in files), tuple(targets), window)


def _lengths(file: ReadFile) -> FileLengths:
    counts = [np.asarray(result.columns["tokens"], dtype=np.int64) for result in file.results]
    lines = [number for result in file.results for number in result.lines]
    return FileLengths(
        file.input.path, file.input.split, file.shape, file.records, file.faulty,
        np.concatenate(counts) if counts else np.zeros(0, np.int64), np.array(lines, dtype=np.int64), file.ledgers,
    )  # fmt: skip

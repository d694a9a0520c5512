"""Files in, train.jsonl and eval.jsonl out, proved by the linter."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tunelint import __version__
from tunelint.api import Settings, active_rules, check_inputs, ignored_fields
from tunelint.engine.result import Report
from tunelint.errors import TunelintError
from tunelint.findings import Finding
from tunelint.fixes.edits import one_line
from tunelint.fixes.write import digest_of
from tunelint.records.chunks import FileFaults
from tunelint.records.discover import Input
from tunelint.records.reader import read_everything
from tunelint.records.record import Record
from tunelint.records.sources import STDIN, Source
from tunelint.rulebook import load_rulebook
from tunelint.similarity.columns import Indices
from tunelint.splitting.draw import draw
from tunelint.splitting.material import AUTO, NONE, material_of
from tunelint.splitting.reasons import why_not
from tunelint.splitting.together import Limits, clusters_of, joined

PROVED = ("LEAK001", "LEAK002", "LEAK003", "LEAK004", "LEAK006", "LEAK008")
"""Codes of the rules that a split must not break (shared groups only where ids are to stay together)."""
GROUPS = "LEAK006"
ROUNDS = 10
NAMES = ("train.jsonl", "eval.jsonl")


@dataclass(frozen=True)
class SplitResult:
    """What `split` did. `wanted` eval records were asked for; `clusters` hang together, the largest has `largest`
    records; `left_out` lines were no records; `rewritten` records ran over several lines; `proof` is the report on the
    written files by the leakage rules, `findings` what it found, by rule name (all 0 when leak-proof); `unread` says what
    could not be read (path, sentence)."""

    folder: Path
    train: int
    eval: int
    wanted: int
    clusters: int
    largest: int
    groups: tuple[str, ...]
    stratified_by: str
    left_out: int
    rewritten: int
    rounds: int
    proof: Report
    findings: dict[str, int]
    unread: tuple[tuple[str, str], ...] = ()

    @property
    def leak_proof(self) -> bool:
        """Tell whether the proof found nothing."""
        return not any(self.findings.values())

    @property
    def near_enough(self) -> bool:
        """Tell whether the eval split has the size asked for, within 1 %."""
        return abs(self.eval - self.wanted) <= 0.01 * self.wanted


def split_files(
    inputs: Sequence[Input],
    folder: Path,
    settings: Settings,
    *,
    share: float = 0.1,
    records: int | None = None,
    seed: int = 0,
    group_by: Sequence[str] = (AUTO,),
    stratify_by: str = AUTO,
    overwrite: bool = False,
) -> SplitResult:
    """Divide the records of all inputs into DIR/train.jsonl and DIR/eval.jsonl so that nothing in train gives eval away.

    The eval split gets `records`, else `share` of all. Raises TunelintError for a folder that is not empty (without
    `overwrite`) or holds an input, a size that leaves one side empty, and records that all hang together.
    """
    _check_folder(folder, inputs, overwrite)
    sources = [Source(item.path) for item in inputs]
    missed = _Missed()
    material = material_of(_records(sources, missed), ignored_fields(settings), group_by, stratify_by)
    wanted = _wanted(len(material), share, records)
    book = load_rulebook(settings.rules_dirs)
    refused = (GROUPS,) if NONE in group_by else ()
    codes = tuple(code for code in PROVED if code not in refused and book.find(code) is not None)
    proving = replace(settings, select=codes, ignore=(), extend_select=(), target=None, scope="all", fail_on="note")
    groups = material.groups(group_by)
    strata, stratified_by = material.strata(stratify_by)
    limits = Limits.of(active_rules(proving, book))
    cluster = clusters_of(material, groups.values(), limits)
    rounds = 0
    while rounds < ROUNDS:
        rounds += 1
        mask = draw(cluster, strata, material.name, wanted, seed)
        if not mask.any() or mask.all():
            largest, reason = int(np.bincount(cluster).max()), why_not(material, groups, limits, strata, wanted, seed)
            raise TunelintError(
                f"no leak-proof split of about {wanted:,} eval records exists: {largest:,} of {len(cluster):,} records hang together {reason}"
            )
        rewritten = _write(sources, mask, folder)
        report = check_inputs(_outputs(folder), proving)
        found = [finding for finding in report.findings if finding.code in PROVED]
        if not found:
            break
        rows = (np.flatnonzero(~mask), np.flatnonzero(mask))
        cluster = joined(len(mask), [(np.arange(len(cluster)), cluster), _straddling(found, report, rows)])
    names = {code: rule.name for code in codes if (rule := book.find(code)) is not None}
    counted = {name: sum(finding.code == code for finding in found) for code, name in names.items()}
    sizes = np.bincount(cluster)
    result = SplitResult(
        folder, int((~mask).sum()), int(mask.sum()), wanted, int((sizes > 0).sum()), int(sizes.max()), tuple(groups),
        stratified_by, missed.lines, rewritten, rounds, report, counted, tuple(missed.unread),
    )  # fmt: skip
    asked = {"eval-records": records, "eval-share": share, "seed": seed}
    _write_manifest(result, inputs, sources, {**asked, "group-by": list(groups), "stratify-by": stratified_by})
    return result


def _wanted(total: int, share: float, records: int | None) -> int:
    if total < 2:
        raise TunelintError(f"there {'is 1 record' if total else 'are no records'}; a split needs two or more")
    wanted = max(1, round(share * total)) if records is None else records
    if wanted >= total:
        raise TunelintError(f"{wanted:,} eval records of {total:,} leave none to train on; ask for fewer with --eval-records or --eval-share")
    return wanted


@dataclass
class _Missed:
    """What is in neither file: lines that are no records, and what could not be read (path, sentence)."""

    lines: int = 0
    unread: list[tuple[str, str]] = field(default_factory=list)


def _records(sources: Sequence[Source], missed: _Missed) -> Iterator[Record]:
    """Yield the parsed records of all sources in order; note what is none."""
    for source in sources:
        faults = FileFaults()
        for record in read_everything(source, faults):
            if record.value is not None:
                yield record
            elif record.raw:
                missed.lines += 1
        missed.unread += [(source.path, what) for what in faults.unread]


def _outputs(folder: Path) -> tuple[Input, Input]:
    return Input(str(folder / NAMES[0]), "train", "split"), Input(str(folder / NAMES[1]), "eval", "split")


def _write(sources: Sequence[Source], mask: NDArray[np.bool_], folder: Path) -> int:
    """Write both files, every record as it stands in its own file, and return how many had to be put on one line."""
    rewritten = 0
    again = [Source(source.path, source.stdin) for source in sources]
    temporary = [folder / f".{name}.{os.getpid()}.tmp" for name in NAMES]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with open(temporary[0], "wb") as train, open(temporary[1], "wb") as evaluation:
            for record, to_eval in zip(_records(again, _Missed()), mask.tolist(), strict=True):
                rewritten += b"\n" in record.raw
                (evaluation if to_eval else train).write(one_line(record.raw) + b"\n")
        for path, name in zip(temporary, NAMES, strict=True):
            os.replace(path, folder / name)
    except OSError as error:
        raise TunelintError(f"cannot write {folder}: {error.strerror or error}") from error
    finally:
        for path in temporary:
            path.unlink(missing_ok=True)
    return rewritten


def _straddling(found: Sequence[Finding], report: Report, rows: tuple[Indices, Indices]) -> tuple[Indices, Indices]:
    """Return the pairs of records that the proof tied across the border. `rows` are the records of both files in order."""
    side = {file.path: rows[file.split == "eval"] for file in report.files}
    left, right = [], []
    for finding in found:
        places = [report.extras["place"](index) for index in finding.details.get("partners", ())]
        places += [(item.path, item.row) for item in finding.related if item.row]
        here = [finding.row] if finding.row else finding.details.get("leaked_rows", [])
        for row in here:
            for path, partner in places:
                left.append(side[finding.path or ""][row - 1])
                right.append(side[path][partner - 1])
    return np.array(left, np.int64), np.array(right, np.int64)


def _write_manifest(result: SplitResult, inputs: Sequence[Input], sources: Sequence[Source], settings: dict[str, Any]) -> None:
    read = [{"path": item.path, "sha256": source.sha256} for item, source in zip(inputs, sources, strict=True)]
    written = [
        {"path": name, "sha256": digest_of(result.folder / name), "split": name.removesuffix(".jsonl"), "records": count}
        for name, count in zip(NAMES, (result.train, result.eval), strict=True)
    ]
    manifest = {
        "version": 1, "tool": {"name": "tunelint", "version": __version__}, "command": "split", "settings": settings,
        "inputs": read, "outputs": written, "left_out": result.left_out, "proof": result.findings,
    }  # fmt: skip
    path = result.folder / "manifest.json"
    try:
        path.write_bytes((json.dumps(manifest, ensure_ascii=False, indent=1) + "\n").encode("utf-8", "surrogatepass"))
    except OSError as error:
        raise TunelintError(f"cannot write {path}: {error.strerror or error}") from error


def _check_folder(folder: Path, inputs: Sequence[Input], overwrite: bool) -> None:
    if folder.exists() and not folder.is_dir():
        raise TunelintError(f"{folder} is a file; give -o a folder")
    targets = {os.path.realpath(folder / name) for name in (*NAMES, "manifest.json")}
    for item in inputs:
        if item.path != STDIN and os.path.realpath(item.path) in targets:
            raise TunelintError(f"{item.path} would be overwritten; give another folder with -o")
    if folder.is_dir() and any(folder.iterdir()) and not overwrite:
        raise TunelintError(f"{folder} is not empty; give another folder with -o, or --overwrite")

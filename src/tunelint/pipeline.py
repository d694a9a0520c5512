"""Data to verdict: the steps that join lint, training and curves. Each is a plain function; the command line calls them."""

from __future__ import annotations

import json
import os
import secrets
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tunelint.api import Settings, active_rules
from tunelint.engine.result import Report
from tunelint.engine.scan import load_check
from tunelint.errors import TunelintError
from tunelint.findings import Finding, Related, Severity
from tunelint.records.chunks import Chunk, FileFaults
from tunelint.records.discover import Input
from tunelint.records.reader import read_all, read_records
from tunelint.records.record import Record
from tunelint.report.as_json import dump, finding_object, report_object
from tunelint.rulebook import ActiveRule, load_rulebook

if TYPE_CHECKING:
    from tunelint.curves import CurveReport
    from tunelint.train import Hyperparameters, Plan, RunFolder, TrainRecord

CARVED_SHARE, LEAST_CARVED = 0.1, 20


@dataclass(frozen=True)
class Judged:
    """Curves with their verdicts and the FIT findings that come of them."""

    curves: CurveReport
    findings: tuple[Finding, ...]

    def to_json(self) -> dict[str, Any]:
        """Return the object of `tunelint curves --format json`."""
        return {**self.curves.to_json(), "findings": [finding_object(finding) for finding in self.findings]}

    def ok_at(self, fail_on: str) -> bool:
        """Tell whether the findings pass a gate."""
        return fail_on == "never" or not any(finding.severity.rank >= Severity(fail_on).rank for finding in self.findings)


def run_rules(settings: Settings) -> list[ActiveRule]:
    """Return the rules about finished runs that the settings choose."""
    return [active for active in active_rules(settings, load_rulebook(settings.rules_dirs)) if active.rule.scope == "run"]


def judge_runs(paths: Iterable[str | Path], settings: Settings, **reading: Any) -> Judged:
    """Read and judge training logs. Raises TunelintError for a path that holds none. See `tunelint.curves.judge`."""
    from tunelint.curves import judge

    curves = judge(paths, **reading)
    findings: list[Finding] = []
    for active in run_rules(settings):
        check, rule = load_check(active.rule.check), active.rule
        for run, verdict in curves.runs:
            for hit in check(verdict, run, active.options):
                severity = active.severity or hit.severity or rule.severity
                rows = tuple(Related(row["path"], row["line"], row["record"], row["score"]) for row in hit.details.get("related", ()))
                findings.append(
                    Finding(
                        rule.code, rule.name, severity, hit.message, rule.help, path=run.source, why=rule.why, score=hit.score,
                        related=rows, details=hit.details,
                    )
                )
    return Judged(curves, tuple(sorted(findings, key=Finding.sort_key)))


@dataclass(frozen=True)
class Rows:
    """The rows of both splits as the trainer takes them, and what was left out or carved, in plain words."""

    train: tuple[TrainRecord, ...]
    eval: tuple[TrainRecord, ...]
    notes: tuple[str, ...]


def read_rows(inputs: Sequence[Input], *, carve: bool, seed: int) -> Rows:
    """Read the files that passed the linter into training rows; carve an eval split where there is none.

    Carved are 10 % of the rows, at least 20, drawn as by `tunelint split`: copies, near copies, passages and group ids
    stay on one side, so that the carved rows are not known from train.
    """
    from tunelint.train import select_records

    notes: list[str] = []
    selected = {}
    for split in ("train", "eval"):
        files = [item.path for item in inputs if item.split == split]
        selection = select_records((record.example, record.digest) for path in files for record in _read(path, notes))
        selected[split] = selection.records
        notes += [f"{count:,} {split} rows are not trained on: {reason}" for reason, count in selection.left_out.items()]
    train, evaluation = selected["train"], selected["eval"]
    if not train:
        raise TunelintError("no row to train on is left; `tunelint lint` says what is wrong with the data")
    if not evaluation and carve:
        train, evaluation = _carve(train, [item.path for item in inputs if item.split == "train"], seed)
        carved = f"{len(evaluation):,} of {len(train) + len(evaluation):,} train rows carved as one (seed {seed})"
        notes.append(f"no eval split: {carved if evaluation else 'no rows could be carved, as too many hang together'}")
    elif not evaluation:
        notes.append("no eval split: overfitting cannot be seen")
    return Rows(train, evaluation, tuple(notes))


def _read(path: str, notes: list[str]) -> Iterator[Record]:
    """Yield the records of a file, and note what of it could not be read: with --no-lint nothing else says so."""
    from tunelint.records.sources import Source

    faults = FileFaults()
    yield from (record for record in read_all(Source(path), faults) if record.value is not None)
    notes += [f"not read, so not trained on: {path}: {what}" for what in faults.unread]


def _carve(rows: tuple[TrainRecord, ...], paths: Sequence[str], seed: int) -> tuple[tuple[TrainRecord, ...], tuple[TrainRecord, ...]]:
    """Divide rows as `tunelint split` does. The records are read once more: rows no longer know their ids and labels."""
    from tunelint.splitting import carve

    names = {row.digest for row in rows}
    wanted = min(max(LEAST_CARVED, round(CARVED_SHARE * len(rows))), len(rows) // 3)
    chosen = carve((record for path in paths for record in read_records(path) if record.digest in names), wanted, seed)
    return tuple(row for row in rows if row.digest not in chosen), tuple(row for row in rows if row.digest in chosen)


_FLAGGED = ("DUP", "LEAK")


def flagged_rows(cleaned: Path, before: Report) -> tuple[TrainRecord, ...]:
    """Return the train rows that `clean` removed as copies or leaks: trainable, but better left out.

    Reads removed.jsonl in the folder `cleaned`; rows that were removed because they cannot be trained on are not among
    them.
    """
    from tunelint.records.reader import records_of
    from tunelint.train import select_records

    book = load_rulebook()
    files = {file.path: file for file in before.files}
    examples = []
    for line in (cleaned / "removed.jsonl").read_bytes().splitlines():
        entry = json.loads(line)
        rule, file = book.find(entry["rule"]), files[entry["path"]]
        if rule is None or rule.family not in _FLAGGED or file.split != "train" or "raw" not in entry:
            continue
        chunk = Chunk(data=entry["raw"].encode("utf-8", "surrogatepass"), expected_shape=file.shape, lenient=True)
        examples += [(record.example, record.digest) for record in records_of(chunk) if record.value is not None]
    return select_records(examples).records


def leaked_eval_rows(report: Report) -> frozenset[str]:
    """Return the digests of the eval records that train gave away for certain (a likely rewording is not)."""
    return frozenset(
        finding.record for finding in report.findings if finding.code.startswith("LEAK") and finding.code != "LEAK005" and finding.record
    )


def make_plan(
    report: Report, inputs: Sequence[Input], rows: Rows, *, model: str, backend: str, seed: int, hyperparameters: Hyperparameters,
    run_dir: Path, objective: str | None = None, options: dict[str, Any] | None = None,
) -> Plan:  # fmt: skip
    """Return the plan of a run: rows, the digests of the files they come from, and the lint report they passed.

    `objective` None is DPO where every row is a preference pair. Raises TunelintError for a DPO setting without DPO.
    """
    from tunelint.train import Plan, Source

    by_path = {file.path: file for file in report.files}
    sources = {
        split: tuple(
            Source(item.path, by_path[item.path].sha256, by_path[item.path].records) for item in inputs if item.split == split
        )
        for split in ("train", "eval")
    }  # fmt: skip
    pairs = bool(rows.train) and all(row.rejected for row in (*rows.train, *rows.eval))
    method = objective or ("dpo" if pairs else "supervised")
    if hyperparameters.dpo_beta is not None and method != "dpo":
        raise TunelintError("--dpo-beta is for DPO, and the objective here is supervised: say --objective dpo, with preference pairs.")
    return Plan(
        train=rows.train, eval=rows.eval, model=model, backend=backend, method=method, seed=seed,  # type: ignore[arg-type]
        hyperparameters=hyperparameters, run_dir=run_dir, train_sources=sources["train"], eval_sources=sources["eval"],
        lint=report_object(report)["summary"], options=options or {},
    )  # fmt: skip


def new_run_dir(model: str, parent: Path = Path("runs")) -> Path:
    """Return a folder name for a new run: date, time, model."""
    name = "".join(char if char.isalnum() or char in "-." else "-" for char in os.path.basename(model.rstrip("/")))[:40]
    return parent / f"{time.strftime('%Y%m%d-%H%M%S')}-{name or 'model'}-{secrets.token_hex(2)}"


def check_unchanged(report: Report) -> None:
    """Refuse to train on bytes that were not linted. Raises TunelintError when a file has changed since."""
    from tunelint.fixes.write import digest_of

    for file in report.files:
        if file.path != "-" and digest_of(Path(file.path)) != file.sha256:
            raise TunelintError(f"{file.path} has changed since it was linted; run the command again")


def write_lint(folder: RunFolder, report: Report) -> None:
    """Keep the lint report beside the run: lint.json."""
    _write(folder.path / "lint.json", dump(report_object(report)) + "\n")


def finish_run(folder: RunFolder, settings: Settings, report: Report | None) -> Judged:
    """Judge a finished run and write report.json and report.html into its folder."""
    from tunelint.curves import render_report
    from tunelint.report.section import findings_section

    judged = judge_runs([folder.path], settings)
    data = judged.to_json()
    whole = {**data, "lint": None if report is None else report_object(report)}
    _write(folder.path / "report.json", dump(whole) + "\n")
    section = findings_section(report, judged.findings)
    _write(folder.path / "report.html", render_report(judged.curves.runs, section, title=f"tunelint: {folder.id}", data=data))
    return judged


def read_lint(folder: RunFolder) -> Report | None:
    """Return the lint report that was kept beside the run, None where there is none."""
    from tunelint.report.as_json import report_from_object

    path = folder.path / "lint.json"
    return report_from_object(json.loads(path.read_text(encoding="utf-8"))) if path.is_file() else None


def _write(path: Path, text: str) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    temporary.write_bytes(text.encode("utf-8", "surrogatepass"))
    os.replace(temporary, path)


def with_run_findings(report: Report, findings: Sequence[Finding]) -> Report:
    """Return a report that counts the findings of the run as well: one exit code for data and run."""
    return replace(report, findings=tuple(sorted((*report.findings, *findings), key=Finding.sort_key)))

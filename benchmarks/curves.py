"""The verdict on training curves beside finetune-doctor, runmedic, trainspotter and losslint, on labelled runs.

    TUNELINT_CORPORA=... python benchmarks/curves.py [--peers FOLDER] [--no-peers]

Reads `curves/public_pack` of the corpora: 39 labelled public runs as trainer_state.json, and 212 simulated runs whose
true test loss is known. The other tools are installed from PyPI, at the versions below, into a virtual environment of
their own (FOLDER, default: build/curve-peers), and get the same trainer_state.json files.

Truth. Labelled runs: the label. Simulated runs: overfit if the true test loss ends 5 % or more above its minimum, not if
2 % or less; those in between are left out. A checkpoint's regret is its true test loss over the lowest of the run. A
tool without an opinion keeps the last checkpoint. Every other tool is read in the way that gives it the better F1: any
overfitting finding, or only those from warning on.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import subprocess
import sys
import tempfile
import traceback
import venv
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from tunelint.curves import Run, Verdict, diagnose, judge, read_runs

PEERS = ("finetune-doctor==0.2.2", "runmedic==0.1.1", "trainspotter==0.2.6", "losslint==0.4.1")
OVERFIT_FROM, FINE_UNTIL = 0.05, 0.02


@dataclass
class Log:
    """One run with its truth. `overfit` is None where it is not decided; `test` is the true test loss per eval."""

    path: Path
    run: Run
    overfit: bool | None
    labels: frozenset[str] = frozenset()
    onset_step: float | None = None
    test: np.ndarray | None = None


@dataclass
class Answer:
    """What a tool says: overfit (None = no verdict), the checkpoint it keeps, its class, its confidence."""

    overfit: bool | None
    keep: int
    onset: int | None = None
    name: str | None = None
    confidence: float = 0.5
    crash: bool = False


def labelled(pack: Path) -> list[Log]:
    """Return the labelled public runs."""
    logs = []
    with (pack / "labelled/labels.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            path = pack / "labelled" / row["file"]
            names = [row["label"], *row["acceptable_alternatives"].replace(";", ",").split(",")]
            allowed = frozenset(name.strip().replace("diverged_unstable", "diverged") for name in names if name.strip())
            onset = float(row["onset_step"]) if row["onset_step"] else None
            logs.append(Log(path, read_runs(path)[0], row["label"] == "overfit", allowed, onset))
    return logs


def simulated(pack: Path) -> list[Log]:
    """Return the simulated runs."""
    logs = []
    for path in sorted((pack / "simulated").glob("*.json")):
        test = np.array(json.loads(path.read_text())["test"], dtype=float)
        rise = test[-1] / test.min() - 1
        overfit = True if rise >= OVERFIT_FROM else False if rise <= FINE_UNTIL else None
        logs.append(Log(path, read_runs(path)[0], overfit, test=test))
    return logs


def ours(log: Log, paired: bool) -> Answer:
    """Return our verdict, with or without the paired standard errors of the log."""
    try:
        run = log.run if paired else replace(log.run, paired_se_to_last=None)
        verdict: Verdict = diagnose(run)
    except Exception:  # a crash is a result here
        traceback.print_exc()
        return Answer(None, len(log.run.evals) - 1, crash=True)
    steps = [point.step for point in run.evals]
    keep = steps.index(verdict.recommended.step) if verdict.recommended is not None else len(steps) - 1
    name = "overfit" if verdict.loss_rose else verdict.verdict
    overfit = None if verdict.verdict == "inconclusive" else verdict.loss_rose
    onset = verdict.onset.index if verdict.onset is not None else None
    return Answer(overfit, keep, onset, name, verdict.confidence)


def peers(logs: Sequence[Log], folder: Path) -> dict[str, Callable[[Log], Answer]]:
    """Install the other tools, ask them about every log, and return their answers by tool."""
    python = folder / "bin/python"
    if not python.exists():
        venv.create(folder, with_pip=True)
        subprocess.run([str(python), "-m", "pip", "install", "--quiet", *PEERS], check=True)
    with tempfile.TemporaryDirectory() as scratch:
        paths = {id(log): _as_trainer_state(log, Path(scratch) / str(i)) for i, log in enumerate(logs)}
        wanted, found = Path(scratch) / "logs.json", Path(scratch) / "answers.json"
        wanted.write_text(json.dumps([str(path) for path in paths.values()]))
        script = Path(__file__).with_name("curves_peers.py")
        subprocess.run([str(python), str(script), str(wanted), str(found)], check=True)
        said = json.loads(found.read_text())

    def answer_of(tool: str, lowest: tuple[str, ...]) -> Callable[[Log], Answer]:
        def answer(log: Log) -> Answer:
            told = said[tool][str(paths[id(log)])]
            steps = [point.step for point in log.run.evals]
            overfit = told["overfit"] in lowest
            step = told["step"]
            at = steps.index(step) if step in steps else None
            picks = at is not None and (overfit or tool == "finetune_doctor")
            keep = at if picks and at is not None else len(steps) - 1
            return Answer(overfit, keep, at if overfit else None, crash=told["crash"] is not None)

        return answer

    every, serious = ("info", "warning", "error", "critical"), ("warning", "error", "critical")
    judged = [log for log in logs if log.overfit is not None]
    chosen = {}
    for tool in said:
        readings = [answer_of(tool, every), answer_of(tool, serious)]
        chosen[tool.replace("_", "-")] = max(readings, key=lambda reading: f1([(reading(log).overfit, log.overfit) for log in judged]))
    return chosen


def _as_trainer_state(log: Log, folder: Path) -> Path:
    """Write a log as the trainer_state.json that the other tools read."""
    folder.mkdir(parents=True)
    history: list[dict[str, Any]] = []
    trains = {point.step: point for point in log.run.trains}
    for point in log.run.evals:
        place = {"step": int(point.step or 0), "epoch": point.epoch}
        if point.step in trains:
            history.append({"loss": trains[point.step].loss, **place})
        history.append({"eval_loss": point.loss, **{f"eval_{name.lower()}": value for name, value in point.metrics.items()}, **place})
    last = history[-1]["step"]
    state = {"best_metric": None, "best_model_checkpoint": None, "global_step": last, "max_steps": last, "log_history": history}
    (folder / "trainer_state.json").write_text(json.dumps({**state, "epoch": history[-1]["epoch"]}))
    return folder / "trainer_state.json"


def f1(pairs: Iterable[tuple[bool | None, bool | None]]) -> float:
    """Return F1 of (said, true) pairs; no verdict is left out."""
    said = [pair for pair in pairs if pair[0] is not None]
    hits = sum(bool(a and b) for a, b in said)
    wrong = sum(a != b for a, b in said)
    return 2 * hits / (2 * hits + wrong) if hits or wrong else 0.0


def row(name: str, logs: Sequence[Log], answer: Callable[[Log], Answer]) -> list[str]:
    """Return one line of the table."""
    answers = [(log, answer(log)) for log in logs]
    pairs = [(a.overfit, log.overfit) for log, a in answers if log.overfit is not None]
    said = [pair for pair in pairs if pair[0] is not None]
    hits = sum(bool(a and b) for a, b in said)
    precision = hits / max(1, sum(bool(a) for a, _ in said))
    recall = hits / max(1, sum(bool(b) for _, b in said))
    random = np.random.default_rng(0)
    drawn = [f1([pairs[i] for i in random.integers(0, len(pairs), len(pairs))]) for _ in range(500)]
    low, high = np.percentile(drawn, [2.5, 97.5])
    classes = [a.name in log.labels for log, a in answers if log.labels and a.name]
    onsets = [(a.onset, _true_onset(log)) for log, a in answers if log.overfit and a.overfit and a.onset is not None]
    near = [abs(at - true) <= 1 for at, true in onsets if true is not None]
    regrets = [(log.test[a.keep] / log.test.min() - 1, (log.run.epochs or 0) <= 5) for log, a in answers if log.test is not None]
    return [
        name, f"{precision:.3f}", f"{recall:.3f}", f"{f1(pairs):.3f}", f"{low:.2f}-{high:.2f}", f"{len(said) / len(pairs):.2f}",
        f"{np.mean(classes):.3f}" if classes else "-", f"{np.mean(near):.2f}" if near else "-",
        f"{100 * np.mean([r for r, _ in regrets]):.2f} %" if regrets else "-",
        f"{100 * np.mean([r for r, few in regrets if few]):.2f} %" if regrets else "-", str(sum(a.crash for _, a in answers)),
    ]  # fmt: skip


def _true_onset(log: Log) -> int | None:
    if log.test is not None:
        return int(np.argmin(log.test))
    steps = [point.step for point in log.run.evals]
    return steps.index(log.onset_step) if log.onset_step in steps else None  # type: ignore[arg-type]


def argmin(log: Log) -> Answer:
    """The lowest eval loss, as `load_best_model_at_end` keeps it; no verdict."""
    losses = [point.loss if point.finite and point.loss is not None else float("inf") for point in log.run.evals]
    return Answer(None, int(np.argmin(losses)))


def plus_five(log: Log) -> Answer:
    """Overfit if the last eval lies 5 % above the lowest."""
    losses = [point.loss for point in log.run.evals if point.finite and point.loss is not None]
    return Answer(losses[-1] >= 1.05 * min(losses), argmin(log).keep, argmin(log).keep)


HEAD = ("tool", "precision", "recall", "F1", "95 % interval", "coverage", "5 classes", "onset +-1", "regret", "regret <= 5 epochs", "crashes")


def show(title: str, rows: Sequence[Sequence[str]]) -> None:
    """Print a Markdown table."""
    widths = [max(len(line[i]) for line in (HEAD, *rows)) for i in range(len(HEAD))]
    print(f"\n{title}\n")
    for line in (HEAD, ["-" * width for width in widths], *rows):
        print("| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) + " |")


def reliability(title: str, answers: Sequence[tuple[bool, float]]) -> None:
    """Print how often verdicts of a stated confidence are right."""
    print(f"\n{title}\n\n| confidence | verdicts | mean confidence | right |\n|---|---|---|---|")
    for low, high in ((0.5, 0.7), (0.7, 0.9), (0.9, 0.97), (0.97, 1.0)):
        inside = [(right, sure) for right, sure in answers if low <= sure < high]
        if inside:
            print(f"| {low} to {high} | {len(inside)} | {np.mean([s for _, s in inside]):.2f} | {np.mean([r for r, _ in inside]):.2f} |")


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peers", type=Path, default=Path("build/curve-peers"), help="environment of the other tools")
    parser.add_argument("--no-peers", action="store_true", help="ours only")
    options = parser.parse_args()
    if "TUNELINT_CORPORA" not in os.environ:
        sys.exit("set TUNELINT_CORPORA to the folder that holds curves/public_pack")
    pack = Path(os.environ["TUNELINT_CORPORA"]) / "curves/public_pack"
    real, made = labelled(pack), simulated(pack)
    others = {} if options.no_peers else peers([*real, *made], options.peers.absolute())
    judge([pack])  # every file of the pack through the front door: it must not raise
    lines = [row("tunelint", real, lambda log: ours(log, paired=False)), *(row(name, real, ask) for name, ask in others.items())]
    show(f"{len(real)} labelled public runs", [*lines, row("last > min + 5 %", real, plus_five)])
    lines = [
        row("tunelint, paired rows", made, lambda log: ours(log, paired=True)),
        row("tunelint, curve only", made, lambda log: ours(log, paired=False)),
        *(row(name, made, ask) for name, ask in others.items()),
        row("last > min + 5 %", made, plus_five),
        row("argmin (no verdict)", made, argmin),
    ]
    show(f"{len(made)} simulated runs with a true test loss", lines)
    for paired in (False, True):
        answers = [(ours(log, paired), log) for log in made if log.overfit is not None]
        judged = [(a.overfit == log.overfit, a.confidence) for a, log in answers if a.overfit is not None]
        reliability("Reliability, " + ("paired rows" if paired else "curve only"), judged)


if __name__ == "__main__":
    main()

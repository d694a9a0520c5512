"""Our own run folder: `run.json`, `metrics.jsonl`, `eval_losses.npz`, `row_losses.npz`, `lint.json`, `checkpoints/`, `model/`."""

from __future__ import annotations

import json
import re
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from tunelint.curves.readers.history import runs_from_history
from tunelint.curves.readers.values import axis_number, read_json, read_text
from tunelint.curves.run import Number, RowLosses, Run
from tunelint.errors import TunelintError

_STEP = re.compile(r"(\d+)$")


def is_run_folder(folder: Path) -> bool:
    """True for a folder that `tunelint train` made."""
    return (folder / "metrics.jsonl").is_file() or (folder / "run.json").is_file()


def read_run_folder(folder: Path) -> list[Run]:
    """Return the run of a run folder, with its per-example losses where the backend wrote them."""
    entries = _metrics(folder / "metrics.jsonl")
    settings = _settings(folder / "run.json")
    runs = runs_from_history(entries, folder.as_posix(), notes=_notes(settings))
    # A run that was started again in the same folder appends to its metrics; the last one wrote everything else.
    run = runs[-1]
    eval_rows = _row_losses(folder / "eval_losses.npz", "steps")
    return [
        *runs[:-1],
        replace(
            run,
            saved_steps=_saved_steps(folder, run, settings),
            eval_rows=eval_rows,
            train_rows=_row_losses(folder / "row_losses.npz", "epochs"),
            lint=_lint(folder / "lint.json"),
            n_eval=len(eval_rows.records) if eval_rows is not None else run.n_eval,
        ),
    ]


def _metrics(path: Path) -> list[dict[str, Any]]:
    """Return the entries of metrics.jsonl; a last line that a crash cut off is left out."""
    if not path.is_file():
        return []
    entries = []
    lines = read_text(path).split("\n")
    for place, line in enumerate(lines):
        if not line.strip():
            continue
        try:
            entry = json.loads(line)
        except json.JSONDecodeError as error:
            if place >= len(lines) - 2:
                continue
            raise TunelintError(f"{path}:{place + 1} is no JSON: delete the line, or read the run's source again") from error
        if isinstance(entry, dict):
            entries.append(entry)
    return entries


def _lint(path: Path) -> dict[str, Any] | None:
    """Return the lint report of the run's data (`--format json`), None where none was saved."""
    if not path.is_file():
        return None
    report = read_json(path)
    if not isinstance(report, dict) or not isinstance(report.get("findings"), list) or not isinstance(report.get("files"), list):
        raise TunelintError(f"{path} is no lint report: write it with tunelint lint --format json, or delete it")
    return report


def _settings(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {}
    value = read_json(path)
    return value if isinstance(value, dict) else {}


def _notes(settings: dict[str, Any]) -> tuple[str, ...]:
    state = settings.get("state")
    finished = state in (None, "finished", "succeeded", "done", "completed")
    return () if finished else (f"the run's state is {state}: the curve may be unfinished",)


def _saved_steps(folder: Path, run: Run, settings: dict[str, Any]) -> tuple[Number, ...] | None:
    saved: set[Number] = set()
    kept = folder / "checkpoints"
    if kept.is_dir():
        saved |= {int(match.group(1)) for child in kept.iterdir() if (match := _STEP.search(child.name))}
    final = folder / "model"
    if final.is_dir() and any(final.iterdir()):
        steps = [step for step, _ in run.moments if step is not None]
        kept_step = axis_number(settings.get("kept_step"))  # the model may be the best checkpoint, not the last
        saved |= {kept_step} if kept_step is not None else {max(steps)} if steps else set()
    elif not kept.is_dir():
        return None
    return tuple(sorted(saved))


def _row_losses(path: Path, axis: str) -> RowLosses | None:
    """Read a file of per-example losses; a broken one is an error, because a verdict would silently rest on less."""
    if not path.is_file():
        return None
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            at, losses, tokens = arrays[axis], arrays["losses"], arrays["tokens"]
            records = tuple(str(record) for record in arrays["records"])
    except (OSError, ValueError, KeyError, zipfile.BadZipFile, EOFError) as error:
        raise TunelintError(f"cannot read {path}: {error}. Delete it to judge the run by its curve alone") from error
    if losses.ndim != 2 or losses.shape != (len(at), len(records)) or len(tokens) != len(records):
        raise TunelintError(f"{path}: losses has shape {losses.shape}, wanted ({len(at)}, {len(records)}). Delete the file")
    return RowLosses(at.astype(np.float64), losses.astype(np.float64), tokens.astype(np.int64), records)

"""Find and read training logs. A folder is searched for runs, a file is known by what is in it, not by its name."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tunelint.curves.readers.history import runs_from_history
from tunelint.curves.readers.keys import canonical_names, has_loss, renamed
from tunelint.curves.readers.openai_jobs import objects_of, runs_of_objects
from tunelint.curves.readers.run_folder import is_run_folder, read_run_folder
from tunelint.curves.readers.table import runs_of_columns, runs_of_csv
from tunelint.curves.readers.tensorboard import MARK, event_files, read_event_files, read_keras_folder
from tunelint.curves.readers.text import runs_of_text
from tunelint.curves.readers.trainer_state import NAME, read_state, runs_of_state, state_of_folder
from tunelint.curves.readers.values import parse_json, read_text
from tunelint.curves.run import Run
from tunelint.errors import TunelintError

__all__ = ["KINDS", "read_runs"]

KINDS = (
    "a run folder of tunelint train, trainer_state.json (or its checkpoint or output folder), an OpenAI or Azure result "
    "CSV, events or checkpoints as JSON, JSONL, CSV, a Keras history, TensorBoard event files, a printed log, a model card"
)
_SEARCHED = (".json", ".jsonl", ".csv", ".tsv", ".log", ".txt", ".md")
_MOST_BYTES = 200_000_000


def read_runs(path: str | Path, columns: Mapping[str, str] | None = None) -> list[Run]:
    """Return every run found at a file or folder, in the order of their paths.

    `columns` names the columns of a table where they cannot be guessed: canonical name (`step`, `epoch`, `loss`,
    `eval_loss`) -> name in the log. Raises TunelintError for a path that is missing, cannot be read, or holds no log.
    """
    place = Path(path)
    if place.is_dir():
        runs = _runs_of_folder(place, columns)
        if not runs:
            raise TunelintError(f"no training log in {place}: wanted {KINDS}")
        return runs
    if not place.exists():
        raise TunelintError(f"{place} does not exist: name a run folder or a log file")
    found = _runs_of_file(place, columns)
    if not found:
        mapped = " with those columns" if columns else ""
        raise TunelintError(f"{place} is no training log that is known here{mapped}: wanted {KINDS}")
    return found


def _runs_of_folder(folder: Path, columns: Mapping[str, str] | None) -> list[Run]:
    """Return the runs of a folder: one that *is* a run is not searched any further."""
    if is_run_folder(folder):
        return read_run_folder(folder)
    state = state_of_folder(folder)
    if state is not None:
        return read_state(state)
    runs: list[Run] = []
    events = event_files(folder)
    if events:
        runs += read_event_files(events, folder.as_posix()) or []
    else:
        keras = read_keras_folder(folder)
        if keras:
            return keras
    for child in sorted(folder.iterdir()):
        if child.is_symlink() or child.name.startswith("."):
            continue
        if child.is_dir():
            runs += _runs_of_folder(child, columns)
        elif child.suffix.lower() in _SEARCHED:
            runs += _found_in_passing(child, columns)
    return runs


def _found_in_passing(path: Path, columns: Mapping[str, str] | None) -> list[Run]:
    """Return the runs of a file that nobody named: other files lie around in output folders, and are no error.

    Training data lie there too, and may be large: a table or JSONL file whose first lines have no loss is no log.
    """
    text = read_text(path) if path.stat().st_size <= _MOST_BYTES else ""
    kind = path.suffix.lower()
    lines = {".jsonl": 50, ".csv": 1, ".tsv": 1}.get(kind)
    if lines is not None and not columns and "loss" not in "\n".join(text.split("\n", lines)[:lines]).lower():
        return []
    if kind in (".json", ".jsonl") and not _is_json(text):
        return []
    return [run for run in _runs_of_text(text, path, columns) or [] if run.evals or run.trains]


def _runs_of_file(path: Path, columns: Mapping[str, str] | None) -> list[Run] | None:
    if MARK in path.name:
        return read_event_files([path], path.as_posix())
    if path.name == NAME:
        return read_state(path)
    return _runs_of_text(read_text(path), path, columns)


def _runs_of_text(text: str, path: Path, columns: Mapping[str, str] | None) -> list[Run] | None:
    """Return the runs of a log by what it looks like: JSON, JSONL, else text lines, else a table."""
    source, start = path.as_posix(), text.lstrip()[:1]
    if start in ("{", "["):
        entries = _json_lines(text)
        if entries is not None and len(entries) > 1:
            return _runs_of_entries(entries, source, columns)
        if path.suffix.lower() in (".json", ".jsonl") or _is_json(text):
            return _runs_of_json(parse_json(text, path), path, columns)
    return runs_of_text(text, source) or runs_of_csv(text, source, columns)


def _runs_of_json(value: Any, path: Path, columns: Mapping[str, str] | None) -> list[Run] | None:
    source = path.as_posix()
    if isinstance(value, dict) and isinstance(value.get("log_history"), list):
        return runs_of_state(value, path)
    objects = objects_of(value)
    if objects is not None:
        return runs_of_objects(objects, source)
    if isinstance(value, dict):
        return runs_of_columns(value, source, columns)
    if isinstance(value, list):
        return _runs_of_entries([entry for entry in value if isinstance(entry, dict)], source, columns)
    return None


def _runs_of_entries(entries: list[dict[str, Any]], source: str, columns: Mapping[str, str] | None) -> list[Run] | None:
    objects = objects_of(entries)
    if objects is not None:
        return runs_of_objects(objects, source)
    names = canonical_names(list(dict.fromkeys(str(key) for entry in entries for key in entry)), columns)
    if not has_loss(names):
        return None
    return runs_from_history([renamed(entry, names) for entry in entries], source)


def _json_lines(text: str) -> list[dict[str, Any]] | None:
    """Return the objects of a JSONL text, None for another; a last line that a crash cut off is left out."""
    entries = []
    lines = [line for line in text.splitlines() if line.strip()]
    for place, line in enumerate(lines):
        try:
            entry = json.loads(line)
        except (ValueError, RecursionError):
            if place and place == len(lines) - 1:
                continue
            return None
        if not isinstance(entry, dict):
            return None
        entries.append(entry)
    return entries


def _is_json(text: str) -> bool:
    if _json_lines(text) is not None:
        return bool(text.strip())
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True

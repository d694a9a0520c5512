"""Tables: CSV and TSV of any tool, the OpenAI and Azure result file, W&B exports, Keras' CSVLogger, columns in JSON."""

from __future__ import annotations

import base64
import binascii
import csv
import io
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from tunelint.curves.readers.batches import without_batches
from tunelint.curves.readers.history import Entry, runs_from_history
from tunelint.curves.readers.keys import canonical_names, has_loss, renamed
from tunelint.curves.readers.values import axis_number, number
from tunelint.curves.run import Run

_BASE64 = re.compile(r"^[A-Za-z0-9+/=\s]{16,}$")
_WANDB = re.compile(r"^(?P<run>.+) - (?P<key>[^-]+?)(?P<bound>__MIN|__MAX)?$")


def unwrap_base64(text: str) -> str:
    """Return the CSV inside a base64 text (the OpenAI API has served result files that way), else the text itself.

    See https://github.com/xing61/zzz-api/issues/21.
    """
    sample = text.strip()
    if not _BASE64.match(sample) or "," in sample:
        return text
    try:
        inner = base64.b64decode("".join(sample.split()), validate=True).decode("utf-8-sig")
    except (binascii.Error, UnicodeDecodeError):
        return text
    return inner if "," in inner.split("\n", 1)[0] else text


def runs_of_csv(text: str, source: str, columns: Mapping[str, str] | None = None) -> list[Run] | None:
    """Return the runs of a CSV or TSV, None where it has no column that could be a loss."""
    text = unwrap_base64(text).lstrip("\ufeff")
    head = text.split("\n", 1)[0]
    delimiter = max(",;\t", key=head.count)
    if delimiter not in head and not columns:
        return None
    rows = list(csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter, restkey="_rest"))
    keys = [key for key in (rows[0] if rows else {}) if isinstance(key, str) and key != "_rest"]
    exports = _wandb_runs(keys)
    if exports:
        runs = []
        for name, own in exports.items():
            entries = [{short: row.get(key) for short, key in own.items()} | _shared(row) for row in rows]
            found = _runs(entries, list(own) + list(_shared(rows[0])), source, columns) or []
            runs += [replace(run, notes=(*run.notes, f"W&B run {name}")) for run in found]
        return runs or None
    return _runs(rows, keys, source, columns)


def runs_of_columns(columns_of: Mapping[str, Any], source: str, columns: Mapping[str, str] | None = None) -> list[Run] | None:
    """Return the run of a JSON object of equally long lists, as Keras' `History.history` is one; None for another.

    `paired_se_to_last` (per eval) and `n_eval` are taken where present.
    """
    inner = columns_of.get("history")
    if isinstance(inner, Mapping):
        columns_of = {**{key: value for key, value in columns_of.items() if key != "history"}, **inner}
    lists = {str(key): value for key, value in columns_of.items() if isinstance(value, list) and value}
    metrics = columns_of.get("metrics")
    if isinstance(metrics, Mapping):
        known = {key.lower() for key in lists}
        named = {f"eval_{name}": value for name, value in metrics.items() if isinstance(value, list)}
        lists |= {key: value for key, value in named.items() if key.lower() not in known}
    if "x" in lists and "step" not in lists:
        lists["step"] = lists.pop("x")
    names = canonical_names(list(lists), columns)
    if not has_loss(names):
        return None
    length = len(lists[next(key for key, name in names.items() if name in ("eval_loss", "loss"))])
    whole = {key: value for key, value in lists.items() if len(value) == length}
    rows: list[Entry] = [{key: value[i] for key, value in whole.items()} for i in range(length)]
    runs = _runs(rows, list(whole), source, columns)
    spread = columns_of.get("paired_se_to_last")
    if runs and len(runs) == 1 and isinstance(spread, list) and len(spread) == len(runs[0].evals):
        values = [number(value) for value in spread]
        if all(value is not None for value in values):
            runs = [replace(runs[0], paired_se_to_last=tuple(float(value) for value in values if value is not None))]
    rows_of_eval = axis_number(columns_of.get("n_eval"))
    if runs and rows_of_eval:
        runs = [replace(run, n_eval=int(rows_of_eval)) for run in runs]
    return runs


def _runs(rows: list[Any], keys: list[str], source: str, columns: Mapping[str, str] | None) -> list[Run] | None:
    names = canonical_names(keys, columns)
    if not has_loss(names) or not rows:
        return None
    entries = [renamed(row, names) for row in rows]
    if _counts_epochs_from_zero(entries, names):
        entries = [{**entry, "epoch": (axis_number(entry.get("epoch")) or 0) + 1} for entry in entries]
    if not any(name in ("step", "epoch") for name in names.values()):
        entries = [{**entry, "step": i + 1} for i, entry in enumerate(entries)]
    entries = [{**entry, "_row": i} for i, entry in enumerate(entries)]
    openai = any(key.startswith("full_valid") for key in keys) or {"valid_loss", "train_loss", "step"} <= set(keys)
    return [without_batches(run, openai) for run in runs_from_history(entries, source)]


def _counts_epochs_from_zero(entries: list[dict[str, Any]], names: Mapping[str, str]) -> bool:
    """Keras' CSVLogger and History call the first epoch 0, though its losses are those at its end."""
    if "step" in names.values() or "epoch" not in names.values() or "loss" not in names.values():
        return False
    return bool(entries) and axis_number(entries[0].get("epoch")) == 0 and number(entries[0].get("loss")) is not None


def _wandb_runs(keys: list[str]) -> dict[str, dict[str, str]]:
    """Return run -> {metric: column} of a W&B chart export, whose columns are `run - metric`, `run - metric__MIN`."""
    found: dict[str, dict[str, str]] = {}
    for key in keys:
        match = _WANDB.match(key)
        if match and not match["bound"]:
            found.setdefault(match["run"], {})[match["key"]] = key
    return found


def _shared(row: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in row.items() if isinstance(key, str) and " - " not in key}

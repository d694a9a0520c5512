"""Logs as text: dict lines of the Hugging Face Trainer, mlx-lm, torchtune and nanoGPT lines, model-card tables."""

from __future__ import annotations

import ast
import re
from typing import Any

from tunelint.curves.readers.history import runs_from_history
from tunelint.curves.readers.keys import canonical_names, has_loss, renamed
from tunelint.curves.run import Run

_DICT = re.compile(r"\{['\"][^{}\n]*\}")
_BARE = re.compile(r"(?<=[:\s,])(-?(?:nan|inf))(?=\s*[,}])")
_LINES = (
    # mlx-lm: "Iter 200: Val loss 2.054, Val took 12.3s" and "Iter 10: Train loss 2.3, Learning Rate 1.0e-05, ..."
    re.compile(r"Iter (?P<step>\d+): Val loss (?P<eval_loss>[\d.eE+-]+|nan|inf)"),
    re.compile(r"Iter (?P<step>\d+): Train loss (?P<loss>[\d.eE+-]+|nan|inf)"),
    # nanoGPT: "step 250: train loss 1.96, val loss 2.06" and "iter 250: loss 1.93, time 12ms"
    re.compile(r"step (?P<step>\d+): train loss (?P<loss>[\d.]+|nan|inf), val loss (?P<eval_loss>[\d.]+|nan|inf)"),
    re.compile(r"iter (?P<step>\d+): loss (?P<loss>[\d.]+|nan|inf)"),
    # torchtune's DiskLogger: "Step 10 | loss:1.53 lr:2e-05 ..."
    re.compile(r"Step (?P<step>\d+) \| (?:.*\b)?(?<!val_)loss:(?P<loss>[\d.eE+-]+|nan|inf)"),
    re.compile(r"Step (?P<step>\d+) \| (?:.*\b)?val_loss:(?P<eval_loss>[\d.eE+-]+|nan|inf)"),
)  # fmt: skip
_ROW = re.compile(r"^\s*\|(.+)\|\s*$")


def runs_of_text(text: str, source: str) -> list[Run] | None:
    """Return the runs of a text log, None where no line of it is known."""
    for entries in (card_entries(text), dict_entries(text), line_entries(text)):
        if entries:
            return runs_from_history(entries, source)
    return None


def dict_entries(text: str) -> list[dict[str, Any]]:
    """Return the dicts that the Trainer prints (`{'loss': 1.2, 'epoch': 0.1}`), progress bars or not."""
    entries = []
    for match in _DICT.finditer(text):
        try:
            value = ast.literal_eval(_BARE.sub(r"'\1'", match.group()))
        except (ValueError, SyntaxError):
            continue  # a dict of something else that is printed in between
        if isinstance(value, dict) and any(isinstance(key, str) and "loss" in key for key in value):
            entries.append(value)
    # One vocabulary per entry: the train and the eval line of a step have different keys.
    return [renamed(entry, canonical_names([str(key) for key in entry])) for entry in entries]


def line_entries(text: str) -> list[dict[str, Any]]:
    """Return the losses of mlx-lm, nanoGPT and torchtune lines."""
    entries: list[dict[str, Any]] = []
    for line in text.splitlines():
        found: dict[str, Any] = {}
        for pattern in _LINES:
            match = pattern.search(line)
            if match:
                found |= match.groupdict()
        if found:
            entries.append(found)
    return entries


def card_entries(text: str) -> list[dict[str, Any]]:
    """Return the rows of the "Training results" table of a Hugging Face model card."""
    names: dict[str, str] = {}
    header: list[str] = []
    entries: list[dict[str, Any]] = []
    for line in text.splitlines():
        row = _ROW.match(line)
        if row is None:
            if entries:
                break
            header = []
            continue
        cells = [cell.strip() for cell in row.group(1).split("|")]
        if not header:
            # The card's own column names have no prefix: whatever is no step and no train loss is an eval metric.
            header = cells
            names = canonical_names(header)
            known = set(names) | {""}
            names |= {cell: f"eval_{cell.lower().replace(' ', '_')}" for cell in header if cell not in known}
        elif has_loss(names) and "eval_loss" in names.values() and not set("".join(cells)) <= set(":- "):
            values = dict(zip(header, cells, strict=False))
            entries.append({names[key]: value for key, value in values.items() if key in names})
    return entries

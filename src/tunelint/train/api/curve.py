"""The curve of a remote job: events, checkpoints and the result file become metrics.jsonl, no point twice and none lost.

Every source is merged into one table by step, and the file is written anew from the table. So it does not matter in
which order, how often or from where a point arrives. The meaning of the fields:
https://platform.openai.com/docs/guides/supervised-fine-tuning (valid_* is one batch, full_valid_* the whole file).
"""

from __future__ import annotations

import base64
import csv
import io
import json
import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tunelint.train.files import read_json, write_atomically

_STEP = re.compile(r"step (\d+)(?:/(\d+))?: (.*)", re.IGNORECASE)
_PART = re.compile(r"(full validation loss|validation loss|training loss)=([^,\s]+)")
_PARTS = {"training loss": "train_loss", "validation loss": "valid_loss", "full validation loss": "full_valid_loss"}
_ALIASES = {"train_accuracy": "train_mean_token_accuracy", "validation_loss": "valid_loss",
            "validation_mean_token_accuracy": "valid_mean_token_accuracy"}  # fmt: skip
_METRIC = re.compile(r"^(train|valid|full_valid)_[a-z_]+$")
_BASE64 = re.compile(r"^[A-Za-z0-9+/=\s]{16,}$")


class Curve:
    """Values by step. `epochs` is the number of epochs of the job where known: the service logs steps only."""

    def __init__(self, epochs: int | None = None) -> None:
        self.epochs = epochs
        self.total: int | None = None
        self.events: set[str] = set()  # ids of events whose message was told
        self._values: dict[int, dict[str, float]] = {}
        self._told: set[tuple[str, int]] = set()

    def load(self, path: Path) -> None:
        """Take the values that an earlier process kept with `save`: the service may have forgotten them since."""
        if not path.is_file():
            return
        kept = read_json(path)
        self.total = _step(kept.get("total_steps"))
        self.events = set(kept.get("events", ()))
        for step, values in kept["values"].items():
            for key, value in values.items():
                self._add(int(step), key, value)
        self.news()

    def save(self, path: Path) -> None:
        """Keep all values under the service's own names."""
        values = {str(step): self._values[step] for step in sorted(self._values)}
        content = json.dumps({"total_steps": self.total, "values": values, "events": sorted(self.events)}).encode("ascii") + b"\n"
        if not path.is_file() or path.read_bytes() != content:
            write_atomically(path, content)

    def add_event(self, event: Mapping[str, Any]) -> None:
        """Take the numbers of an event: from its data, else from its message."""
        data = event.get("data")
        if isinstance(data, Mapping) and _step(data.get("step")) is not None:
            self.add(data)
            return
        match = _STEP.match(str(event.get("message", "")))
        if match:
            parts = {_PARTS[name]: value for name, value in _PART.findall(match[3])}
            self.add({"step": match[1], "total_steps": match[2], **parts})

    def add_checkpoint(self, checkpoint: Mapping[str, Any]) -> None:
        """Take the metrics of a checkpoint."""
        metrics = checkpoint.get("metrics")
        self.add({**(metrics if isinstance(metrics, Mapping) else {}), "step": checkpoint.get("step_number")})

    def add(self, values: Mapping[str, Any]) -> None:
        """Take the metrics in `values` at its `step`; without a step nothing is taken."""
        step, total = _step(values.get("step")), _step(values.get("total_steps"))
        if step is None:
            return
        if total:
            self.total = total
        for key, value in values.items():
            self._add(step, _ALIASES.get(str(key), str(key)), value)

    def add_result_file(self, content: bytes) -> int:
        """Fill gaps from the result file and return how many rows it has. A cut last cell is not taken for a number."""
        text = unwrap(content).lstrip("\ufeff")
        rows = list(csv.reader(io.StringIO(text, newline="")))
        if not rows:
            return 0
        header = [name.strip() for name in rows[0]]
        filled = 0
        for place, row in enumerate(rows[1:], 2):
            cut = place == len(rows) and not text.endswith("\n") and len(row) < len(header)
            cells = dict(zip(header, row[:-1] if cut else row, strict=False))
            step = _step(cells.get("step"))
            if step is None:
                continue
            known = self._values.get(step, {})
            self.add(
                {
                    "step": step,
                    **{
                        key: value
                        for key, value in cells.items()
                        if key not in known and _ALIASES.get(key, key) not in known
                    },
                }
            )
            filled += 1
        return filled

    def _add(self, step: int, key: str, value: Any) -> None:
        number = _number(value)
        if number is not None and _METRIC.match(key):
            self._values.setdefault(step, {})[key] = number

    @property
    def eval_key(self) -> str | None:
        """Which loss is the eval curve: the whole file's, else a validation loss that is no single batch's.

        A loss on one batch is logged with every train loss; one that is logged at few of them is a whole eval.
        """
        if any("full_valid_loss" in values for values in self._values.values()):
            return "full_valid_loss"
        steps = sum("valid_loss" in values for values in self._values.values())
        trained = sum("train_loss" in values for values in self._values.values())
        return "valid_loss" if steps and (steps * 2 <= trained or not trained) else None

    @property
    def only_batches(self) -> bool:
        """Whether there is a validation loss, but only of single batches: nothing to judge overfitting by."""
        return self.eval_key is None and any("valid_loss" in values for values in self._values.values())

    def points(self) -> list[dict[str, Any]]:
        """Return the objects of metrics.jsonl, by step, train before eval."""
        key = self.eval_key
        prefix = key.removesuffix("loss") if key else ""
        found: list[dict[str, Any]] = []
        for step in sorted(self._values):
            values = self._values[step]
            place = {"step": step, "epoch": self._epoch(step)}
            train = {name: value for name, value in values.items() if not (prefix and name.startswith(prefix))}
            if train:
                loss = {"loss": train.pop("train_loss")} if "train_loss" in train else {}
                found.append({**place, **loss, **train})
            if key in values:
                measured = {
                    f"eval_{name.removeprefix(prefix)}": value
                    for name, value in values.items()
                    if name.startswith(prefix)
                }
                found.append({**place, **measured})
        return found

    def news(self) -> list[dict[str, Any]]:
        """Return the points that were not returned before."""
        new = []
        for point in self.points():
            for kind in ("loss", "eval_loss"):
                if kind in point and (kind, point["step"]) not in self._told:
                    self._told.add((kind, point["step"]))
                    new.append(point)
        return new

    def write(self, path: Path) -> None:
        """Write metrics.jsonl, whole or not at all; a file that is up to date is left alone."""
        content = b"".join(json.dumps(point).encode("ascii") + b"\n" for point in self.points())
        if not path.is_file() or path.read_bytes() != content:
            write_atomically(path, content)

    def last_step(self) -> int:
        """Return the last step seen, 0 before the first."""
        return max(self._values, default=0)

    def _epoch(self, step: int) -> float | None:
        total = self.total
        return round(self.epochs * step / total, 4) if self.epochs and total else None


def unwrap(content: bytes) -> str:
    """Return the CSV text, out of base64 where a service has wrapped it so; a cut end is survived.

    See https://github.com/xing61/zzz-api/issues/21.
    """
    text = content.decode("utf-8", "replace")
    packed = "".join(text.split())
    if "," in text or not _BASE64.match(text):
        return text
    inner = base64.b64decode(packed[: len(packed) // 4 * 4]).decode("utf-8", "replace")
    return inner if "," in inner.split("\n", 1)[0] else text


def _number(value: Any) -> float | None:
    if value is None or isinstance(value, bool) or value == "":
        return None
    try:
        return float(value)
    except (TypeError, ValueError):
        return None


def _step(value: Any) -> int | None:
    number = _number(value)
    return int(number) if number is not None and math.isfinite(number) and number >= 0 else None

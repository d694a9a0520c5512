"""The run folder: everything about one training run, complete enough to resume it from nothing else.

runs/<id>/run.json             state, backend, model, data digests, lint summary, settings, versions; see `create`
          data/train.jsonl     the rows of the run, and data/eval.jsonl
          metrics.jsonl        the curves, eval_losses.npz and row_losses.npz the loss of every row
          checkpoints/         what can be resumed from or chosen from
          model/               the result
"""

from __future__ import annotations

import hashlib
import re
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tunelint.errors import TunelintError
from tunelint.train.curves_log import LossTable, MetricsLog
from tunelint.train.events import RESTING_STATES
from tunelint.train.files import exclusive_lock, is_locked, read_json, write_atomically, write_json
from tunelint.train.plan import Plan, Source, hyperparameters_from_json
from tunelint.train.records import encode_rows, read_rows

FORMAT_VERSION = 1
DEFAULT_PARENT = Path("runs")


class RunFolder:
    """One run on disk. Open an existing one with `RunFolder(path)`; raises TunelintError where there is none."""

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)
        if not (self.path / "run.json").is_file():
            raise TunelintError(f"{self.path} is no run folder (it has no run.json); `tunelint runs list` shows them.")
        version = self.read().get("version")
        if version != FORMAT_VERSION:
            raise TunelintError(f"{self.path}/run.json has format version {version!r}; this tunelint reads version 1.")

    @classmethod
    def create(cls, plan: Plan) -> RunFolder:
        """Write a new run folder for `plan`: the rows, then run.json in state "created".

        Raises TunelintError where the folder exists and is not empty, or cannot be written.
        """
        identity = _new_id(plan.model)
        path = Path(plan.run_dir) if plan.run_dir is not None else DEFAULT_PARENT / identity
        try:
            if path.exists() and not _is_beginning(path):
                raise TunelintError(f"{path} exists and is not empty; name another --run-dir, or resume the run in it.")
            for folder in ("data", "checkpoints"):
                (path / folder).mkdir(parents=True, exist_ok=True)
            data = {}
            for split, rows in (("train", plan.train), ("eval", plan.eval)):
                content = encode_rows(rows)
                write_atomically(path / "data" / f"{split}.jsonl", content)
                sources = plan.train_sources if split == "train" else plan.eval_sources
                data[split] = {
                    "path": f"data/{split}.jsonl",
                    "records": len(rows),
                    "sha256": hashlib.sha256(content).hexdigest(),
                    "sources": [asdict(source) for source in sources],
                }
            write_json(
                path / "run.json",
                {
                    "version": FORMAT_VERSION,
                    "id": path.name if plan.run_dir is not None else identity,
                    "state": "created",
                    **plan.settings_json(),
                    "data": data,
                    "settings": None,
                    "versions": None,
                    "times": {"created": now()},
                    "progress": None,
                    "checkpoints": [],
                    "best": None,
                    "cost": None,
                    "error": None,
                },
            )
        except OSError as error:
            raise TunelintError(f"Cannot write the run folder {path}: {error.strerror or error}.") from error
        return cls(path)

    def read(self) -> dict[str, Any]:
        """Return run.json as it is now."""
        return read_json(self.path / "run.json")

    def update(self, **changes: Any) -> None:
        """Change keys of run.json, atomically. A new `state` is also stamped into `times`."""
        record = self.read()
        record.update(changes)
        if "state" in changes:
            record["times"] = {**record.get("times", {}), changes["state"]: now()}
        write_json(self.path / "run.json", record)

    @property
    def id(self) -> str:
        """The run's name."""
        return str(self.read()["id"])

    @property
    def state(self) -> str:
        """The state in run.json, or "interrupted" where its process died without a word."""
        state = str(self.read()["state"])
        return state if state in RESTING_STATES or is_locked(self._lock) or self._is_remote() else "interrupted"

    def _is_remote(self) -> bool:
        return self.read().get("backend") != "local"

    @property
    def _lock(self) -> Path:
        return self.path / ".lock"

    @contextmanager
    def working(self) -> Iterator[None]:
        """Hold the run for this process. Raises TunelintError where another process works on it."""
        with exclusive_lock(self._lock):
            for leftover in self.path.rglob(".*.tmp"):
                leftover.unlink()
            yield

    @property
    def metrics(self) -> MetricsLog:
        """The curves."""
        return MetricsLog(self.path / "metrics.jsonl")

    @property
    def eval_losses(self) -> LossTable:
        """The loss of every eval row at every eval."""
        return LossTable(self.path / "eval_losses.npz")

    @property
    def row_losses(self) -> LossTable:
        """The loss of every train row at epoch ends."""
        return LossTable(self.path / "row_losses.npz")

    @property
    def checkpoints(self) -> Path:
        """Where checkpoints are."""
        return self.path / "checkpoints"

    @property
    def model(self) -> Path:
        """Where the result is, once the run has succeeded."""
        return self.path / "model"

    def plan(self) -> Plan:
        """Read the plan back. Raises TunelintError where the rows' bytes are not those that the run started with."""
        record = self.read()
        for split in ("train", "eval"):
            path = self.path / "data" / f"{split}.jsonl"
            try:
                digest = hashlib.sha256(path.read_bytes()).hexdigest()
            except OSError as error:
                raise TunelintError(f"Cannot read {path}: {error.strerror or error}; the run cannot go on.") from error
            if digest != record["data"][split]["sha256"]:
                raise TunelintError(f"{path} has changed since the run started; put it back or start a new run.")
        return Plan(
            train=tuple(read_rows(self.path / "data" / "train.jsonl")),
            eval=tuple(read_rows(self.path / "data" / "eval.jsonl")),
            model=record["model"],
            backend=record["backend"],
            method=record["method"],
            seed=record["seed"],
            hyperparameters=hyperparameters_from_json(record["hyperparameters"]),
            run_dir=self.path,
            train_sources=tuple(Source(**source) for source in record["data"]["train"]["sources"]),
            eval_sources=tuple(Source(**source) for source in record["data"]["eval"]["sources"]),
            lint=record["lint"],
            options=record["options"],
        )

    def forget_after(self, step: int) -> None:
        """Cut every curve back to `step` (-1: nothing is kept), before a run goes on from there."""
        self.metrics.keep_up_to(step)
        self.eval_losses.keep_up_to(step)
        self.row_losses.keep_up_to(step)

    def replace_folder(self, name: str, filled: Path) -> None:
        """Put the folder `filled` in the place of `name`, whole or not at all."""
        target = self.path / name
        if target.exists():
            shutil.rmtree(target)
        filled.rename(target)


def list_runs(parent: Path | str = DEFAULT_PARENT) -> list[RunFolder]:
    """Return the runs under `parent`, oldest first; folders that are no runs are passed over."""
    runs = [RunFolder(path.parent) for path in Path(parent).glob("*/run.json")]
    return sorted(runs, key=lambda run: (run.read()["times"]["created"], run.id))


def find_run(name: str, parent: Path | str = DEFAULT_PARENT) -> RunFolder:
    """Return the run with the path, the id or the unique start of an id `name`, or the newest one for "last".

    Raises TunelintError where there is none or more than one.
    """
    if (Path(name) / "run.json").is_file():
        return RunFolder(name)
    runs = list_runs(parent)
    if name == "last" and runs:
        return runs[-1]
    matching = [run for run in runs if run.id == name] or [run for run in runs if run.id.startswith(name)]
    if len(matching) == 1:
        return matching[0]
    if matching:
        raise TunelintError(f"{name!r} fits {len(matching)} runs ({', '.join(run.id for run in matching)}); say more.")
    raise TunelintError(f"There is no run {name!r} under {parent}/; `tunelint runs list` shows those there are.")


def now() -> str:
    """The time as run.json writes it: UTC, ISO 8601, to the second."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _is_beginning(path: Path) -> bool:
    """Whether the folder is empty, or holds no more than `create` writes before run.json: a kill came in between."""
    begun = {path / "data", path / "checkpoints", path / "data" / "train.jsonl", path / "data" / "eval.jsonl"}
    return path.is_dir() and all(found in begun or (found.suffix == ".tmp" and found.name.startswith(".")) for found in path.rglob("*"))


def _new_id(model: str) -> str:
    name = re.sub(r"[^A-Za-z0-9.]+", "-", Path(model).name).strip("-.").lower()[:24] or "model"
    return f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{name}-{secrets.token_hex(2)}"

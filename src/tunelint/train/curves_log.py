"""The two kinds of curve files in a run folder: metrics.jsonl and the loss tables. No double and no missing point.

A point is written before the checkpoint of its step. A resumed run goes on from a checkpoint, so it first cuts both
files back to that checkpoint's step and then writes the later points again.
"""

from __future__ import annotations

import io
import json
import os
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tunelint.errors import TunelintError
from tunelint.train.files import write_atomically

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


class MetricsLog:
    """metrics.jsonl: one object per step and kind (`loss` = train, `eval_loss` = eval), in the order of the run."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self) -> list[dict[str, Any]]:
        """Return all whole points; a last line that a kill cut in two is left out."""
        try:
            data = self.path.read_bytes()
        except FileNotFoundError:
            return []
        points = []
        for number, line in enumerate(data.split(b"\n")[:-1], 1):
            try:
                points.append(json.loads(line))
            except ValueError as error:
                raise TunelintError(f"{self.path}:{number} is not valid JSON; the run folder is damaged.") from error
        return points

    def append(self, point: dict[str, Any]) -> None:
        """Add one point, on disk before this returns."""
        with self.path.open("ab") as stream:
            stream.write(_line(point))
            stream.flush()
            os.fsync(stream.fileno())

    def keep_up_to(self, step: int) -> None:
        """Drop all points after `step` (-1: all points)."""
        kept = [point for point in self.read() if point["step"] <= step]
        write_atomically(self.path, b"".join(_line(point) for point in kept))


def _line(point: dict[str, Any]) -> bytes:
    return json.dumps(point, separators=(", ", ": ")).encode("ascii") + b"\n"


class LossTable:
    """eval_losses.npz or row_losses.npz: the loss of every example at every point.

    Arrays: `steps` (P,) int64, `epochs` (P,) float64, `losses` (P, N) float32 mean NLL per trained token in nats,
    `tokens` (N,) int64 trained tokens, `records` (N,) digests. Loads with allow_pickle=False.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self) -> dict[str, npt.NDArray[Any]] | None:
        """Return the arrays, None where no point was written yet. Raises TunelintError for a damaged file."""
        import numpy as np

        try:
            with np.load(self.path, allow_pickle=False) as arrays:
                return {name: arrays[name] for name in ("steps", "epochs", "losses", "tokens", "records")}
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
            raise TunelintError(f"{self.path} is damaged ({error}).") from error

    def add(
        self, step: int, epoch: float, losses: npt.NDArray[np.float32], tokens: Sequence[int], records: Sequence[str]
    ) -> None:
        """Add the point of `step`, one loss per example in the order of `records`."""
        import numpy as np

        old = self.read()
        row = np.asarray(losses, dtype=np.float32)[None, :]
        self._write(
            steps=np.append(old["steps"] if old else np.empty(0, np.int64), step).astype(np.int64),
            epochs=np.append(old["epochs"] if old else np.empty(0), epoch).astype(np.float64),
            losses=np.concatenate([old["losses"], row]) if old else row,
            tokens=np.asarray(tokens, dtype=np.int64),
            records=np.asarray(records, dtype=np.str_),
        )

    def keep_up_to(self, step: int) -> None:
        """Drop the points after `step`."""
        arrays = self.read()
        if arrays is None:
            return
        kept = arrays["steps"] <= step
        if not kept.any():
            self.path.unlink()
        elif not kept.all():
            self._write(**{**arrays, **{name: arrays[name][kept] for name in ("steps", "epochs", "losses")}})

    def _write(self, **arrays: npt.NDArray[Any]) -> None:
        import numpy as np

        buffer = io.BytesIO()
        np.savez_compressed(buffer, allow_pickle=False, **arrays)
        write_atomically(self.path, buffer.getvalue())

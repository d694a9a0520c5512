"""The Hugging Face Trainer's `trainer_state.json`: the file, a checkpoint folder, or a whole output folder.

The same file is written by TRL, axolotl, LLaMA-Factory and ms-swift.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from tunelint.curves.readers.history import runs_from_history
from tunelint.curves.readers.values import axis_number, number, read_json
from tunelint.curves.run import Number, Run
from tunelint.errors import TunelintError

NAME = "trainer_state.json"
_CHECKPOINT = re.compile(r"^checkpoint-(\d+)$")
_WEIGHTS = ("model*.safetensors", "pytorch_model*.bin", "adapter_model.safetensors", "adapter_model.bin")


def state_of_folder(folder: Path) -> Path | None:
    """Return the newest trainer_state.json of an output or checkpoint folder (the one with the highest step)."""
    own = folder / NAME
    found = [own] if own.is_file() else []
    found += [file for step, child in checkpoints(folder) if (file := child / NAME).is_file()]
    if len(found) <= 1:
        return found[0] if found else None
    return max(found, key=_global_step)


def checkpoints(folder: Path) -> list[tuple[int, Path]]:
    """Return the checkpoints of an output folder as (step, folder), by step."""
    try:
        children = [child for child in folder.iterdir() if child.is_dir()]
    except OSError as error:
        raise TunelintError(f"cannot read {folder}: {error.strerror or error}") from error
    matches = ((_CHECKPOINT.match(child.name), child) for child in children)
    return sorted((int(match.group(1)), child) for match, child in matches if match)


def read_state(path: Path) -> list[Run]:
    """Return the run of a trainer_state.json."""
    state = read_json(path)
    if not isinstance(state, dict) or not isinstance(state.get("log_history"), list):
        raise TunelintError(f"{path} has no log_history: not a trainer_state.json of the Hugging Face Trainer")
    return runs_of_state(state, path)


def runs_of_state(state: dict[str, Any], path: Path) -> list[Run]:
    """Return the runs of a parsed trainer state that was found at `path`."""
    # The state's own `epoch` is where the run stopped, `num_train_epochs` only what was planned.
    epochs = number(state.get("epoch"))
    return runs_from_history(state["log_history"], path.as_posix(), _saved_steps(path, state), epochs)


def _saved_steps(path: Path, state: dict[str, Any]) -> tuple[Number, ...] | None:
    """Return the checkpoints on disk beside a state file, None where there is no output folder to look at."""
    folder = path.parent
    if path.name != NAME:
        return None
    if _CHECKPOINT.match(folder.name):
        folder = folder.parent
    saved: set[Number] = {step for step, _ in checkpoints(folder)}
    if not saved:
        return None
    last = axis_number(state.get("global_step"))
    if last is not None and any(any(folder.glob(pattern)) for pattern in _WEIGHTS):
        # Weights in the output folder itself are the model as the run ended, or the best one where the Trainer was
        # told to load it; that one has a checkpoint of its own.
        saved.add(last)
    return tuple(sorted(saved))


def _global_step(path: Path) -> float:
    state = read_json(path)
    step = axis_number(state.get("global_step")) if isinstance(state, dict) else None
    return float(step) if step is not None else -1.0

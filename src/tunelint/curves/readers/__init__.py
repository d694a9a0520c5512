"""Find and read training logs. A folder is searched for runs, a file is known by what is in it, not by its name."""

from __future__ import annotations

from pathlib import Path

from tunelint.curves.readers.run_folder import is_run_folder, read_run_folder
from tunelint.curves.readers.trainer_state import read_state, state_of_folder
from tunelint.curves.run import Run
from tunelint.errors import TunelintError

__all__ = ["read_runs"]


def read_runs(path: str | Path) -> list[Run]:
    """Return every run found at a file or folder, in the order of their paths.

    Raises TunelintError for a path that is missing, cannot be read, or holds no log.
    """
    place = Path(path)
    if place.is_dir():
        runs = _runs_of_folder(place)
        if not runs:
            raise TunelintError(
                f"no training log in {place}: name a trainer_state.json, a run folder or another log file"
            )
        return runs
    if not place.exists():
        raise TunelintError(f"{place} does not exist: name a run folder or a log file")
    return read_state(place)


def _runs_of_folder(folder: Path) -> list[Run]:
    if is_run_folder(folder):
        return read_run_folder(folder)
    state = state_of_folder(folder)
    if state is not None:
        return read_state(state)
    runs: list[Run] = []
    for child in sorted(folder.iterdir()):
        if child.is_dir() and not child.is_symlink() and not child.name.startswith("."):
            runs += _runs_of_folder(child)
    return runs

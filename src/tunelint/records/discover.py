"""From the command line's paths, folders and globs to the list of input files with their splits."""

from __future__ import annotations

import glob
import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tunelint.errors import TunelintError
from tunelint.records.record import Split
from tunelint.records.sources import STDIN, plain_suffix
from tunelint.records.splits import split_of_name

_LINES = (".jsonl", ".ndjson")
_TEXT = (*_LINES, ".json", ".csv")
BASELINE = "tunelint-baseline.jsonl"
_SKIPPED_FOLDERS = frozenset({"node_modules", "__pycache__", "site-packages"})


@dataclass(frozen=True, slots=True)
class Input:
    """One input file: its path as the user wrote it, its split, and why that split."""

    path: str
    split: Split
    reason: str


def discover(paths: Sequence[str], train: Sequence[str] = (), evaluation: Sequence[str] = ()) -> list[Input]:
    """Return the input files in the order of all reports: train before eval, each sorted by path.

    A named file is always taken, whatever its suffix; a folder is searched for .jsonl, .ndjson (compressed too) and
    .parquet; a glob takes .json and .csv as well. Raises TunelintError when a path is missing or nothing matches.
    """
    found: dict[str, Input] = {}
    for split, patterns in (("train", train), ("eval", evaluation)):
        for pattern in patterns:
            for path in _expand([pattern]):
                reason = f"--{split} {pattern}"
                found.setdefault(_key(path), Input(path, split, reason))  # type: ignore[arg-type]
    for path in _expand(paths):
        found.setdefault(_key(path), Input(path, *_split_of(path)))
    if not found:
        tried = ", ".join([*paths, *train, *evaluation]) or "."
        pointers = [name for pattern in (*paths, *train, *evaluation) for name in glob.glob(f"{pattern}.dvc", recursive=True)]
        if pointers:
            raise TunelintError(f"no data file found in {tried}: DVC has {pointers[0].removesuffix('.dvc')}; fetch it with `dvc pull`")
        raise TunelintError(f"no data file found in {tried}; name a .jsonl, .json, .csv or .parquet file, a folder or a glob")
    return sorted(found.values(), key=lambda item: (item.split != "train", item.path))


def _split_of(path: str) -> tuple[Split, str]:
    """A cleaned file keeps the split of its original, which the manifest beside it names; else the name decides."""
    manifest = Path(path).parent / "manifest.json"
    if path != STDIN and manifest.is_file():
        try:
            data = json.loads(manifest.read_bytes())
            if data["tool"]["name"] == "tunelint":
                for item in data["outputs"]:
                    if item["path"] == Path(path).name and item["split"] in ("train", "eval"):
                        return item["split"], "manifest.json beside it"
        except (OSError, ValueError, KeyError, TypeError):
            return split_of_name(path)  # somebody else's manifest
    return split_of_name(path)


def _key(path: str) -> str:
    return path if path == STDIN else os.path.realpath(path)


def _expand(patterns: Iterable[str]) -> list[str]:
    result: list[str] = []
    for pattern in patterns:
        if pattern == STDIN or os.path.isfile(pattern):
            result.append(pattern if pattern == STDIN else os.path.normpath(pattern))
        elif os.path.isdir(pattern):
            result += _files_below(pattern)
        elif glob.has_magic(pattern):
            matches = sorted(glob.glob(pattern, recursive=True))
            result += [path for path in matches if os.path.isfile(path) and plain_suffix(path) in (*_TEXT, ".parquet")]
        elif os.path.exists(pattern):
            result.append(pattern)
        else:
            if os.path.isfile(f"{pattern}.dvc"):
                raise TunelintError(f"{pattern} is not here: DVC has it ({pattern}.dvc); fetch it with `dvc pull {pattern}.dvc`")
            raise TunelintError(f"no such file or folder: {pattern}")
    return result


def _is_ours(folder: str, names: list[str]) -> bool:
    """Tell a run folder or the output of `clean` or `split`: found by the way, they are not the user's data."""
    if "run.json" in names and "metrics.jsonl" in names:
        return True
    if "manifest.json" not in names:
        return False
    try:
        return b'"tunelint"' in Path(folder, "manifest.json").read_bytes()[:4096]
    except OSError:
        return False


def _files_below(folder: str) -> list[str]:
    """Walk a folder in sorted order; a baseline, and what `clean` removed (beside its manifest), are never data."""
    result = []

    def refuse(error: OSError) -> None:
        raise TunelintError(f"cannot read {error.filename}: {error.strerror}")

    for base, folders, names in os.walk(folder, onerror=refuse):
        if base != folder and _is_ours(base, names):
            folders[:] = []
            continue
        folders[:] = sorted(name for name in folders if not name.startswith(".") and name not in _SKIPPED_FOLDERS)
        hidden = {BASELINE} | ({"removed.jsonl"} if "manifest.json" in names else set())
        for name in sorted(set(names) - hidden):
            if not name.startswith(".") and (plain_suffix(name) in _LINES or Path(name).suffix.lower() == ".parquet"):
                result.append(os.path.normpath(os.path.join(base, name)))
    return result

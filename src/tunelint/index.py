"""A saved index: what records are compared by, without their text.

One .npz file (numpy, no pickled objects): digests of every record, of its words and of its three-word shingles, and where
it stood. Whoever has the index can tell whether a text that he has is in it, and cannot read it; a text of one or two
words can be found by trying.
"""

from __future__ import annotations

import json
import os
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tunelint import __version__
from tunelint.errors import TunelintError
from tunelint.similarity.columns import Hashes, Indices, Ragged

VERSION = 1
_FLAT: dict[str, tuple[type, int]] = {
    "record": (np.uint64, 2), "copy": (np.uint64, 2), "prompt": (np.uint64, 1), "answer_words": (np.int64, 1),
    "file": (np.int32, 1), "line": (np.int64, 1), "row": (np.int64, 1),
}  # fmt: skip
_RAGGED = ("whole", "prompts", "answers")


@dataclass(frozen=True)
class Index:
    """One row a record. `path` is where the index came from; `files` the data files that it was built from.

    `record` and `copy` (N, 2) are digests of the record and of what makes it a copy, `prompt` (N,) of the prompt's words
    (0 = none); `whole`, `prompts` and `answers` shingle sets; `answer_words` (N,) counts; `file` (N,) the index into
    `files`, `line` and `row` (N,) from 1 (line 0 where there is none). `benchmark` is its name, None for other data.
    """

    path: str
    files: tuple[str, ...]
    benchmark: str | None
    ignore_fields: tuple[str, ...]
    record: NDArray[np.uint64]
    copy: NDArray[np.uint64]
    prompt: Hashes
    answer_words: Indices
    file: NDArray[np.int32]
    line: Indices
    row: Indices
    whole: Ragged
    prompts: Ragged
    answers: Ragged

    def __len__(self) -> int:
        return len(self.prompt)

    def place(self, index: int) -> str:
        """Return where a record stood: `path:line`."""
        path, line = self.files[int(self.file[index])], int(self.line[index])
        return f"{path}:{line}" if line else f"{path} row {int(self.row[index])}"

    def save(self, path: Path) -> None:
        """Write the index in one step. Raises TunelintError when the file cannot be written."""
        about = {
            "version": VERSION, "tool": {"name": "tunelint", "version": __version__}, "benchmark": self.benchmark,
            "files": self.files, "ignore-fields": self.ignore_fields, "records": len(self),
        }  # fmt: skip
        arrays: dict[str, Any] = {f"{name}_column": getattr(self, name) for name in _FLAT}
        for name in _RAGGED:
            rows: Ragged = getattr(self, name)
            arrays[f"{name}_values"], arrays[f"{name}_offsets"] = rows.values, rows.offsets
        text = json.dumps(about, ensure_ascii=True).encode()
        temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with open(temporary, "wb") as stream:
                np.savez(stream, allow_pickle=False, tunelint=np.frombuffer(text, np.uint8), **arrays)
            os.replace(temporary, path)
        except OSError as error:
            temporary.unlink(missing_ok=True)
            raise TunelintError(f"cannot write {path}: {error.strerror or error}") from error


def is_index(path: str) -> bool:
    """Tell whether a file is a saved index: the only zip archive that stands for data here."""
    try:
        with open(path, "rb") as stream:
            return stream.read(4) == b"PK\x03\x04"
    except OSError:
        return False


def load_index(path: str) -> Index:
    """Read a saved index. Raises TunelintError for a file that is none, is damaged, or is of another version."""
    try:
        with open(path, "rb") as stream, np.load(stream, allow_pickle=False) as arrays:
            about = json.loads(bytes(arrays["tunelint"]))
            if about["version"] != VERSION:
                raise TunelintError(f"{path} is an index of version {about['version']}, this tunelint reads {VERSION}; build it again")
            flat: dict[str, Any] = {name: _checked(arrays[f"{name}_column"], *kind, int(about["records"])) for name, kind in _FLAT.items()}
            ragged: dict[str, Any] = {name: _rows(arrays[f"{name}_values"], arrays[f"{name}_offsets"], int(about["records"])) for name in _RAGGED}
            files = tuple(str(file) for file in about["files"])
            if len(flat["file"]) and not 0 <= flat["file"].min() <= flat["file"].max() < len(files):
                raise ValueError("a record of no file")
            benchmark = None if about["benchmark"] is None else str(about["benchmark"])
            return Index(path, files, benchmark, tuple(about["ignore-fields"]), **flat, **ragged)
    except OSError as error:
        raise TunelintError(f"cannot read {path}: {error.strerror or error}") from error
    except (ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile) as error:
        raise TunelintError(f"{path} is no index of tunelint, or damaged; build it again with `tunelint index build`") from error


def _checked(array: NDArray[Any], kind: type, width: int, rows: int) -> NDArray[Any]:
    if array.dtype != kind or array.shape != ((rows,) if width == 1 else (rows, width)):
        raise ValueError("a column of another form")
    return array


def _rows(values: NDArray[Any], offsets: NDArray[Any], rows: int) -> Ragged:
    values, offsets = _checked(values, np.uint64, 1, len(values)), _checked(offsets, np.int64, 1, rows + 1)
    if offsets[0] != 0 or offsets[-1] != len(values) or (np.diff(offsets) < 0).any():
        raise ValueError("rows that do not fit their values")
    return Ragged(values, offsets)

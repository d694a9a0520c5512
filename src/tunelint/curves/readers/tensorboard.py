"""TensorBoard event files, read without TensorBoard: records of a length, a checksum and a protobuf `Event`.

Format: https://github.com/tensorflow/tensorboard/blob/master/tensorboard/compat/proto/event.proto and the TFRecord
framing of https://www.tensorflow.org/tutorials/load_data/tfrecord. Only scalars are read.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tunelint.curves.readers.history import runs_from_history
from tunelint.curves.readers.keys import canonical_names, has_loss, renamed
from tunelint.curves.run import Run
from tunelint.errors import TunelintError

MARK = "tfevents"
_VALIDATION = ("validation", "val", "eval", "valid")


def event_files(folder: Path) -> list[Path]:
    """Return the event files that lie in a folder itself, oldest first (the name carries the time)."""
    return sorted(path for path in folder.iterdir() if MARK in path.name and path.is_file())


def read_event_files(paths: list[Path], source: str) -> list[Run] | None:
    """Return the run that event files of one folder hold (a resumed run writes several), None without a loss."""
    entries: list[dict[str, Any]] = []
    for path in paths:
        entries += _entries(path, "")
    return _runs(entries, source)


def read_keras_folder(folder: Path) -> list[Run] | None:
    """Return the run of Keras' TensorBoard callback: the folders `train` and `validation`, each with `epoch_loss`."""
    held = next((folder / name for name in _VALIDATION if (folder / name).is_dir()), None)
    train = folder / "train"
    if held is None or not train.is_dir():
        return None
    entries = [entry for path in event_files(train) for entry in _entries(path, "")]
    entries += [entry for path in event_files(held) for entry in _entries(path, "eval_")]
    entries.sort(key=lambda entry: entry["step"])
    # Keras counts epochs from 0 and has no other step here.
    epochs = [{"epoch": entry.pop("step") + 1, **entry} for entry in entries]
    return _runs(epochs, folder.as_posix())


def _runs(entries: list[dict[str, Any]], source: str) -> list[Run] | None:
    names = canonical_names(list(dict.fromkeys(key for entry in entries for key in entry)))
    if not has_loss(names):
        return None
    return runs_from_history([renamed(entry, names) for entry in entries], source)


def _entries(path: Path, prefix: str) -> list[dict[str, Any]]:
    """Return one entry per step, in the order of the file; a step that goes back begins a new entry."""
    entries: list[dict[str, Any]] = []
    for step, tag, value in scalars(path):
        key = prefix + tag.removeprefix("epoch_") if prefix or tag.startswith("epoch_") else tag
        if not entries or entries[-1]["step"] != step:
            entries.append({"step": step})
        entries[-1][key] = value
    return entries


def scalars(path: Path) -> Iterator[tuple[int, str, float]]:
    """Yield (step, tag, value). A record that a crash cut off ends the file; a file that is none is an error."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise TunelintError(f"cannot read {path}: {error.strerror or error}") from error
    place = 0
    while place + 12 <= len(data):
        (length,) = struct.unpack_from("<Q", data, place)
        start, end = place + 12, place + 12 + length
        if end + 4 > len(data):
            if place == 0:
                raise TunelintError(f"{path} is no TensorBoard event file: name the file or folder of the run")
            return
        yield from _event(data[start:end])
        place = end + 4


def _event(message: bytes) -> Iterator[tuple[int, str, float]]:
    step, summaries = 0, []
    for number, value in _fields(message):
        if number == 2 and isinstance(value, int):
            step = value
        elif number == 5 and isinstance(value, bytes):
            summaries.append(value)
    for summary in summaries:
        for number, value in _fields(summary):
            if number == 1 and isinstance(value, bytes):
                found = _scalar(value)
                if found is not None:
                    yield step, found[0], found[1]


def _scalar(message: bytes) -> tuple[str, float] | None:
    tag, amount = "", None
    for number, value in _fields(message):
        if number == 1 and isinstance(value, bytes):
            tag = value.decode("utf-8", "replace")
        elif number == 2 and isinstance(value, bytes) and len(value) == 4:
            amount = struct.unpack("<f", value)[0]
        elif number == 8 and isinstance(value, bytes):
            amount = _tensor(value)
    # Scalars are float32 but for their type: 1.3 is stored as 1.2999999523.
    return None if amount is None else (tag, float(f"{amount:.7g}"))


def _tensor(message: bytes) -> float | None:
    """Return the one number of a scalar tensor: float (type 1) or double (type 2), packed or as raw content."""
    kind, content = 0, b""
    for number, value in _fields(message):
        if number == 1 and isinstance(value, int):
            kind = value
        elif number in (4, 5, 6) and isinstance(value, bytes):
            content = value
    if kind == 1 and len(content) == 4:
        return float(struct.unpack("<f", content)[0])
    if kind == 2 and len(content) == 8:
        return float(struct.unpack("<d", content)[0])
    return None


def _fields(message: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Yield (field number, value) of a protobuf message: varints as int, everything else as its bytes."""
    place = 0
    while place < len(message):
        key, place = _varint(message, place)
        number, kind = key >> 3, key & 7
        if kind == 0:
            value, place = _varint(message, place)
            yield number, value
            continue
        if kind == 2:
            size, place = _varint(message, place)
        elif kind in (1, 5):
            size = 8 if kind == 1 else 4
        else:
            return
        yield number, message[place : place + size]
        place += size


def _varint(message: bytes, place: int) -> tuple[int, int]:
    value = shift = 0
    while place < len(message):
        byte = message[place]
        place += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            break
    return value, place

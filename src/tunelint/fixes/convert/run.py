"""`convert`: files of records into files of another format, with everything that could not come along."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from tunelint import __version__
from tunelint.errors import TunelintError
from tunelint.fixes.clean import check_folder, forget_old
from tunelint.fixes.convert.blocks import is_foreign_chat
from tunelint.fixes.convert.neutral import KINDS, Unconvertible
from tunelint.fixes.convert.readers import read_neutral
from tunelint.fixes.convert.writers import write_values
from tunelint.fixes.edits import json_line
from tunelint.fixes.work import output_names, removed_entry
from tunelint.fixes.write import compressed, digest_of, replacing
from tunelint.marks import strip_mark
from tunelint.records.chunks import FileFaults
from tunelint.records.discover import Input
from tunelint.records.reader import read_all
from tunelint.records.record import Record
from tunelint.records.sources import STDIN, Source, compression_of, plain_suffix
from tunelint.targets import load_target
from tunelint.writing import replace_file


@dataclass
class Conversion:
    """What a conversion did: records read and written, what was lost (words -> number of records, and the first place),
    what could not be converted (reason -> number; entries as in removed.jsonl), what could not be read (path, sentence)."""

    shape: str
    files: list[tuple[str, str, int, int]] = field(default_factory=list)
    lost: Counter[str] = field(default_factory=Counter)
    first_lost: dict[str, str] = field(default_factory=dict)
    left_out: Counter[str] = field(default_factory=Counter)
    entries: list[dict[str, Any]] = field(default_factory=list)
    unread: list[tuple[str, str]] = field(default_factory=list)

    @property
    def lossless(self) -> bool:
        """Everything was read, nothing was lost and nothing left out."""
        return not self.lost and not self.left_out and not self.unread


def shape_for(target: str, shapes: Sequence[str]) -> str:
    """Return the format in which a target takes records of these formats. Raises TunelintError where it takes none."""
    accepted: list[str] = load_target(target).value("shapes", [])
    known = [shape for shape in shapes if shape in KINDS]
    if known and all(shape in accepted for shape in known) and len(set(known)) == 1:
        return known[0]
    kinds = {KINDS[shape] for shape in known}
    for shape in accepted:
        if shape in KINDS and kinds == {KINDS[shape]}:
            return shape
    has = ", ".join(sorted(set(shapes)))
    raise TunelintError(f"target {target} takes {', '.join(accepted) or 'no known format'}, the data is {has}; name a format with --to")


def convert_record(value: dict[str, Any], shape: str, to: str, *, drop_extra: bool = False) -> tuple[list[dict[str, Any]], list[str]]:
    """Return a record in another format (two records for a pair as KTO) and what was lost, in a few words each.

    A record that is in the format already stays as it is. Raises Unconvertible.
    """
    if shape == to and not drop_extra and not is_foreign_chat(value):
        return [value], []
    neutral = read_neutral(value, shape)
    if drop_extra:
        neutral.extras = {}
    values = write_values(neutral, to)
    return values, neutral.lost


def convert(
    inputs: Sequence[Input], folder: Path, to: str, *, drop_extra: bool = False, in_record_key: str | None = None, overwrite: bool = False,
    lossless: bool = False,
) -> Conversion:  # fmt: skip
    """Write every input as JSONL of another format into `folder`, with removed.jsonl and manifest.json.

    Marks inside the records are taken out. With `lossless` nothing is written unless nothing is lost. Raises
    TunelintError for a format that is not there and a folder that is not empty.
    """
    if to not in KINDS:
        raise TunelintError(f"no format '{to}'; there are {', '.join(KINDS)}")
    names = [_name(name) for name in output_names([item.path for item in inputs])]
    check_folder(folder, inputs, names, overwrite)
    stdin = sys.stdin.buffer.read() if any(item.path == STDIN for item in inputs) else None
    if lossless:
        tried = Conversion(to)
        for item in inputs:
            _convert_file(item, None, tried, drop_extra, in_record_key, stdin)
        if not tried.lossless:
            return tried
    folder.mkdir(parents=True, exist_ok=True)
    forget_old(folder)
    done = Conversion(to)
    for item, name in zip(inputs, names, strict=True):
        with replacing(folder / name) as stream, compressed(stream, compression_of(name)) as packed:
            records, written = _convert_file(item, packed, done, drop_extra, in_record_key, stdin)
        done.files.append((item.path, str(folder / name), records, written))
    replace_file(folder / "removed.jsonl", "".join(map(json_line, done.entries)).encode("utf-8", "surrogatepass"))
    outputs = [
        {"path": name, "sha256": digest_of(folder / name), "records": written, "split": item.split}
        for item, name, (_, _, _, written) in zip(inputs, names, done.files, strict=True)
    ]
    settings = {"to": to, "drop_extra": drop_extra}
    tool = {"name": "tunelint", "version": __version__}
    manifest = {"version": 1, "tool": tool, "settings": settings, "outputs": outputs, "lost": dict(done.lost)}
    replace_file(folder / "manifest.json", (json.dumps(manifest, ensure_ascii=False, indent=1) + "\n").encode("utf-8", "surrogatepass"))
    return done


def convert_to_stream(item: Input, stream: IO[bytes], to: str, *, drop_extra: bool = False, in_record_key: str | None = None) -> Conversion:
    """Write one input as JSONL of another format to a stream."""
    done = Conversion(to)
    records, written = _convert_file(item, stream, done, drop_extra, in_record_key, None)
    done.files.append((item.path, "-", records, written))
    return done


def _convert_file(item: Input, stream: IO[bytes] | None, done: Conversion, drop_extra: bool, key: str | None, stdin: bytes | None) -> tuple[int, int]:
    records = written = 0
    faults = FileFaults()
    for record in read_all(Source(item.path, stdin), faults):
        if not record.raw and record.value is None:
            continue
        records += 1
        try:
            values, lost = _converted(record, done.shape, drop_extra, key)
        except Unconvertible as error:
            done.left_out[str(error)] += 1
            done.entries.append(removed_entry(item.path, record, "convert", f"Record cannot become {done.shape}: {error}."))
            continue
        where = f"{item.path}:{record.line}" if record.line else f"{item.path} row {record.row}"
        if not all(isinstance(value, bytes) for value in values) and any(fault.kind == "duplicate-key" for fault in record.faults):
            lost = [*lost, "all but the last value of a key that is there twice"]
        for what in lost:
            done.lost[what] += 1
            done.first_lost.setdefault(what, where)
        written += len(values)
        if stream is not None:
            for value in values:
                stream.write(value if isinstance(value, bytes) else json_line(value).encode("utf-8", "surrogatepass"))
    done.unread += [(item.path, what) for what in faults.unread]
    return records, written


def _converted(record: Record, to: str, drop_extra: bool, key: str | None) -> tuple[list[Any], list[str]]:
    if record.value is None:
        raise Unconvertible("it is no JSON object")
    value = strip_mark(record.value, key) if key is not None else record.value
    as_it_is = record.shape == to and not drop_extra and not is_foreign_chat(value)
    if as_it_is and value is record.value and b"\n" not in record.raw and not record.tabular:
        return [record.raw.strip() + b"\n"], []  # as it is, byte for byte
    return convert_record(value, record.shape, to, drop_extra=drop_extra)


def _name(name: str) -> str:
    """Return the name of the converted file: JSONL, compressed as the input."""
    packed = Path(name).suffix if compression_of(name) else ""
    plain = name.removesuffix(packed)
    if plain_suffix(name) in (".jsonl", ".ndjson"):
        return name
    return str(Path(plain).with_suffix(".jsonl")) + packed

"""From a chunk to its records: the one place where bytes become values."""

from __future__ import annotations

from collections.abc import Iterator

from tunelint.records.chunks import Chunk, FileFaults, read_chunks
from tunelint.records.outline import Outline, walk
from tunelint.records.parse import Parsed, parse_line
from tunelint.records.record import Fault, Record
from tunelint.records.shapes import detect, expected_shape
from tunelint.records.sources import Source
from tunelint.records.values import scan_object

_SNIFFED_RECORDS = 400
# The shape of a record depends on its outline alone, and on the shape of the rest of its file. With it stands its kind.
_shapes: dict[tuple[Outline | None, str | None], tuple[str, int]] = {}
_MOST_SHAPES = 1 << 12


def records_of(chunk: Chunk) -> Iterator[Record]:
    """Yield every non-blank line or piece of a chunk as a record, faulty ones with their faults, blank lines as runs.

    A run of blank lines comes as a record without raw bytes whose fault is blank-line (its `row` is the run's length);
    `row` is 0 otherwise: rows are counted where the whole file is known.
    """
    if chunk.pieces is not None:
        for piece in chunk.pieces:
            line = piece.line if chunk.has_lines else None
            if piece.fault is not None:
                yield Record(line, 0, piece.offset, piece.raw, None, (piece.fault,))
            else:
                yield _record(line, piece.offset, piece.raw, chunk, _parse_piece(piece.raw, chunk.lenient))
        return
    yield from _lines(chunk)


def _lines(chunk: Chunk) -> Iterator[Record]:
    lines = chunk.data.split(b"\n")
    if lines and not lines[-1]:
        lines.pop()
    offset, index = chunk.first_offset, 0
    while index < len(lines):
        raw, line = lines[index], chunk.first_line + index
        if not raw or raw.isspace():
            stop = index
            while stop < len(lines) and (not lines[stop] or lines[stop].isspace()):
                stop += 1
            yield Record(line, stop - index, offset, b"", None, (Fault("blank-line", "", 1, 0),))
            offset += sum(len(blank) + 1 for blank in lines[index:stop])
            index = stop
            continue
        parsed = parse_line(raw)
        if not parsed.ok and raw.lstrip()[:1] == b"{" and index + 1 < len(lines):
            count = lines_of_object(lines, index)
            if count > 1:
                whole = b"\n".join(lines[index : index + count])
                record = _record(line, offset, whole, chunk, _parse_piece(whole, True))
                record.faults += (Fault("multi-line-json", str(line + count - 1), 1, 0),)
                yield record
                offset, index = offset + len(whole) + 1, index + count
                continue
        yield _record(line, offset, raw, chunk, parsed)
        offset, index = offset + len(raw) + 1, index + 1


def lines_of_object(lines: list[bytes], index: int, most: int = 2000) -> int:
    """Return how many lines an object that is broken over lines takes, 0 where the lines do not make one."""
    text = b"\n".join(lines[index : index + most]).decode("latin-1")
    end = scan_object(text, len(text) - len(text.lstrip()))
    if end is None:
        return 0
    stop = text.find("\n", end)
    rest = text[end:] if stop < 0 else text[end:stop]
    return text.count("\n", 0, end) + 1 if not rest.strip() else 0


def _parse_piece(raw: bytes, lenient: bool) -> Parsed:
    parsed = parse_line(raw)
    if parsed.ok or not lenient:
        return parsed
    import json

    try:
        value = json.loads(raw.decode("utf-8"), strict=False)
        walk(value)
    except (ValueError, RecursionError):
        return parsed
    return Parsed(value, True, (), True)


def _record(line: int | None, offset: int, raw: bytes, chunk: Chunk, parsed: Parsed) -> Record:
    value = parsed.value if type(parsed.value) is dict else None
    known = (parsed.outline, chunk.expected_shape)
    found = _shapes.get(known)
    if found is None:
        found = detect(value, chunk.expected_shape) if value is not None else "unknown", 0
        if parsed.outline is not None and len(_shapes) < _MOST_SHAPES:
            found = _shapes[known] = found[0], len(_shapes) + 1
    shape, kind = found
    return Record(
        line, 0, offset, raw, value, parsed.faults, shape, chunk.expected_shape, parsed.has_floats, chunk.tabular, parsed.outline, kind
    )  # fmt: skip


def sniff_shape(chunk: Chunk) -> str | None:
    """Return the shape that the first records of a file share, from its first chunk."""
    values = []
    for record in records_of(chunk):
        if record.value is not None:
            values.append(record.value)
            if len(values) >= _SNIFFED_RECORDS:
                break
    return expected_shape(values)


def read_everything(source: Source, faults: FileFaults | None = None) -> Iterator[Record]:
    """Yield every record of a file, rows counted from 1, and what is none: faulty lines, and runs of blank lines (no bytes;
    `row` is the run's length). What is wrong with the file as a whole goes into `faults`.

    Raises TunelintError when the file cannot be opened.
    """
    shape: str | None = None
    row = 0
    for index, chunk in enumerate(read_chunks(source, FileFaults() if faults is None else faults)):
        shape = sniff_shape(chunk) if index == 0 else shape
        chunk.expected_shape = shape
        for record in records_of(chunk):
            if record.value is not None:
                row += 1
                record.row = row
            yield record


def read_all(source: Source, faults: FileFaults | None = None) -> Iterator[Record]:
    """Read everything of a file again, whatever was read of this source before: see `read_everything`."""
    return read_everything(Source(source.path, source.stdin), faults)


def read_records(path: str, stdin: bytes | None = None) -> Iterator[Record]:
    """Yield the parsed records of one file (faulty lines are left out), rows counted from 1. `stdin` is what "-" holds.

    Raises TunelintError when the file cannot be opened.
    """
    return (record for record in read_all(Source(path, stdin)) if record.value is not None)

"""Files cut into chunks that can be scanned anywhere: a few megabytes of whole lines, or a list of records."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from tunelint.records.layout import Layout, sniff, wide_encoding
from tunelint.records.record import Fault
from tunelint.records.sources import Source, plain_suffix
from tunelint.records.tables import csv_pieces, parquet_pieces
from tunelint.records.values import Piece, split_values

CHUNK = 4 << 20
HEAD = 1 << 20
MAX_LINE = 256 << 20
_UTF8_BOM = b"\xef\xbb\xbf"


@dataclass(slots=True)
class Chunk:
    """A part of a file: either `data` (whole lines) or `pieces` (records that were cut out already).

    `lenient` allows raw line breaks in strings, because the file as a whole is already reported as multi-line-json.
    `tabular` says that the pieces spell rows of a table (their bytes are ours), `has_lines` that rows have line numbers.
    """

    data: bytes = b""
    pieces: list[Piece] | None = None
    first_line: int = 1
    first_offset: int = 0
    expected_shape: str | None = None
    lenient: bool = False
    tabular: bool = False
    has_lines: bool = True


@dataclass(slots=True)
class FileFaults:
    """What is wrong with a file as a whole, and what a run of lines shares; filled while the file is read."""

    faults: list[tuple[Fault, int | None, int | None, int]] = field(default_factory=list)  # fault, line, end_line, count

    def add(self, fault: Fault, line: int | None = None, end_line: int | None = None, count: int = 1) -> None:
        """Note a fault at a line (None: the whole file)."""
        self.faults.append((fault, line, end_line, count))

    @property
    def unread(self) -> tuple[str, ...]:
        """What could not be read, in a sentence each: records that stand there are not among those of the file."""
        return tuple(fault.message for fault, *_ in self.faults if fault.unread)


def read_chunks(source: Source, faults: FileFaults, chunk_size: int = CHUNK) -> Iterator[Chunk]:
    """Yield the chunks of a file in order and note the faults of the file as a whole.

    Raises TunelintError when the file cannot be opened, or is parquet and the extra is missing.
    """
    suffix = plain_suffix(source.path)
    if suffix == ".parquet":
        yield from _batches(parquet_pieces(source, faults), tabular=True, has_lines=False)
        return
    blocks = source.blocks()
    head, complete = _head(blocks)
    offset = 0
    if head.startswith(_UTF8_BOM):
        faults.add(Fault("byte-order-mark", "File starts with a byte-order mark (EF BB BF).", 1, 0), line=1)
        head, offset = head[len(_UTF8_BOM) :], len(_UTF8_BOM)
    encoding = wide_encoding(head)
    if encoding is not None:
        message = f"File is {encoding}, not UTF-8; nothing in it was checked. Convert it: iconv -f {encoding} -t UTF-8."
        faults.add(Fault("not-utf8", message, 1, 0, unread=True), line=1)
        _drain(blocks)
        return
    layout = sniff(head, complete, suffix)
    blank = True
    for chunk in _by_layout(layout, head, blocks, offset, suffix, faults, chunk_size):
        blank = blank and not chunk.pieces and not chunk.data.strip()
        yield chunk
    if source.fault is not None:
        faults.add(source.fault)
    elif blank and not any(fault.kind == "invalid-json" for fault, *_ in faults.faults):
        faults.add(Fault("empty-file", "File is empty." if not source.length else "File holds nothing but white space."))


def _by_layout(
    layout: Layout, head: bytes, blocks: Iterator[bytes], offset: int, suffix: str, faults: FileFaults, chunk_size: int
) -> Iterator[Chunk]:
    if layout == "lines":
        yield from _line_chunks(head, blocks, offset, faults, chunk_size)
        return
    data = head + b"".join(blocks)
    if layout == "csv":
        yield from _batches(csv_pieces(data, offset, faults), tabular=True)
    else:
        by_line = suffix != ".json"
        yield from _batches(_noted(split_values(data, 1, offset), layout, faults, by_line), lenient=by_line)


def _noted(pieces: Iterator[Piece], layout: Layout, faults: FileFaults, by_line: bool) -> Iterator[Piece]:
    """Pass the records on; at the end, say what is wrong with how they stand in a file whose name promises lines."""
    count, first, last, broken = 0, 0, 0, False
    for piece in pieces:
        first, last = first or piece.line, piece.end_line
        count += 1
        broken = broken or piece.end_line > piece.line
        yield piece
    if by_line and layout == "array":
        faults.add(Fault("json-array-file", f"File is one JSON array of {count:,} records, not one record a line."))
    elif by_line and broken:
        message = f"Records run over several lines (lines {first:,} to {last:,}); readers of JSONL see only fragments."
        faults.add(Fault("multi-line-json", message), first, last, count)


def _head(blocks: Iterator[bytes]) -> tuple[bytes, bool]:
    head = b""
    for block in blocks:
        head = head + block if head else block
        if len(head) >= HEAD:
            return head, False
    return head, True


def _drain(blocks: Iterator[bytes]) -> None:
    for _ in blocks:
        continue


def _batches(pieces: Iterator[Piece], lenient: bool = False, tabular: bool = False, has_lines: bool = True) -> Iterator[Chunk]:
    batch: list[Piece] = []
    size = 0
    for piece in pieces:
        batch.append(piece)
        size += len(piece.raw) + 200
        if size >= CHUNK:
            yield Chunk(pieces=batch, lenient=lenient, tabular=tabular, has_lines=has_lines)
            batch, size = [], 0
    if batch:
        yield Chunk(pieces=batch, lenient=lenient, tabular=tabular, has_lines=has_lines)


def _line_chunks(head: bytes, blocks: Iterator[bytes], offset: int, faults: FileFaults, chunk_size: int) -> Iterator[Chunk]:
    line, buffer = 1, head
    while True:
        cut = _cut(buffer, chunk_size)
        while cut:
            data, buffer = buffer[:cut], buffer[cut:]
            yield Chunk(data=data, first_line=line, first_offset=offset)
            line, offset = line + data.count(b"\n"), offset + len(data)
            cut = _cut(buffer, chunk_size)
        if len(buffer) > MAX_LINE and b"\n" not in buffer:
            skipped, buffer = _skip_line(buffer, blocks)
            message = f"Line is longer than {MAX_LINE >> 20} MB and was not read."
            faults.add(Fault("invalid-json", message, 1, 0, unread=True), line)
            line, offset = line + 1, offset + skipped
            continue
        block = next(blocks, b"")
        if not block:
            break
        buffer += block
    if buffer:
        yield Chunk(data=buffer, first_line=line, first_offset=offset)


def _cut(buffer: bytes, size: int) -> int:
    """Return where to end a chunk: after a line that ends an object and before one that starts an object, so that a
    record broken over lines is never cut in two (and findings do not depend on the chunk size)."""
    if len(buffer) <= size:
        return 0
    position = buffer.rfind(b"\n", 0, size)
    while position > 0:
        if buffer[position + 1 : position + 2] == b"{" and buffer[:position][-2:].rstrip(b"\r").endswith(b"}"):
            return position + 1
        position = buffer.rfind(b"\n", 0, position)
    return 0 if len(buffer) < 8 * size else buffer.rfind(b"\n", 0, len(buffer)) + 1


def _skip_line(buffer: bytes, blocks: Iterator[bytes]) -> tuple[int, bytes]:
    skipped = len(buffer)
    for block in blocks:
        end = block.find(b"\n")
        if end >= 0:
            return skipped + end + 1, block[end + 1 :]
        skipped += len(block)
    return skipped, b""

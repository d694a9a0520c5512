"""From a path to a stream of bytes: compression, hashing, and the file kinds that are not text at all."""

from __future__ import annotations

import bz2
import hashlib
import io
import lzma
import re
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from tunelint.errors import TunelintError
from tunelint.records.record import Fault

BLOCK = 4 << 20
# What a decompressor is given at a time: it copies what it has not used yet with every piece that it gives.
STEP = 64 << 10
STDIN = "-"
# How much an archive may unpack to: so much, and beyond it so many times its own size. Text compresses to a tenth, a
# decompression bomb to a thousandth.
MOST_UNPACKED, MOST_TIMES = 256 << 20, 50
_COMPRESSED = {".gz": "gzip", ".bz2": "bzip2", ".xz": "xz", ".zst": "zstandard"}
_POINTER = b"version https://git-lfs.github.com/spec/v1"
_DVC_POINTER = re.compile(rb"^outs:\r?\n- md5: [0-9a-f]{32}", re.MULTILINE)


def compression_of(path: str) -> str | None:
    """Return gzip, bzip2, xz, zstandard or None, by the file name."""
    return _COMPRESSED.get(Path(path).suffix.lower())


def plain_suffix(path: str) -> str:
    """Return the suffix under any compression: `.jsonl` for train.jsonl.gz, in lower case."""
    name = Path(path)
    return (Path(name.stem).suffix if compression_of(path) else name.suffix).lower()


class Source:
    """One input file as a stream of decompressed blocks.

    After `blocks()` is exhausted, `size` and `sha256` describe the file as it lies on disk, `fault` says why the stream
    ended early (a broken archive, a Git LFS pointer), `length` is the number of decompressed bytes.
    """

    def __init__(self, path: str, stdin: bytes | None = None) -> None:
        self.path = path
        self.size = 0
        self.length = 0
        self.fault: Fault | None = None
        self.stdin = stdin
        self._hash = hashlib.sha256()

    @property
    def sha256(self) -> str:
        """SHA-256 of the bytes on disk, in hex."""
        return self._hash.hexdigest()

    def open(self) -> IO[bytes]:
        """Open the raw bytes. Raises TunelintError when the file is missing or not permitted."""
        if self.path == STDIN:
            if self.stdin is None:
                self.stdin = sys.stdin.buffer.read()
            return io.BytesIO(self.stdin)
        try:
            return open(self.path, "rb")
        except OSError as error:
            raise TunelintError(f"cannot read {self.path}: {error.strerror or error}") from error

    def blocks(self) -> Iterator[bytes]:
        """Yield the decompressed bytes in blocks of a few megabytes. Reads and hashes the file once."""
        with self.open() as raw:
            head = self._read(raw)
            if head.startswith(_POINTER) and len(head) < 1024:
                message = "File is a Git LFS pointer, not the data; fetch it with `git lfs pull`."
                self.fault = Fault("lfs-pointer", message, unread=True)
                return
            if self.path.endswith(".dvc") and _DVC_POINTER.search(head) and len(head) < 4096:
                message = "File is a DVC pointer, not the data; fetch it with `dvc pull` and name the data file."
                self.fault = Fault("lfs-pointer", message, unread=True)
                return
            kind = compression_of(self.path)
            stream = self._plain(raw, head) if kind is None else _gathered(self._decompressed(raw, head, kind))
            for block in stream:
                self.length += len(block)
                if kind is not None and self.length > MOST_UNPACKED + MOST_TIMES * self.size:
                    message = f"File unpacks to more than {MOST_TIMES} times its size; it was read up to {self.length >> 20:,} MB only."
                    self.fault = Fault("unreadable-compression", message, unread=True)
                    while self._read(raw):
                        continue
                    return
                yield block

    def _read(self, raw: IO[bytes]) -> bytes:
        block = raw.read(BLOCK)
        self._hash.update(block)
        self.size += len(block)
        return block

    def _plain(self, raw: IO[bytes], head: bytes) -> Iterator[bytes]:
        while head:
            yield head
            head = self._read(raw)

    def _decompressed(self, raw: IO[bytes], head: bytes, kind: str) -> Iterator[bytes]:
        decompressor, errors = _decompressor(kind)
        started = False
        while head:
            try:
                for start in range(0, len(head), STEP):
                    step = head[start : start + STEP]
                    # Members may follow one another in one file (pigz, concatenated logs), and zeros may fill it up.
                    while step.strip(b"\0") or (step and not decompressor.eof):
                        if decompressor.eof:
                            decompressor, errors = _decompressor(kind)
                        for piece in _bounded(decompressor, step):
                            started = started or bool(piece)
                            yield piece
                        step = decompressor.unused_data if decompressor.eof else b""
            except errors as error:
                what = "breaks off" if started else "cannot be read"
                self.fault = Fault("unreadable-compression", f"File {what} as {kind}: {error}.", unread=True)
                break
            head = self._read(raw)
        else:
            if self.size and not decompressor.eof:
                self.fault = Fault("unreadable-compression", f"File breaks off: the {kind} stream has no end.", unread=True)
        while self._read(raw):
            continue


def _gathered(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Join pieces to blocks."""
    ready: list[bytes] = []
    size = 0
    for piece in pieces:
        ready.append(piece)
        size += len(piece)
        if size >= BLOCK:
            yield b"".join(ready)
            ready, size = [], 0
    if size:
        yield b"".join(ready)


def _bounded(decompressor: Any, data: bytes) -> Iterator[bytes]:
    """Decompress in pieces of at most one block, so that a bomb never fills the memory."""
    if isinstance(decompressor, _Zlib | _Zstandard):
        yield from decompressor.pieces(data)
        return
    yield decompressor.decompress(data, BLOCK)
    while not decompressor.eof and not decompressor.needs_input:
        yield decompressor.decompress(b"", BLOCK)


class _Zlib:
    """A gzip member with the interface of `bz2.BZ2Decompressor`."""

    def __init__(self) -> None:
        self._inner = zlib.decompressobj(wbits=31)

    @property
    def eof(self) -> bool:
        return self._inner.eof

    @property
    def unused_data(self) -> bytes:
        return self._inner.unused_data

    def pieces(self, data: bytes) -> Iterator[bytes]:
        while data and not self._inner.eof:  # at a member's end the tail is still there, as unused data too
            yield self._inner.decompress(data, BLOCK)
            data = self._inner.unconsumed_tail


class _Zstandard:
    """A zstandard frame with the interface of `bz2.BZ2Decompressor`."""

    def __init__(self) -> None:
        import zstandard

        self._inner = zstandard.ZstdDecompressor(max_window_size=1 << 27).decompressobj()
        self.unused_data = b""

    @property
    def eof(self) -> bool:
        return bool(self._inner.eof)

    def pieces(self, data: bytes) -> Iterator[bytes]:
        # The library cannot bound its output, so the input is fed in small steps.
        for start in range(0, len(data), 4096):
            yield self._inner.decompress(data[start : start + 4096])
            if self._inner.eof:
                self.unused_data = bytes(self._inner.unused_data) + data[start + 4096 :]
                return


def _decompressor(kind: str) -> tuple[Any, tuple[type[Exception], ...]]:
    if kind == "gzip":
        return _Zlib(), (zlib.error,)
    if kind == "bzip2":
        return bz2.BZ2Decompressor(), (OSError, ValueError)
    if kind == "xz":
        return lzma.LZMADecompressor(), (lzma.LZMAError, EOFError)
    import zstandard

    return _Zstandard(), (zstandard.ZstdError, ValueError)

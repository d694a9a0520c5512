"""Reads type and size off the first bytes of an image, without a library: PNG, JPEG, GIF, WebP, BMP, TIFF, HEIC, AVIF.

The layouts are those of the PNG specification (W3C, section 5), JPEG (ITU-T T.81, annex B), GIF89a, the WebP container
specification, and the file type box of ISO/IEC 14496-12.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass


class ImageFault(ValueError):
    """Why bytes are no image; the text completes 'Image ...'."""


@dataclass(frozen=True, slots=True)
class Header:
    """Media type, and size in pixels where the header gives it (0 where not)."""

    type: str
    width: int = 0
    height: int = 0


def read_header(data: bytes, size: int | None = None) -> Header:
    """Return type and size of an image from its bytes; `size` is its length where `data` is only its head and its tail.

    Raises ImageFault for what is no image, for an image of no pixels and for one that is cut off.
    """
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return _png(data)
    if data.startswith(b"\xff\xd8\xff"):
        return _jpeg(data, size is not None)
    if data[:6] in (b"GIF87a", b"GIF89a"):
        return _sized("image/gif", data, "<HH", 6)
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return _webp(data, len(data) if size is None else size)
    if data[:2] == b"BM" and len(data) >= 26:
        return _sized("image/bmp", data, "<ii", 18)
    if data[:4] in (b"II*\x00", b"MM\x00*"):
        return Header("image/tiff")
    if data[4:8] == b"ftyp":
        return Header("image/avif" if data[8:12] in (b"avif", b"avis") else "image/heic")
    if data.lstrip()[:5].lower() in (b"<svg ", b"<?xml"):
        return Header("image/svg+xml")
    if data.lstrip()[:1] in (b"<", b"{"):
        raise ImageFault("is no image but text (an error page in its place?)")
    raise ImageFault("is of no known type (PNG, JPEG, WebP, GIF)")


def _png(data: bytes) -> Header:
    if data[12:16] != b"IHDR" or len(data) < 24:
        raise ImageFault("is a PNG without its header: the file is damaged")
    if b"IEND\xaeB`\x82" not in data[-64:]:
        raise ImageFault("is a PNG that is cut off before its end")
    return _sized("image/png", data, ">II", 16)


def _jpeg(data: bytes, in_part: bool) -> Header:
    # Cameras append data behind the end mark, and a preview in front has an end mark of its own.
    if b"\xff\xd9" not in data[len(data) // 2 :]:
        raise ImageFault("is a JPEG that is cut off before its end")
    position = 2
    while position + 9 < len(data):
        if data[position] != 0xFF:
            break
        marker = data[position + 1]
        if marker == 0xFF:  # a fill byte
            position += 1
            continue
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack(">HH", data[position + 5 : position + 9])
            return _checked(Header("image/jpeg", width, height))
        if 0xD0 <= marker <= 0xD8 or marker == 0x01:
            position += 2
            continue
        if marker in (0xD9, 0xDA):
            break
        position += 2 + int(struct.unpack(">H", data[position + 2 : position + 4])[0])
    if in_part and position + 9 >= len(data):
        return Header("image/jpeg")  # the frame lies behind more metadata than was read
    raise ImageFault("is a JPEG without a frame: the file is damaged")


def _webp(data: bytes, size: int) -> Header:
    declared = struct.unpack("<I", data[4:8])[0] + 8
    if declared > size + 1:
        raise ImageFault("is a WebP that is cut off before its end")
    kind = data[12:16]
    if kind == b"VP8X" and len(data) >= 30:
        width, height = (1 + int.from_bytes(data[start : start + 3], "little") for start in (24, 27))
        return Header("image/webp", width, height)
    if kind == b"VP8 " and len(data) >= 30:
        width, height = (number & 0x3FFF for number in struct.unpack("<HH", data[26:30]))
        return _checked(Header("image/webp", width, height))
    if kind == b"VP8L" and len(data) >= 25:
        bits = int.from_bytes(data[21:25], "little")
        return Header("image/webp", (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1)
    raise ImageFault("is a WebP without a picture: the file is damaged")


def _sized(kind: str, data: bytes, layout: str, start: int) -> Header:
    if len(data) < start + struct.calcsize(layout):
        raise ImageFault(f"is cut off in the header ({kind})")
    width, height = struct.unpack_from(layout, data, start)
    return _checked(Header(kind, abs(width), abs(height)))


def _checked(header: Header) -> Header:
    if header.width == 0 or header.height == 0:
        raise ImageFault(f"has no pixels ({header.width} x {header.height})")
    return header

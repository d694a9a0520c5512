"""Image headers: every kind is read, and any bytes give an answer."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunelint.checks.image_headers import Header, ImageFault, read_header

PNG = b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sIIBBBBB", 13, b"IHDR", 640, 480, 8, 6, 0, 0, 0) + b"\0" * 40 + b"IEND\xaeB`\x82"
JPEG = (
    b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00" + b"\xff\xe1\x00\x08Exif\x00\x00"
    + b"\xff\xc2\x00\x11\x08" + struct.pack(">HH", 480, 640) + b"\x03" + b"\x01\x11\x00" * 3 + b"\xff\xda" + b"\x00" * 30 + b"\xff\xd9"
)  # fmt: skip
GIF = b"GIF89a" + struct.pack("<HH", 640, 480) + b"\x00" * 10
BMP = b"BM" + b"\x00" * 16 + struct.pack("<ii", 640, -480) + b"\x00" * 10


def webp(chunk: bytes, body: bytes) -> bytes:
    data = b"WEBP" + chunk + struct.pack("<I", len(body)) + body
    return b"RIFF" + struct.pack("<I", len(data)) + data


LOSSY = webp(b"VP8 ", b"\x10\x00\x00\x9d\x01\x2a" + struct.pack("<HH", 640, 480) + b"\x00" * 8)
LOSSLESS = webp(b"VP8L", b"\x2f" + struct.pack("<I", 639 | 479 << 14) + b"\x00" * 8)
EXTENDED = webp(b"VP8X", b"\x00" * 4 + (639).to_bytes(3, "little") + (479).to_bytes(3, "little"))


@pytest.mark.parametrize(
    ("data", "kind"),
    [(PNG, "png"), (JPEG, "jpeg"), (GIF, "gif"), (BMP, "bmp"), (LOSSY, "webp"), (LOSSLESS, "webp"), (EXTENDED, "webp")],
    ids=["png", "jpeg", "gif", "bmp", "webp lossy", "webp lossless", "webp extended"],
)
def test_type_and_size(data: bytes, kind: str) -> None:
    assert read_header(data) == Header(f"image/{kind}", 640, 480)


@pytest.mark.parametrize("data", [PNG, JPEG, LOSSY], ids=["png", "jpeg", "webp"])
@given(cut=st.integers(2, 25))
def test_a_file_that_is_cut_off_is_noticed(data: bytes, cut: int) -> None:
    with pytest.raises(ImageFault, match=r"cut off|damaged"):
        read_header(data[: len(data) - cut])


@given(st.one_of(st.binary(max_size=80), st.tuples(st.sampled_from([PNG, JPEG, GIF, BMP, LOSSY]), st.integers(0, 40), st.binary(max_size=20)).map(
    lambda parts: parts[0][: parts[1]] + parts[2])))  # fmt: skip
def test_any_bytes_give_an_answer(data: bytes) -> None:
    try:
        kind = read_header(data).type
    except ImageFault as fault:
        kind = f"image/{fault}"
    assert kind.startswith("image/")
    assert kind != "image/"


def test_head_and_tail_of_a_large_file() -> None:
    size = 5_000_000
    assert read_header(PNG[:40] + PNG[-12:], size).width == 640
    assert read_header(JPEG[:40] + b"\xff\xd9", size).type == "image/jpeg"


@pytest.mark.parametrize("data", [b"", b"<html>404</html>", b"{}", b"\x00" * 50, PNG[:16] + b"\0" * 8 + PNG[24:]])
def test_what_is_no_image(data: bytes) -> None:
    with pytest.raises(ImageFault):
        read_header(data)

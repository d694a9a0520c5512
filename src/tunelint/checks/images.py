"""Images of a record: are they images, and are there as many as the text says."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable, Iterator
from typing import Any

from tunelint.checks.hit import Hit
from tunelint.checks.image_headers import ImageFault, read_header
from tunelint.checks.screen import screen
from tunelint.checks.texts import all_turns
from tunelint.records.example import Image, Turn
from tunelint.records.record import Record

_DATA_URL = re.compile(r"data:([\w.+-]+/[\w.+-]+)?((?:;[\w.+-]+=[^;,]*)*)(;base64)?,", re.IGNORECASE)
_ATTACHED = ("/images", "/image", "/videos", "/audios")


def bad_image(record: Record, options: dict[str, Any]) -> Iterable[Hit]:
    """IMG001: an image that cannot be read, has another type than it says, or is larger than services take."""
    return _bad(record, options) if screen(record).images else ()


def _bad(record: Record, options: dict[str, Any]) -> Iterator[Hit]:
    count = 0
    for turn in all_turns(record):
        for image in turn.images:
            if image.pointer.startswith(("/videos", "/audios")):
                continue
            count += 1
            if turn.role == "assistant" and not image.pointer.startswith(_ATTACHED):
                yield Hit("Image stands in an assistant message; services take images from the user only.", pointer=image.pointer)
            message = _fault(image, turn, options)
            if message:
                yield Hit(message, pointer=image.pointer)
    if options["max_images"] and count > options["max_images"]:
        yield Hit(f"Record has {count} images; at most {options['max_images']} are taken.")


def _fault(image: Image, turn: Turn, options: dict[str, Any]) -> str:
    url = image.url
    if not url:
        # TRL's {"type": "image"} has its file in the record's `images`; a part that names a key must fill it.
        part = _part(turn, image)
        named = [key for key in ("image_url", "image", "url") if isinstance(part, dict) and key in part]
        return "Image has no address." if named and part.get("type") != "image" else ""
    if url[:5].lower() != "data:":
        return ""
    match = _DATA_URL.match(url[:300])
    if match is None:
        return "Image's data URL has no comma between its type and its data."
    if match.group(3) is None:
        return "Image's data URL is not in base64."
    return _content_fault((match.group(1) or "").lower(), url[match.end() :], options)


def _part(turn: Turn, image: Image) -> Any:
    content = turn.raw.get("content", turn.raw.get("value")) if isinstance(turn.raw, dict) else None
    index = image.pointer.rsplit("/", 1)[-1]
    return content[int(index)] if isinstance(content, list) and index.isdigit() and int(index) < len(content) else None


def _content_fault(declared: str, text: str, options: dict[str, Any]) -> str:
    if any(char in text for char in "\r\n "):
        text = "".join(text.split())
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        return f"Image's data is not base64: {str(error)[:1].lower()}{str(error)[1:]}."
    if not data:
        return "Image holds no data."
    try:
        header = read_header(data)
    except ImageFault as fault:
        return f"Image {fault}."
    if declared and header.type != declared and not (declared == "image/jpg" and header.type == "image/jpeg"):
        return f"Image is {header.type}, but its data URL says {declared}."
    if header.type.removeprefix("image/") not in options["types"]:
        return f"Image is {header.type}; services take {', '.join(options['types'])}."
    if len(data) > options["max_bytes"]:
        return f"Image has {len(data):,} bytes; at most {options['max_bytes']:,} are taken."
    return ""

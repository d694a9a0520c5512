"""Images of a record: are they images, and are there as many as the text says."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from typing import Any

from tunelint.checks.hit import Edit, Hit
from tunelint.checks.image_headers import Header, ImageFault, read_header
from tunelint.checks.screen import has_images, only_where
from tunelint.checks.texts import all_turns
from tunelint.checks.wording import count_of
from tunelint.findings import Severity
from tunelint.records.example import Image, Turn
from tunelint.records.record import Record
from tunelint.records.signs import TAG

_DATA_URL = re.compile(r"data:([\w.+-]+/[\w.+-]+)?((?:;[\w.+-]+=[^;,]*)*)(;base64)?,", re.IGNORECASE)
_ATTACHED = ("/images", "/image", "/videos", "/audios")


@only_where(has_images)
def bad_image(record: Record, options: dict[str, Any]) -> Iterator[Hit]:
    """IMG001: an image that cannot be read, has another type than it says, or is larger than services take."""
    count = 0
    for turn in all_turns(record):
        for image in turn.images:
            if image.pointer.startswith(("/videos", "/audios")):
                continue
            count += 1
            if turn.role in ("assistant", "system", "developer") and not image.pointer.startswith(_ATTACHED):
                where = "an assistant" if turn.role == "assistant" else f"a {turn.role}"
                yield Hit(f"Image stands in {where} message; services take images from the user only.", pointer=image.pointer)
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
        named = [key for key in ("image_url", "image", "url") if key in part]
        return "Image has no address." if named and part.get("type") != "image" else ""
    if url[:5].lower() != "data:":
        return "Image is an address; the target takes images as base64 data only." if options["inline_only"] else ""
    match = _DATA_URL.match(url[:300])
    if match is None:
        return "Image's data URL has no comma between its type and its data."
    if match.group(3) is None:
        return "Image's data URL is not in base64."
    return _content_fault((match.group(1) or "").lower(), url[match.end() :], options)


def _part(turn: Turn, image: Image) -> dict[str, Any]:
    content = turn.raw.get("content", turn.raw.get("value")) if isinstance(turn.raw, dict) else None
    index = image.pointer.rsplit("/", 1)[-1]
    found = content[int(index)] if isinstance(content, list) and index.isdigit() and int(index) < len(content) else None
    return found if isinstance(found, dict) else {}


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
    return unwanted(header, len(data), options)


def unwanted(header: Header, size: int, options: dict[str, Any]) -> str:
    """Return why services do not take a good image, "" where they do."""
    if header.type.removeprefix("image/") not in options["types"]:
        return f"Image is {header.type}; services take {', '.join(options['types'])}."
    if size > options["max_bytes"]:
        return f"Image has {size:,} bytes; at most {options['max_bytes']:,} are taken."
    return ""


# (placeholder in the text, keys that list the files): LLaMA-Factory, ms-swift, TRL, LLaVA.
_PLACE = re.compile(rb"<(?:image|video|audio)>")
_MEDIA = (("image", ("images", "image")), ("video", ("videos", "video")), ("audio", ("audios", "audio")))


@only_where(has_images, signs=TAG)
def image_count_mismatch(record: Record, options: dict[str, Any]) -> Iterator[Hit]:
    """IMG002: another number of images than of their places in the text."""
    if not has_images(record) and _PLACE.search(record.spelled) is None:
        return
    value = record.value or {}
    turns = record.example.turns
    for kind, keys in _MEDIA:
        places = sum(turn.content.count(f"<{kind}>") for turn in turns)
        parts = sum(_bare_parts(turn, kind) for turn in turns)
        key = next((key for key in keys if value.get(key) not in (None, [], "")), None)
        if key is None:
            if places and any(_stands_apart(turn.content, f"<{kind}>") for turn in turns if turn.role == "user") and not _own_parts(turns, kind):
                many = f"{places} places" if places > 1 else "a place"
                yield Hit(f"Text has {many} for {kind}s (<{kind}>), but the record lists none.", severity=Severity.WARNING)
            continue
        files = value[key]
        if isinstance(files, str):
            if key == f"{kind}s":
                message = f"'{key}' is a text, not a list: trainers count its letters as {kind}s."
                yield Hit(message, pointer=f"/{key}", edit=Edit("set", f"/{key}", [files]))
                continue
            files = [files]
        if not isinstance(files, list):
            continue
        wanted = places or parts
        if wanted != len(files) and (wanted or options["require_placeholders"]):
            what = f"<{kind}> in the text" if places or not parts else f"{kind} parts"
            yield Hit(f"Record lists {count_of(len(files), kind)}, but has {wanted} {what}.", pointer=f"/{key}")


def _bare_parts(turn: Turn, kind: str) -> int:
    """Count the parts that only mark the place of a file which the record lists elsewhere."""
    own = (kind, f"{kind}_url", "url", "path", "value")
    return sum(1 for part in _parts(turn) if part.get("type") == kind and not any(part.get(key) for key in own))


def _own_parts(turns: tuple[Turn, ...], kind: str) -> bool:
    return any(str(part.get("type", "")).startswith((kind, f"input_{kind}")) for turn in turns for part in _parts(turn))


def _parts(turn: Turn) -> list[dict[str, Any]]:
    content = turn.raw.get("content", turn.raw.get("value")) if isinstance(turn.raw, dict) else None
    return [part for part in content if isinstance(part, dict)] if isinstance(content, list) else []


def _stands_apart(text: str, placeholder: str) -> bool:
    """Tell a place for an image from a tag that a text on HTML speaks of."""
    return text.startswith(placeholder) or text.endswith(placeholder) or f"\n{placeholder}\n" in text

"""IMG003: image files that the records name, looked at on disk."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import numpy as np

from tunelint.checks.hit import Hit
from tunelint.checks.image_headers import ImageFault, read_header
from tunelint.checks.images import unwanted
from tunelint.checks.survey import Survey, needs
from tunelint.findings import Severity
from tunelint.records.example import Image
from tunelint.records.record import Record

_BATCH = 500  # records that are held at a time
_PROBED = 200  # paths that decide whether this machine has the images at all
_HEAD = 262_144


def local_images(record: Record) -> list[Image]:
    """Return the images of a record that are paths, not addresses and not data."""
    return [
        image
        for turn in record.example.turns
        for image in turn.images
        if image.url and not image.pointer.startswith(("/videos", "/audios")) and "://" not in image.url[:12] and image.url[:5].lower() != "data:"
        and not image.url.startswith("{")
    ]  # fmt: skip


@needs("image-paths")
def unreadable_image_file(survey: Survey, options: dict[str, Any]) -> Iterator[Hit]:
    """IMG003: an image file that is missing or is no image, where the others are there."""
    counts = survey.column("image-paths")
    for index, file in enumerate(survey.files):
        rows = np.flatnonzero((survey.file == index) & (counts > 0))
        if not len(rows):
            continue
        roots = [options["root"]] if options["root"] else ["", os.path.dirname(file.path)]
        probed = [image.url for record in survey.records(rows[:_PROBED]).values() for image in local_images(record)][:_PROBED]
        if not any(_found(url, roots) for url in probed):
            total = int(counts[rows].sum())
            message = f"None of the {total:,} image files that the records name is found from here; the option root says where they are."
            yield Hit(message, file=index, severity=Severity.NOTE)
            continue
        for start in range(0, min(len(rows), options["most_records"]), _BATCH):
            batch = rows[start : start + _BATCH]
            records = survey.records(batch)
            for row in batch:
                for image in local_images(records[int(row)]) if int(row) in records else ():
                    fault = _fault(image.url, roots, options)
                    if fault:
                        yield Hit(fault, at=int(row), pointer=image.pointer)


def _found(url: str, roots: list[str]) -> str | None:
    for root in roots:
        path = os.path.join(root, url)
        if os.path.isfile(path):
            return path
    return None


def _fault(url: str, roots: list[str], options: dict[str, Any]) -> str:
    path = _found(url, roots)
    shown = url if len(url) <= 60 else "…" + url[-59:]
    if path is None:
        return f"Image file '{shown}' is missing."
    try:
        size = os.path.getsize(path)
        with open(path, "rb") as stream:
            data = stream.read(_HEAD)
            if size > _HEAD:
                stream.seek(max(_HEAD, size - 4096))
                data += stream.read()
    except OSError as error:
        return f"Image file '{shown}' cannot be read: {error.strerror}."
    if not data:
        return f"Image file '{shown}' is empty."
    try:
        header = read_header(data, size if size > _HEAD else None)
    except ImageFault as fault:
        return f"Image file '{shown}' {fault}."
    return unwanted(header, size, options)

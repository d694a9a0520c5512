"""A file that is too large for one request, in parts: https://platform.openai.com/docs/api-reference/uploads."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Generator
from typing import Any

from tunelint.errors import TunelintError
from tunelint.train.api import payload
from tunelint.train.api.insist import Session, checked, insist
from tunelint.train.api.payload import Upload
from tunelint.train.events import Event, StateEvent

LARGEST_PART = 64_000_000
"""Bytes in a part; OpenAI takes 64 MB."""
MIME_TYPE = "application/jsonl"


def send_in_parts(session: Session, upload: Upload, find: Callable[[], Any]) -> Generator[Event, None, Any]:
    """Return the file at the service. `find` looks whether it is there: the answer to the last call may be lost.

    Raises TunelintError before any byte is sent where the service takes no parts.
    """
    found = yield from insist(session, f"Looking for the {upload.split} file", find)
    if found is not None:
        return found
    begun = yield from _begin(session, upload)
    uploads, names = session.client.uploads, []
    pieces = list(parts(upload.content))
    for number, piece in enumerate(pieces, 1):
        yield StateEvent("uploading", f"{upload.split} file, part {number} of {len(pieces)}")

        def send(piece: bytes = piece) -> Any:
            return checked(uploads.parts.create(begun.id, data=piece), "id")

        names.append(str((yield from insist(session, f"Uploading part {number} of the {upload.split} file", send)).id))
    digest = hashlib.md5(upload.content, usedforsecurity=False).hexdigest()
    tried = False

    def complete() -> Any:
        nonlocal tried
        found = find() if tried else None
        tried = True
        return found or checked(uploads.complete(begun.id, part_ids=names, md5=digest), "file").file

    return (yield from insist(session, f"Completing the upload of the {upload.split} file", complete))


def parts(content: bytes) -> list[bytes]:
    """Cut the bytes of a file."""
    return [content[start : start + LARGEST_PART] for start in range(0, len(content), LARGEST_PART)]


def _begin(session: Session, upload: Upload) -> Generator[Event, None, Any]:
    import openai

    size = len(upload.content)
    asked = {"filename": upload.filename, "bytes": size, "mime_type": MIME_TYPE, "purpose": "fine-tune"}
    try:
        call = lambda: checked(session.client.uploads.create(**asked), "id")  # noqa: E731
        return (yield from insist(session, f"Announcing the {upload.split} file", call, (openai.NotFoundError,)))
    except openai.NotFoundError as error:
        raise TunelintError(
            f"The {upload.split} file is {size / 1e6:,.0f} MB; in one request the API takes {payload.LARGEST / 1e6:,.0f} MB, and "
            f"{session.connection.host} takes no uploads in parts. Nothing was sent; train on fewer rows."
        ) from error

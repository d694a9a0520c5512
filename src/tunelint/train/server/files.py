"""/v1/files: uploads are stored under names of our own and linted at once."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Iterable, Iterator
from typing import Any, BinaryIO

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response

from tunelint.train.server.pages import page
from tunelint.train.server.problems import Problem, missing
from tunelint.train.server.state import state_of
from tunelint.train.server.store import Row, Store, new_id

BLOCK = 1 << 20


def file_object(row: Row) -> dict[str, Any]:
    """Return a file as the API shows it."""
    keys = ("id", "bytes", "created_at", "filename", "purpose", "status")
    details = {"status_details": row["details"]} if row["details"] else {}
    return {"object": "file", **{key: row[key] for key in keys}, **details}


async def create(request: Request) -> Response:
    """Take an upload (multipart, `file` and `purpose`)."""
    async with request.form(max_files=1, max_fields=20) as form:
        file, purpose = form.get("file"), form.get("purpose")
        if purpose != "fine-tune":
            raise Problem(400, "This server takes files for fine-tuning only: purpose must be 'fine-tune'.", "purpose")
        if not isinstance(file, UploadFile):
            raise Problem(400, "The form has no file.", "file")
        state = state_of(request)
        row = await run_in_threadpool(store_file, state.store, blocks(file.file), file.filename or "data.jsonl")
    state.runner.wake()
    return JSONResponse(file_object(row))


def blocks(stream: BinaryIO) -> Iterator[bytes]:
    """Read a stream to its end, a block at a time."""
    while block := stream.read(BLOCK):
        yield block


def store_file(store: Store, content: Iterable[bytes], filename: str) -> Row:
    """Write the bytes, then remember them; the client's file name is kept as a text and never used as a path."""
    identity = new_id("file")
    path = store.file_path(identity)
    partial = path.with_suffix(".part")
    digest, size = hashlib.sha256(), 0
    try:
        with partial.open("wb") as target:
            for block in content:
                target.write(block)
                digest.update(block)
                size += len(block)
            target.flush()
            os.fsync(target.fileno())
        if not size:
            raise Problem(400, "The file is empty.", "file")
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
    row = {
        "id": identity, "filename": filename[:512], "purpose": "fine-tune", "bytes": size, "created_at": round(time.time()),
        "sha256": digest.hexdigest(), "status": "uploaded", "details": None,
    }  # fmt: skip
    store.insert("files", row)
    return row


def find(store: Store, identity: str) -> Row:
    """Return the file with this id. Raises Problem where there is none."""
    row = store.one("SELECT * FROM files WHERE id = ?", identity)
    if row is None:
        raise missing("file", identity)
    return row


def index(request: Request) -> Response:
    """List the files, newest first."""
    purpose = request.query_params.get("purpose")
    where = "WHERE purpose = ?" if purpose else ""
    rows = state_of(request).store.rows(f"SELECT * FROM files {where} ORDER BY seq DESC", *([purpose] if purpose else []))
    found = page(rows, request, 10_000, file_object)
    # The description has texts here, where the other lists may have null.
    return JSONResponse({**found, "first_id": found["first_id"] or "", "last_id": found["last_id"] or ""})


def show(request: Request) -> Response:
    """Describe a file."""
    return JSONResponse(file_object(find(state_of(request).store, request.path_params["id"])))


def content(request: Request) -> Response:
    """Send the bytes of a file back."""
    store = state_of(request).store
    row = find(store, request.path_params["id"])
    return FileResponse(store.file_path(row["id"]), media_type="application/octet-stream")


def delete(request: Request) -> Response:
    """Delete a file that no unfinished job needs."""
    store = state_of(request).store
    row = find(store, request.path_params["id"])
    used = store.one(
        "SELECT id FROM jobs WHERE (training_file = ? OR validation_file = ?) AND status NOT IN ('succeeded', 'failed', 'cancelled')",
        row["id"], row["id"],
    )  # fmt: skip
    if used:
        raise Problem(409, f"The job {used['id']} needs this file.", code="file_in_use")
    store.delete_file(row["id"])
    return JSONResponse({"id": row["id"], "object": "file", "deleted": True})

"""/v1/uploads: a file in parts, for clients that send large files so: create, add parts, complete or cancel.

Shapes: https://platform.openai.com/docs/api-reference/uploads. A part is at most 64 MB, an upload lives for an hour.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterator
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from tunelint.train.server.files import blocks, file_object, find, store_file
from tunelint.train.server.problems import Problem, missing
from tunelint.train.server.state import ServerState, state_of
from tunelint.train.server.store import Row, Store, new_id

LIFE = 3600
"""Seconds for which parts are kept."""


def upload_object(store: Store, row: Row) -> dict[str, Any]:
    """Return an upload as the API shows it."""
    keys = ("id", "filename", "bytes", "created_at", "expires_at", "status")
    file = {"file": file_object(find(store, row["file"]))} if row["file"] else {}
    return {"object": "upload", "purpose": "fine-tune", **{key: row[key] for key in keys}, **file}


async def create(request: Request) -> Response:
    """Begin an upload: its name and its size. One that is too large is refused before it is sent."""
    state = state_of(request)
    body = _body(await request.body())
    name, size, purpose = body.get("filename"), body.get("bytes"), body.get("purpose")
    if purpose != "fine-tune":
        raise Problem(400, "This server takes files for fine-tuning only: purpose must be 'fine-tune'.", "purpose")
    if not isinstance(name, str) or not name:
        raise Problem(400, "filename is missing.", "filename")
    if not isinstance(size, int) or isinstance(size, bool) or size < 1:
        raise Problem(400, "bytes must be the size of the file.", "bytes")
    if size > state.settings.max_upload:
        raise Problem(413, f"The file is larger than {state.settings.max_upload / 1e6:,.0f} MB.", "bytes", "request_too_large")
    return JSONResponse(await run_in_threadpool(_create, state.store, name, size))


def _create(store: Store, name: str, size: int) -> dict[str, Any]:
    now = round(time.time())
    for old in store.rows("SELECT id FROM uploads WHERE status = 'pending' AND expires_at < ?", now):
        _end(store, old["id"], "expired")
    row = {
        "id": new_id("upload"), "filename": name[:512], "bytes": size, "created_at": now, "expires_at": now + LIFE, "status": "pending", "file": None,
    }  # fmt: skip
    store.insert("uploads", row)
    return upload_object(store, row)


async def add_part(request: Request) -> Response:
    """Take a part (multipart, `data`)."""
    state = state_of(request)
    identity = request.path_params["id"]
    _pending(state.store, identity)
    async with request.form(max_files=1, max_fields=20) as form:
        data = form.get("data")
        if not isinstance(data, UploadFile):
            raise Problem(400, "The form has no data.", "data")
        row = await run_in_threadpool(_add_part, state.store, identity, b"".join(blocks(data.file)))
    return JSONResponse(row)


def _add_part(store: Store, identity: str, data: bytes) -> dict[str, Any]:
    with store.transaction():
        upload = _pending(store, identity)
        sent = sum(part["bytes"] for part in store.rows("SELECT bytes FROM parts WHERE upload = ?", identity))
        # Twice the size: a part whose answer was lost is sent again, and only one of the two is named at the end.
        if sent + len(data) > 2 * upload["bytes"]:
            raise Problem(400, f"The parts are larger than the {upload['bytes']:,} bytes that were declared.", "data")
        name, now = new_id("part"), round(time.time())
        store.part_path(name).write_bytes(data)
        store.insert("parts", {"id": name, "upload": identity, "bytes": len(data), "created_at": now})
    return {"object": "upload.part", "id": name, "created_at": now, "upload_id": identity}


async def complete(request: Request) -> Response:
    """Join the parts in the order given. Size, and MD5 where it is given, must be those of the file."""
    state = state_of(request)
    body = _body(await request.body())
    names, md5 = body.get("part_ids"), body.get("md5")
    if not isinstance(names, list) or not names or any(not isinstance(name, str) for name in names):
        raise Problem(400, "part_ids must be the ids of the parts.", "part_ids")
    row = await run_in_threadpool(_complete, state, request.path_params["id"], names, md5)
    state.runner.wake()
    return JSONResponse(row)


def _complete(state: ServerState, identity: str, names: list[str], md5: Any) -> dict[str, Any]:
    store = state.store
    with store.transaction():
        upload = _pending(store, identity)
        sizes = {part["id"]: part["bytes"] for part in store.rows("SELECT id, bytes FROM parts WHERE upload = ?", identity)}
        unknown = [name for name in names if name not in sizes]
        if unknown or len(set(names)) < len(names):
            raise Problem(400, "part_ids must name parts of this upload, each once.", "part_ids")
        size = sum(sizes[name] for name in names)
        if size != upload["bytes"]:
            raise Problem(400, f"The parts have {size:,} bytes, and {upload['bytes']:,} were declared.", "part_ids")
        if md5 is not None and _md5(store, names) != str(md5).lower():
            raise Problem(400, "The parts are not those of the file with this MD5.", "md5")
        file = store_file(store, _content(store, names), upload["filename"])
        store.update("uploads", identity, file=file["id"])
        _end(store, identity, "completed")
        return upload_object(store, _find(store, identity))


def cancel(request: Request) -> Response:
    """Give an upload up."""
    store = state_of(request).store
    with store.transaction():
        _pending(store, request.path_params["id"])
        _end(store, request.path_params["id"], "cancelled")
        return JSONResponse(upload_object(store, _find(store, request.path_params["id"])))


def _content(store: Store, names: list[str]) -> Iterator[bytes]:
    for name in names:
        yield store.part_path(name).read_bytes()


def _md5(store: Store, names: list[str]) -> str:
    digest = hashlib.md5(usedforsecurity=False)
    for block in _content(store, names):
        digest.update(block)
    return digest.hexdigest()


def _end(store: Store, identity: str, status: str) -> None:
    """Set the last status and remove the parts."""
    for part in store.rows("SELECT id FROM parts WHERE upload = ?", identity):
        store.part_path(part["id"]).unlink(missing_ok=True)
    store.update("uploads", identity, status=status)


def _find(store: Store, identity: str) -> Row:
    row = store.one("SELECT * FROM uploads WHERE id = ?", identity)
    if row is None:
        raise missing("upload", identity)
    return row


def _pending(store: Store, identity: str) -> Row:
    row = _find(store, identity)
    status = "expired" if row["status"] == "pending" and row["expires_at"] < time.time() else row["status"]
    if status != "pending":
        raise Problem(400, f"The upload is {status}.", code="upload_not_pending")
    return row


def _body(content: bytes) -> dict[str, Any]:
    try:
        value = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise Problem(400, f"The body is no JSON: {error}.") from error
    if not isinstance(value, dict):
        raise Problem(400, "The body is no JSON object.")
    return value

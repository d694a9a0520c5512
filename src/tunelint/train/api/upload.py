"""Each file is uploaded once: one that this endpoint already holds, by its digest, is used again."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from tunelint.errors import TunelintError
from tunelint.train.api import payload
from tunelint.train.api.insist import FIRST_PAUSE, LONGEST_PAUSE, Session, checked, insist, listed
from tunelint.train.api.parts import send_in_parts
from tunelint.train.api.payload import Upload, uploads
from tunelint.train.events import Event, MessageEvent, StateEvent
from tunelint.train.runs import list_runs

PAGES = 20
READY = (None, "", "uploaded", "processed")


def upload_all(session: Session) -> Generator[Event, None, dict[str, str]]:
    """Return split -> file id, after uploading what is not there yet. Raises TunelintError for a file that is refused."""
    files: dict[str, str] = dict(session.api.get("files") or {})
    session.folder.update(state="uploading")
    for upload in uploads(session.plan, session.connection.is_azure):
        known = files.get(upload.split)
        if known and (yield from _is_there(session, known)):
            continue
        files[upload.split] = yield from _one(session, upload)
        digests = {**(session.api.get("file_digests") or {}), upload.split: upload.sha256}
        session.note(files=dict(files), file_digests=digests)
    for split, file_id in files.items():
        yield from _wait_until_ready(session, split, file_id)
    return files


def _one(session: Session, upload: Upload) -> Generator[Event, None, str]:
    for file_id in _in_run_folders(session, upload.sha256):
        if (yield from _is_there(session, file_id)):
            yield MessageEvent(f"{upload.split} file is at {session.connection.host} already: {file_id}")
            return file_id
    yield StateEvent("uploading", f"{upload.split} file, {len(upload.content):,} bytes")
    if len(upload.content) > payload.LARGEST:
        return str((yield from send_in_parts(session, upload, lambda: _by_name(session, upload.filename))).id)

    def find_or_send() -> Any:
        # Looked for at every try: an upload whose answer was lost is found instead of sent again.
        found = _by_name(session, upload.filename)
        if found is not None:
            return found
        return checked(session.client.files.create(file=(upload.filename, upload.content), purpose="fine-tune"), "id")

    return str((yield from insist(session, f"Uploading the {upload.split} file", find_or_send)).id)


def _by_name(session: Session, filename: str) -> Any:
    page = listed(lambda: session.client.files.list(purpose="fine-tune", limit=100))
    for _ in range(PAGES):
        items = list(page.data or ())
        for item in items:
            if item.filename == filename and item.status != "error":
                return item
        if not items or not page.has_next_page():
            return None
        page = listed(page.get_next_page)
    return None


def _in_run_folders(session: Session, sha256: str) -> list[str]:
    """Return the ids under which other runs beside this one have uploaded the same bytes to the same endpoint."""
    found = []
    for run in reversed(list_runs(session.folder.path.parent)):
        api = run.read().get("api") or {}
        if api.get("base_url") == session.connection.base_url:
            files = api.get("files") or {}
            found += [files[split] for split, digest in (api.get("file_digests") or {}).items() if digest == sha256 and split in files]
    return list(dict.fromkeys(found))


def _is_there(session: Session, file_id: str) -> Generator[Event, None, bool]:
    import openai

    try:
        found = yield from insist(
            session, "Looking for the file", lambda: checked(session.client.files.retrieve(file_id), "id"), (openai.NotFoundError,)
        )
    except openai.NotFoundError:
        return False
    return str(found.status) not in ("error", "deleted")


def _wait_until_ready(session: Session, split: str, file_id: str) -> Generator[Event, None, None]:
    """Wait until the service has read the file. Raises TunelintError where it calls the file bad."""
    pause = FIRST_PAUSE
    while True:
        file = yield from insist(session, f"Checking the {split} file", lambda: checked(session.client.files.retrieve(file_id), "id"))
        if file.status == "error":
            reason = session.connection.redact(str(getattr(file, "status_details", None) or "no reason given"))
            raise TunelintError(f"{session.connection.host} does not accept the {split} file {file_id}: {reason}")
        if file.status in READY:
            return
        session.clock.sleep(pause)
        pause = min(pause * 1.5, LONGEST_PAUSE)

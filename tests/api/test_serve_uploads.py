"""Files in parts, and a folder of an older version. No training here."""

from __future__ import annotations

import hashlib
import sqlite3
import time
from collections.abc import Iterator
from typing import Any

import openai
import pytest

from api.serving import Served, support_jsonl
from tunelint.errors import TunelintError

pytest.importorskip("uvicorn")
CONTENT = support_jsonl(24, 1)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    served = Served(tmp_path_factory.mktemp("uploads") / "server", "--max-upload", "1")
    yield served
    served.stop()


@pytest.fixture
def client(served: Served) -> Any:
    return served.client()


def begin(client: Any, size: int, **more: Any) -> Any:
    return client.uploads.create(**{"filename": "a.jsonl", "bytes": size, "mime_type": "application/jsonl", "purpose": "fine-tune", **more})


def parts_left(served: Served) -> int:
    return len(list(served.folder.rglob("*.part")))


def test_the_clients_own_way(served, client):
    done = client.uploads.upload_file_chunked(
        file=CONTENT, filename="../a.jsonl", bytes=len(CONTENT), mime_type="application/jsonl", purpose="fine-tune", part_size=700,
        md5=hashlib.md5(CONTENT).hexdigest(),
    )  # fmt: skip
    assert done.status == "completed"
    assert done.file.filename == "../a.jsonl"
    assert client.files.content(done.file.id).content == CONTENT
    assert client.files.wait_for_processing(done.file.id, poll_interval=0.1).status == "processed"
    assert parts_left(served) == 0


def test_the_order_is_that_of_the_end(client):
    upload = begin(client, 6)
    second, lost, first = (client.uploads.parts.create(upload.id, data=data).id for data in (b"def", b"abc", b"abc"))
    done = client.uploads.complete(upload.id, part_ids=[first, second])
    assert client.files.content(done.file.id).content == b"abcdef"
    for call in (lambda: client.uploads.complete(upload.id, part_ids=[lost, second]), lambda: client.uploads.cancel(upload.id)):
        with pytest.raises(openai.BadRequestError, match="upload is completed"):
            call()


def test_what_does_not_fit_is_refused(served, client):
    before = len(list(client.files.list()))
    with pytest.raises(openai.APIStatusError, match="larger than 1 MB") as caught:
        begin(client, 10**10)
    assert caught.value.status_code == 413
    upload, other = begin(client, 5), begin(client, 5)
    part = client.uploads.parts.create(upload.id, data=b"1234").id
    strange = client.uploads.parts.create(other.id, data=b"1").id
    with pytest.raises(openai.BadRequestError, match="larger than the 5 bytes"):
        client.uploads.parts.create(upload.id, data=b"x" * 50)
    for asked, said in (
        ({"part_ids": [part]}, "4 bytes, and 5 were declared"),
        ({"part_ids": [part, strange]}, "parts of this upload"),
        ({"part_ids": [part, part]}, "each once"),
        ({"part_ids": ["../../state.sqlite"]}, "parts of this upload"),
        ({"part_ids": []}, "part_ids must be"),
    ):
        with pytest.raises(openai.BadRequestError, match=said):
            client.uploads.complete(upload.id, **asked)
    last = client.uploads.parts.create(upload.id, data=b"5").id
    with pytest.raises(openai.BadRequestError, match="MD5"):
        client.uploads.complete(upload.id, part_ids=[part, last], md5="0" * 32)
    assert client.uploads.cancel(upload.id).status == "cancelled"
    assert client.uploads.cancel(other.id).status == "cancelled"
    for asked in ({"size": 0}, {"size": 5, "purpose": "assistants"}, {"size": 5, "filename": ""}):
        with pytest.raises(openai.BadRequestError):
            begin(client, asked.pop("size"), **asked)
    with pytest.raises(openai.NotFoundError, match="There is no upload"):
        client.uploads.parts.create("upload-none", data=b"1")
    assert parts_left(served) == 0
    assert len(list(client.files.list())) == before


def test_a_part_is_no_larger_than_a_file(client):
    upload = begin(client, 900_000)
    with pytest.raises(openai.APIStatusError) as caught:
        client.uploads.parts.create(upload.id, data=b"x" * 1_200_000)
    assert caught.value.status_code == 413


def test_an_old_upload_expires(tmp_path, monkeypatch):
    from tunelint.train.server import uploads
    from tunelint.train.server.problems import Problem
    from tunelint.train.server.store import Store

    store = Store(tmp_path)
    old = uploads._create(store, "a.jsonl", 5)["id"]
    uploads._add_part(store, old, b"12345")
    assert list(tmp_path.rglob("*.part"))
    late = time.time() + uploads.LIFE + 10
    monkeypatch.setattr(uploads.time, "time", lambda: late)
    with pytest.raises(Problem, match="upload is expired"):
        uploads._add_part(store, old, b"12345")
    uploads._create(store, "b.jsonl", 5)
    assert not list(tmp_path.rglob("*.part"))
    assert store.one("SELECT status FROM uploads WHERE id = ?", old) == {"status": "expired"}
    store.close()


def test_a_folder_of_another_version(tmp_path):
    from tunelint.train.server.store import VERSIONS, Store

    database = sqlite3.connect(tmp_path / "state.sqlite")
    database.executescript(f"{VERSIONS[0]} PRAGMA user_version=1;")
    database.execute("INSERT INTO idempotency VALUES ('k', 'd', 'j')")
    database.commit()
    store = Store(tmp_path)
    assert store.rows("SELECT * FROM uploads") == []
    assert store.rows("SELECT job FROM idempotency") == [{"job": "j"}]
    store.close()
    database.execute("PRAGMA user_version=99")
    database.close()
    with pytest.raises(TunelintError, match="newer tunelint"):
        Store(tmp_path)

"""Files that are too large for one request, with lowered limits: at a service that fails, and at our own."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from api.fault_server import Fault
from api.runs import FakeClock, check_one_job, check_whole, follow, texts
from api.serving import Served
from tests_rows import chat
from train.train_rows import support_rows
from tunelint.errors import TunelintError
from tunelint.train import Plan, RunFolder
from tunelint.train.api import parts, payload
from tunelint.train.api.connection import connect
from tunelint.train.api.insist import Session
from tunelint.train.api.payload import uploads
from tunelint.train.api.upload import upload_all

PARTS = "POST /v1/uploads/upload-1/parts"


@pytest.fixture(autouse=True)
def low_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    """The train file needs parts, the eval file does not."""
    monkeypatch.setattr(payload, "LARGEST", 2500)
    monkeypatch.setattr(parts, "LARGEST_PART", 1000)


@pytest.mark.parametrize(
    "faults",
    [
        [],
        [Fault("POST /v1/uploads", "drop"), Fault(PARTS, "500", skip=1), Fault(PARTS, "drop-after", skip=2)],
        [Fault("POST /v1/uploads/upload-1/complete", "drop-after")],
        [Fault("POST /v1/uploads/upload-1/complete", "drop", times=2)],
    ],
    ids=["quiet", "parts lost", "answer lost", "end lost"],
)
def test_a_large_file_goes_in_parts(server, clock, run, faults):
    server.service.takes_parts = True
    server.service.faults = faults
    folder = run()
    said = texts(follow(folder, clock))
    train, held_out = uploads(folder.plan())
    assert len(train.content) > 2500 > len(held_out.content)
    assert set(server.service.contents.values()) == {train.content, held_out.content}
    assert f"part 1 of {-(-len(train.content) // 1000)}" in said
    assert server.service.calls.count("POST /v1/files") == 1
    check_one_job(server)
    check_whole(folder)
    again = run()
    follow(again, clock)
    assert len(server.service.files) == 2, "the file of the first run is used again"


def test_without_parts_nothing_is_sent(server, clock, run):
    with pytest.raises(TunelintError, match=r"The train file is 0 MB; in one request .* takes no uploads in parts\. Nothing was sent"):
        follow(run(), clock)
    assert not server.service.files
    assert not server.service.jobs
    assert [call for call in server.service.calls if call.startswith("POST")] == ["POST /v1/uploads"]


def test_more_than_any_service_takes_is_refused_at_once(monkeypatch):
    monkeypatch.setattr(payload, "LARGEST_IN_PARTS", 3000)
    with pytest.raises(TunelintError, match="The train file is 0 MB; the API takes 0 MB"):
        uploads(Plan(support_rows(12, 1), model="m", backend="openai"))


def test_our_own_server_takes_parts(tmp_path):
    pytest.importorskip("uvicorn")
    served = Served(tmp_path / "server")
    try:
        plan = Plan(
            support_rows(12, 1), support_rows(3, 2), model="tiny", backend="openai", run_dir=tmp_path / "run", options={"base_url": served.url}
        )
        folder = RunFolder.create(plan)
        folder.update(api={"base_url": served.url, "run": "mark", "files": {}, "job": None})
        session = Session(folder, plan, connect(plan.options), FakeClock())
        with session.client as client:
            files = last(upload_all(session))
            for upload in uploads(plan):
                assert client.files.content(files[upload.split]).content == upload.content
            assert len(list(client.files.list())) == 2
        assert not list(served.folder.rglob("*.part"))
    finally:
        served.stop()


def last(events: Any) -> Any:
    """Run a generator of events to its end and return its value."""
    try:
        while True:
            next(events)
    except StopIteration as stop:
        return stop.value


def test_dry_run_shows_the_parts(tunelint):
    rows = [chat(f"Question {word}, what is it?", f"The answer about {word} is long enough.") for word in "abcdefghijklmnopqrstuvwxyz"]
    Path("train.jsonl").write_text("\n".join(rows) + "\n")
    ran = tunelint(
        "train", "train.jsonl", "--no-lint", "--no-split", "--backend", "openai", "--base-url", "http://127.0.0.1:9/v1", "--model", "m", "--dry-run"
    )
    assert ran.code == 0, ran.err
    begin, part, end, job = ran.json
    size = begin["body"]["bytes"]
    assert [request["url"].rpartition("/")[2] for request in (begin, part, end, job)] == ["uploads", "parts", "complete", "jobs"]
    assert part["times"] == -(-size // 1000)
    assert part["file"]["name"] == begin["body"]["filename"]
    assert json.loads(part["file"]["first_line"])["messages"]
    assert re.fullmatch(r"tunelint-[0-9a-f]{64}\.jsonl", begin["body"]["filename"])

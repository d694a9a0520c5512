"""The server kills itself at a named moment of a job's life, is started again, and the client notices no more than a pause."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from api.lives import ended, job_folder, kill_workers, metrics, start, story, wait_for
from api.serving import Served, support_jsonl

pytest.importorskip("torch")
pytest.importorskip("uvicorn")
pytestmark = pytest.mark.slow

SERVER = "tunelint.train.server."
MOMENTS = {
    "the first request": "starlette.responses:JSONResponse.__call__:before:1",
    "train file, before it is stored": SERVER + "files:store_file:before:1",
    "train file, stored and not known": SERVER + "store:Store.insert:before:1",
    "train file, stored and not answered": SERVER + "files:store_file:after:1",
    "eval file, before it is stored": SERVER + "files:store_file:before:2",
    "eval file, stored and not answered": SERVER + "files:store_file:after:2",
    "an upload is linted": SERVER + "runner:upload_verdict:after:1",
    "amid the creation": SERVER + "jobs:_insert:after:1",
    "created and not answered": SERVER + "jobs:_create:after:1",
    "the job is linted": SERVER + "runner:lint_files:after:1",
    "amid the run folder": "tunelint.train.runs:write_json:before:1",
    "the run folder is there": SERVER + "runner:Runner._prepare:after:1",
    "the worker starts": SERVER + "runner:Worker:after:1",
    "the worker starts and dies too": SERVER + "runner:Worker:children:1",
    "the first point": SERVER + "progress:_point_event:after:1",
    "in training, the worker dies too": SERVER + "progress:_point_event:children:3",
    "the job ends": SERVER + "runner:finish:before:1",
    "the result file is there": SERVER + "progress:_result_file:after:1",
    "the job has ended": SERVER + "runner:finish:after:1",
    "the result file is fetched": SERVER + "files:FileResponse:before:1",
}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("moments")
    (folder / "train.jsonl").write_bytes(support_jsonl(24, 1))
    (folder / "eval.jsonl").write_bytes(support_jsonl(8, 99))
    return folder


@pytest.fixture(scope="module")
def undisturbed(place: Path) -> list[tuple[Any, ...]]:
    served = Served(place / "server")
    try:
        client = start(place, served.url, "quiet", epochs=1)
        out = ended(client, served)
        assert client.returncode == 0, story(out, client, served)
        return metrics(place / "runs/quiet")
    finally:
        served.stop()


@pytest.fixture
def servers(tmp_path: Path) -> Iterator[list[Served]]:
    """The servers of a life, ended with it."""
    found: list[Served] = []
    yield found
    for served in found:
        served.kill()
    kill_workers(found[-1])


@pytest.mark.parametrize("moment", MOMENTS)
def test_the_server_dies(place, tmp_path, servers, undisturbed, moment):
    name = moment.replace(" ", "-")
    first = Served(tmp_path / "server", dies_at=MOMENTS[moment])
    servers.append(first)
    client = start(place, first.url, name, epochs=1)
    wait_for(lambda: first.process.poll() is not None, first, client)
    time.sleep(1)  # nobody is there for a while
    servers.append(Served(first.folder, port=first.port))
    out = ended(client, *servers)
    assert client.returncode == 0, story(out, client, *servers)
    assert metrics(place / "runs" / name) == undisturbed, story(out, client, *servers)
    assert metrics(job_folder(servers[-1])) == undisturbed, story(out, client, *servers)
    assert "Traceback" not in "".join([out, *first.lines, *servers[-1].lines]), story(out, client, *servers)
    with servers[-1].client() as api:
        assert len(api.fine_tuning.jobs.list().data) == 1
        assert len(api.files.list(purpose="fine-tune").data) == 2

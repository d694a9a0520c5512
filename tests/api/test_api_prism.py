"""A job's whole life through Prism, a proxy that validates every request and answer against OpenAI's own description.

Prism (https://github.com/stoplightio/prism, Apache-2.0) is run by node; without node this is skipped.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openai
import pytest

from api.serving import Served, support_jsonl

pytest.importorskip("torch")
pytest.importorskip("uvicorn")
VERSION = "5.14.2"
HOME = Path(__file__).parents[2] / ".venv" / f"prism-{VERSION}"
SUBSET = Path(__file__).with_name("openai_subset.json")


def install() -> Path:
    """Prism's program, installed once into a folder of its own below .venv/."""
    npm = shutil.which("npm")
    if shutil.which("node") is None or npm is None:
        pytest.skip("node and npm are not here: nothing is held against OpenAI's description by Prism")
    program = HOME / "node_modules" / ".bin" / "prism"
    if not program.is_file():
        HOME.parent.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory(dir=HOME.parent, prefix="prism-") as room:
            asked = [npm, "install", "--prefix", room, "--no-audit", "--no-fund", "--ignore-scripts", f"@stoplight/prism-cli@{VERSION}"]
            ran = subprocess.run(asked, capture_output=True, text=True, timeout=300, check=False)
            assert ran.returncode == 0, ran.stdout + ran.stderr
            shutil.rmtree(HOME, ignore_errors=True)
            Path(room).rename(HOME)
            Path(room).mkdir()  # for the context to remove
    return program


class Proxy:
    """Prism in front of a server: what violates the description gets an error instead of the answer."""

    def __init__(self, program: Path, served: Served, log: Path) -> None:
        self.log = log
        for _ in range(3):  # the free port may be taken by another before Prism has it
            with socket.create_server(("127.0.0.1", 0)) as door:
                port = door.getsockname()[1]
            with log.open("wb") as said:
                asked = [str(program), "proxy", "--errors", "--port", str(port), str(SUBSET), served.url]
                self.process = subprocess.Popen(asked, stdout=said, stderr=said, env={**os.environ, "NO_COLOR": "1"})
            if self._listens():
                break
        else:
            raise AssertionError(log.read_text())
        self.client = openai.OpenAI(base_url=f"http://127.0.0.1:{port}", api_key="any", max_retries=0, timeout=60)

    def _listens(self) -> bool:
        deadline = time.monotonic() + 120
        while self.process.poll() is None:
            if "Prism is listening" in self.log.read_text():
                return True
            assert time.monotonic() < deadline, self.log.read_text()
            time.sleep(0.1)
        return False

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(30)


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    program = install()
    place = tmp_path_factory.mktemp("prism")
    served = Served(place / "server")
    try:
        proxy = Proxy(program, served, place / "prism.log")
        yield proxy
        proxy.stop()
    finally:
        served.stop()


def ended(client: Any, job: Any) -> Any:
    deadline = time.monotonic() + 240
    while job.status not in ("succeeded", "failed", "cancelled"):
        assert time.monotonic() < deadline, f"the job is still {job.status}: {job}"
        time.sleep(0.3)
        job = client.fine_tuning.jobs.retrieve(job.id)
    return job


def test_a_jobs_whole_life(proxy):
    client = proxy.client
    jobs = client.fine_tuning.jobs
    assert not client.files.list().data
    assert not jobs.list().data
    content = support_jsonl(24, 1)
    train = client.files.create(file=("train.jsonl", content), purpose="fine-tune")
    held_out = client.uploads.upload_file_chunked(
        file=(more := support_jsonl(8, 99)),
        filename="eval.jsonl",
        bytes=len(more),
        mime_type="application/jsonl",
        purpose="fine-tune",
        part_size=1000,
    ).file
    asked = {
        "model": "tiny", "training_file": train.id, "validation_file": held_out.id, "seed": 3, "suffix": "shop", "metadata": {"mark": "one"},
        "method": {"type": "supervised", "supervised": {"hyperparameters": {"n_epochs": 1, "batch_size": 8, "learning_rate_multiplier": 1.5}}},
    }  # fmt: skip
    job = jobs.create(**asked)
    second = jobs.create(**{**asked, "metadata": {"mark": "two"}})
    # The second job waits behind the first, so pause, resume and cancel need no training here.
    assert jobs.pause(second.id).id == second.id
    second = wait(client, second, "paused")
    assert jobs.resume(second.id).status == "queued"
    jobs.cancel(second.id)
    assert ended(client, second).status == "cancelled"
    job = ended(client, job)
    assert job.status == "succeeded", job.error
    assert [found.id for found in jobs.list(metadata={"mark": "one"}, limit=1)] == [job.id]
    assert [found.id for found in jobs.list(limit=1)] == [second.id, job.id]
    assert {event.type for event in jobs.list_events(job.id, limit=3)} == {"message", "metrics"}
    points = list(jobs.checkpoints.list(job.id, limit=1))
    assert points
    assert {held_out.id, train.id, *job.result_files} <= {file.id for file in client.files.list(limit=2)}
    assert client.files.retrieve(train.id).status == "processed"
    assert job.fine_tuned_model in [model.id for model in client.models.list()]
    for model in (job.fine_tuned_model, points[0].fine_tuned_model_checkpoint):
        assert client.models.retrieve(model).id == model
        answer = client.chat.completions.create(model=model, max_tokens=3, messages=[{"role": "user", "content": "Hi"}])
        assert answer.choices[0].message.role == "assistant"
    assert client.models.delete(job.fine_tuned_model).deleted
    assert client.files.delete(train.id).deleted


def wait(client: Any, job: Any, status: str) -> Any:
    deadline = time.monotonic() + 120
    while job.status != status:
        assert time.monotonic() < deadline, f"the job is {job.status}, not {status}"
        assert job.status in ("validating_files", "queued"), job
        time.sleep(0.1)
        job = client.fine_tuning.jobs.retrieve(job.id)
    return job


def test_a_job_on_bad_data_and_other_refusals(proxy):
    client = proxy.client
    file = client.files.create(file=("bad.jsonl", b'{"messages": []}\n'), purpose="fine-tune")
    job = ended(client, client.fine_tuning.jobs.create(model="tiny", training_file=file.id))
    assert job.error.code == "invalid_training_file"
    assert client.files.retrieve(file.id).status == "error"
    with pytest.raises(openai.BadRequestError, match="failed already"):
        client.fine_tuning.jobs.cancel(job.id)
    with pytest.raises(openai.BadRequestError, match="There is no file"):
        client.fine_tuning.jobs.create(model="tiny", training_file="file-none")
    for call in (
        client.files.retrieve,
        client.models.retrieve,
        client.models.delete,
        client.fine_tuning.jobs.retrieve,
        client.fine_tuning.jobs.pause,
    ):
        with pytest.raises(openai.NotFoundError, match="There is no"):
            call("none")
    with pytest.raises(openai.BadRequestError, match="no tuned model"):
        client.models.delete("tiny")
    upload = client.uploads.create(filename="a.jsonl", bytes=5, mime_type="application/jsonl", purpose="fine-tune")
    assert client.uploads.cancel(upload.id).status == "cancelled"
    with pytest.raises(openai.BadRequestError, match="upload is cancelled"):
        client.uploads.parts.create(upload.id, data=b"12345")


def test_the_proxy_does_look(proxy):
    """Of the two sides: a request that the description forbids; and an answer, the one of files.content.

    There the description promises JSON, and OpenAI and every client send and take the bytes of the file.
    """
    file = proxy.client.files.create(file=("a.jsonl", support_jsonl(2, 1)), purpose="fine-tune")
    with pytest.raises(openai.UnprocessableEntityError):
        proxy.client.fine_tuning.jobs.create(
            model="tiny", training_file=file.id, method={"type": "supervised", "supervised": {"hyperparameters": {"n_epochs": 0}}}
        )
    with pytest.raises(openai.APIStatusError) as caught:
        proxy.client.files.content(file.id)
    assert "VIOLATIONS" in caught.value.response.text

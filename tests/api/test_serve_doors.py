"""The server's doors: who is let in, what is refused, what survives. No training here."""

from __future__ import annotations

import asyncio
import concurrent.futures
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openai
import pytest

from api.serving import SRC, Served, ask, support_jsonl

pytest.importorskip("uvicorn")
TOKEN = "a-token-of-some-length-42"


@pytest.fixture(scope="module")
def open_door(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    served = Served(tmp_path_factory.mktemp("open") / "server", "--max-upload", "2")
    yield served
    served.stop()


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    served = Served(tmp_path_factory.mktemp("guarded") / "server", "--token-env", "A_TOKEN", A_TOKEN=TOKEN)
    yield served
    served.stop()


def send(served: Served, content: bytes, name: str = "data.jsonl") -> Any:
    return served.client().files.create(file=(name, content), purpose="fine-tune")


def ended(client: Any, job: Any) -> Any:
    deadline = time.monotonic() + 120
    while job.status not in ("succeeded", "failed", "cancelled"):
        assert time.monotonic() < deadline, f"the job is still {job.status}"
        time.sleep(0.2)
        job = client.fine_tuning.jobs.retrieve(job.id)
    return job


@pytest.mark.parametrize("given", [{}, {"Authorization": "Bearer wrong"}, {"Authorization": f"Bearer {TOKEN}x"}, {"Authorization": TOKEN},
                                   {"Authorization": "Bearer \u00e9\u00e9"}])  # fmt: skip
def test_without_the_token_nothing_is_served(guarded, given):
    for method, path in (("GET", "/v1/models"), ("GET", "/v1/files"), ("POST", "/v1/files"), ("GET", "/nowhere")):
        assert ask(guarded, method, path, **given)[0] == 401


def test_with_the_token_all_is_served(guarded):
    assert [model.id for model in guarded.client(TOKEN).models.list()] == ["tiny", "smollm2"]
    with pytest.raises(openai.AuthenticationError, match="token is missing or wrong"):
        guarded.client("sk-other").models.list()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--host", "0.0.0.0"], "can be reached from outside: set a token"),
        (["--token-env", "NO_SUCH_VARIABLE"], "NO_SUCH_VARIABLE is not set"),
        (["--token-env", "SHORT"], "fewer than 16 characters"),
        (["--dir", "taken"], "another tunelint serve works in"),
        (["--base", "mine"], "NAME=MODEL"),
    ],
)
def test_doors_that_stay_shut(open_door, tmp_path, arguments, said):
    arguments = [str(open_door.folder) if item == "taken" else item for item in arguments]
    place = [] if "--dir" in arguments else ["--dir", str(tmp_path / "server")]
    ran = subprocess.run(
        [sys.executable, "-m", "tunelint", "serve", "--port", "0", *place, *arguments],
        env={**os.environ, "PYTHONPATH": str(SRC), "SHORT": "abc"}, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert ran.returncode == 2
    assert said in ran.stderr


def test_web_pages_are_not_served(open_door):
    assert ask(open_door, "POST", "/v1/files", Origin="http://evil.example")[0] == 403
    assert ask(open_door, "GET", "/v1/models", Host="evil.example")[0] == 403
    assert ask(open_door, "GET", "/v1/models", Host="localhost")[0] == 200


@pytest.mark.parametrize("name", ["../../escaped.jsonl", "/etc/escaped.jsonl", "..\\escaped", "a\x00b.jsonl", "\u2028\U0001f4a9.jsonl", "x" * 3000])
def test_file_names_are_no_paths(open_door, name):
    before = {path for path in open_door.folder.parent.rglob("*") if path.is_file() and open_door.folder not in path.parents}
    file = send(open_door, support_jsonl(2, 1), name)
    assert open_door.client().files.content(file.id).read() == support_jsonl(2, 1)
    stored = {path.name for path in (open_door.folder / "files").iterdir()}
    assert f"{file.id}.jsonl" in stored
    assert not any("escaped" in item for item in stored)
    assert before == {path for path in open_door.folder.parent.rglob("*") if path.is_file() and open_door.folder not in path.parents}


@pytest.mark.parametrize("verb", ["parts", "complete", "cancel"])
def test_ids_of_uploads_are_no_paths(open_door, verb):
    assert ask(open_door, "POST", f"/v1/uploads/..%2F..%2Fstate.sqlite/{verb}", b'{"part_ids": ["../../state.sqlite"]}')[0] == 404


@pytest.mark.parametrize("name", ["../files", "..%2Ffiles", "ft:..%2F..:ckpt-step-1", "ft:tiny:tunelint::x:ckpt-step-../../files"])
def test_names_of_models_are_no_paths(open_door, name):
    before = kept(open_door)
    assert ask(open_door, "DELETE", f"/v1/models/{name}")[0] == 404
    body = json.dumps({"model": name.replace("%2F", "/"), "messages": [{"role": "user", "content": "Hi"}]}).encode()
    assert ask(open_door, "POST", "/v1/chat/completions", body)[0] == 404
    assert kept(open_door) == before


def kept(served: Served) -> list[Path]:
    """Uploads and jobs: what a wrong path could delete. (The linter works in the background and makes other files.)"""
    return sorted([*(served.folder / "files").glob("*.jsonl"), *(served.folder / "jobs").iterdir()])


@pytest.mark.parametrize("path", ["/v1/files/..%2F..%2Fstate.sqlite/content", "/v1/files/../state.sqlite/content", "/v1/files/%00/content",
                                  "/v1/models/..%2F..%2Fetc", "/v1/models//etc/passwd", "/v1/fine_tuning/jobs/..%2F../events"])  # fmt: skip
def test_ids_are_no_paths(open_door, path):
    assert ask(open_door, "GET", path)[0] == 404


def test_ten_gigabytes_are_refused_before_they_are_sent(open_door):
    assert ask(open_door, "POST", "/v1/files", Content_Length=str(10**10), Content_Type="multipart/form-data; boundary=x")[0] == 413


def test_too_much_in_chunks_is_refused_and_leaves_nothing(open_door):
    count = len(list((open_door.folder / "files").iterdir()))
    with socket.create_connection(("127.0.0.1", open_door.port), timeout=30) as raw:
        raw.sendall(
            b"POST /v1/files HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\nContent-Type: multipart/form-data; boundary=x\r\n\r\n"
        )
        head = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
        try:
            for block in [head, *[b"a" * 500_000] * 8]:
                raw.sendall(b"%x\r\n%s\r\n" % (len(block), block))
        except (BrokenPipeError, ConnectionResetError):
            raw.setblocking(True)  # the server has hung up already, which is what it should do
        assert b" 413 " in raw.recv(4096)
    assert len(list((open_door.folder / "files").iterdir())) == count


@pytest.mark.parametrize("body", [b"", b"--x", b"no form", b'--x\r\nContent-Disposition: form-data; name="file"\r\n\r\nno\r\n--x--'])
def test_malformed_forms(open_door, body):
    status, answer = ask(open_door, "POST", "/v1/files", body, Content_Type="multipart/form-data; boundary=x")
    assert status == 400
    assert answer["error"]["message"]


@pytest.mark.parametrize(
    ("body", "param"),
    [
        (b"", None), (b"{", None), (b"[]", None), (b"[" * 100_000, None), (b"\xff\xfe", None),
        (b'{"training_file": "FILE"}', "model"), (b'{"model": "/etc", "training_file": "FILE"}', "model"),
        (b'{"model": "tiny"}', "training_file"), (b'{"model": "tiny", "training_file": "../x"}', "training_file"),
        (b'{"model": "tiny", "training_file": ["FILE"]}', "training_file"),
        (b'{"model": "tiny", "training_file": "FILE", "validation_file": "FILE"}', "validation_file"),
        (b'{"model": "tiny", "training_file": "FILE", "seed": true}', "seed"),
        (b'{"model": "tiny", "training_file": "FILE", "metadata": {"a": 1}}', "metadata"),
        (b'{"model": "tiny", "training_file": "FILE", "hyperparameters": {"n_epochs": 0}}', "n_epochs"),
        (b'{"model": "tiny", "training_file": "FILE", "method": {"type": "reinforcement"}}', "method"),
        (b'{"model": "tiny", "training_file": "FILE", "method": {"type": "dpo", "dpo": {"hyperparameters": {"beta": NaN}}}}', "beta"),
        (b'{"model": "tiny", "training_file": "FILE", "surprise": 1}', "surprise"),
    ],
)  # fmt: skip
def test_bad_jobs_are_refused(open_door, body, param):
    file = send(open_door, support_jsonl(3, 3))
    status, answer = ask(open_door, "POST", "/v1/fine_tuning/jobs", body.replace(b"FILE", file.id.encode()))
    assert status == 400
    assert answer["error"]["param"] == param


@pytest.mark.parametrize(
    "body",
    [
        b"", b"{}", b'{"model": "tiny"}', b'{"model": "tiny", "messages": [1]}',
        b'{"model": "tiny", "messages": [{"role": "user", "content": 3}]}',
        b'{"model": "tiny", "messages": [{"role": "user"}], "temperature": -1}',
    ],
)  # fmt: skip
def test_bad_chats_are_refused(open_door, body):
    assert ask(open_door, "POST", "/v1/chat/completions", body)[0] == 400


def test_a_job_on_bad_data_fails_with_the_report(open_door):
    client = open_door.client()
    file = send(open_door, support_jsonl(5, 4) + b'{"messages": [{"role": "user", "content": "and?"}]}\n{"messages": [\n')
    job = ended(client, client.fine_tuning.jobs.create(model="tiny", training_file=file.id))
    assert job.status == "failed"
    assert job.error.code == "invalid_training_file"
    assert job.error.param == "training_file"
    assert "training file, line 6" in job.error.message
    report = job.error.model_dump()["report"]
    assert {finding.get("line") for finding in report["findings"] if finding["severity"] == "error"} >= {6, 7}
    assert {finding["path"] for finding in report["findings"] if finding.get("line")} == {"training_file"}
    assert str(open_door.folder) not in json.dumps(job.model_dump())
    assert client.files.retrieve(file.id).status == "error"
    assert client.fine_tuning.jobs.list_events(job.id).data[0].level == "error"
    with pytest.raises(openai.BadRequestError, match="failed already"):
        client.fine_tuning.jobs.cancel(job.id)


def test_an_upload_that_is_fit_for_eval_is_no_error(open_door):
    """Nobody said what it is for: a client that asks late must not be told that its short eval file is bad."""
    client = open_door.client()
    few = client.files.wait_for_processing(send(open_door, support_jsonl(4, 6)).id, poll_interval=0.1)
    assert few.status == "processed"
    assert few.status_details == "tunelint: 0 errors as a validation file; as a training file 1 error in 4 records (too-few-records 1)"
    bad = client.files.wait_for_processing(send(open_door, support_jsonl(4, 6) + b'{"messages": []}\n').id, poll_interval=0.1)
    assert bad.status == "error"
    job = ended(client, client.fine_tuning.jobs.create(model="tiny", training_file=few.id))
    assert job.error.message.startswith("The data has 1 error (too-few-records 1)")


def test_a_leaked_eval_row_is_found_across_the_files(open_door):
    client = open_door.client()
    train, evaluation = send(open_door, support_jsonl(20, 5)), send(open_door, support_jsonl(3, 5))
    job = ended(client, client.fine_tuning.jobs.create(model="tiny", training_file=train.id, validation_file=evaluation.id))
    assert job.status == "failed"
    assert "LEAK" in job.error.message
    assert job.error.code == "invalid_validation_file"


def test_an_idempotency_key_makes_one_job(open_door):
    client = open_door.client()
    file = send(open_door, b'{"messages": []}\n')
    asked = {"model": "tiny", "training_file": file.id, "metadata": {"mark": "once"}, "extra_headers": {"Idempotency-Key": "k1"}}
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        made = {job.id for job in pool.map(lambda _: client.fine_tuning.jobs.create(**asked), range(8))}
    assert len(made) == 1
    assert [job.id for job in client.fine_tuning.jobs.list(metadata={"mark": "once"})] == list(made)
    assert not client.fine_tuning.jobs.list(metadata={"mark": "never"}).data
    with pytest.raises(openai.BadRequestError, match="another job"):
        client.fine_tuning.jobs.create(**{**asked, "seed": 7})


def test_files_come_and_go(open_door):
    client = open_door.client()
    made = [send(open_door, support_jsonl(2, seed)).id for seed in range(30, 35)]
    assert [file.id for file in client.files.list(limit=2)][:5] == made[::-1]
    assert client.files.delete(made[0]).deleted
    with pytest.raises(openai.NotFoundError):
        client.files.retrieve(made[0])
    assert not (open_door.folder / "files" / f"{made[0]}.jsonl").exists()
    with pytest.raises(openai.BadRequestError, match="empty"):
        send(open_door, b"")
    with pytest.raises(openai.BadRequestError, match="purpose"):
        client.files.create(file=("a", b"x"), purpose="assistants")


def test_a_thousand_requests_at_once_lose_nothing(open_door):
    """All connections are open before the first request is sent, as many as the system lets one process have."""
    resource = pytest.importorskip("resource")
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    at_once = 1000 if soft == resource.RLIM_INFINITY else min(1000, soft - 200)
    content = support_jsonl(2, 77)
    form = b'--x\r\nContent-Disposition: form-data; name="purpose"\r\n\r\nfine-tune\r\n--x\r\nContent-Disposition: form-data; name="file"; '
    form += b'filename="a.jsonl"\r\n\r\n' + content + b"\r\n--x--\r\n"
    head = f"Host: 127.0.0.1:{open_door.port}\r\nConnection: close\r\n".encode()
    look = b"GET /v1/models HTTP/1.1\r\n" + head + b"\r\n"
    send_file = (
        b"POST /v1/files HTTP/1.1\r\n" + head + b"Content-Type: multipart/form-data; boundary=x\r\nContent-Length: %d\r\n\r\n" % len(form) + form
    )

    async def one(number: int, everybody: asyncio.Barrier) -> tuple[int, Any]:
        reader, writer = await asyncio.open_connection("127.0.0.1", open_door.port)
        try:
            await everybody.wait()
            writer.write(look if number % 10 else send_file)
            answer = await reader.read()
        finally:
            writer.close()
            await writer.wait_closed()
        top, _, body = answer.partition(b"\r\n\r\n")
        return int(top.split()[1]), json.loads(body)

    async def crowd(count: int) -> list[tuple[int, Any]]:
        everybody = asyncio.Barrier(count)
        return await asyncio.gather(*(one(number, everybody) for number in range(count)))

    answers: list[tuple[int, Any]] = []
    while len(answers) < 1000:
        answers += asyncio.run(crowd(min(at_once, 1000 - len(answers))))
    assert {status for status, _ in answers} == {200}
    uploaded = {value["id"] for _, value in answers if value["object"] == "file"}
    assert len(uploaded) >= 100
    assert uploaded <= {file.id for file in open_door.client().files.list(limit=1000)}


def test_lost_bytes_fail_the_job_and_nothing_else(open_door):
    client = open_door.client()
    file = send(open_door, support_jsonl(4, 41))
    (open_door.folder / "files" / f"{file.id}.jsonl").unlink()
    job = ended(client, client.fine_tuning.jobs.create(model="tiny", training_file=file.id))
    assert job.status == "failed"
    assert job.error.message
    test_a_job_on_bad_data_fails_with_the_report(open_door)


def test_a_linter_that_breaks_stops_nothing(tmp_path, monkeypatch):
    from tunelint.train.server import runner
    from tunelint.train.server.files import store_file
    from tunelint.train.server.store import Store

    store = Store(tmp_path)
    seen: list[str] = []

    def broken(path: Path) -> tuple[str, str]:
        seen.append(path.name)
        raise RuntimeError("broken")

    monkeypatch.setattr(runner, "upload_verdict", broken)
    files = [store_file(store, [b"{}"], "a.jsonl") for _ in range(2)]
    working = runner.Runner(store, {"tiny": "tiny"})
    working.start()
    deadline = time.monotonic() + 30
    while len(store.rows("SELECT id FROM files WHERE status = 'error'")) < 2:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    working.stop()
    store.close()
    assert seen == [f"{file['id']}.jsonl" for file in files]

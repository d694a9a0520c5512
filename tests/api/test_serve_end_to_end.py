"""`tunelint train --backend openai` against `tunelint serve`: nothing mocked, nothing lost, whoever is killed."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from api.lives import ended, go_on, job_folder, kill_workers, metrics, start, steps, story, wait_for
from api.serving import Served, support_jsonl
from tunelint.train.files import is_locked

pytest.importorskip("torch")
pytest.importorskip("uvicorn")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("serve")
    (folder / "train.jsonl").write_bytes(support_jsonl(24, 1))
    (folder / "eval.jsonl").write_bytes(support_jsonl(8, 99))
    return folder


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    served = Served(tmp_path / "server")
    yield served
    served.kill()
    kill_workers(served)


@pytest.fixture(scope="module")
def undisturbed(place: Path) -> tuple[str, list[tuple[Any, ...]]]:
    """The whole way once, without disturbance: what was printed, and the curve."""
    served = Served(place / "server")
    try:
        client = start(place, served.url, "quiet")
        out, _ = client.communicate(timeout=300)
        assert client.returncode == 0, out
        record = json.loads((place / "runs/quiet/run.json").read_text())
        assert record["state"] == "succeeded", out
        curve = metrics(place / "runs/quiet")
        assert curve == metrics(job_folder(served)), "the client has the very curve of the worker"
        with served.client() as api:
            check_run(place / "runs/quiet", record, api)
        return out, curve
    finally:
        served.stop()


def check_run(folder: Path, record: dict[str, Any], client: Any) -> None:
    name = record["api"]["fine_tuned_model"]
    answer = client.chat.completions.create(model=name, max_tokens=3, messages=[{"role": "user", "content": "Hi"}])
    assert answer.choices[0].message.role == "assistant"
    listed = client.fine_tuning.jobs.checkpoints.list(record["api"]["job"], limit=50).data
    assert record["checkpoints"] == sorted(point.step_number for point in listed)
    assert record["best"]["eval_loss"] == min(point.metrics.full_valid_loss for point in listed)
    assert (folder / "report.html").is_file()
    assert (folder / "report.json").is_file()
    assert [job.id for job in client.fine_tuning.jobs.list(metadata={"run": record["api"]["run"]})] == [record["api"]["job"]]


def test_train_through_our_own_server(undisturbed):
    out, curve = undisturbed
    assert [step for step, kind, _ in curve if kind == "loss"][-1] == 15
    assert len([step for step, kind, _ in curve if kind == "eval_loss"]) >= 8
    assert "serving" not in out
    assert "step    15/15" in out
    assert "report: " in out


def victims(chance: random.Random) -> list[tuple[str, int, float]]:
    """Three kills of the client and three of the server (one with its worker): who, after how many points, and seconds more.

    One of each comes before or while the job is made, the others in mid-training.
    """
    early = [(who, 0, chance.uniform(0, 4)) for who in ("client", "server")]
    late = [(who, chance.randint(1, 18), chance.uniform(0, 0.3)) for who in ("client", "client", "server", "server and worker")]
    return chance.sample(early, 2) + sorted(late, key=lambda kill: kill[1])


@pytest.mark.parametrize("seed", [7, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(100, 103))])
def test_six_kills_in_one_life(place, tmp_path, undisturbed, seed):
    """The worker is held still while somebody is killed and started again: all kills come in mid-job, on any machine."""
    kills = victims(random.Random(seed))
    print(kills)  # shown where it fails
    name = f"killed-{seed}"
    server = Served(tmp_path / "server")
    client = start(place, server.url, name)
    try:
        for who, points, pause in kills:
            wait_for(either(steps(server, points), client), server)
            time.sleep(pause)
            held = hold_workers(server)
            if who == "client":
                client.kill()
                client.communicate()
                client = go_on(place, server.url, name)
            else:
                server.kill()
                if "worker" in who:
                    kill_workers(server)
                server = Served(server.folder, port=server.port)
            release(held)
        out = ended(client, server)
        assert client.returncode == 0, story(out, client, server)
        assert metrics(place / "runs" / name) == undisturbed[1], story(out, client, server)
        assert metrics(job_folder(server)) == undisturbed[1]
        with server.client() as api:
            assert len(api.fine_tuning.jobs.list().data) == 1
    finally:
        client.kill()
        client.communicate()
        server.kill()
        kill_workers(server)


def either(condition: Callable[[], bool], client: subprocess.Popen[str]) -> Callable[[], bool]:
    """A condition: that one, or the client's end."""
    return lambda: client.poll() is not None or condition()


def hold_workers(served: Served) -> list[int]:
    """Stop the workers where they are; returns their processes."""
    held = [int(owner) for lock in (served.folder / "jobs").glob("*/.lock") if is_locked(lock) and (owner := lock.read_text().strip())]
    for process in held:
        os.kill(process, signal.SIGSTOP)
    return held


def release(held: list[int]) -> None:
    for process in held:
        try:
            os.kill(process, signal.SIGCONT)
        except ProcessLookupError:
            continue  # it was among the victims


@pytest.mark.slow
@pytest.mark.parametrize("victim", ["client", "server", "worker", "server and worker"])
@pytest.mark.parametrize("moment", range(10))
def test_killed_at_random_moments(served, place, undisturbed, victim, moment):
    """The server dies under a client that goes on asking; the client dies and is resumed; the worker dies alone."""
    name = f"{victim.replace(' ', '-')}-{moment}"
    client = start(place, served.url, name)
    time.sleep(random.Random(f"{victim}{moment}").uniform(0.5, 20))
    current = served
    if victim == "client":
        client.kill()
    if "server" in victim:
        served.kill()
    if "worker" in victim:
        kill_workers(served)
    if "server" in victim:
        current = Served(served.folder, port=served.port)
    try:
        out = ended(client, served, current)
        if victim == "client" and not (place / "runs" / name / "report.html").is_file():
            client = go_on(place, current.url, name)
            out = ended(client, current)
        assert client.returncode == 0, story(out, client, served, current)
        assert metrics(place / "runs" / name) == undisturbed[1], story(out, client, served, current)
        job_folder(current)
    finally:
        current.stop()


@pytest.mark.slow
def test_pause_and_resume(served, place):
    client = served.client()
    file = client.files.create(file=("train.jsonl", (place / "train.jsonl").read_bytes()), purpose="fine-tune")
    job = client.fine_tuning.jobs.create(
        model="tiny", training_file=file.id, method={"type": "supervised", "supervised": {"hyperparameters": {"n_epochs": 5, "batch_size": 8}}}
    )
    wait_for(steps(served, 2), served)
    client.fine_tuning.jobs.pause(job.id)
    wait_for(lambda: client.fine_tuning.jobs.retrieve(job.id).status == "paused", served)
    before = len(metrics(job_folder(served)))
    assert before < 15
    client.fine_tuning.jobs.resume(job.id)
    wait_for(lambda: len(metrics(job_folder(served))) > before, served)
    client.fine_tuning.jobs.cancel(job.id)
    wait_for(lambda: client.fine_tuning.jobs.retrieve(job.id).status == "cancelled", served)
    assert not is_locked(job_folder(served) / ".lock")

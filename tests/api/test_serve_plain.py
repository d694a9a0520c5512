"""The plain script that people have: upload, create, poll, chat. Nothing is mocked."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import openai
import pytest

from api.serving import Served, support_jsonl

pytest.importorskip("torch")
pytest.importorskip("uvicorn")


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    served = Served(tmp_path / "server")
    yield served
    served.stop()


def test_a_plain_script(served, tmp_path, monkeypatch):
    monkeypatch.setenv("OPENAI_BASE_URL", served.url)
    monkeypatch.setenv("OPENAI_API_KEY", "any")
    monkeypatch.chdir(tmp_path)
    Path("data.jsonl").write_bytes(support_jsonl(24, 1))
    Path("more.jsonl").write_bytes(support_jsonl(8, 99))
    # fmt: off
    from openai import OpenAI

    client = OpenAI()
    with open("data.jsonl", "rb") as data, open("more.jsonl", "rb") as more:
        train = client.files.create(file=data, purpose="fine-tune")
        held_out = client.files.create(file=more, purpose="fine-tune")
    job = client.fine_tuning.jobs.create(
        model="tiny", training_file=train.id, validation_file=held_out.id, suffix="my shop",
        method={"type": "supervised", "supervised": {"hyperparameters": {"n_epochs": 2, "batch_size": 8}}},
    )
    deadline = time.monotonic() + 240
    while job.status not in ("succeeded", "failed", "cancelled") and time.monotonic() < deadline:
        time.sleep(0.5)
        job = client.fine_tuning.jobs.retrieve(job.id)
    assert job.status == "succeeded", job.error
    answer = client.chat.completions.create(model=job.fine_tuned_model, max_tokens=5, messages=[{"role": "user", "content": "Hello"}])
    assert answer.choices[0].message.role == "assistant"
    # fmt: on
    assert answer.choices[0].finish_reason in ("stop", "length")
    assert 1 <= answer.usage.completion_tokens <= 5
    check_job(client, job)
    check_models(client, job.fine_tuned_model)
    check_checkpoints(client, job)


def check_job(client, job):
    """Events, checkpoints and the result file tell the same."""
    assert job.fine_tuned_model.startswith("ft:tiny:tunelint:my-shop:")
    assert job.trained_tokens > 100
    events = list(client.fine_tuning.jobs.list_events(job.id, limit=3))
    assert events[0].message == "The job has successfully completed"
    assert len({event.id for event in events}) == len(events)
    train = [event.data["step"] for event in events if event.data and "train_loss" in event.data]
    evals = {event.data["step"]: event.data["full_valid_loss"] for event in events if event.data and "full_valid_loss" in event.data}
    assert max(train) == max(evals) == 6
    assert min(evals) == 0
    checkpoints = list(client.fine_tuning.jobs.checkpoints.list(job.id, limit=1))
    assert {point.step_number: point.metrics.full_valid_loss for point in checkpoints}.items() <= evals.items()
    rows = client.files.content(job.result_files[0]).text.splitlines()
    assert rows[0].startswith("step,train_loss,full_valid_loss")
    assert len(rows) - 1 == len(set(train) | set(evals))


def check_models(client, tuned):
    names = [model.id for model in client.models.list()]
    assert names == ["tiny", "smollm2", tuned]
    assert client.models.retrieve(tuned).id == tuned
    asked = {"max_tokens": 4, "temperature": 0, "messages": [{"role": "user", "content": [{"type": "text", "text": "Hello"}]}]}
    base = client.chat.completions.create(model="tiny", **asked)
    assert base.usage.completion_tokens == 4
    whole = client.chat.completions.create(model=tuned, **asked).choices[0].message.content
    parts = [chunk.choices[0].delta.content or "" for chunk in client.chat.completions.create(model=tuned, stream=True, **asked)]
    assert "".join(parts) == whole


def check_checkpoints(client, job):
    """Every checkpoint that is listed answers, the best one as the tuned model does; and it outlives the model."""
    asked = {"max_tokens": 6, "temperature": 0, "messages": [{"role": "user", "content": "Hello"}]}
    listed = {
        point.fine_tuned_model_checkpoint: point.metrics.full_valid_loss for point in client.fine_tuning.jobs.checkpoints.list(job.id, limit=100)
    }
    assert all(name.startswith(f"{job.fine_tuned_model}:ckpt-step-") for name in listed)
    said = {name: client.chat.completions.create(model=name, **asked).choices[0].message.content for name in listed}
    best = min(listed, key=listed.get)
    assert said[best] == client.chat.completions.create(model=job.fine_tuned_model, **asked).choices[0].message.content
    for name in (f"{job.fine_tuned_model}:ckpt-step-9999", "ft:other:ckpt-step-3"):
        with pytest.raises(openai.NotFoundError, match="There is no model"):
            client.chat.completions.create(model=name, **asked)
    assert client.models.delete(job.fine_tuned_model).deleted
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve(job.fine_tuned_model)
    assert [model.id for model in client.models.list()] == ["tiny", "smollm2"]
    assert client.chat.completions.create(model=best, **asked).choices[0].message.content == said[best]

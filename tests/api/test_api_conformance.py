"""Requests and answers against OpenAI's own description of its API (openai_subset.json, MIT)."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from api.serving import Served, ask, support_jsonl
from train.train_rows import support_rows
from tunelint.train import Hyperparameters, Plan
from tunelint.train.api.payload import job_request

DESCRIPTION = json.loads((Path(__file__).parent / "openai_subset.json").read_text(encoding="utf-8"))


def check(operation: str, part: str, value: Any) -> None:
    """Validate a body. Raises jsonschema_rs.ValidationError."""
    verb, path = operation.split(" ")
    described = DESCRIPTION["paths"][path][verb.lower()]
    holder = described["requestBody"] if part == "request" else described["responses"]["200"]
    schema = holder["content"]["application/json"]["schema"]
    whole = {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "components": DESCRIPTION["components"]}
    jsonschema_rs.validator_for(whole).validate(value)


@pytest.mark.parametrize("method", ["supervised", "dpo"])
@pytest.mark.parametrize("asked", [{}, {"epochs": 3, "batch_size": 4, "learning_rate_multiplier": 0.5}])
def test_our_requests(method, asked):
    more = {"dpo_beta": 0.2} if asked and method == "dpo" else {}
    chosen = Hyperparameters(**asked, **more)
    plan = Plan(support_rows(1, 1), model="gpt-x", backend="openai", method=method, hyperparameters=chosen, options={"suffix": "a"})
    request = job_request(plan, {"train": "file-1", "eval": "file-2"}, "mark")
    check("POST /fine_tuning/jobs", "request", request)
    with pytest.raises(jsonschema_rs.ValidationError):
        check("POST /fine_tuning/jobs", "request", {**request, "training_file": None})


def whole_life(served: Served) -> tuple[list[tuple[str, Any]], Any]:
    """Everything that can be asked in the life of a job, with the answers; and the job."""
    said: list[tuple[str, Any]] = []

    def call(operation: str, body: bytes = b"", content_type: str = "application/json", **ids: str) -> Any:
        method, path = operation.split(" ")
        status, answer = ask(served, method, "/v1" + re.sub(r"{(\w+)}", lambda name: ids[name[1]], path), body, Content_Type=content_type)
        assert status == 200, (operation, answer)
        said.append((operation, answer))
        return answer

    def upload(content: bytes) -> str:
        form = b'--x\r\nContent-Disposition: form-data; name="purpose"\r\n\r\nfine-tune\r\n--x\r\nContent-Disposition: form-data; name="file"; '
        form += b'filename="a.jsonl"\r\n\r\n' + content + b"\r\n--x--\r\n"
        return str(call("POST /files", form, "multipart/form-data; boundary=x")["id"])

    train, evaluation = upload(support_jsonl(24, 1)), upload(support_jsonl(8, 99))
    call("GET /files/{file_id}", file_id=train)
    hyperparameters = {"n_epochs": 1, "batch_size": 8}
    body = {
        "model": "tiny", "training_file": train, "validation_file": evaluation, "metadata": {"a": "b"}, "suffix": "x",
        "method": {"type": "supervised", "supervised": {"hyperparameters": hyperparameters}},
    }  # fmt: skip
    second = call("POST /fine_tuning/jobs", json.dumps(body).encode())
    name = {"fine_tuning_job_id": second["id"]}
    deadline = time.monotonic() + 240
    while (job := call("GET /fine_tuning/jobs/{fine_tuning_job_id}", **name))["status"] not in ("succeeded", "failed"):
        assert time.monotonic() < deadline, job
        time.sleep(0.5)
    third = call("POST /fine_tuning/jobs", json.dumps({**body, "training_file": upload(b'{"messages": []}\n')}).encode())
    while call("GET /fine_tuning/jobs/{fine_tuning_job_id}", fine_tuning_job_id=third["id"])["status"] != "failed":
        assert time.monotonic() < deadline
        time.sleep(0.2)
    for operation in ("events", "checkpoints"):
        call(f"GET /fine_tuning/jobs/{{fine_tuning_job_id}}/{operation}", **name)
    for operation in ("GET /fine_tuning/jobs", "GET /files", "GET /models"):
        call(operation)
    call("GET /models/{model}", model=job["fine_tuned_model"])
    chat = {"model": job["fine_tuned_model"], "max_tokens": 3, "messages": [{"role": "user", "content": "Hi"}]}
    call("POST /chat/completions", json.dumps(chat).encode())
    call("DELETE /models/{model}", model=job["fine_tuned_model"])
    call("DELETE /files/{file_id}", file_id=train)
    return said, job


@pytest.mark.slow
def test_our_servers_answers(tmp_path):
    pytest.importorskip("torch")
    pytest.importorskip("uvicorn")
    served = Served(tmp_path / "server")
    try:
        said, job = whole_life(served)
        _, refusal = ask(served, "GET", "/v1/files/none")
    finally:
        served.stop()
    assert job["status"] == "succeeded"
    check_answers(said)
    chat_and_all = {f"{verb.upper()} {path}" for path, verbs in DESCRIPTION["paths"].items() for verb in verbs}
    elsewhere = {operation for operation in chat_and_all if re.search(r"/(cancel|pause|resume|content)$|uploads", operation)}
    assert {operation for operation, _ in said} == chat_and_all - elsewhere
    check_refusal(refusal)


def check_answers(said: list[tuple[str, Any]]) -> None:
    faults = []
    for operation, answer in said:
        try:
            check(operation, "response", answer)
        except jsonschema_rs.ValidationError as error:
            faults.append(f"{operation}: {list(error.instance_path)} {str(error)[:300]}")
    assert not faults, "\n".join(sorted(set(faults)))


def check_refusal(refusal: Any) -> None:
    components = {"components": DESCRIPTION["components"], "$ref": "#/components/schemas/ErrorResponse"}
    jsonschema_rs.validator_for({"$schema": "https://json-schema.org/draft/2020-12/schema", **components}).validate(refusal)


def test_pause_resume_and_cancel(tmp_path):
    """What is said of a job that is stopped, whether or not its training has begun meanwhile."""
    pytest.importorskip("torch")
    pytest.importorskip("uvicorn")
    served = Served(tmp_path / "server")
    said: list[tuple[str, Any]] = []

    def call(verb: str = "") -> Any:
        method = "POST" if verb else "GET"
        status, answer = ask(served, method, f"/v1/fine_tuning/jobs/{job}{verb and '/'}{verb}")
        assert status == 200, (verb, answer)
        said.append((f"{method} /fine_tuning/jobs/{{fine_tuning_job_id}}{verb and '/'}{verb}", answer))
        return answer

    def until(status: str) -> None:
        deadline = time.monotonic() + 240
        while (found := call())["status"] != status:
            assert found["status"] in ("validating_files", "queued", "running"), found
            assert time.monotonic() < deadline, found
            time.sleep(0.1)

    try:
        file = served.client().files.create(file=("a.jsonl", support_jsonl(24, 1)), purpose="fine-tune")
        job = served.client().fine_tuning.jobs.create(model="tiny", training_file=file.id).id
        call("pause")
        until("paused")
        refused, refusal = ask(served, "POST", f"/v1/fine_tuning/jobs/{job}/pause")
        assert call("resume")["status"] == "queued"
        call("cancel")
        until("cancelled")
    finally:
        served.stop()
    check_answers(said)
    assert refused == 400
    check_refusal(refusal)

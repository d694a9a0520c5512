"""A fine-tuning job read live from an OpenAI-compatible API: a real HTTP server on this machine, the official client."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tunelint.curves import judge
from tunelint.errors import TunelintError

pytest.importorskip("openai")

JOB = {
    "object": "fine_tuning.job", "id": "ftjob-1", "model": "gpt-4.1-mini", "created_at": 1, "finished_at": 2, "status": "succeeded",
    "fine_tuned_model": "ft:x", "organization_id": "org-1", "result_files": ["file-r"], "training_file": "file-t", "validation_file": "file-v",
    "hyperparameters": {"n_epochs": 3, "batch_size": 1, "learning_rate_multiplier": 2.0}, "seed": 1, "trained_tokens": 9, "error": None,
}  # fmt: skip
EVALS, TRAINS = [1.30, 1.36, 1.62], [1.4, 0.9, 0.5]


def metrics(i: int) -> dict[str, Any]:
    return {"step": 20 * i + 20, "train_loss": TRAINS[i], "full_valid_loss": EVALS[i]}


class Service(BaseHTTPRequestHandler):
    """Events in pages of two, newest first; checkpoints and the result file, unless the test takes them away."""

    events = True
    checkpoints = True
    csv = "step,train_loss,train_accuracy,valid_loss,valid_mean_token_accuracy\n"

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        if self.headers["Authorization"] != "Bearer sk-test-key":
            return self.answer({"error": {"message": f"Incorrect API key: {self.headers['Authorization']}"}}, 401)
        if url.path == "/v1/fine_tuning/jobs/ftjob-1":
            return self.answer(JOB)
        if url.path.endswith("/events"):
            return self.answer(self.page(parse_qs(url.query).get("after", [None])[0]))
        if url.path.endswith("/checkpoints") and self.checkpoints:
            found = [
                {"object": "fine_tuning.job.checkpoint", "id": f"c{i}", "created_at": 1, "fine_tuning_job_id": "ftjob-1",
                 "fine_tuned_model_checkpoint": f"ft:x:ckpt-step-{20 * i + 20}", "step_number": 20 * i + 20, "metrics": metrics(i)}
                for i in (2, 1)
            ]  # fmt: skip
            return self.answer({"object": "list", "data": found, "has_more": False})
        if url.path == "/v1/files/file-r/content":
            return self.answer(self.csv)
        return self.answer({"error": {"message": "no such thing"}}, 404)

    def page(self, after: str | None) -> dict[str, Any]:
        if not self.events:
            return {"object": "list", "data": [], "has_more": False}
        every = [
            {"object": "fine_tuning.job.event", "id": f"e{i}", "created_at": i, "level": "info", "type": "metrics",
             "message": "Step", "data": metrics(i)}
            for i in (2, 1, 0)
        ]  # fmt: skip
        start = 0 if after is None else [event["id"] for event in every].index(after) + 1
        return {"object": "list", "data": every[start : start + 2], "has_more": start + 2 < len(every)}

    def answer(self, value: Any, status: int = 200) -> None:
        body = value.encode() if isinstance(value, str) else json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/csv" if isinstance(value, str) else "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Keep the test output clean."""


@pytest.fixture
def service() -> Iterator[tuple[type[Service], str]]:
    handler = type("Handler", (Service,), {})
    with HTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield handler, f"http://127.0.0.1:{server.server_port}/v1"
        server.shutdown()
        thread.join()


def test_a_job_is_read_over_all_pages_with_its_checkpoints(service: tuple[type[Service], str]) -> None:
    ((run, verdict),) = judge(["openai:ftjob-1"], base_url=service[1], api_key="sk-test-key").runs
    assert run.source == "openai:ftjob-1"
    assert [(point.step, point.epoch, point.loss) for point in run.evals] == [(20, 1, 1.30), (40, 2, 1.36), (60, 3, 1.62)]
    assert run.saved_steps == (40, 60)
    assert verdict.verdict == "overfit"
    assert verdict.recommended is not None
    assert verdict.recommended.step == 40


def test_the_result_file_stands_in_for_events_and_checkpoints(service: tuple[type[Service], str]) -> None:
    handler, url = service
    handler.events = handler.checkpoints = False
    rows = "".join(f"{20 * i + 20},{TRAINS[i]},0.5,,,0.5,{EVALS[i]}\n" for i in range(3))
    handler.csv = handler.csv.rstrip() + ",train_mean_token_accuracy,full_valid_loss\n" + rows
    ((run, _),) = judge(["openai:ftjob-1"], base_url=url, api_key="sk-test-key").runs
    assert [point.loss for point in run.evals] == EVALS


def test_a_wrong_key_is_a_plain_error_that_does_not_print_it(service: tuple[type[Service], str]) -> None:
    with pytest.raises(TunelintError, match="ftjob-1") as error:
        judge(["openai:ftjob-1"], base_url=service[1], api_key="sk-wrong-key")
    assert "sk-wrong-key" not in str(error.value)


def test_a_job_that_does_not_exist_is_a_plain_error(service: tuple[type[Service], str]) -> None:
    with pytest.raises(TunelintError, match="ftjob-9"):
        judge(["openai:ftjob-9"], base_url=service[1], api_key="sk-test-key")

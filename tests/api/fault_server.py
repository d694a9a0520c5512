"""A fine-tuning service that misbehaves on demand: real HTTP on the loopback, faults by script."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

STEPS, EPOCHS = 12, 3


@dataclass
class Fault:
    """What happens to the calls `METHOD path` that match: `times` calls, after `skip` good ones."""

    call: str
    do: str  # "drop", "drop-after", "slow", "html", or an HTTP status
    times: int = 1
    skip: int = 0
    code: str | None = None
    headers: dict[str, str] = field(default_factory=dict)
    message: str = "a fault"


def curve(step: int) -> dict[str, float]:
    """The metrics of a step: the whole eval file every four steps."""
    values = {"train_loss": 2.0 / step, "train_mean_token_accuracy": 0.5, "valid_loss": 2.5 / step}
    if step % (STEPS // EPOCHS) == 0:
        values["full_valid_loss"] = 1.0 + abs(step - 8) / 10
        values["full_valid_mean_token_accuracy"] = 0.6
    return values


class Service:
    """The state behind the server. A job moves one status on at every look at it."""

    def __init__(self) -> None:
        self.files: dict[str, dict[str, Any]] = {}
        self.contents: dict[str, bytes] = {}
        self.jobs: dict[str, dict[str, Any]] = {}
        self.looks: dict[str, int] = {}
        self.faults: list[Fault] = []
        self.calls: list[str] = []
        self.headers: list[dict[str, str]] = []
        self.bodies: list[dict[str, Any]] = []
        self.statuses = ["validating_files", "queued", "pondering", "running", "running", "succeeded"]
        self.error: dict[str, Any] | None = None
        self.result: Callable[[bytes], bytes] = lambda content: content
        self.shuffle = False
        self.drop_events: set[int] = set()
        self.keeps_metadata = True
        self.filters = True
        self.list_lags = 0
        self.checkpoints_kept = 99
        self.takes_parts = False
        self.lists_models = True
        self.shutdown: str | None = None
        self.uploads: dict[str, dict[str, Any]] = {}
        self.lock = threading.RLock()

    def fault(self, call: str) -> Fault | None:
        for fault in self.faults:
            if re.fullmatch(fault.call, call):
                if fault.skip:
                    fault.skip -= 1
                elif fault.times:
                    fault.times -= 1
                    return fault
        return None

    def create(self, body: dict[str, Any]) -> dict[str, Any]:
        name = f"ftjob-{len(self.jobs) + 1}"
        self.jobs[name] = {
            "id": name, "object": "fine_tuning.job", "created_at": int(time.time()), "model": body["model"], "status": self.statuses[0],
            "training_file": body["training_file"], "validation_file": body.get("validation_file"), "seed": body.get("seed", 0),
            "metadata": body.get("metadata") if self.keeps_metadata else None,
            "method": {"type": "supervised", "supervised": {"hyperparameters": {"n_epochs": EPOCHS}}},
            "hyperparameters": {"n_epochs": EPOCHS}, "organization_id": "org", "result_files": [], "trained_tokens": None,
            "error": {}, "fine_tuned_model": None, "finished_at": None,
        }  # fmt: skip
        return self.jobs[name]

    def look(self, name: str) -> dict[str, Any]:
        job = self.jobs[name]
        place = min(self.looks.get(name, 0), len(self.statuses) - 1)
        self.looks[name] = place + 1
        if job["status"] != "cancelled":
            job["status"] = self.statuses[place]
        if job["status"] == "succeeded":
            job.update(fine_tuned_model="ft:model:one", trained_tokens=1234, result_files=["file-result"])
        if job["status"] == "failed":
            job["error"] = self.error
        return job

    def done(self, name: str) -> int:
        """Steps trained so far."""
        status = self.jobs[name]["status"]
        return {"running": STEPS // 2, "succeeded": STEPS}.get(status, 0)

    def events(self, name: str) -> list[dict[str, Any]]:
        started = {"level": "info", "message": "Fine-tuning job started", "type": "message"}
        events: list[dict[str, Any]] = [{"id": "ev-0", "object": "fine_tuning.job.event", "created_at": 1, **started}]
        for step in range(1, self.done(name) + 1):
            if step in self.drop_events:
                continue
            events.append(
                {
                    "id": f"ev-{step}", "object": "fine_tuning.job.event", "created_at": 1 + step, "level": "info", "type": "metrics",
                    "message": f"Step {step}/{STEPS}: training loss={2.0 / step:.2f}", "data": {"step": step, "total_steps": STEPS, **curve(step)},
                }
            )  # fmt: skip
        events.reverse()
        if self.shuffle:
            events = [event for pair in zip(events[1::2], events[0::2], strict=False) for event in (*pair, pair[0])] + events[-1:]
        return events

    def checkpoints(self, name: str) -> list[dict[str, Any]]:
        made = [
            {
                "id": f"ckpt-{step}", "object": "fine_tuning.job.checkpoint", "created_at": step, "fine_tuning_job_id": name,
                "fine_tuned_model_checkpoint": f"ft:model:one:ckpt-step-{step}", "step_number": step, "metrics": {"step": step, **curve(step)},
            }
            for step in range(STEPS // EPOCHS, self.done(name) + 1, STEPS // EPOCHS)
        ]  # fmt: skip
        return made[-self.checkpoints_kept :]

    def csv(self) -> bytes:
        keys = ["train_loss", "train_mean_token_accuracy", "valid_loss", "full_valid_loss", "full_valid_mean_token_accuracy"]
        rows = [",".join(["step", *keys])]
        rows += [",".join([str(step), *(str(curve(step).get(key, "")) for key in keys)]) for step in range(1, STEPS + 1)]
        return self.result(("\n".join(rows) + "\n").encode())

    def keep(self, filename: str, content: bytes) -> dict[str, Any]:
        name = f"file-{uuid.uuid4().hex[:8]}"
        self.contents[name] = content
        self.files[name] = {
            "id": name, "object": "file", "bytes": len(content), "created_at": 1, "filename": filename, "purpose": "fine-tune", "status": "processed",
        }  # fmt: skip
        return self.files[name]

    def upload(self, parts: list[str], body: bytes) -> tuple[int, Any]:
        """Uploads in parts: begin, parts/, complete."""
        if not parts:
            name = f"upload-{len(self.uploads) + 1}"
            upload = {**json.loads(body), "id": name, "object": "upload", "created_at": 1, "expires_at": 2, "status": "pending", "parts": []}
            self.uploads[name] = upload
            return 200, {key: value for key, value in self.uploads[name].items() if key != "parts"}
        upload = self.uploads[parts[0]]
        if parts[1] == "parts":
            data = re.search(rb'name="data".*?\r\n\r\n(.*)\r\n--', body, re.DOTALL)
            assert data is not None
            upload["parts"].append(data[1])
            return 200, {"id": f"part-{len(upload['parts']) - 1}", "object": "upload.part", "created_at": 1, "upload_id": upload["id"]}
        if upload["status"] != "pending":
            return 400, {"error": {"message": f"The upload is {upload['status']}", "code": None, "type": "t", "param": None}}
        asked = json.loads(body)
        content = b"".join(upload["parts"][int(part.removeprefix("part-"))] for part in asked["part_ids"])
        assert hashlib.md5(content).hexdigest() == asked["md5"]
        assert len(content) == upload["bytes"]
        upload["status"] = "completed"
        upload["file"] = self.keep(upload["filename"], content)
        return 200, {key: value for key, value in upload.items() if key != "parts"}

    def answer(self, method: str, path: str, query: dict[str, list[str]], body: bytes, kind: str) -> tuple[int, Any]:
        after = query.get("after", [""])[0]
        parts = path.strip("/").split("/")[1:]
        if parts == ["files"] and method == "POST":
            filename = re.search(rb'filename="([^"]+)"', body)
            content = re.search(rb'filename="[^"]+".*?\r\n\r\n(.*?)\r\n--', body, re.DOTALL)
            assert filename is not None
            assert content is not None
            return 200, self.keep(filename[1].decode(), content[1])
        if parts[0] == "uploads":
            return self.upload(parts[1:], body) if self.takes_parts else (404, None)
        if parts == ["files"]:
            return 200, page(list(self.files.values()), after, 100)
        if parts[0] == "files" and parts[-1] == "content":
            return 200, self.csv()
        if parts[0] == "files":
            return (200, self.files[parts[1]]) if parts[1] in self.files else (404, None)
        if parts[0] == "models":
            end = {"shutdown_date": self.shutdown} if self.shutdown else {}
            return (200, {"id": parts[1], "object": "model", "created": 1, "owned_by": "them", **end}) if self.lists_models else (404, None)
        if parts == ["fine_tuning", "jobs"] and method == "POST":
            request = json.loads(body)
            self.bodies.append(request)
            return 200, self.create(request)
        if parts == ["fine_tuning", "jobs"]:
            if self.list_lags:
                self.list_lags -= 1
                return 200, page([], after, 20)
            mark = query.get("metadata[run]", [""])[0]
            jobs = [job for job in self.jobs.values() if not self.filters or not mark or (job["metadata"] or {}).get("run") == mark]
            return 200, page(jobs[::-1], after, 20)
        name = parts[2]
        if name not in self.jobs:
            return 404, None
        if parts[-1] == "events":
            return 200, page(self.events(name), after, 5)
        if parts[-1] == "checkpoints":
            return 200, page(self.checkpoints(name), after, 2)
        if parts[-1] == "cancel":
            self.jobs[name]["status"] = "cancelled"
            return 200, self.jobs[name]
        return 200, self.look(name)


def page(items: list[dict[str, Any]], after: str, size: int) -> dict[str, Any]:
    ids = [item["id"] for item in items]
    start = ids.index(after) + 1 if after in ids else 0
    return {"object": "list", "data": items[start : start + size], "has_more": start + size < len(items)}


class Handler(BaseHTTPRequestHandler):
    service: Service

    def handle_call(self) -> None:
        split = urlsplit(self.path)
        call = f"{self.command} {split.path}"
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        with self.service.lock:
            self.service.calls.append(call)
            self.service.headers.append({name.lower(): value for name, value in self.headers.items()})
            fault = self.service.fault(call)
            if fault and fault.do == "drop":
                self.close_connection = True
                return None
            if fault and fault.do.isdigit():
                return self.send(int(fault.do), {"error": {"message": fault.message, "code": fault.code, "type": "t", "param": None}}, fault.headers)
            if fault and fault.do == "html":
                return self.send(200, b"<html>log in to this network</html>", {"content-type": "text/html"})
            status, value = self.service.answer(self.command, split.path, parse_qs(split.query), body, self.headers.get("content-type", ""))
        if fault and fault.do == "slow":
            time.sleep(1.0)
        if fault and fault.do == "drop-after":
            self.close_connection = True
            return None
        if status == 404:
            value = {"error": {"message": "No such object", "code": None, "type": "invalid_request_error", "param": None}}
        return self.send(status, value, {})

    def send(self, status: int, value: Any, headers: dict[str, str]) -> None:
        content = value if isinstance(value, bytes) else json.dumps(value).encode()
        try:
            self.send_response(status)
            for name, text in {"content-type": "application/json", **headers}.items():
                self.send_header(name, text)
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True  # the client has given up waiting, as it was meant to

    do_GET = do_POST = do_DELETE = handle_call

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


class FaultServer:
    """The server, on a free port of the loopback."""

    def __init__(self) -> None:
        self.service = Service()
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), type("OwnHandler", (Handler,), {"service": self.service}))
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self.thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_address[1]}/v1"

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


def as_base64(content: bytes) -> bytes:
    return base64.b64encode(content)

"""The API backend against a service that fails in every way: one job, no lost metric, a clear message."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from api.fault_server import EPOCHS, Fault, as_base64
from api.runs import KEY, check_one_job, check_whole, follow, texts
from train.train_rows import support_rows
from tunelint.errors import TunelintError
from tunelint.train import MessageEvent, RunFolder
from tunelint.train.openai_api import OpenAIBackend


def test_a_quiet_life(server, clock, run):
    folder = run()
    events = follow(folder, clock)
    check_whole(folder)
    check_one_job(server)
    record = folder.read()
    assert record["state"] == "succeeded"
    assert record["best"] == {"step": 8, "epoch": 2.0, "eval_loss": 1.0}
    assert record["checkpoints"] == [4, 8, 12]
    assert record["api"]["fine_tuned_model"] == "ft:model:one"
    assert "pondering" in texts(events), "an unknown status is told, and is no end"
    body = server.service.bodies[0]
    assert body["metadata"] == {"run": record["api"]["run"]}
    assert body["method"] == {"type": "supervised", "supervised": {"hyperparameters": {"n_epochs": EPOCHS}}}
    sent = server.service.contents[body["training_file"]].decode().splitlines()
    assert json.loads(sent[0])["messages"][-1]["role"] == "assistant"
    assert len(sent) == 12


def test_secrets_are_sent_but_never_written(server, clock, run):
    folder = run()
    server.service.faults.append(Fault("GET .*/ftjob-1", "500", message=f"broken for Bearer {KEY} of tenant-secret-77"))
    events = follow(folder, clock)
    assert any(headers.get("x-tenant") == "tenant-secret-77" and headers["authorization"] == f"Bearer {KEY}" for headers in server.service.headers)
    everything = b"".join(path.read_bytes() for path in folder.path.rglob("*") if path.is_file()) + texts(events).encode()
    assert b"broken for" in everything
    assert KEY.encode() not in everything
    assert b"tenant-secret-77" not in everything


CREATE, LIST = "POST /v1/fine_tuning/jobs", "GET /v1/fine_tuning/jobs"


@pytest.mark.parametrize(
    "faults",
    [
        [Fault(CREATE, "drop")],
        [Fault(CREATE, "drop-after")],
        [Fault(CREATE, "drop", times=3)],
        [Fault(CREATE, "drop-after"), Fault(LIST, "drop", times=4)],
        [Fault(CREATE, "500")],
        [Fault(CREATE, "409")],
        [Fault(CREATE, "html")],
        [Fault(CREATE, "429", headers={"Retry-After": "17"}, times=2)],
        [Fault("POST /v1/files", "drop-after"), Fault(CREATE, "drop-after")],
        [Fault("POST /v1/files", "drop", times=2)],
        [Fault("GET .*", "503", times=7, skip=9)],
        [Fault("GET .*events", "drop", times=3), Fault("GET .*checkpoints", "html", times=2)],
        [Fault("GET .*", "drop", times=30, skip=12)],
    ],
    ids=lambda faults: "+".join(f"{fault.call.split('/')[-1]}:{fault.do}x{fault.times}" for fault in faults),
)
def test_one_job_whatever_the_network_does(server, clock, run, faults):
    server.service.faults = faults
    folder = run()
    events = follow(folder, clock)
    check_one_job(server)
    check_whole(folder)
    assert any(isinstance(event, MessageEvent) and event.level == "warning" for event in events)


def test_retry_after_is_kept(server, clock, run):
    server.service.faults = [Fault(CREATE, "429", headers={"Retry-After": "17"})]
    follow(run(), clock)
    assert 17.0 in clock.sleeps


def test_a_slow_answer_to_create_is_no_second_job(server, clock, run):
    server.service.faults = [Fault(CREATE, "slow")]
    folder = run(timeout=0.3)
    events = follow(folder, clock)
    check_one_job(server)
    check_whole(folder)
    assert "created all the same" in texts(events)


@pytest.mark.parametrize("how", ["no metadata", "no filter", "a list that lags"])
def test_the_job_is_found_again_at_lesser_services(server, clock, run, how):
    service = server.service
    service.keeps_metadata, service.filters = how != "no metadata", how == "a list that lags"
    service.list_lags = 2 if how == "a list that lags" else 0
    service.faults = [Fault(CREATE, "drop-after")]
    folder = run()
    follow(folder, clock)
    check_one_job(server)


def test_another_runs_job_is_not_taken(server, clock, run):
    server.service.keeps_metadata = False
    first, second = run(), run()
    follow(first, clock)
    server.service.faults = [Fault(CREATE, "drop")]
    follow(second, clock)
    assert first.read()["api"]["job"] != second.read()["api"]["job"]
    assert len(server.service.jobs) == 2
    assert len(server.service.files) == 2, "the second run uses the files of the first"


def test_a_run_that_died_in_create_finds_its_job(server, clock, run):
    folder = run()
    server.service.faults = [Fault(CREATE, "drop-after")]

    def die() -> None:
        raise SystemExit(9)

    clock.wake = die
    with pytest.raises(SystemExit):
        follow(folder, clock)
    assert folder.read()["api"]["job"] is None
    clock.wake = None
    follow(folder, clock)
    check_one_job(server)
    check_whole(folder)


def test_a_resumed_run_keeps_what_the_service_forgot(server, clock, run):
    folder = run()

    def stop_when_running() -> None:
        if len(folder.metrics.read()) > 4:
            raise SystemExit(9)

    clock.wake = stop_when_running
    with pytest.raises(SystemExit):
        follow(folder, clock)
    server.service.drop_events = {1, 2, 3}
    server.service.result = lambda content: b""
    clock.wake = None
    follow(folder, clock)
    check_whole(folder)


def test_a_checkpoint_that_the_service_lets_go_is_forgotten(server, clock, run):
    server.service.checkpoints_kept = 2
    server.service.statuses = ["running", "running", "succeeded"]
    folder = run()
    seen: list[list[int]] = []
    clock.wake = lambda: seen.append(folder.read()["checkpoints"])
    follow(folder, clock)
    check_whole(folder)
    assert [4] in seen
    assert folder.read()["checkpoints"] == [8, 12]
    assert sorted(path.name for path in folder.checkpoints.iterdir()) == ["checkpoint-12", "checkpoint-8"]


def test_events_twice_and_out_of_order(server, clock, run):
    server.service.shuffle = True
    folder = run()
    events = follow(folder, clock)
    check_whole(folder)
    assert texts(events).count("Fine-tuning job started") == 1


@pytest.mark.parametrize(
    "result",
    [as_base64, lambda content: as_base64(content)[:-5], lambda content: content[:-31], lambda content: b"\xef\xbb\xbf" + content[:-1]],
    ids=["base64", "cut base64", "cut", "byte order mark, no last line end"],
)  # fmt: skip
def test_result_files_fill_the_gaps(server, clock, run, result):
    server.service.result = result
    server.service.drop_events = {2, 3, 7}
    folder = run()
    follow(folder, clock)
    check_whole(folder)


def test_a_result_file_of_nothing_is_said(server, clock, run):
    server.service.result = lambda content: b"gone"
    folder = run()
    assert "holds no metrics" in texts(follow(folder, clock))
    check_whole(folder)


def test_a_vanished_job(server, clock, run):
    folder = run()

    def vanish() -> None:
        if len(folder.metrics.read()) > 4:
            server.service.jobs.clear()

    clock.wake = vanish
    with pytest.raises(TunelintError, match=r"no longer knows the job ftjob-1.*points of its curve are kept"):
        follow(folder, clock)
    assert server.service.calls.count(CREATE) == 1
    assert len(folder.metrics.read()) > 4


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (Fault(CREATE, "429", code="insufficient_quota", times=99), r"no credit or has used up its limit \(insufficient_quota\)"),
        (Fault(CREATE, "403", code="training_not_available", times=99), r"create no fine-tuning job any more.*--backend local"),
        (Fault(CREATE, "400", message="batch_size is too large", times=99), "batch_size is too large"),
        (Fault("POST /v1/files", "401", times=99), "does not accept the key in A_KEY"),
        (Fault("GET .*/ftjob-1", "drop", times=999), r"no answer from 127.0.0.1 for .* tunelint runs resume"),
        (Fault(CREATE, "drop", times=999), r"could not be created .* runs resume"),
    ],
    ids=["quota", "shut out", "bad request", "bad key", "offline", "offline before the job"],
)
def test_refusals_in_plain_words(server, clock, run, fault, said):
    server.service.faults = [fault]
    folder = run(max_offline=600)
    with pytest.raises(TunelintError, match=said) as error:
        follow(folder, clock)
    assert KEY not in str(error.value)
    assert len(server.service.jobs) <= 1
    if fault.do != "drop":
        assert server.service.calls.count(CREATE) <= 1, "a refusal is not tried again"
    server.service.faults = []
    follow(folder, clock)
    check_one_job(server)
    check_whole(folder)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        ({"code": "invalid_training_file", "message": 'Invalid file format. Example 3 contains an extra "weight".'}, "Example 3 is"),
        ({"code": "unsafe_file", "message": "This file failed moderation safety checks. Flagged lines: 4, 11"}, "moderation has flagged"),
        ({"code": "exceeded_quota", "message": "Quota", "param": None}, "add credit"),
        ({}, "the service gives no reason"),
    ],
)  # fmt: skip
def test_a_failed_job_is_explained(server, clock, run, error, said):
    server.service.statuses = ["validating_files", "failed"]
    server.service.error = error
    folder = run()
    with pytest.raises(TunelintError, match=said) as caught:
        follow(folder, clock)
    rows = support_rows(12, 1)
    for number in {3: [3]}.get(3 if "Example 3" in str(error) else 0, [4, 11] if "Flagged" in str(error) else []):
        assert rows[number - 1].digest in str(caught.value)
    assert folder.read()["state"] == "failed"


def test_cancel(server, clock, run):
    folder = run()
    clock.wake = lambda: (_ for _ in ()).throw(SystemExit(9))
    with pytest.raises(SystemExit):
        follow(folder, clock)
    clock.wake = None
    server.service.faults.append(Fault("POST .*/cancel", "drop", times=2))
    told: list[Any] = []
    OpenAIBackend(clock).cancel(folder, told.append)
    away, back = texts(told).splitlines()
    assert away.startswith("Cancelling the job: no connection to 127.0.0.1 (")
    assert back.startswith("Cancelling the job: answered after 2 failures")
    assert server.service.jobs["ftjob-1"]["status"] == "cancelled"
    assert folder.state == "cancelled"


def test_ctrl_c_leaves_the_job_and_says_how_to_go_on(server, clock, run):
    import os
    import signal

    folder = run()

    def press() -> None:
        if folder.read()["api"]["job"]:
            clock.wake = None
            os.kill(os.getpid(), signal.SIGINT)

    clock.wake = press
    events: list[Any] = []
    with pytest.raises(KeyboardInterrupt):
        events.extend(iter_into(OpenAIBackend(clock).follow(folder), events))
    assert f"tunelint runs resume {folder.id}" in texts(events)
    assert server.service.jobs["ftjob-1"]["status"] != "cancelled"
    follow(folder, clock)
    check_one_job(server)
    check_whole(folder)


def iter_into(events: Iterator[Any], seen: list[Any]) -> list[Any]:
    for event in events:
        seen.append(event)
    return []


def test_ctrl_c_at_the_command_line(server, tunelint, monkeypatch):
    import os
    import signal
    import threading
    import time

    from tests_rows import chat

    monkeypatch.setenv("A_KEY", KEY)
    server.service.statuses = ["running"]
    rows = [chat(f"Where is {word}, please?", f"The place called {word} lies over there.") for word in "abcdefghijklmnopqrstuvwxyz"]
    Path("train.jsonl").write_text("\n".join(rows) + "\n")

    def press() -> None:
        while not list(Path("runs").glob("*/metrics.jsonl")):
            time.sleep(0.05)
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=press)
    thread.start()
    where = ("--base-url", server.url, "--api-key-env", "A_KEY", "--model", "m")
    ran = tunelint("train", "train.jsonl", "--no-lint", "--backend", "openai", *where, "--yes")
    thread.join()
    assert ran.code == 130
    assert "The job ftjob-1 goes on at the service. Go on: tunelint runs resume " in ran.err
    server.service.statuses, server.service.looks = ["succeeded"], {}
    ran = tunelint("runs", "resume", "last", "--fail-on", "never")
    assert ran.code == 0, ran.err
    assert "report: " in ran.out
    check_one_job(server)
    assert "job       ftjob-1 at http://127.0.0.1" in tunelint("runs", "show", "last").out
    report = next(Path("runs").glob("*/report.html"))
    report.unlink()  # as where the client was killed between the job's end and its report
    ran = tunelint("runs", "resume", "last", "--fail-on", "never")
    assert ran.code == 0, ran.err
    assert report.is_file()
    ran = tunelint("runs", "resume", "last")
    assert ran.code == 2
    assert "nothing to resume" in ran.err


def test_settings_and_headers_arrive_from_the_command_line(server, tunelint, monkeypatch):
    from tests_rows import chat

    monkeypatch.setenv("A_KEY", KEY)
    monkeypatch.setenv("TENANT", "tenant-secret-77")
    server.service.statuses = ["succeeded"]
    rows = [chat(f"Where is {word}, please?", f"The place called {word} lies over there.") for word in "abcdefghijklmnopqrstuvwxyz"]
    Path("train.jsonl").write_text("\n".join(rows) + "\n")
    ran = tunelint(
        "train", "train.jsonl", "--no-lint", "--no-split", "--backend", "openai", "--base-url", server.url, "--api-key-env", "A_KEY", "--model", "m",
        "--header-env", "X-Tenant=TENANT", "--metadata", "team=desk", "--suffix", "shop", "--seed", "11", "--epochs", "3", "--batch-size", "2",
        "--learning-rate-multiplier", "0.5", "--yes", "--run-dir", "run", "--fail-on", "never",
    )  # fmt: skip
    assert ran.code == 0, ran.err
    body = server.service.bodies[0]
    mark = RunFolder("run").read()["api"]["run"]
    assert body == {
        "model": "m", "training_file": next(iter(server.service.files)), "suffix": "shop", "seed": 11, "metadata": {"team": "desk", "run": mark},
        "method": {"type": "supervised", "supervised": {"hyperparameters": {"n_epochs": 3, "batch_size": 2, "learning_rate_multiplier": 0.5}}},
    }  # fmt: skip
    assert {headers["x-tenant"] for headers in server.service.headers} == {"tenant-secret-77"}
    assert {headers["authorization"] for headers in server.service.headers} == {f"Bearer {KEY}"}


@pytest.mark.parametrize(
    ("state", "said"),
    [
        ({"shutdown": "2027-01-14"}, "the service shuts gpt-x down on 2027-01-14"),
        ({"lists_models": False}, "the service does not list the model gpt-x"),
        ({}, ""),
    ],
    ids=["closing", "unknown", "there"],
)
def test_the_service_is_asked_about_the_model(server, clock, run, state, said):
    vars(server.service).update(state)
    events = follow(run(), clock)
    warnings = [event.text for event in events if isinstance(event, MessageEvent) and event.level == "warning"]
    assert [said in warning for warning in warnings] == ([True] if said else [])
    check_one_job(server)

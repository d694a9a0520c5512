"""Every moment of a run through the API: the service is away at it, or the client dies at it. One job, no lost metric."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import openai
import pytest

from api.fault_server import Fault, FaultServer
from api.runs import FakeClock, check_one_job, check_whole, follow
from tunelint.errors import TunelintError
from tunelint.train import MessageEvent, RunFolder

NEVER = 1 << 30


@pytest.fixture(autouse=True)
def short(server: FaultServer) -> None:
    """A life with every kind of request and few looks, begun anew by `begin_anew`."""
    begin_anew(server)


def begin_anew(server: FaultServer, *faults: Fault) -> None:
    server.service.__init__()  # type: ignore[misc]
    server.service.statuses = ["validating_files", "running", "succeeded"]
    server.service.faults = list(faults)


def requests_of(server: FaultServer, clock: FakeClock, run: Any) -> list[str]:
    """The requests of an undisturbed life."""
    folder = run()
    follow(folder, clock)
    check(server, folder, "undisturbed")
    return list(server.service.calls)


def check(server: FaultServer, folder: RunFolder, moment: object) -> None:
    try:
        assert folder.state == "succeeded"
        check_whole(folder)
        check_one_job(server)
    except AssertionError as error:
        raise AssertionError(f"{moment}: {folder.read()['error']}, {server.service.calls}") from error
    shutil.rmtree(folder.path)  # the next life begins with nothing beside it


@pytest.mark.parametrize("how", ["drop", *(pytest.param(how, marks=pytest.mark.slow) for how in ("drop-after", "html", "429", "500"))])
def test_away_for_a_moment(server, clock, run, how):
    for number, call in enumerate(requests_of(server, clock, run)):
        begin_anew(server, Fault(".*", how, skip=number))
        folder = run()
        told = [event.text for event in follow(folder, clock) if isinstance(event, MessageEvent) and event.level == "warning"]
        check(server, folder, (how, number, call))
        assert len(told) == (how in ("drop", "drop-after") or len(told) == 1), f"{call}: that the service is away is said once"


def test_away_for_good(server, clock, run):
    """After --max-offline the client says how to go on; that works, at whatever moment the service went away."""
    for number, call in enumerate(requests_of(server, clock, run)):
        begin_anew(server, Fault(".*", "drop", times=NEVER, skip=number))
        folder = run(max_offline=20)
        with pytest.raises(TunelintError, match=f"tunelint runs resume {folder.id}$") as given_up:
            follow(folder, clock)
        made = len(server.service.jobs) == 1
        said = str(given_up.value)
        unmade = "makes no second one" if call.startswith("POST /v1/fine_tuning") else "No job was created"
        standing = "The job ftjob-1 goes on there" if made else unmade
        assert standing in said, f"{call}: {said}"
        server.service.faults.clear()
        follow(RunFolder(folder.path), clock)
        check(server, folder, (number, call))


class Killed(BaseException):
    """What nobody catches."""


@pytest.mark.parametrize(
    ("owner", "name", "after"),
    [
        (openai.OpenAI, "request", True),
        pytest.param(openai.OpenAI, "request", False, marks=pytest.mark.slow),
        (Path, "replace", True),
        pytest.param(Path, "replace", False, marks=pytest.mark.slow),
    ],
    ids=["after a request", "before a request", "after a file", "before a file"],
)
def test_the_client_is_killed(server, clock, run, monkeypatch, owner, name, after):
    """At every request and at every file that it writes, one after the other; it is resumed each time."""
    inner, left = getattr(owner, name), NEVER

    def dying(*arguments: Any, **more: Any) -> Any:
        nonlocal left
        left -= 1
        if left == 0 and not after:
            raise Killed
        try:
            return inner(*arguments, **more)
        finally:
            if left == 0:
                raise Killed

    monkeypatch.setattr(owner, name, dying)
    moment = 0
    while True:
        moment += 1
        begin_anew(server)
        left = NEVER
        folder = run()
        left = moment
        try:
            follow(folder, clock)
            break  # it came to its end before this moment
        except Killed:
            left = NEVER
        events = follow(RunFolder(folder.path), clock)
        check(server, folder, moment)
        assert not [event for event in events if isinstance(event, MessageEvent) and event.level == "warning"], moment
    assert moment > 10

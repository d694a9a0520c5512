"""Runs against the fault server, on a clock of which sleeping takes no time."""

from __future__ import annotations

from typing import Any

from api.fault_server import EPOCHS, STEPS, FaultServer, curve
from tunelint.train import MessageEvent, RunFolder, StateEvent
from tunelint.train.openai_api import OpenAIBackend

KEY = "sk-test-verysecretkey0123456789"


class FakeClock:
    """Sleeping takes no time; `wake` is called at every sleep."""

    def __init__(self) -> None:
        self.time, self.sleeps = 0.0, []
        self.wake: Any = None

    def now(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.time += seconds
        self.sleeps.append(seconds)
        if self.wake:
            self.wake()


def follow(folder: RunFolder, clock: FakeClock) -> list[Any]:
    return list(OpenAIBackend(clock).follow(folder))


def check_whole(folder: RunFolder) -> None:
    """Every point of the curve is there, once, with its own values."""
    points = folder.metrics.read()
    train = [point for point in points if "loss" in point]
    evals = [point for point in points if "eval_loss" in point]
    assert [point["step"] for point in train] == list(range(1, STEPS + 1))
    assert [point["loss"] for point in train] == [curve(step)["train_loss"] for step in range(1, STEPS + 1)]
    assert [(point["step"], point["epoch"], point["eval_loss"]) for point in evals] == [
        (step, step * EPOCHS / STEPS, curve(step)["full_valid_loss"]) for step in (4, 8, 12)
    ]
    assert all(point["eval_mean_token_accuracy"] == 0.6 for point in evals)


def texts(events: list[Any]) -> str:
    return "\n".join(event.text for event in events if isinstance(event, MessageEvent | StateEvent))


def check_one_job(server: FaultServer) -> None:
    assert len(server.service.jobs) == 1
    assert len(server.service.files) == 2

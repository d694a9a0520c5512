"""One run, from top to bottom, in this process: read the plan, encode, load, train, keep the best.

`python -m tunelint.train.worker RUN_FOLDER` works on a run folder that `start` wrote; `torchrun --nproc_per_node 2 -m
tunelint.train.worker RUN_FOLDER` does the same on several devices.
"""

from __future__ import annotations

import json
import os
import platform
import shutil
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import asdict
from importlib.metadata import version
from types import FrameType

from tunelint.errors import MissingExtraError, TunelintError
from tunelint.train.adapt import prepare_for_training
from tunelint.train.encode import Encoded, Encoder
from tunelint.train.events import Event, MessageEvent, StateEvent
from tunelint.train.hardware import choose_device, set_threads
from tunelint.train.loop import MARK, Job, build_trainer, last_checkpoint
from tunelint.train.models import SMALL_MODEL, Loaded, load
from tunelint.train.plan import Plan
from tunelint.train.records import TrainRecord
from tunelint.train.runs import RunFolder
from tunelint.train.schedule import make_schedule
from tunelint.train.settings import Settings, decide

PACKAGES = ("tunelint", "torch", "transformers", "accelerate", "tokenizers", "safetensors", "numpy")
# Neither weights nor tokenizer: what a checkpoint holds for resuming only.
NOT_IN_MODEL = ("optimizer.pt", "scheduler.pt", "scaler.pt", "rng_state*.pth", "trainer_state.json", MARK)


def train(folder: RunFolder, emit: Callable[[Event], None], stop: threading.Event) -> None:
    """Train the run in `folder` to its end, or until `stop` is set: then a checkpoint is saved and it rests.

    Goes on from the last whole checkpoint where there is one. Raises TunelintError where it cannot go on; whatever
    happens, run.json says so.
    """
    require_packages()
    _quiet()
    with folder.working():
        try:
            _train(folder, emit, stop)
        except BaseException as error:
            reason = str(error) if isinstance(error, TunelintError) else f"{type(error).__name__}: {error}"
            folder.update(state="failed", error=reason)
            emit(StateEvent("failed", reason))
            raise


def _train(folder: RunFolder, emit: Callable[[Event], None], stop: threading.Event) -> None:
    emit(StateEvent("preparing"))
    plan = folder.plan()
    folder.update(state="preparing", error=None, versions=_versions(), host=platform.node(), pid=os.getpid())
    loaded = load(plan, folder.path)
    for note in loaded.notes:
        emit(MessageEvent(note))
    settings, train_rows, eval_rows = _prepare(folder, plan, loaded, emit)
    device = choose_device(plan)
    set_threads(plan, device, small=loaded.parameters < SMALL_MODEL)
    schedule = make_schedule(len(train_rows), settings.batch_size, settings.epochs, settings.evals)
    prepare_for_training(loaded.model, settings)
    checkpoint = last_checkpoint(folder)
    mark = checkpoint[1] if checkpoint else {"step": -1, "epoch": 0.0, "interval": [], "best": None}
    folder.forget_after(mark["step"])
    job = Job(
        folder=folder, loaded=loaded, settings=settings, schedule=schedule, train=train_rows, eval=eval_rows,
        seed=plan.seed, micro_batch_size=_divisor(settings.batch_size, plan.hyperparameters.micro_batch_size),
        emit=emit, stop=stop, device=device, best=mark["best"], interval=list(mark["interval"]),
    )  # fmt: skip
    if mark["step"] < schedule.total_steps:
        folder.update(state="training", device=device)
        emit(StateEvent("training", f"from step {mark['step']}" if checkpoint else ""))
        trainer = build_trainer(job, resumed=checkpoint is not None)
        trainer.train(resume_from_checkpoint=str(checkpoint[0]) if checkpoint else None)
        if trainer.state.global_step < schedule.total_steps:
            folder.update(state="interrupted")
            emit(StateEvent("interrupted", f"saved at step {trainer.state.global_step}"))
            return
    _keep(job)
    folder.update(state="succeeded")
    emit(StateEvent("succeeded"))


def _prepare(
    folder: RunFolder, plan: Plan, loaded: Loaded, emit: Callable[[Event], None]
) -> tuple[Settings, list[Encoded], list[Encoded]]:
    """Decide the settings (once: a resumed run keeps them) and encode the rows."""
    stored = folder.read()["settings"]
    facts = (loaded.context, loaded.parameters)
    settings = Settings.from_json(stored) if stored else decide(plan, len(plan.train), *facts)
    encoder = Encoder(loaded.tokenizer_folder, settings.max_length)
    train_rows = _encode(encoder, plan.train, "train", emit)
    if not train_rows:
        raise TunelintError(
            f"No train row has a token to learn within {settings.max_length} tokens; "
            "raise --max-length or shorten the prompts."
        )
    eval_rows = _encode(encoder, plan.eval, "eval", emit)
    if not stored:
        settings = decide(plan, len(train_rows), *facts)
        folder.update(settings=settings.to_json(), rows={"train": len(train_rows), "eval": len(eval_rows)})
    return settings, train_rows, eval_rows


def _encode(
    encoder: Encoder, records: Sequence[TrainRecord], split: str, emit: Callable[[Event], None]
) -> list[Encoded]:
    rows, refusals = [], []
    for record in records:
        try:
            rows.append(encoder.encode(record))
        except TunelintError as refusal:
            refusals.append(str(refusal))
    if refusals and not rows:
        raise TunelintError(f"No {split} row can be trained on. {refusals[0]}")
    if refusals:
        emit(MessageEvent(f"{len(refusals)} {split} rows are left out, the first because: {refusals[0]}", "warning"))
    kept = [row for row in rows if row.trained]
    if any(row.cut for row in rows):
        count = sum(row.cut for row in rows)
        emit(MessageEvent(f"{count} {split} rows are longer than {encoder.max_length} tokens and are cut.", "warning"))
    if len(kept) < len(rows):
        count = len(rows) - len(kept)
        emit(MessageEvent(f"{count} {split} rows have no token to learn within the limit; left out.", "warning"))
    return kept


def _keep(job: Job) -> None:
    """Make `model/` from the checkpoint to keep: the one with the lowest eval loss, or the last."""
    job.folder.update(state="saving")
    job.emit(StateEvent("saving"))
    best = job.best["step"] if job.best and job.settings.keep == "best" else None
    step = best if best is not None else job.schedule.total_steps
    partial = job.folder.path / ".model.partial"
    if partial.exists():
        shutil.rmtree(partial)
    source = job.folder.checkpoints / f"checkpoint-{step}"
    shutil.copytree(source, partial, ignore=shutil.ignore_patterns(*NOT_IN_MODEL))
    job.folder.replace_folder("model", partial)
    job.folder.update(kept_step=step)


def _divisor(batch_size: int, most: int | None) -> int:
    """The largest micro-batch of at most `most` rows that divides the batch, so that the batch is kept exactly."""
    return max(size for size in range(1, min(most or batch_size, batch_size) + 1) if batch_size % size == 0)


def require_packages() -> None:
    """Raise MissingExtraError where torch and its companions are not installed; does not import them."""
    from importlib.util import find_spec

    if any(find_spec(name) is None for name in ("torch", "transformers", "accelerate", "tokenizers", "safetensors")):
        raise MissingExtraError("local training", "local")


def _quiet() -> None:
    """Events tell what happens; the libraries' own bars and notes would only tear them apart."""
    from transformers.utils import logging

    logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")


def _versions() -> dict[str, str]:
    from importlib.metadata import PackageNotFoundError

    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed as a package"
    return found


def main(arguments: Sequence[str]) -> int:
    """Train one run folder and print its events as JSON lines; SIGINT and SIGTERM save a checkpoint and end it.

    Returns 0 when the run has succeeded, 2 where it could not go on, 128 + the signal's number when it was stopped.
    """
    if len(arguments) != 1:
        print("usage: python -m tunelint.train.worker RUN_FOLDER", file=sys.stderr)
        return 2
    stop = threading.Event()
    received: list[int] = []

    def on_signal(number: int, frame: FrameType | None) -> None:
        received.append(number)
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, on_signal)
    try:
        train(RunFolder(arguments[0]), _print_event, stop)
    except TunelintError as error:
        print(error, file=sys.stderr)
        return 2
    return 128 + received[0] if received else 0


def _print_event(event: Event) -> None:
    print(json.dumps({"event": type(event).__name__.removesuffix("Event").lower(), **asdict(event)}), flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

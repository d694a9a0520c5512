"""One run, from top to bottom: read the plan, load, encode, train, keep the best.

Every process of the run goes through this; only the leader writes to the run folder.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tunelint.errors import TunelintError
from tunelint.train import distributed, hardware
from tunelint.train.adapt import prepare_for_training
from tunelint.train.checkpoints import keep_model, last_checkpoint, remove_halves
from tunelint.train.encode import Encoder
from tunelint.train.events import Event, MessageEvent, StateEvent
from tunelint.train.job import Job
from tunelint.train.loop import run
from tunelint.train.memory import free_memory, is_out_of_memory, smaller, split_batch
from tunelint.train.models import SMALL_MODEL, Loaded, load
from tunelint.train.objective import Likelihood, Preference, Row
from tunelint.train.plan import TINY, Plan
from tunelint.train.rows import encode_answers, encode_pairs
from tunelint.train.runs import RunFolder
from tunelint.train.schedule import make_schedule
from tunelint.train.settings import Settings, decide


@dataclass(frozen=True)
class Prepared:
    """What does not change between attempts."""

    plan: Plan
    settings: Settings
    train: Sequence[Row]
    eval: Sequence[Row]
    device: str
    precision: str


def train_to_rest(folder: RunFolder, emit: Callable[[Event], None], stop: threading.Event) -> None:
    """Load, encode and train; smaller micro-batches are tried until one fits. Ends when the run rests."""
    emit(StateEvent("preparing"))
    plan = folder.plan()
    leads = distributed.is_leader()
    device = hardware.choose_device(plan)
    distributed.join(device)
    if leads:
        remove_halves(folder)
        folder.forget_after(last_checkpoint(folder)[1].step)
        loaded = load(plan, folder.path, device)
        prepared = _prepare(folder, plan, loaded, device, emit)
    distributed.barrier()
    if not leads:
        # The leader has written tokenizer and settings; the others read them.
        loaded = load(plan, folder.path, device)
        prepared = _prepare(folder, plan, loaded, device, emit)
    for note in (*loaded.notes, *hardware.advice(device)):
        emit(MessageEvent(note))
    if plan.model == TINY and (plan.method == "dpo" or prepared.settings.method != "full"):
        emit(
            MessageEvent("The tiny model knows nothing yet: adapters and DPO on it only show that they run.", "warning")
        )
    hardware.set_threads(plan, device, small=loaded.parameters < SMALL_MODEL)
    size, processes = prepared.settings.batch_size, distributed.world_size()
    micro_batch_size = split_batch(size, processes, folder.read().get("micro_batch_size") or _asked_micro_batch(plan))
    while not _attempt(folder, prepared, loaded, micro_batch_size, emit, stop):
        if processes > 1:
            raise TunelintError("Out of memory in one of several processes; start again with a smaller micro-batch.")
        micro_batch_size = smaller(size, processes, micro_batch_size)
        folder.update(micro_batch_size=micro_batch_size)
        steps = size // micro_batch_size
        emit(
            MessageEvent(
                f"Out of memory: {micro_batch_size} rows at a time now, gradients of {steps} such micro-batches added "
                f"up; the effective batch stays {size}.",
                "warning",
            )
        )
        # The failed attempt has changed the weights; its last checkpoint or the model as it was goes on.
        del loaded
        free_memory()
        folder.forget_after(last_checkpoint(folder)[1].step)
        loaded = load(plan, folder.path, device)


def _attempt(
    folder: RunFolder,
    prepared: Prepared,
    loaded: Loaded,
    micro_batch_size: int,
    emit: Callable[[Event], None],
    stop: threading.Event,
) -> bool:
    """Train until the end, a stop or an out-of-memory error; False means the last of these."""
    plan, settings = prepared.plan, prepared.settings
    checkpoint, progress = last_checkpoint(folder)
    job = Job(
        folder=folder,
        loaded=loaded,
        settings=settings,
        schedule=make_schedule(
            len(prepared.train), settings.batch_size, settings.epochs, settings.evals, settings.max_steps
        ),
        objective=_objective(prepared, loaded),
        train=prepared.train,
        eval=prepared.eval,
        seed=plan.seed,
        micro_batch_size=micro_batch_size,
        device=prepared.device,
        precision=prepared.precision,
        activation_checkpointing=hardware.choose_activation_checkpointing(plan, prepared.device, loaded.parameters),
        emit=emit,
        stop=stop,
        progress=progress,
    )
    if not job.finished:
        if job.leads:
            folder.update(state="training", device=job.device, precision=job.precision)
        emit(StateEvent("training", f"from step {progress.step}" if checkpoint else ""))
        try:
            run(job, checkpoint)
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            return False
    if job.leads:
        _finish(job)
    distributed.barrier()
    return True


def _finish(job: Job) -> None:
    folder = job.folder
    if not job.finished:
        folder.update(state="interrupted")
        job.emit(StateEvent("interrupted", f"saved at step {job.progress.step}"))
        return
    keep_model(job)
    early = job.progress.step if job.progress.step < job.schedule.total_steps else None
    folder.update(state="succeeded", stopped_early=early)
    job.emit(StateEvent("succeeded", f"stopped early at step {early}" if early else ""))


def _prepare(folder: RunFolder, plan: Plan, loaded: Loaded, device: str, emit: Callable[[Event], None]) -> Prepared:
    """Decide the settings (once: a resumed run keeps them) and encode the rows."""
    stored = folder.read()["settings"]
    facts = (loaded.context, loaded.parameters)
    settings = Settings.from_json(stored) if stored else decide(plan, len(plan.train), *facts)
    encoder = Encoder(loaded.tokenizer_folder, settings.max_length)
    encode = encode_pairs if plan.method == "dpo" else encode_answers
    train_rows: Sequence[Row] = encode(encoder, plan.train, "train", emit)
    if not train_rows:
        raise TunelintError(
            f"No train row has a token to learn within {settings.max_length} tokens; "
            "raise --max-length or shorten the prompts."
        )
    eval_rows: Sequence[Row] = encode(encoder, plan.eval, "eval", emit)
    if not stored:
        settings = decide(plan, len(train_rows), *facts)
        folder.update(settings=settings.to_json(), rows={"train": len(train_rows), "eval": len(eval_rows)})
    return Prepared(plan, settings, train_rows, eval_rows, device, hardware.choose_precision(plan, device))


def _objective(prepared: Prepared, loaded: Loaded) -> Likelihood | Preference:
    """Return the objective, and make the model ready for it: DPO looks at it before adapters and training."""
    pad = loaded.tokenizer.pad_token_id
    objective: Likelihood | Preference = Likelihood(pad)
    if prepared.plan.method == "dpo":
        objective = Preference(pad, prepared.settings.dpo_beta)
        loaded.model.to(prepared.device)
        objective.remember(loaded.model, [*prepared.train, *prepared.eval], prepared.device)  # type: ignore[list-item]
    loaded.model = prepare_for_training(loaded.model, prepared.settings, prepared.precision, prepared.plan.seed)
    return objective


def _asked_micro_batch(plan: Plan) -> int | None:
    return plan.hyperparameters.micro_batch_size

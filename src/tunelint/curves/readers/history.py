"""From a list of log entries (one dict per log line) to runs: the shape that most trainers share.

An entry has `step` and `epoch` where known, and any of `loss`, `eval_loss`, `eval_<set>_loss`, `eval_<metric>`:
the `log_history` of the Hugging Face Trainer (https://huggingface.co/docs/transformers/main_classes/callback).
"""

from __future__ import annotations

import re
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any

from tunelint.curves.readers.values import axis_number, number
from tunelint.curves.run import EvalPoint, Number, Run, TrainPoint

Entry = Mapping[str, Any]

TRAIN_KEYS = ("loss", "train_loss", "train/loss", "training_loss")
_EVAL_KEY = re.compile(r"^(?:eval|val|valid|validation)[_/](.+)$", re.IGNORECASE)
_NOT_METRICS = re.compile(
    r"(?:^|[_/])(?:runtime|samples_per_second|steps_per_second|tokens_per_second|num_tokens|samples|model_preparation_time|"
    r"jit_compilation_time|mem_\w+|compilation_time|gen_len)$"
)
_REWARD_KEYS = frozenset(("reward", "reward_std", "objective/kl", "objective/scores", "completion_length", "policy/approxkl_avg"))
_SINGLE_STEP_WORDS = ("train_runtime",)

REINFORCEMENT = (
    "this is the log of a reinforcement-learning run (it logs rewards): its loss does not measure fit, "
    "so watch the reward on held-out prompts instead"
)


@dataclass
class _Point:
    step: Number | None
    epoch: Number | None
    loss: float | None = None
    metrics: dict[str, float] = field(default_factory=dict)


def runs_from_history(
    entries: Iterable[Entry],
    source: str,
    saved_steps: tuple[Number, ...] | None = None,
    epochs: float | None = None,
    notes: Sequence[str] = (),
) -> list[Run]:
    """Return the runs of a log: one, unless its steps start again from the beginning (several runs in one file)."""
    cleaned = _by_step([entry for entry in entries if isinstance(entry, Mapping)])
    segments = _segments(cleaned)
    runs = []
    for place, (segment, resumed) in enumerate(segments):
        remarks = list(notes)
        if len(segments) > 1:
            remarks.append(f"run {place + 1} of {len(segments)} in this log")
        remarks += [f"resumed at step {step}: the points it repeats are taken from the later log" for step in resumed]
        last = place == len(segments) - 1
        runs.append(_run(segment, source, saved_steps if last else None, epochs, tuple(remarks)))
    return runs


def _run(entries: list[Entry], source: str, saved: tuple[Number, ...] | None, epochs: float | None, notes: tuple[str, ...]) -> Run:
    sets = _eval_sets(entries)
    evals = {name: _evals(entries, name, sets) for name in sets}
    evals = {name: points for name, points in evals.items() if points}
    judged = "" if "" in evals else next(iter(evals), "")
    trains = _trains(entries)
    run = Run(
        source=source,
        evals=evals.get(judged, ()),
        trains=trains,
        eval_set=judged,
        other_evals={name: points for name, points in evals.items() if name != judged},
        saved_steps=saved,
        n_eval=_eval_rows(entries, judged),
        declined=REINFORCEMENT if _is_reinforcement(entries) else None,
        notes=notes,
    )
    seen = [epoch for _, epoch in run.moments if epoch is not None]
    return replace(run, epochs=float(max(seen)) if seen else epochs)


def _by_step(entries: list[Entry]) -> list[Entry]:
    """Put a log that lists one kind of loss after the other (all of train, then all of eval) in the order of its steps.

    Such a log has one block of entries for every kind, and steps that go back only where a block begins.
    """
    steps = [axis_number(entry.get("step")) for entry in entries]
    kinds = [frozenset(key for key in entry if key in TRAIN_KEYS or (eval_name(str(key)) or "").endswith("loss")) for entry in entries]
    told = [(kind, step) for kind, step in zip(kinds, steps, strict=True) if kind]
    pairs = list(pairwise(told))
    begins = [kind for (before, _), (kind, _) in pairs if kind != before]
    blocks = [told[0][0], *begins] if told else []
    if len(blocks) < 2 or sum(map(len, blocks)) != len(frozenset.union(*blocks)) or None in steps:
        return entries
    backwards = [kind == before for (before, last), (kind, step) in pairs if step < last]  # type: ignore[operator]
    if not backwards or any(backwards):
        return entries
    return sorted(entries, key=lambda entry: axis_number(entry.get("step")) or 0)


def _segments(entries: list[Entry]) -> list[tuple[list[Entry], list[Number]]]:
    """Cut a log where its steps begin again; where they only go back (a resumed run) the later entries win."""
    segments: list[tuple[list[Entry], list[Number]]] = []
    current: list[Entry] = []
    resumed: list[Number] = []
    first: Number | None = None
    highest: Number | None = None
    for entry in entries:
        step = axis_number(entry.get("step"))
        if step is not None and highest is not None and step < highest:
            if first is None or step <= first:
                segments.append((current, resumed))
                current, resumed, first = [], [], None
            else:
                current = [old for old in current if (axis_number(old.get("step")) or 0) < step]
                resumed.append(step)
            highest = step
        if step is not None:
            first = step if first is None else first
            highest = step if highest is None else max(highest, step)
        current.append(entry)
    if current or not segments:
        segments.append((current, resumed))
    return segments


def eval_name(key: str) -> str | None:
    """Return the part of an eval key after its `eval_`, None for another key."""
    match = _EVAL_KEY.match(key)
    return match.group(1) if match else None


def _eval_sets(entries: list[Entry]) -> list[str]:
    """Return the names of the eval sets, `` for a plain `eval_loss`.

    `eval_mlm_loss` beside `eval_loss` is a part of one loss; with a runtime of its own it is an eval set of its own.
    """
    keys = dict.fromkeys(key for entry in entries for key in entry)
    names = {name: None for key in keys if (name := eval_name(str(key)))}
    plain = "loss" in names
    sets = [""] if plain else []
    for name in names:
        if not name.endswith(("_loss", "/loss")):
            continue
        prefix = name[:-5]
        if not plain or f"{prefix}_runtime" in names or f"{prefix}_samples_per_second" in names:
            sets.append(prefix)
    return sets


def _evals(entries: list[Entry], name: str, sets: list[str]) -> tuple[EvalPoint, ...]:
    """Return the eval points of one set, entries of the same step merged (the last value wins)."""
    others = [other for other in sets if other]
    points: dict[tuple[Number | None, Number | None, int], _Point] = {}
    for order, entry in enumerate(entries):
        step, epoch = axis_number(entry.get("step")), axis_number(entry.get("epoch"))
        found: dict[str, float] = {}
        loss: float | None = None
        for key, value in entry.items():
            metric = eval_name(str(key))
            if metric is None or _NOT_METRICS.search(metric):
                continue
            owner = next((other for other in others if metric.startswith((f"{other}_", f"{other}/"))), "")
            if owner != name:
                continue
            metric = metric[len(owner) + 1 :] if owner else metric
            amount = number(value)
            if amount is None:
                continue
            if metric == "loss":
                loss = float(amount)
            else:
                found[metric] = float(amount)
        if loss is None and not found:
            continue
        place = (step, None, 0) if step is not None else (None, epoch, 0 if epoch is not None else order)
        point = points.setdefault(place, _Point(step, epoch))
        point.loss = loss if loss is not None else point.loss
        point.epoch = epoch if epoch is not None else point.epoch
        point.metrics |= found
    return tuple(EvalPoint(p.step, p.epoch, p.loss, p.metrics) for p in points.values() if p.loss is not None or p.metrics)


def _trains(entries: list[Entry]) -> tuple[TrainPoint, ...]:
    points: dict[tuple[Number | None, Number | None, int], TrainPoint] = {}
    for order, entry in enumerate(entries):
        if any(word in entry for word in _SINGLE_STEP_WORDS):
            continue
        loss = next((amount for key in TRAIN_KEYS if (amount := number(entry.get(key))) is not None), None)
        if loss is None:
            continue
        step, epoch = axis_number(entry.get("step")), axis_number(entry.get("epoch"))
        place = (step, None, 0) if step is not None else (None, epoch, 0 if epoch is not None else order)
        points[place] = TrainPoint(step, epoch, float(loss))
    return tuple(points.values())


def _eval_rows(entries: list[Entry], name: str) -> int | None:
    """Return the eval set's rows: the Trainer logs its seconds and its rows per second."""
    prefix = f"eval_{name}_" if name else "eval_"
    counts = []
    for entry in entries:
        seconds, rate = number(entry.get(f"{prefix}runtime")), number(entry.get(f"{prefix}samples_per_second"))
        if seconds and rate and seconds > 0 and rate > 0:
            counts.append(seconds * rate)
    return round(statistics.median(counts)) if counts else None


def _is_reinforcement(entries: list[Entry]) -> bool:
    keys = {str(key) for entry in entries for key in entry}
    if "rewards/margins" in keys:  # preference training (DPO and its kin) logs implicit rewards beside a true loss
        return False
    return bool(keys & _REWARD_KEYS) or any(key.startswith("ppo/") for key in keys)

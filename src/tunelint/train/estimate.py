"""What a local run will take: tokens, floating-point operations, time and memory, reckoned before it starts.

Operations: 6 N per token for full fine-tuning, 4 N with frozen weights (their own gradients fall away), 2 N more with
activation checkpointing, 2 N per token measured (Kaplan et al. 2020, section 2.1; N = parameters). Speed: a matrix
product is timed on the training device, and training is taken to run at a fifth to three fifths of it. Memory: weights,
gradients and Adam's two moments, activations and logits.
"""

from __future__ import annotations

import random
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tunelint.errors import TunelintError
from tunelint.train.adapt import count_trained
from tunelint.train.backend import Estimate
from tunelint.train.encode import Encoder
from tunelint.train.hardware import choose_device, choose_precision
from tunelint.train.models import SMALL_MODEL, load_skeleton
from tunelint.train.plan import Plan
from tunelint.train.records import TrainRecord
from tunelint.train.rows import preference_pairs
from tunelint.train.schedule import make_schedule
from tunelint.train.settings import Settings, decide

SAMPLE = 500
SLOW_SHARE, FAST_SHARE = 0.2, 0.6
TRIES = 12
# Bytes kept in 16 bits for the backward pass per token, layer and unit of width: Korthikanti et al. 2022
# (https://arxiv.org/abs/2205.05198), equation 2, with an attention kernel that does not keep its scores.
ACTIVATIONS_PER_UNIT = 34


@dataclass(frozen=True)
class Lengths:
    """Tokens of the rows of one split, from a sample of them."""

    mean: float
    padded: float
    rows: int

    @property
    def tokens(self) -> int:
        """Tokens in one pass, padding not counted."""
        return round(self.mean * self.rows)


def estimate_local(plan: Plan) -> Estimate:
    """Reckon the run. Loads the tokenizer and the model's shape, not its weights; takes seconds.

    Raises TunelintError where the model cannot be found, and for DPO where no row is a preference pair.
    """
    if plan.method == "dpo":
        plan = replace(plan, train=preference_pairs(plan.train, "train"), eval=preference_pairs(plan.eval, "eval"))
    tokenizer, skeleton, context = load_skeleton(plan)
    parameters = skeleton.num_parameters()
    settings = decide(plan, len(plan.train), context, parameters)
    with tempfile.TemporaryDirectory(prefix="tunelint-") as folder:
        tokenizer.save_pretrained(folder)
        encoder = Encoder(Path(folder), settings.max_length)
        train = _lengths(encoder, plan.train, settings.batch_size)
        evals = _lengths(encoder, plan.eval, settings.batch_size)
    schedule = make_schedule(len(plan.train), settings.batch_size, settings.epochs, settings.evals, settings.max_steps)
    trained = count_trained(skeleton, settings)
    # A preference pair is two rows, and the model before training is asked about each once.
    sides = 2 if plan.method == "dpo" else 1
    passes = sides * train.padded * train.rows * settings.epochs
    measured = evals.tokens * (len(schedule.evals) + 1) + train.tokens * len(schedule.row_passes)
    measured = sides * measured + (train.tokens + evals.tokens if sides == 2 else 0) * sides
    checkpointing = 2 if plan.hyperparameters.activation_checkpointing else 0
    per_token = (6 if trained > parameters / 2 else 4) + checkpointing
    flops = parameters * (per_token * passes + 2 * measured)
    device = choose_device(plan)
    speed = _matmul_speed(device, threads=1 if parameters < SMALL_MODEL else None)
    return Estimate(
        tokens=train.tokens,
        steps=schedule.total_steps,
        seconds=(flops / speed / FAST_SHARE, flops / speed / SLOW_SHARE),
        memory_bytes=_memory(plan, skeleton, settings, trained, sides * train.padded, choose_precision(plan, device)),
        cost_usd=None,
        parameters=parameters,
        trained_parameters=trained,
        flops=flops,
        basis=(
            f"Tokens counted in {min(SAMPLE, len(plan.train))} of {len(plan.train)} rows. {device} measured at "
            f"{speed / 1e9:,.0f} GFLOP/s for a matrix product, of which training reaches a fifth to three fifths. "
            "Memory is what the training device needs, within about a third; on the CPU the libraries add 1 GB."
        ),
    )


def _lengths(encoder: Encoder, records: Sequence[TrainRecord], batch_size: int) -> Lengths:
    if not records:
        return Lengths(0.0, 0.0, 0)
    random_ = random.Random(0)
    chosen = random_.sample(list(records), min(SAMPLE, len(records)))
    lengths = [len(encoder.encode(record).input_ids) for record in chosen]
    size = min(batch_size, len(lengths))
    longest = [max(random_.sample(lengths, size)) for _ in range(50)]
    return Lengths(sum(lengths) / len(lengths), sum(longest) / len(longest), len(records))


def _memory(plan: Plan, skeleton: Any, settings: Settings, trained: int, length: float, precision: str) -> int:
    asked = plan.hyperparameters
    rows = min(asked.micro_batch_size or settings.batch_size, settings.batch_size)
    config = skeleton.config.get_text_config()
    # Four bits and their scales; bf16 where frozen; float32 otherwise.
    weight_bytes = {"qlora": 0.55, "lora": 2.0 if precision == "bf16" else 4.0}.get(settings.method, 4.0)
    weights = skeleton.num_parameters() * weight_bytes + trained * 12
    layers = 1 if asked.activation_checkpointing else config.num_hidden_layers
    width = config.hidden_size * (1 if precision == "bf16" else 2)
    activations = rows * length * width * layers * ACTIVATIONS_PER_UNIT
    # The logits in float32, shifted, as probabilities, and the gradients of these.
    logits = rows * length * config.vocab_size * 4 * 5
    return int(weights + activations + logits)


def _matmul_speed(device: str, threads: int | None) -> float:
    """Floating-point operations per second of a square matrix product on `device`, the best of a dozen short tries."""
    import torch

    size = 1024 if device == "cpu" else 8192
    dtype = torch.bfloat16 if device == "cuda" and torch.cuda.is_bf16_supported() else torch.float32
    before = torch.get_num_threads()
    if threads:
        torch.set_num_threads(threads)
    try:
        matrix = torch.ones(size, size, dtype=dtype, device=device)
        best = 0.0
        for _ in range(TRIES):
            started = time.perf_counter()
            total = (matrix @ matrix).sum().item()
            best = max(best, 2 * size**3 / (time.perf_counter() - started))
            if total <= 0:
                raise TunelintError(f"The device {device} multiplies wrongly; it cannot be used.")
    finally:
        torch.set_num_threads(before)
    return best

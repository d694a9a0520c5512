"""What a local run takes, beside what the estimate said: `python benchmarks/train_local.py --model tiny --rows 300`.

Trains on the first rows of GSM8K (TUNELINT_CORPORA/gsm8k) and prints wall time, CPU time, tokens per second, peak memory,
and the eval curve's first, lowest and last point. Nothing is asserted: timings belong to the machine.
"""

from __future__ import annotations

import argparse
import os
import resource
import sys
import tempfile
import time
from itertools import islice
from pathlib import Path

from tunelint.records import read_records
from tunelint.train import Hyperparameters, Plan, TrainRecord, backend_for, follow_run, select_records, start_run


def gsm8k(split: str, count: int) -> tuple[TrainRecord, ...]:
    """Return the first `count` rows of a split."""
    corpora = os.environ.get("TUNELINT_CORPORA")
    if not corpora:
        sys.exit("set TUNELINT_CORPORA to a folder that holds gsm8k/train.jsonl and gsm8k/test.jsonl")
    path = Path(corpora, "gsm8k", f"{split}.jsonl")
    return select_records((record.example, record.digest) for record in islice(read_records(str(path)), count)).records


def main() -> None:
    """Estimate, train, compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="tiny")
    parser.add_argument("--method", choices=["full", "lora", "qlora", "last-layers"])
    parser.add_argument("--precision", choices=["fp32", "bf16"])
    parser.add_argument("--rows", type=int, default=300)
    parser.add_argument("--eval-rows", type=int, default=60)
    parser.add_argument("--epochs", type=int)
    parser.add_argument("--batch-size", type=int)
    parser.add_argument("--max-length", type=int)
    given = vars(parser.parse_args())
    rows, eval_rows, model = given.pop("rows"), given.pop("eval_rows"), given.pop("model")
    with tempfile.TemporaryDirectory() as folder:
        plan = Plan(
            train=gsm8k("train", rows),
            eval=gsm8k("test", eval_rows),
            model=model,
            run_dir=Path(folder, "run"),
            hyperparameters=Hyperparameters(**given),
        )
        estimate = backend_for("local").estimate(plan)
        low, high = estimate.seconds or (0.0, 0.0)
        print(f"estimate   {low:.0f} to {high:.0f} s, {(estimate.memory_bytes or 0) / 1e9:.2f} GB, {estimate.basis}")
        run = start_run(plan)
        started, cpu = time.perf_counter(), time.process_time()
        for _ in follow_run(run):
            pass
        wall, cpu = time.perf_counter() - started, time.process_time() - cpu
        tokens = (estimate.tokens or 0) * run.read()["settings"]["epochs"]
        flops = estimate.flops or 0.0
        print(f"measured   {wall:.0f} s wall, {cpu:.0f} s CPU, {tokens / wall:,.0f} tokens/s, {flops / wall / 1e9:,.0f} GFLOP/s")
        print(f"peak       {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6:.2f} GB of main memory{_gpu_peak()}")
        curve = [point["eval_loss"] for point in run.metrics.read() if "eval_loss" in point]
        print(f"eval loss  {curve[0]:.3f} first, {min(curve):.3f} lowest, {curve[-1]:.3f} last, {len(curve)} points")


def _gpu_peak() -> str:
    import torch

    if not torch.cuda.is_available():
        return ""
    return f", {torch.cuda.max_memory_allocated() / 1e9:.2f} GB of {torch.cuda.get_device_name()}"


if __name__ == "__main__":
    main()

"""Out of memory: tell it from other errors, and choose the next smaller micro-batch."""

from __future__ import annotations

import gc

from tunelint.errors import TunelintError

# What torch's allocators say: CUDA and XPU, the CPU's, Apple's MPS, and the libraries below them.
PHRASES = (
    "out of memory",
    "not enough memory",
    "can't allocate memory",
    "cublas_status_alloc_failed",
)


def is_out_of_memory(error: BaseException) -> bool:
    """Whether `error` says that the training device is full."""
    import torch

    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    return isinstance(error, RuntimeError) and any(phrase in str(error).lower() for phrase in PHRASES)


def free_memory() -> None:
    """Give back what a failed try held."""
    import torch

    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    elif torch.backends.mps.is_available():
        torch.mps.empty_cache()


def split_batch(batch_size: int, processes: int, most: int | None) -> int:
    """Return the largest micro-batch of at most `most` rows that divides each process's part of the batch.

    The effective batch is thus always kept exactly. Raises TunelintError where the processes cannot share it evenly.
    """
    if batch_size % processes:
        raise TunelintError(
            f"A batch of {batch_size} rows cannot be split evenly over {processes} processes; change --batch-size."
        )
    part = batch_size // processes
    return max(size for size in range(1, min(most or part, part) + 1) if part % size == 0)


def smaller(batch_size: int, processes: int, micro_batch_size: int) -> int:
    """Return the micro-batch to try after `micro_batch_size` rows did not fit: half of it, or the next that divides.

    Raises TunelintError where even one row did not fit.
    """
    if micro_batch_size == 1:
        raise TunelintError(
            "Out of memory with a single row at a time; lower --max-length, switch on activation checkpointing, use "
            "the method lora or qlora, or take a smaller model."
        )
    return split_batch(batch_size, processes, micro_batch_size // 2)

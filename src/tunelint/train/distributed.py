"""Several processes, one run: who leads, and what they tell each other. With one process all of this does nothing.

`torchrun --nproc_per_node N -m tunelint.train.worker RUN_FOLDER` (or `accelerate launch`) sets RANK and WORLD_SIZE. Only
the leader, rank 0, writes to the run folder and tells events.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


def rank() -> int:
    """This process's number, 0 for the leader."""
    return int(os.environ.get("RANK", "0"))


def world_size() -> int:
    """The number of processes of the run."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def is_leader() -> bool:
    """Whether this process writes."""
    return rank() == 0


def join(device: str) -> None:
    """Meet the other processes: gloo on a CPU, the device's own library elsewhere."""
    if world_size() > 1:
        from accelerate import PartialState

        PartialState(cpu=device == "cpu")


def barrier() -> None:
    """Wait for the others."""
    if world_size() > 1:
        import torch

        torch.distributed.barrier()


def any_of(flag: bool) -> bool:
    """Whether `flag` holds in any process: all must leave the loop after the same step."""
    if world_size() == 1:
        return flag
    import torch

    flags: list[bool] = [False] * world_size()
    torch.distributed.all_gather_object(flags, flag)
    return any(flags)


def share(count: int) -> list[int]:
    """The indices, out of `count`, that this process measures."""
    return list(range(rank(), count, world_size()))


def gather(count: int, mine: Sequence[float]) -> npt.NDArray[np.float64]:
    """Put the values of all shares together, (count,) in the order of the rows, in every process."""
    import numpy as np

    values = np.zeros(count)
    if world_size() == 1:
        values[:] = mine
        return values
    import torch

    parts: list[list[float]] = [[]] * world_size()
    torch.distributed.all_gather_object(parts, [float(value) for value in mine])
    for number, part in enumerate(parts):
        values[number :: world_size()] = part
    return values

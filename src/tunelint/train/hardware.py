"""Which device trains, with how many threads, and in which precision."""

from __future__ import annotations

from tunelint.errors import TunelintError
from tunelint.train.plan import Plan


def choose_device(plan: Plan) -> str:
    """Return "cuda", "mps" or "cpu": what the plan asks for, else the best there is.

    Raises TunelintError where the plan asks for a device that this machine (or this build of torch) lacks.
    """
    import torch

    available = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    asked = plan.hyperparameters.device
    if asked is None:
        return next(name for name in ("cuda", "mps", "cpu") if available[name])
    if not available[asked]:
        raise TunelintError(f"The device {asked} was asked for, but torch {torch.__version__} finds none here.")
    return asked


def set_threads(plan: Plan, device: str, small: bool) -> None:
    """One thread for a small model: two were measured slower, and one sums in the same order each time."""
    import torch

    if plan.hyperparameters.threads:
        torch.set_num_threads(plan.hyperparameters.threads)
    elif device == "cpu" and small:
        torch.set_num_threads(1)

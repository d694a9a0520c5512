"""Which device trains, with how many threads, in which precision, and what the hardware cannot do."""

from __future__ import annotations

from tunelint.errors import TunelintError
from tunelint.train import distributed
from tunelint.train.plan import Plan

LARGE_MODEL = 1_000_000_000


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


def choose_precision(plan: Plan, device: str) -> str:
    """Return "bf16" where the plan asks for it or a CUDA device has it, else "fp32".

    bf16 is mixed precision: products in bfloat16, weights, their gradients and the optimiser in float32. Never fp16.
    """
    import torch

    asked = plan.hyperparameters.precision
    if asked == "bf16" and device == "cuda" and not torch.cuda.is_bf16_supported():
        raise TunelintError("This CUDA device has no bfloat16; use --precision fp32.")
    return asked or ("bf16" if device == "cuda" and torch.cuda.is_bf16_supported() else "fp32")


def choose_activation_checkpointing(plan: Plan, device: str, parameters: int) -> bool:
    """Recompute activations instead of keeping them: as asked, else for large models on a GPU."""
    asked = plan.hyperparameters.activation_checkpointing
    return asked if asked is not None else device != "cpu" and parameters >= LARGE_MODEL


def advice(device: str) -> tuple[str, ...]:
    """What the user should know about the hardware."""
    import torch

    count = torch.cuda.device_count() if device == "cuda" else 1
    if count > distributed.world_size():
        return (
            f"{count} GPUs are here and {distributed.world_size()} is used; `torchrun --nproc_per_node {count} -m "
            "tunelint.train.worker RUN_FOLDER` resumes a run on all of them.",
        )
    return ()


def require_qlora(device: str) -> None:
    """Raise TunelintError where QLoRA cannot run: it needs bitsandbytes and a CUDA device."""
    from importlib.util import find_spec

    if device != "cuda":
        raise TunelintError(f"qlora needs a CUDA GPU, and this run is on {device}; use the method lora.")
    if find_spec("bitsandbytes") is None:
        raise TunelintError("qlora needs bitsandbytes: pip install bitsandbytes; or use the method lora.")

"""The loss of every example: mean negative log-likelihood per trained token, in float32, not averaged over batches."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from tunelint.train.encode import IGNORED, Encoded

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

# Tokens, padding included, that one forward pass measures: bounds the memory of the logits.
TOKENS_PER_PASS = 8192


def collate(rows: Sequence[Encoded], pad: int) -> dict[str, Any]:
    """Pad `rows` on the right to the longest and return `input_ids`, `attention_mask`, `labels`, each (B, T) int64."""
    import torch

    longest = max(len(row.input_ids) for row in rows)
    batch = {"input_ids": [], "attention_mask": [], "labels": []}  # type: dict[str, list[list[int]]]
    for row in rows:
        missing = longest - len(row.input_ids)
        batch["input_ids"].append(row.input_ids + [pad] * missing)
        batch["attention_mask"].append([1] * len(row.input_ids) + [0] * missing)
        batch["labels"].append(row.labels + [IGNORED] * missing)
    return {name: torch.tensor(value, dtype=torch.long) for name, value in batch.items()}


def example_losses(model: Any, rows: Sequence[Encoded], pad: int, device: Any) -> npt.NDArray[np.float32]:
    """Return the loss of each of `rows`, (N,) float32 in nats per trained token; leaves mode and gradients alone."""
    import numpy as np
    import torch
    from torch.nn.functional import cross_entropy

    losses = np.zeros(len(rows), dtype=np.float32)
    training = model.training
    model.eval()
    try:
        with torch.no_grad():
            for indices in _batches(rows):
                batch = {
                    name: value.to(device) for name, value in collate([rows[index] for index in indices], pad).items()
                }
                labels = batch.pop("labels")[:, 1:]
                logits = model(**batch, use_cache=False).logits[:, :-1].float()
                token_losses = cross_entropy(logits.transpose(1, 2), labels, ignore_index=IGNORED, reduction="none")
                counts = (labels != IGNORED).sum(dim=1).clamp(min=1)
                losses[indices] = (token_losses.sum(dim=1) / counts).float().cpu().numpy()
    finally:
        model.train(training)
    return losses


def _batches(rows: Sequence[Encoded]) -> list[list[int]]:
    """Rows of like length together: little padding, and the same batches each time, so that losses are repeatable."""
    batches: list[list[int]] = []
    current: list[int] = []
    for index in sorted(range(len(rows)), key=lambda index: (len(rows[index].input_ids), index)):
        if current and len(rows[index].input_ids) * (len(current) + 1) > TOKENS_PER_PASS:
            batches.append(current)
            current = []
        current.append(index)
    return [*batches, current] if current else batches


def mean_loss(losses: npt.NDArray[np.float32], tokens: Sequence[int]) -> float:
    """Return the mean over tokens, not over rows: each example weighs as many tokens as it trains."""
    import numpy as np

    weights = np.asarray(tokens, dtype=np.float64)
    return float((np.asarray(losses, dtype=np.float64) * weights).sum() / weights.sum())

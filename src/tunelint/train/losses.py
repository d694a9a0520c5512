"""The loss of every example: mean negative log-likelihood per trained token, in float32, not averaged over batches."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from tunelint.train import distributed
from tunelint.train.encode import IGNORED, Encoded
from tunelint.train.memory import free_memory, is_out_of_memory

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

# Tokens, padding included, that one forward pass measures, and the logits that it may make: 200 MB as float32, of which
# the loss holds three copies.
TOKENS_PER_PASS = 8192
LOGITS_PER_PASS = 50_000_000


def collate(rows: Sequence[Encoded], pad: int) -> dict[str, Any]:
    """Pad `rows` on the right to the longest and return `input_ids`, `attention_mask`, `labels`, each (B, T) int64.

    Padding is masked by length, never by token id: where the padding token is the end token, the end is still learnt.
    """
    import torch

    longest = max(len(row.input_ids) for row in rows)
    ids, mask, labels = [], [], []
    for row in rows:
        missing = longest - len(row.input_ids)
        ids.append(row.input_ids + [pad] * missing)
        mask.append([1] * len(row.input_ids) + [0] * missing)
        labels.append(row.labels + [IGNORED] * missing)
    named = {"input_ids": ids, "attention_mask": mask, "labels": labels}
    return {name: torch.tensor(value, dtype=torch.long) for name, value in named.items()}


def token_losses(model: Any, inputs: dict[str, Any]) -> tuple[Any, Any]:
    """Return the summed NLL of the trained tokens of each row of a batch, (B,) float32, and their number, (B,)."""
    from torch.nn.functional import cross_entropy

    labels = inputs["labels"][:, 1:]
    given = {name: value for name, value in inputs.items() if name != "labels"}
    logits = model(**given, use_cache=False).logits[:, :-1].float()
    losses = cross_entropy(logits.transpose(1, 2), labels, ignore_index=IGNORED, reduction="none")
    return losses.sum(dim=1), (labels != IGNORED).sum(dim=1)


def summed_losses(model: Any, rows: Sequence[Encoded], pad: int, device: Any) -> npt.NDArray[np.float64]:
    """Return the summed NLL of the trained tokens of each of `rows`, (N,) in nats.

    Leaves the model's mode and gradients alone. Shared out among the processes of the run; halves its batches where
    memory does not suffice.
    """
    import torch

    mine = [rows[index] for index in distributed.share(len(rows))]
    limit = max(1, min(TOKENS_PER_PASS, LOGITS_PER_PASS // model.config.get_text_config().vocab_size))
    training = model.training
    model.eval()
    try:
        with torch.no_grad():
            while True:
                try:
                    return distributed.gather(len(rows), _measure(model, mine, pad, device, limit))
                except RuntimeError as error:
                    if not is_out_of_memory(error) or limit < max(len(row.input_ids) for row in mine):
                        raise
                    limit //= 2
                free_memory()
    finally:
        model.train(training)


def example_losses(model: Any, rows: Sequence[Encoded], pad: int, device: Any) -> npt.NDArray[np.float32]:
    """Return the loss of each of `rows`, (N,) float32 in nats per trained token."""
    import numpy as np

    return (summed_losses(model, rows, pad, device) / [max(1, row.trained) for row in rows]).astype(np.float32)


def mean_loss(losses: npt.NDArray[np.float32], tokens: Sequence[int]) -> float:
    """Return the mean over tokens, not over rows: each example weighs as many tokens as it trains."""
    import numpy as np

    weights = np.asarray(tokens, dtype=np.float64)
    return float((np.asarray(losses, dtype=np.float64) * weights).sum() / weights.sum())


def _measure(model: Any, rows: Sequence[Encoded], pad: int, device: Any, limit: int) -> list[float]:
    losses = [0.0] * len(rows)
    for indices in _batches(rows, limit):
        batch = collate([rows[index] for index in indices], pad)
        sums, _ = token_losses(model, {name: value.to(device) for name, value in batch.items()})
        for index, loss in zip(indices, sums.tolist(), strict=True):
            losses[index] = loss
    return losses


def _batches(rows: Sequence[Encoded], limit: int) -> list[list[int]]:
    """Rows of like length together: little padding, and the same batches each time, so that losses are repeatable."""
    batches: list[list[int]] = []
    current: list[int] = []
    for index in sorted(range(len(rows)), key=lambda index: (len(rows[index].input_ids), index)):
        if current and len(rows[index].input_ids) * (len(current) + 1) > limit:
            batches.append(current)
            current = []
        current.append(index)
    return [*batches, current] if current else batches

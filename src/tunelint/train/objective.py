"""What a run minimises: the likelihood of answers (supervised), or the preference of one answer over another (DPO)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from tunelint.train.encode import Encoded
from tunelint.train.losses import collate, example_losses, mean_loss, summed_losses, token_losses

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


class Row(Protocol):
    """A row of either objective; `trained` is its weight in the mean loss."""

    @property
    def digest(self) -> str:
        """The row's name."""

    @property
    def trained(self) -> int:
        """How much the row weighs: its trained tokens, 1 for a pair."""


class Objective(Protocol):
    """How rows become batches and losses."""

    def collate(self, rows: Sequence[Any]) -> dict[str, Any]:
        """Return the tensors of a batch."""

    def batch_loss(self, model: Any, inputs: dict[str, Any]) -> Any | None:
        """Return the loss to minimise, a scalar tensor; None for the model's own (the mean over trained tokens)."""

    def measure(self, model: Any, rows: Sequence[Any], device: Any) -> tuple[npt.NDArray[np.float32], dict[str, float]]:
        """Return the loss of each row, (N,) float32, and any further metrics of the whole, by name."""


@dataclass(frozen=True)
class Likelihood:
    """Supervised fine-tuning: mean NLL per trained token. `pad` is the padding token's id."""

    pad: int

    def collate(self, rows: Sequence[Encoded]) -> dict[str, Any]:
        """Return `input_ids`, `attention_mask` and `labels`, (B, T) each."""
        return collate(rows, self.pad)

    def batch_loss(self, model: Any, inputs: dict[str, Any]) -> Any | None:
        """None: causal language models compute this loss themselves."""
        return None

    def measure(
        self, model: Any, rows: Sequence[Encoded], device: Any
    ) -> tuple[npt.NDArray[np.float32], dict[str, float]]:
        """Return the NLL per trained token of each row."""
        return example_losses(model, rows, self.pad, device), {}


@dataclass(frozen=True, slots=True)
class Pair:
    """A preference pair, encoded: the same prompt, two answers."""

    digest: str
    chosen: Encoded
    rejected: Encoded

    @property
    def trained(self) -> int:
        """Every pair weighs the same."""
        return 1


@dataclass(frozen=True)
class Preference:
    """Direct preference optimisation (Rafailov et al. 2023, https://arxiv.org/abs/2305.18290, equation 7).

    The loss of a pair is -log sigmoid(beta * margin), margin = how much more the model has come to prefer the chosen
    answer over the rejected one than the model it started from did. What the starting model gives both answers is
    measured once, so that no second model is held in memory: `reference` maps a pair to that difference in nats.
    """

    pad: int
    beta: float
    reference: dict[str, float] = field(default_factory=dict)

    def remember(self, model: Any, pairs: Sequence[Pair], device: Any) -> None:
        """Measure `pairs` with the model as it is before training."""
        for pair, margin in zip(pairs, self._margins(model, pairs, device), strict=True):
            self.reference[pair.digest] = float(margin)

    def collate(self, rows: Sequence[Pair]) -> dict[str, Any]:
        """Return a batch of 2 B rows, all chosen answers and then all rejected ones, and `reference`, (B,) float32."""
        import torch

        batch = collate([row.chosen for row in rows] + [row.rejected for row in rows], self.pad)
        # Not called "labels": the Trainer would scale the loss by their number.
        batch["targets"] = batch.pop("labels")
        batch["reference"] = torch.tensor([self.reference[row.digest] for row in rows], dtype=torch.float32)
        return batch

    def batch_loss(self, model: Any, inputs: dict[str, Any]) -> Any | None:
        """Return the mean loss over the pairs of a batch."""
        from torch.nn.functional import logsigmoid

        given = {"input_ids": inputs["input_ids"], "attention_mask": inputs["attention_mask"]}
        sums, _ = token_losses(model, {**given, "labels": inputs["targets"]})
        chosen, rejected = (-sums).chunk(2)
        return -logsigmoid(self.beta * (chosen - rejected - inputs["reference"])).mean()

    def measure(
        self, model: Any, rows: Sequence[Pair], device: Any
    ) -> tuple[npt.NDArray[np.float32], dict[str, float]]:
        """Return the loss of each pair, and how many pairs the model has come to rank right."""
        import numpy as np

        margins = self._margins(model, rows, device) - [self.reference[row.digest] for row in rows]
        losses = np.logaddexp(0.0, -self.beta * margins).astype(np.float32)
        return losses, {"eval_preference_accuracy": float((margins > 0).mean())}

    def _margins(self, model: Any, pairs: Sequence[Pair], device: Any) -> npt.NDArray[np.float64]:
        chosen = summed_losses(model, [pair.chosen for pair in pairs], self.pad, device)
        return summed_losses(model, [pair.rejected for pair in pairs], self.pad, device) - chosen


def mean_over(rows: Sequence[Row], losses: npt.NDArray[np.float32]) -> float:
    """Return the mean of `losses` with each row's weight."""
    return mean_loss(losses, [row.trained for row in rows])

"""The verdict on one run; `to_json` is the shape that `tunelint curves --format json` promises."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from tunelint.curves.run import Number

Class = Literal["overfit", "overconfident", "healthy", "still_improving", "diverged", "inconclusive"]
Degree = Literal["mild", "moderate", "strong"]
Change = Literal["better", "same", "worse"]
Risk = Literal["note", "warning"]


@dataclass(frozen=True, slots=True)
class Best:
    """The evaluation with the best loss; `index` counts the eval points from 0 as given."""

    index: int
    step: Number | None
    epoch: Number | None
    eval_loss: float


@dataclass(frozen=True, slots=True)
class Onset:
    """The evaluation after which the loss rises for good."""

    index: int
    step: Number | None
    epoch: Number | None


@dataclass(frozen=True, slots=True)
class Recommended:
    """The checkpoint to keep, and how many epochs to train next time (None where the log has no epochs)."""

    step: Number | None
    epoch: Number | None
    epochs_next_time: int | None
    why: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the curve says. `rise` is the relative rise of the eval loss from its minimum to the end (0.05 = 5 %)."""

    source: str
    verdict: Class
    severity: Degree | None
    confidence: float
    best: Best | None
    onset: Onset | None
    rise: float | None
    recommended: Recommended | None
    metrics: Mapping[str, Change] = field(default_factory=dict)
    memorisation_risk: Risk | None = None
    evidence: Mapping[str, Any] = field(default_factory=dict)

    @property
    def loss_rose(self) -> bool:
        """True for the two verdicts that say that the eval loss went up for good."""
        return self.verdict in ("overfit", "overconfident")

    def to_json(self) -> dict[str, Any]:
        """Return the run's object of the JSON report: plain types, floats to 6 significant digits, no NaN."""
        return {
            "source": self.source,
            "verdict": self.verdict,
            "severity": self.severity,
            "confidence": plain(self.confidence),
            "best": None if self.best is None else plain(asdict(self.best)),
            "onset": None if self.onset is None else plain(asdict(self.onset)),
            "rise": plain(self.rise),
            "recommended": None if self.recommended is None else plain(asdict(self.recommended)),
            "metrics": dict(self.metrics),
            "memorisation_risk": self.memorisation_risk,
            "evidence": plain(dict(self.evidence)),
        }


def plain(value: Any) -> Any:
    """Return `value` in JSON types: floats rounded to 6 significant digits, NaN and infinity as null."""
    if isinstance(value, bool) or value is None or isinstance(value, (str, int)):
        return value
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    number = float(value)
    return float(f"{number:.6g}") if math.isfinite(number) else None

"""What training costs at a hosted target: tokens times epochs times a dated price. A price that is unknown stays unknown."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from tunelint.targets import load_target

FACT = "training-price"


@dataclass(frozen=True, slots=True)
class Price:
    """US dollars for a million training tokens of a base model, where that was read and when."""

    model: str
    usd_per_million: float
    source: str
    read: date

    def cost(self, tokens: int, epochs: float) -> float:
        """Return the US dollars for `epochs` passes over so many tokens."""
        return tokens * epochs * self.usd_per_million / 1e6


def training_prices(target: str) -> tuple[Price, ...] | None:
    """Return the target's prices by base model, () where it has them but they are unknown, None where nothing is billed.

    Raises TunelintError for a target that does not exist.
    """
    fact = next((fact for fact in load_target(target).facts if fact.name == FACT), None)
    if fact is None:
        return None
    prices = fact.value if isinstance(fact.value, dict) and fact.status != "unknown" else {}
    return tuple(Price(model, float(usd), fact.source, fact.read) for model, usd in prices.items())


def price_of(target: str, model: str) -> Price | None:
    """Return the price of a base model, the longest name that `model` starts with; None where it is unknown.

    A dated snapshot (`gpt-4.1-2025-04-14`) costs what its model costs; `gpt-4.1-mini` is another model than `gpt-4.1`.
    """
    named = [price for price in training_prices(target) or () if _is_model(model, price.model)]
    return max(named, key=lambda price: len(price.model), default=None)


def _is_model(asked: str, priced: str) -> bool:
    if asked == priced:
        return True
    shorter, longer = sorted((asked, priced), key=len)
    return longer.startswith(f"{shorter}-20")  # a snapshot's date follows

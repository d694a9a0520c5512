"""What a hosted target will bill for the training files: kept tokens times epochs times price."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tunelint.prices import Price, training_prices
from tunelint.stats.measure import Stats


@dataclass(frozen=True, slots=True)
class Bill:
    """The bill of one target and base model. `price` None: unknown. `exact` False where the tokens are estimates."""

    target: str
    tokens: int
    epochs: float
    price: Price | None
    exact: bool

    @property
    def usd(self) -> float | None:
        """US dollars, None where the price is unknown."""
        return None if self.price is None else self.price.cost(self.tokens, self.epochs)

    def sentence(self) -> str:
        """Say the cost with the price, its date and source."""
        about = "" if self.exact else "about "
        amount = f"{about}{self.tokens:,} tokens x {self.epochs:g} epoch{'' if self.epochs == 1 else 's'}"
        if self.price is None:
            return f"Cost at {self.target}: unknown ({amount}; the price is unknown, --price USD gives it)."
        price = self.price
        dated = f", read {price.read}: {price.source}" if price.source else ""
        model = f" {price.model}" if price.model else ""
        return f"Cost at {self.target}{model}: {about}{self.usd:,.2f} USD ({amount} x {price.usd_per_million:g} USD per million{dated})."


def bills(stats: Stats, epochs: float, price: float | None) -> list[Bill]:
    """Return the bills of all hosted targets over the training files; `price` (USD per million) replaces the known ones."""
    from tunelint.targets import today

    found = []
    for ledger in stats.ledgers("train"):
        prices: Sequence[Price] | None = training_prices(ledger.target)
        if prices is None or not ledger.rows:
            continue
        if price is not None:
            prices = [Price("", price, "", today())]
        found += [Bill(ledger.target, ledger.tokens_kept, epochs, item, ledger.exact) for item in prices or (None,)]
    return found

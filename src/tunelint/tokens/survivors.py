"""The ledger of a target: rows in, rows trained, rows dropped and why, tokens trained, tokens cut, steps per epoch."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from tunelint.tokens.outcomes import Outcome


@dataclass
class Ledger:
    """Sums over the records of a file or a set, for one target.

    `dropped`, `untrained` and `stopping` count records by reason; `answers_cut` counts trained rows that lose part of what
    was to be trained, `unended` trained rows whose last trained token (as a rule the end token) is lost. `estimated`
    counts records whose numbers are estimates.
    """

    target: str
    rows: int = 0
    trained: int = 0
    dropped: Counter[str] = field(default_factory=Counter)
    untrained: Counter[str] = field(default_factory=Counter)
    stopping: Counter[str] = field(default_factory=Counter)
    tokens: int = 0
    tokens_kept: int = 0
    tokens_trained: int = 0
    tokens_cut: int = 0
    trained_tokens_cut: int = 0
    answers_cut: int = 0
    unended: int = 0
    estimated: int = 0

    def add(self, outcome: Outcome) -> None:
        """Enter one record. Its tokens count as cut where the window takes them, not where the whole row is left out."""
        self.rows += 1
        self.tokens += outcome.tokens
        self.estimated += not outcome.exact
        if outcome.fate == "trained":
            self.trained += 1
            self.tokens_kept += outcome.kept
            self.tokens_trained += outcome.trained
            self.tokens_cut += outcome.cut
            self.trained_tokens_cut += outcome.trained_cut
            self.answers_cut += outcome.trained_cut > 0
            self.unended += outcome.ends is False
        else:
            {"dropped": self.dropped, "untrained": self.untrained, "stops": self.stopping}[outcome.fate][outcome.reason] += 1

    @property
    def exact(self) -> bool:
        """Whether no number of it is an estimate."""
        return self.estimated == 0

    @property
    def left_out(self) -> int:
        """Records that are in the file and teach nothing: dropped, untrained, or stopping the run."""
        return self.rows - self.trained

    def steps_per_epoch(self, batch_size: int) -> int:
        """Return the optimizer steps of an epoch: rows that the target keeps, in batches, the last one perhaps short.

        A row that is kept without a trained token takes its place in a batch all the same.
        """
        return math.ceil((self.trained + self.untrained.total()) / batch_size)


def survivors(target: str, outcomes: Iterable[Outcome]) -> Ledger:
    """Return the ledger of a target over the outcomes of its records."""
    ledger = Ledger(target)
    for outcome in outcomes:
        ledger.add(outcome)
    return ledger

"""The ledger of a target: rows in, rows trained, rows dropped and why, tokens trained, tokens cut, steps per epoch."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, fields

from tunelint.tokens.outcomes import Outcome


@dataclass
class Ledger:
    """Sums over the records of a file or a set, for one target.

    `overlong` counts rows of which the window leaves less than all, `longest` is the longest row's tokens before it.
    `dropped`, `untrained` and `stopping` count records by reason; `answers_cut` counts trained rows that lose part of what
    was to be trained, `unended` trained rows whose last trained token (as a rule the end token) is lost. `estimated`
    counts records whose numbers are estimates. `tokens_kept` counts the rows that the target keeps, trained or not: what
    a service bills.
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
    overlong: int = 0
    longest: int = 0
    answers_cut: int = 0
    unended: int = 0
    estimated: int = 0

    def add(self, outcome: Outcome) -> None:
        """Enter one record. Its tokens count as cut where the window takes them, not where the whole row is left out."""
        self.rows += 1
        self.tokens += outcome.tokens
        self.longest = max(self.longest, outcome.tokens)
        self.overlong += outcome.kept < outcome.tokens
        self.estimated += not outcome.exact
        if outcome.fate in ("trained", "untrained"):
            self.tokens_kept += outcome.kept
        if outcome.fate == "trained":
            self.trained += 1
            self.tokens_trained += outcome.trained
            self.tokens_cut += outcome.cut
            self.trained_tokens_cut += outcome.trained_cut
            self.answers_cut += outcome.trained_cut > 0
            self.unended += outcome.ends is False
        else:
            {"dropped": self.dropped, "untrained": self.untrained, "stops": self.stopping}[outcome.fate][outcome.reason] += 1

    def merge(self, other: Ledger) -> None:
        """Add the sums of another ledger of the same target: a further chunk or file."""
        for item in fields(self):
            if item.name == "longest":
                self.longest = max(self.longest, other.longest)
            elif item.name != "target":
                setattr(self, item.name, getattr(self, item.name) + getattr(other, item.name))

    @property
    def exact(self) -> bool:
        """Whether no number of it is an estimate."""
        return self.estimated == 0

    @property
    def left_out(self) -> int:
        """Records that are in the file and teach nothing: dropped, untrained, or stopping the run."""
        return self.rows - self.trained

    @property
    def reasons(self) -> list[tuple[str, int]]:
        """Why records are left out and how many, most first."""
        sums = self.dropped + self.untrained + self.stopping
        return sums.most_common()

    def sentence(self) -> str:
        """Say in one line what is left of the records."""
        about = "" if self.exact else "about "
        losses = [f"{count:,} {reason}" for reason, count in self.reasons]
        if self.answers_cut:
            losses.append(f"{self.answers_cut:,} with a cut answer")
        why = f" ({'; '.join(losses)})" if losses else ""
        return (
            f"{self.target} trains on {about}{self.trained:,} of {self.rows:,} records{why}: "
            f"{about}{self.tokens_trained:,} of {self.tokens:,} tokens"
        )

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


def joined(ledgers: Sequence[Ledger]) -> Ledger:
    """Return the sums of several ledgers of one target."""
    total = Ledger(ledgers[0].target if ledgers else "")
    for ledger in ledgers:
        total.merge(ledger)
    return total

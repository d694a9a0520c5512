"""What can be done about rows over a target's window: the setting and the commands, ready to be copied."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tunelint.report.text import plural, visible
from tunelint.stats.measure import Stats
from tunelint.tokens.recipes import recipe_for
from tunelint.tokens.survivors import Ledger

RULES = "TOK001,TOK002,TOK003"
"""The rules of the window: with them alone `clean` touches nothing else."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The ways out for one target. `setting` keeps the rows whole, `clean` shortens or drops them, `look` shows one."""

    target: str
    problem: str
    setting: str
    clean: str
    look: str

    def lines(self) -> Iterator[str]:
        """Yield the plan as text."""
        yield f"Plan for {self.target}: {self.problem}"
        if self.setting:
            yield f"  keep them whole            {self.setting}"
        yield f"  shorten or leave them out  {self.clean}"
        yield f"  look at one                {self.look}"


def plans(stats: Stats, tokenizer: str | None) -> list[Plan]:
    """Return a plan for each target that loses rows or parts of rows of the training files to its window."""
    return [_plan(stats, ledger, tokenizer) for ledger in stats.ledgers("train") if ledger.overlong]


def _plan(stats: Stats, ledger: Ledger, tokenizer: str | None) -> Plan:
    recipe = recipe_for(ledger.target, window=stats.window)
    longest = stats.longest("train", 1)[0]
    about = "" if ledger.exact else "about "
    problem = (
        f"{about}{ledger.overlong:,} of {plural(ledger.rows, 'row')} {'is' if ledger.overlong == 1 else 'are'} over the window of "
        f"{recipe.window:,} tokens; the longest has {about}{ledger.longest:,}"
    )
    paths = [file.path for file in stats.files if file.split == "train"]
    shared = ["--target", ledger.target, *(["--tokenizer", tokenizer] if tokenizer else [])]
    wide = 1 << max(ledger.longest - 1, 1).bit_length()
    return Plan(
        ledger.target,
        problem,
        f"{recipe.setting}: {wide}" if recipe.setting else "",
        _command("clean", *paths, "-o", "cleaned", "--unsafe-fixes", "--select", RULES, *shared),
        _command("tokens", longest.path, "--row", str(longest.row), *shared),
    )


def _command(*words: str) -> str:
    return visible("tunelint " + " ".join(shlex.quote(word) for word in _short(words)))


def _short(words: Sequence[str]) -> Sequence[str]:
    """Return the words with a long list of files cut: the commands are examples to fill in then."""
    return words if len(words) <= 20 else (*words[:9], "...", *words[-8:])

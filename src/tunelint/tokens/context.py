"""The tokenizer and the recipe of a run, and what they make of its records.

With a tokenizer folder every record is rendered and masked as the target does it (`rows_of`); without one, records are
counted turn by turn. Both give the same `Outcome`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from tunelint.records.example import Example
from tunelint.tokens.counters import Counter, RememberingCounter, counter_for
from tunelint.tokens.faults import REFUSED, faults_of
from tunelint.tokens.huggingface import FolderCounter
from tunelint.tokens.masks import PAIRS, RowMaker, as_trl_pair, refused
from tunelint.tokens.outcomes import Outcome
from tunelint.tokens.recipes import RECIPES, Recipe
from tunelint.tokens.rows import NO_TEMPLATE, NotTrainable, common_prefix
from tunelint.tokens.trl import dpo_pair
from tunelint.tokens.turn_counts import outcomes_by_count, pieces_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

GENERIC = "tunelint"
"""The recipe without a target: every assistant turn is trained, a row over the user's window is cut at its end."""


@dataclass(frozen=True)
class TokenContext:
    """What a run counts and masks with."""

    recipe: Recipe
    counter: Counter

    @property
    def maker(self) -> RowMaker | None:
        """Makes real rows, where the run has a tokenizer folder."""
        return RowMaker(self.recipe, self.counter.folder) if isinstance(self.counter, FolderCounter) else None

    def with_window(self, window: int | None) -> TokenContext:
        """Return the context with another window (None keeps the target's)."""
        return self if window is None else replace(self, recipe=replace(self.recipe, window=window))

    def remembering(self) -> TokenContext:
        """Return the context with a counter that counts each text once; a folder's rows are made of more than texts."""
        return self if isinstance(self.counter, FolderCounter) else replace(self, counter=RememberingCounter(self.counter))

    def for_recipe(self, recipe: Recipe) -> TokenContext:
        """Return the context of another target with the same tokenizer."""
        return replace(self, recipe=recipe)

    def outcomes(self, records: Sequence[tuple[dict[str, Any], Example]]) -> list[Outcome]:
        """Return what becomes of records (the parsed record and its view).

        A conversation is counted where the folder has no chat template to render it with.
        """
        maker = self.maker
        if maker is None:
            return outcomes_by_count([example for _, example in records], self.recipe, self.counter)
        made = [maker.outcome(record, example) for record, example in records]
        unrendered = [index for index, outcome in enumerate(made) if outcome.reason == NO_TEMPLATE]
        counted = outcomes_by_count([records[index][1] for index in unrendered], self.recipe, self.counter)
        for index, outcome in zip(unrendered, counted, strict=True):
            made[index] = outcome
        return made

    def pair_is_same_within_window(self, record: dict[str, Any], example: Example) -> bool:
        """Whether the window leaves nothing of a preference pair that tells chosen from rejected.

        By token ids where a tokenizer folder is at hand, else by counting the common beginning of the two answers. False
        for a record that is no pair, fits, or has two answers that are the same to begin with.
        """
        window = self.recipe.window
        if window is None or example.shape not in PAIRS or not example.rejected or example.answer is None:
            return False
        if self.maker is not None:
            try:
                pair = dpo_pair(as_trl_pair(record), self.maker.folder)
            except NotTrainable:
                return False
            cut = pair.cut(window)
            return pair.chosen != pair.rejected and bool(cut.chosen) and cut.chosen == cut.rejected
        chosen, rejected = example.answer.content, "\n".join(turn.content for turn in example.rejected)
        if chosen == rejected:
            return False
        prompt = [piece for piece in pieces_of(example, self.recipe, self.counter.name) if piece.side == "prompt"]
        counts = self.counter.count([*(text for piece in prompt for text in piece.texts), chosen[: common_prefix(chosen, rejected)]])
        return int(counts.sum()) + sum(piece.fixed for piece in prompt) >= window

    def rows_of(
        self, records: Sequence[tuple[dict[str, Any], Example]], outcomes: dict[int, Outcome] | None = None
    ) -> NDArray[np.int64]:
        """Return tokens, trained tokens and fault bits (`faults.py`) of each record before any window, shape (N, 3).

        All zero without a tokenizer folder, for conversations without a chat template, and for preference pairs, which
        have no single row. `outcomes` takes what the window makes of each row, by its index, so that no row is made twice.
        """
        import numpy as np

        rows = np.zeros((len(records), 3), dtype=np.int64)
        maker = self.maker
        if maker is None:
            return rows
        for index, (record, example) in enumerate(records):
            if example.shape in PAIRS or not example.turns:
                continue
            try:
                row = maker.row(record, example)
            except NotTrainable as refusal:
                rows[index, 2] = REFUSED if refusal.stops and refusal.reason != NO_TEMPLATE else 0
                if outcomes is not None and refusal.reason != NO_TEMPLATE:
                    outcomes[index] = refused(refusal)
            else:
                rows[index] = len(row.ids), row.trained_count, faults_of(row, example, maker.folder)
                if outcomes is not None:
                    outcomes[index] = maker.outcome_of(row, record, example)
        return rows


@lru_cache(maxsize=8)
def token_context(tokenizer: str | None, target: str | None, expected_chars: int | None = None) -> TokenContext:
    """Return the context of a run; loaded once per process.

    Raises TunelintError where `tokenizer` is a path without a readable tokenizer.
    """
    recipe = RECIPES.get(target or GENERIC, RECIPES[GENERIC])
    return TokenContext(recipe, counter_for(tokenizer, expected_chars=expected_chars))

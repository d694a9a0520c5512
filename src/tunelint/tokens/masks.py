"""One record, one target: the tokens that the target sees and the ones that it trains, and what its window leaves of them."""

from __future__ import annotations

from typing import Any

from tunelint.records.example import Example
from tunelint.tokens.axolotl import AxolotlMask, axolotl_row
from tunelint.tokens.huggingface import TokenizerFolder
from tunelint.tokens.llamafactory import Slots, llamafactory_row, parse_template
from tunelint.tokens.outcomes import Outcome, pair_verdict, verdict, window_of
from tunelint.tokens.own import own_row
from tunelint.tokens.recipes import Recipe
from tunelint.tokens.rows import NotTrainable, TokenRow
from tunelint.tokens.trl import dpo_pair, sft_row

PAIRS = frozenset({"preference", "openai-preference"})


class RowMaker:
    """Makes rows for one target with one tokenizer folder; what belongs to the folder alone is worked out once."""

    def __init__(self, recipe: Recipe, folder: TokenizerFolder) -> None:
        self.recipe = recipe
        self.folder = folder
        self._slots: Slots | None = None

    def row(self, record: dict[str, Any], example: Example, *, window: int | None = None) -> TokenRow:
        """Return the record's tokens and mask before the window (LLaMA-Factory's after it, where `window` is given).

        Raises NotTrainable where the target cannot use the record.
        """
        recipe = self.recipe
        if recipe.engine == "trl":
            whole = recipe.trains == "all"
            return sft_row(record, self.folder, assistant_only=recipe.assistant_only, completion_only=not whole)
        if recipe.engine == "axolotl":
            return axolotl_row(record, self.folder, AxolotlMask(train_on_inputs=recipe.train_on_inputs))
        if recipe.engine == "llamafactory":
            if self._slots is None:
                self._slots = parse_template(self.folder)
            return llamafactory_row(record, self.folder, self._slots, window, mask_history=recipe.mask_history)
        return own_row(example, self.folder)

    def outcome(self, record: dict[str, Any], example: Example) -> Outcome:
        """Return what becomes of a record at this target."""
        recipe = self.recipe
        try:
            if example.shape in PAIRS:
                pair = dpo_pair(as_trl_pair(record), self.folder)
                return pair_verdict(
                    recipe, prompt=len(pair.prompt), chosen=len(pair.chosen), rejected=len(pair.rejected), exact=True
                )
            return self.outcome_of(self.row(record, example), record, example)
        except NotTrainable as refusal:
            return refused(refusal)

    def outcome_of(self, row: TokenRow, record: dict[str, Any], example: Example) -> Outcome:
        """Return what the window makes of a row that `row` returned."""
        recipe = self.recipe
        if recipe.overlong == "proportional" and recipe.window is not None and len(row.ids) > recipe.window:
            cut = self.row(record, example, window=recipe.window)
            kept, trained, ends = len(cut.ids), cut.trained_count, _ends_alike(row, cut)
        else:
            part = window_of(len(row.ids), recipe)
            kept, trained = part.stop - part.start, sum(row.trained[part])
            ends = last_trained_survives(row.trained, part)
        return verdict(
            recipe, tokens=len(row.ids), wanted=row.trained_count, kept=kept, trained=trained, ends=ends, exact=row.exact
        )


def refused(refusal: NotTrainable) -> Outcome:
    """Return the outcome of a record that the target cannot use."""
    return Outcome("stops" if refusal.stops else "dropped", refusal.reason)


def as_trl_pair(record: dict[str, Any]) -> dict[str, Any]:
    """Return an OpenAI preference record with TRL's names; another record as it is."""
    given = record.get("input")
    if not isinstance(given, dict) or "preferred_output" not in record:
        return record
    pair = {
        "prompt": given.get("messages"), "chosen": record.get("preferred_output"), "rejected": record.get("non_preferred_output")
    }  # fmt: skip
    return pair | {"tools": given["tools"]} if "tools" in given else pair


def last_trained_survives(trained: list[bool], kept: slice) -> bool | None:
    """Whether the last trained token stands in the kept part, None where no token is trained."""
    for index in range(len(trained) - 1, -1, -1):
        if trained[index]:
            return bool(kept.start <= index < kept.stop)
    return None


def _ends_alike(whole: TokenRow, cut: TokenRow) -> bool | None:
    """Whether a row that was cut inside ends its last trained run as the whole row does."""
    wanted, found = _last_trained_id(whole), _last_trained_id(cut)
    return None if wanted is None else wanted == found


def _last_trained_id(row: TokenRow) -> int | None:
    return next((token for token, on in zip(reversed(row.ids), reversed(row.trained), strict=True) if on), None)

"""One record, one target: the tokens that the target sees and the ones that it trains, and what its window leaves of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from tunelint.records.example import Example
from tunelint.tokens.axolotl import AxolotlMask, axolotl_row
from tunelint.tokens.huggingface import TokenizerFolder
from tunelint.tokens.llamafactory import Slots, llamafactory_row, parse_template
from tunelint.tokens.own import own_row
from tunelint.tokens.recipes import Recipe
from tunelint.tokens.rows import NotTrainable, TokenRow
from tunelint.tokens.trl import sft_row

Fate = Literal["trained", "untrained", "dropped", "stops"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What becomes of one record.

    `fate`: trained; untrained (kept, but no token of it is trained); dropped by the target; or the target's run stops on
    it. `reason` says why it is not trained. `tokens` and `wanted` are all tokens and the trained ones before the window,
    `kept` and `trained` what is left of them. `ends` is whether the last trained token of the whole row survives (None
    where nothing was to be trained): without it the model does not learn to stop. `exact` False marks estimates.
    """

    fate: Fate
    reason: str = ""
    tokens: int = 0
    wanted: int = 0
    kept: int = 0
    trained: int = 0
    ends: bool | None = None
    exact: bool = True

    @property
    def cut(self) -> int:
        """Tokens that the window takes from the row."""
        return self.tokens - self.kept

    @property
    def trained_cut(self) -> int:
        """Trained tokens that the window takes: the part of the answer that is lost."""
        return self.wanted - self.trained


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
            return sft_row(record, self.folder, assistant_only=recipe.assistant_only)
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
            row = self.row(record, example)
            if recipe.overlong == "proportional" and recipe.window is not None and len(row.ids) > recipe.window:
                cut = self.row(record, example, window=recipe.window)
                return _verdict(recipe, row, len(cut.ids), cut.trained_count, _ends_alike(row, cut))
        except NotTrainable as refusal:
            return Outcome("stops" if refusal.stops else "dropped", refusal.reason)
        kept = window_of(len(row.ids), recipe)
        trained = sum(row.trained[kept])
        return _verdict(recipe, row, len(row.ids[kept]), trained, last_trained_survives(row.trained, kept))


def window_of(length: int, recipe: Recipe) -> slice:
    """Return the part of a row of `length` tokens that the target keeps; an empty slice where it drops the row."""
    window = recipe.window
    if window is None or length <= window:
        return slice(0, length)
    if recipe.overlong == "cut":
        return slice(0, window)
    if recipe.overlong == "keep-end":
        return slice(length - window, length)
    return slice(0, 0)


def last_trained_survives(trained: list[bool], kept: slice) -> bool | None:
    """Whether the last trained token stands in the kept part, None where no token is trained."""
    for index in range(len(trained) - 1, -1, -1):
        if trained[index]:
            return kept.start <= index < kept.stop
    return None


def _ends_alike(whole: TokenRow, cut: TokenRow) -> bool | None:
    """Whether a row that was cut inside ends its last trained run as the whole row does."""
    last = [ids[max(index for index, on in enumerate(on_list) if on)] if any(on_list) else None
            for ids, on_list in ((whole.ids, whole.trained), (cut.ids, cut.trained))]  # fmt: skip
    return None if last[0] is None else last[0] == last[1]


def _verdict(recipe: Recipe, row: TokenRow, kept: int, trained: int, ends: bool | None) -> Outcome:
    tokens, wanted = len(row.ids), row.trained_count

    def outcome(fate: Fate, reason: str = "") -> Outcome:
        return Outcome(fate, reason, tokens, wanted, kept, trained, ends, row.exact)

    if tokens and not kept:
        return outcome("stops" if recipe.overlong == "refuse" else "dropped", f"longer than {recipe.window:,} tokens")
    if tokens < recipe.min_tokens:
        return outcome("dropped", f"shorter than {recipe.min_tokens} tokens")
    if trained:
        return outcome("trained")
    reason = "no token is trained" if not wanted else "the window cuts off every trained token"
    return outcome("dropped" if recipe.drops_untrained else "untrained", reason)

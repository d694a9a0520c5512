"""What becomes of one record at one target: kept, cut, dropped, trained on nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from tunelint.tokens.recipes import Recipe

Fate = Literal["trained", "untrained", "dropped", "stops"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What becomes of one record.

    `fate`: trained; untrained (kept, but no token of it is trained); dropped by the target; or the target's run stops on
    it. `reason` says why it is not trained. `tokens` and `wanted` are all tokens and the trained ones before the window,
    `kept` and `trained` what is left of them. `ends` is whether the last trained token of the whole row survives (None
    where nothing was to be trained): without it the model does not learn to stop. `exact` False marks estimates.
    In a preference pair `tokens` and `kept` are those of the longer side, `wanted` and `trained` those of both answers.
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


def verdict(
    recipe: Recipe, *, tokens: int, wanted: int, kept: int, trained: int, ends: bool | None, exact: bool
) -> Outcome:
    """Return the outcome of a row from its numbers (see Outcome)."""

    def outcome(fate: Fate, reason: str = "") -> Outcome:
        return Outcome(fate, reason, tokens, wanted, kept, trained, ends, exact)

    if tokens and not kept:
        return outcome("stops" if recipe.overlong == "refuse" else "dropped", f"longer than {recipe.window:,} tokens")
    if tokens < recipe.min_tokens:
        return outcome("dropped", f"shorter than {recipe.min_tokens} tokens")
    if trained:
        return outcome("trained")
    reason = "no token is trained" if not wanted else "the window cuts off every trained token"
    return outcome("dropped" if recipe.drops_untrained else "untrained", reason)


def pair_verdict(recipe: Recipe, *, prompt: int, chosen: int, rejected: int, exact: bool) -> Outcome:
    """Return the outcome of a preference pair from the tokens of its parts.

    A pair whose prompt alone fills the window is dropped, as TRL's DPOTrainer does.
    """
    tokens, wanted = prompt + max(chosen, rejected), chosen + rejected
    kept = window_of(tokens, recipe)
    left = max(kept.stop - kept.start - prompt, 0)
    trained = min(chosen, left) + min(rejected, left)
    ends = left >= max(chosen, rejected) if wanted else None
    return verdict(
        recipe, tokens=tokens, wanted=wanted, kept=kept.stop - kept.start, trained=trained, ends=ends, exact=exact
    )

"""What becomes of a chunk's records at each target that the run asks for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tunelint.engine.features import Scanned

if TYPE_CHECKING:
    from tunelint.tokens.outcomes import Outcome


def outcomes_by_target(scanned: Scanned) -> dict[str, list[Outcome]]:
    """Return the outcome of every record at each target in the run's `ledgers` ({} where there are none).

    The parameter `window` replaces every target's own. The run's own target takes the rows that are made anyway.
    """
    parameters = scanned.plan.parameters
    targets = parameters.get("ledgers", ())
    if not targets:
        return {}
    from tunelint.tokens.recipes import recipe_for

    outcomes = {}
    for target in targets:
        known = {}
        if target == parameters.get("target") and not {"tokens", "token-rows"}.isdisjoint(scanned.plan.names):
            _ = scanned.token_rows  # fills the outcomes
            known = scanned.outcomes
        recipe = recipe_for(target, window=parameters.get("window"))
        unknown = [index for index in range(len(scanned.records)) if index not in known]
        made = scanned.context.for_recipe(recipe).outcomes([scanned.examples[index] for index in unknown])
        known = {**known, **dict(zip(unknown, made, strict=True))}
        outcomes[target] = [known[index] for index in range(len(scanned.records))]
    return outcomes

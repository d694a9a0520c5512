"""How each target turns records into trained tokens: window, what happens to long rows, what is trained.

Each recipe states where its defaults were read and when. Limits that a user sets in the trainer's own configuration
(`max_length`, `sequence_len`, `cutoff_len`) override the window. `None` is an unknown: no finding follows from it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from tunelint.errors import TunelintError
from tunelint.records.example import Example, Turn

Engine = Literal["own", "trl", "axolotl", "llamafactory"]
Overlong = Literal["cut", "keep-end", "drop", "proportional", "refuse"]
Trains = Literal["all", "assistant", "completion-or-all"]


@dataclass(frozen=True, slots=True)
class Recipe:
    """A target's way from a record to trained tokens.

    `engine` names whose way of building rows is followed where a tokenizer is at hand (own: every assistant turn is
    trained), `window` the largest number of tokens of a row (None: unknown or unlimited), `overlong` what happens beyond
    it, `trains` which turns are trained where only counts are at hand, `weights` whether a message's `weight: 0` switches
    it off, `drops_untrained` whether a row without a trained token is left out (else it is trained on nothing),
    `min_tokens` the shortest row that is kept, `setting` the window's name in the trainer's own configuration, `source` and
    `read` where and when this was read.
    """

    target: str
    engine: Engine
    window: int | None
    overlong: Overlong
    trains: Trains
    weights: bool
    drops_untrained: bool
    source: str
    read: str
    min_tokens: int = 0
    assistant_only: bool = False
    mask_history: bool = False
    train_on_inputs: bool = False
    batch_size: int | None = None
    setting: str = ""


_READ = "2026-11-22"
RECIPES: Mapping[str, Recipe] = {
    recipe.target: recipe
    for recipe in (
        Recipe(
            "openai", "own", 65_536, "cut", "assistant", True, False,
            "https://platform.openai.com/docs/guides/supervised-fine-tuning (token limits)", _READ,
        ),
        Recipe(
            "azure", "own", 65_536, "cut", "assistant", True, False,
            "https://learn.microsoft.com/azure/ai-services/openai/how-to/fine-tuning", _READ,
        ),
        Recipe(
            "together", "own", None, "cut", "assistant", True, False,
            "https://docs.together.ai/docs/fine-tuning-data-preparation (the model's own limit)", _READ,
        ),
        Recipe(
            "fireworks", "own", 32_768, "cut", "assistant", True, False,
            "https://docs.fireworks.ai/fine-tuning/fine-tuning-models", _READ,
        ),
        Recipe(
            "mistral", "own", None, "cut", "assistant", True, False,
            "https://github.com/mistralai/mistral-finetune (seq_len is the user's)", _READ, setting="seq_len",
        ),
        Recipe(
            "trl", "trl", 1024, "cut", "completion-or-all", False, True,
            "trl 1.16.0, SFTConfig.max_length and SFTTrainer._prepare_dataset", _READ, batch_size=8, setting="max_length",
        ),
        Recipe(
            "axolotl", "axolotl", 512, "drop", "assistant", False, True,
            "axolotl 0.19.0, sequence_len, excess_length_strategy, process_datasets_for_packing", _READ, min_tokens=2,
            batch_size=1, setting="sequence_len",
        ),
        Recipe(
            "llamafactory", "llamafactory", 2048, "proportional", "assistant", False, False,
            "llamafactory 0.9.5, cutoff_len and data/processor/supervised.py", _READ, batch_size=8, setting="cutoff_len",
        ),
        Recipe(
            "mlx-lm", "trl", 2048, "cut", "all", False, False,
            "https://github.com/ml-explore/mlx-lm/blob/main/mlx_lm/lora.py (max_seq_length, mask_prompt)", _READ, batch_size=4,
            setting="max_seq_length",
        ),
        Recipe(
            "ms-swift", "own", None, "drop", "assistant", True, True,
            "https://swift.readthedocs.io/en/latest/Instruction/Command-line-parameters.html (the model's own limit)", _READ, setting="max_length",
        ),
        Recipe(
            "unsloth", "trl", None, "cut", "all", False, True,
            "https://docs.unsloth.ai/basics/datasets-guide (max_seq_length is the user's)", _READ, setting="max_seq_length",
        ),
        Recipe(
            "bedrock", "own", None, "cut", "assistant", False, False,
            "https://docs.aws.amazon.com/nova/latest/userguide/fine-tune-prepare-data-understanding.html", _READ,
        ),
        Recipe(
            "vertex", "own", 131_072, "drop", "assistant", False, False,
            "https://docs.cloud.google.com/vertex-ai/generative-ai/docs/models/gemini-supervised-tuning", _READ,
        ),
        Recipe("tunelint", "own", None, "cut", "assistant", True, True, "tunelint's own trainers", _READ),
    )
}  # fmt: skip


def recipe_for(target: str, *, window: int | None = None, assistant_only: bool | None = None) -> Recipe:
    """Return the recipe of a target, with the user's own window or `assistant_only_loss` in place of the defaults.

    Raises TunelintError for a target without one, naming those that there are.
    """
    recipe = RECIPES.get(target)
    if recipe is None:
        raise TunelintError(f"no token recipe for target {target!r}; there is one for {', '.join(sorted(RECIPES))}")
    if window is not None:
        recipe = replace(recipe, window=window)
    if assistant_only is not None:
        recipe = replace(recipe, assistant_only=assistant_only, trains="assistant" if assistant_only else recipe.trains)
    return recipe


def turn_is_trained(example: Example, turn: Turn, recipe: Recipe) -> bool:
    """Whether the target trains a turn of a record, as far as roles and weights tell."""
    if recipe.weights and not turn.trained:
        return False
    if turn.role == "assistant" or recipe.train_on_inputs:
        return True
    return recipe.trains == "all" or (recipe.trains == "completion-or-all" and example.shape not in ("prompt-completion", "instruction"))

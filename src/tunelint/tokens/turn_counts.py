"""What becomes of records where no tokenizer folder is at hand: tokens are counted turn by turn and cut between counts.

Hosted targets publish no template, only that a message costs 3 tokens beside its texts; there the counts are OpenAI's own
(see `records.py`) and the cut falls where theirs does, to within those 3 tokens. For local trainers a turn costs about 5
tokens beside its text (ChatML), and everything is an estimate.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from tunelint.records.example import Example, Turn
from tunelint.tokens.counters import Counter
from tunelint.tokens.outcomes import Outcome, pair_verdict, verdict, window_of
from tunelint.tokens.recipes import Recipe, turn_is_trained
from tunelint.tokens.records import CHAT_SHAPES, PER_CALL, PER_MESSAGE, arguments_text, tool_texts_of

PER_TURN_ESTIMATE = 5
Side = Literal["prompt", "chosen", "rejected"]


@dataclass(frozen=True, slots=True)
class Piece:
    """A run of tokens of one kind: texts to be counted, tokens beside them, whether the target trains them, and in a pair
    the side to which they belong."""

    texts: tuple[str, ...]
    fixed: int
    trained: bool
    side: Side = "prompt"


def pieces_of(example: Example, recipe: Recipe, encoding: str) -> list[Piece]:
    """Return the pieces of a record in the order of its sequence; in a pair the rejected answer follows the chosen one."""
    hosted = example.shape in CHAT_SHAPES and recipe.engine == "own"
    pieces: list[Piece] = []
    if example.tools:
        fixed, definitions = tool_texts_of(example.tools, encoding)
        pieces.append(Piece(tuple(definitions), fixed, False))
    single = example.shape in ("text", "prompt-completion", "instruction")
    overhead = PER_MESSAGE if hosted else 0 if single else PER_TURN_ESTIMATE
    answer_from = len(example.turns) if example.answer_index is None else example.answer_index
    for index, turn in enumerate((*example.turns, *example.rejected)):
        side: Side = "prompt" if index < answer_from else "chosen" if index < len(example.turns) else "rejected"
        if overhead:
            pieces.append(Piece((turn.own_role,) if hosted else (), overhead, False, side))
        texts = tuple(text for text in _texts(turn) if text)
        pieces.append(Piece(texts, PER_CALL * len(turn.calls), turn_is_trained(example, turn, recipe), side))
    return pieces


def outcomes_by_count(examples: Sequence[Example], recipe: Recipe, counter: Counter) -> list[Outcome]:
    """Return what becomes of each record at the target, by counting."""
    rows = [pieces_of(example, recipe, counter.name) for example in examples]
    slots: dict[str, int] = {}
    for row in rows:
        for piece in row:
            for text in piece.texts:
                slots.setdefault(text, len(slots))
    counts = counter.count(list(slots))
    outcomes = []
    for row, example in zip(rows, examples, strict=True):
        sizes = [piece.fixed + sum(int(counts[slots[text]]) for text in piece.texts) for piece in row]
        exact = _is_exact(example, recipe, counter)
        if example.rejected:
            sides: dict[Side, int] = {"prompt": 0, "chosen": 0, "rejected": 0}
            for piece, size in zip(row, sizes, strict=True):
                sides[piece.side] += size
            outcomes.append(pair_verdict(recipe, **sides, exact=exact))
        else:
            trained = [piece.trained for piece in row]
            outcomes.append(_outcome(list(zip(sizes, trained, strict=True)), recipe, exact))
    return outcomes


def _is_exact(example: Example, recipe: Recipe, counter: Counter) -> bool:
    if recipe.engine != "own" or not counter.exact or example.shape not in CHAT_SHAPES:
        return False
    return not any(turn.calls or turn.images for turn in example.turns)


def _outcome(sizes: list[tuple[int, bool]], recipe: Recipe, exact: bool) -> Outcome:
    tokens = sum(size for size, _ in sizes)
    wanted = sum(size for size, trained in sizes if trained)
    if recipe.overlong == "proportional" and recipe.window is not None and tokens > recipe.window:
        kept, trained, ends = _proportional(sizes, recipe.window)
    else:
        kept, trained, ends = _cut(sizes, window_of(tokens, recipe))

    return verdict(recipe, tokens=tokens, wanted=wanted, kept=kept, trained=trained, ends=ends, exact=exact)


def _cut(sizes: list[tuple[int, bool]], kept: slice) -> tuple[int, int, bool | None]:
    """Return the tokens and trained tokens in a slice of the row, and whether the last trained token is among them."""
    place, trained_kept, last = 0, 0, None
    for size, trained in sizes:
        inside = max(min(place + size, kept.stop) - max(place, kept.start), 0)
        place += size
        if trained and size:
            trained_kept += inside
            last = place - 1
    ends = None if last is None else kept.start <= last < kept.stop
    return kept.stop - kept.start, trained_kept, ends


def _proportional(sizes: list[tuple[int, bool]], window: int) -> tuple[int, int, bool | None]:
    """Cut as LLaMA-Factory does: pairs of what is not trained and what is, each cut in proportion, while there is room."""
    from tunelint.tokens.llamafactory import infer_seqlen

    used = trained_kept = source = 0
    whole = any(trained and size for size, trained in sizes)
    ends: bool | None = None
    for size, trained in sizes:
        if not trained:
            source += size
            continue
        if used >= window:
            ends = False
            break
        source_kept, target_kept = infer_seqlen(source, size, window - used)
        used += source_kept + target_kept
        trained_kept += target_kept
        ends, source = target_kept == size, 0
    return used, trained_kept, ends if whole else None


def _texts(turn: Turn) -> list[str]:
    texts = [turn.content]
    for call in turn.calls:
        texts += [call.name, arguments_text(call.arguments)]
    return texts

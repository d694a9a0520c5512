"""One record as a target will see it: its text in segments, each trained or not, kept or cut."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from tunelint.records.example import Example
from tunelint.records.record import Record
from tunelint.tokens.context import TokenContext
from tunelint.tokens.counters import Counter
from tunelint.tokens.masks import PAIRS
from tunelint.tokens.outcomes import Outcome, window_of
from tunelint.tokens.rows import NO_TEMPLATE, NotTrainable, TokenRow
from tunelint.tokens.turn_counts import Piece, pieces_of

LONGEST_TOKEN = 40
"""Characters among which the end of a token is looked for; few tokens of words are longer."""


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of the row. `tokens` is how many stand in it; `label` names the turn that begins here, where rows are
    counted turn by turn and no template shows it."""

    text: str
    tokens: int
    trained: bool
    cut: bool
    label: str = ""


@dataclass(frozen=True, slots=True)
class RowView:
    """A row and its outcome. `rendered`: by the tokenizer folder's template, else counted turn by turn."""

    segments: tuple[Segment, ...]
    outcome: Outcome
    window: int | None
    counter: str
    rendered: bool

    def sentence(self) -> str:
        """Say in one line what becomes of the record."""
        outcome = self.outcome
        about = "" if outcome.exact else "about "
        if outcome.fate == "trained":
            lost = f" (and {outcome.trained_cut:,} more cut)" if outcome.trained_cut else ""
            stop = "; the model does not see the answer end" if outcome.ends is False else ""
            return f"{about}{outcome.tokens:,} tokens ({self.counter}), {outcome.kept:,} kept, {outcome.trained:,} trained{lost}{stop}"
        fate = {"dropped": "left out", "untrained": "kept, but nothing of it is trained", "stops": "the run stops on it"}[outcome.fate]
        return f"{about}{outcome.tokens:,} tokens ({self.counter}): {fate}, because {outcome.reason}"


def view_row(record: Record, context: TokenContext) -> RowView:
    """Return what the context's target makes of a parsed record."""
    value, example, recipe = record.value or {}, record.example, context.recipe
    outcome = context.outcomes([(value, example)])[0]
    maker = context.maker
    if maker is not None and example.shape not in PAIRS:
        try:
            row = maker.row(value, example)
            if recipe.overlong == "proportional" and recipe.window is not None and len(row.ids) > recipe.window:
                # The target makes another row of what it cuts inside: that one is shown, whole.
                row, kept = maker.row(value, example, window=recipe.window), slice(0, recipe.window)
            else:
                kept = window_of(len(row.ids), recipe)
            return RowView(tuple(segments_of(row, kept)), outcome, recipe.window, context.counter.name, True)
        except NotTrainable as refusal:
            if refusal.reason != NO_TEMPLATE:
                return RowView((), outcome, recipe.window, context.counter.name, True)
    return RowView(tuple(_counted(example, context, outcome)), outcome, recipe.window, context.counter.name, False)


def segments_of(row: TokenRow, kept: slice) -> Iterator[Segment]:
    """Yield the row's text in runs of tokens of one kind; together they are the whole text.

    A letter that is split between two kinds belongs to the earlier; text that no token holds to the run behind it.
    """
    kinds = [(on, not kept.start <= index < kept.stop) for index, on in enumerate(row.trained)]
    start = index = 0
    runs = [(kind, len(list(group))) for kind, group in groupby(kinds)]
    for number, ((trained, cut), count) in enumerate(runs):
        end = max([start, *(last for first, last in row.offsets[index : index + count] if last > first)])
        end = len(row.text) if number == len(runs) - 1 else end
        yield Segment(row.text[start:end], count, trained, cut)
        start, index = end, index + count


def _counted(example: Example, context: TokenContext, outcome: Outcome) -> Iterator[Segment]:
    """Yield the record turn by turn, in the order and with the counts of `turn_counts`."""
    recipe, counter = context.recipe, context.counter
    pieces = pieces_of(example, recipe, counter.name)
    sizes = [piece.fixed + int(counter.count(list(piece.texts)).sum()) for piece in pieces]
    labels = _labels(example, pieces, sizes)
    pair = bool(example.rejected)
    prompt = sum(size for piece, size in zip(pieces, sizes, strict=True) if piece.side == "prompt")
    kept = window_of(outcome.tokens, recipe)
    place, side = 0, "prompt"
    for piece, size, label in zip(pieces, sizes, labels, strict=True):
        if pair and piece.side != side:
            place, side = prompt, piece.side  # both answers follow the prompt
        first, last = max(kept.start - place, 0), max(min(kept.stop - place, size), 0)
        place += size
        text = "\n".join(piece.texts) if piece.trained or not label else ""
        yield from _split(text, label, size, piece.trained, (first, max(last, first)), counter)


def _split(text: str, label: str, size: int, trained: bool, kept: tuple[int, int], counter: Counter) -> Iterator[Segment]:
    """Yield a piece in up to three segments: cut before the window, kept, cut behind it."""
    first, last = min(kept[0], size), min(kept[1], size)
    before, after = _prefix(text, first, size, counter), _prefix(text, last, size, counter)
    for part, tokens, cut in ((text[:before], first, True), (text[before:after], last - first, False), (text[after:], size - last, True)):
        if tokens:
            yield Segment(part, tokens, trained, cut, label)
            label = ""


def _prefix(text: str, tokens: int, size: int, counter: Counter) -> int:
    """Return how many characters of a text its first `tokens` of `size` tokens hold."""
    if tokens <= 0 or tokens >= size:
        return 0 if tokens <= 0 else len(text)
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        if int(counter.count([text[:middle]])[0]) <= tokens:
            low = middle
        else:
            high = middle - 1
    # "four fi" has as many tokens as "four five": look around for where one token ends and the next begins.
    places = range(min(low + LONGEST_TOKEN, len(text)), max(low - LONGEST_TOKEN, 0), -1)
    whole = int(counter.count([text])[0])
    left, right = counter.count([text[:at] for at in places]), counter.count([text[at:] for at in places])
    return next((at for at, one, other in zip(places, left, right, strict=True) if one == tokens and other == whole - tokens), low)


def _labels(example: Example, pieces: Sequence[Piece], sizes: Sequence[int]) -> list[str]:
    """Return for each piece the turn that begins with it and its tokens, "" where none does.

    A turn is one piece, or two where tokens stand around its text.
    """
    turns = (*example.turns, *example.rejected)
    labels = ["tools"] if example.tools else []
    two = len(pieces) - len(labels) == 2 * len(turns)
    answer = len(example.turns) if example.answer_index is None else example.answer_index
    for index, turn in enumerate(turns):
        side = "" if not example.rejected or index < answer else "chosen " if index < len(example.turns) else "rejected "
        at = len(labels)
        tokens = sum(sizes[at : at + 1 + two])
        labels += [f"{side}{turn.own_role or turn.role}, {tokens:,} token{'' if tokens == 1 else 's'}", *([""] if two else [])]
    return labels

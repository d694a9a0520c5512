"""Lengths, windows, templates: what of each record reaches the loss.

The window is the page's `max-tokens`, else the target's; without either nothing is over it. Rows are counted by the run's
counter, and rendered and masked exactly where `tokenizer` is a folder (see `tunelint.tokens`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tunelint.checks.hit import Edit, Hit
from tunelint.checks.survey import Survey, needs
from tunelint.checks.token_fixes import DROP, shortened
from tunelint.findings import Severity
from tunelint.records.record import Record
from tunelint.tokens.context import TokenContext, token_context
from tunelint.tokens.faults import DOUBLED_START, LOST_CONTENT, REFUSED, UNTRAINED_END, Loss, losses
from tunelint.tokens.outcomes import Outcome
from tunelint.tokens.rows import NotTrainable

BATCH = 1000
SURELY_WITHIN = 0.3
"""A row whose texts have fewer tokens than this share of the window is within it, whatever stands around its turns."""


@needs("tokens", "token-rows")
def over_context_window(survey: Survey, options: dict[str, Any]) -> Iterator[Hit]:
    """TOK001: a row over the window that is left out whole; a note where it loses only text behind all that is trained.

    One or two tokens are the line feed that a template writes behind the last end token.
    """
    context = _context(survey, options)
    for index, (outcome, edit) in _over_window(survey, context).items():
        if outcome.fate == "dropped" and not outcome.kept:
            yield Hit(f"{_size(outcome)}; {_who(survey)} leaves the record out.", at=index, edit=edit or DROP)
        elif not outcome.trained_cut and outcome.cut > 2:
            message = f"{_size(outcome)}; {outcome.cut:,} of them, behind all that is trained, are cut."
            yield Hit(message, at=index, severity=Severity.NOTE)


@needs("tokens", "token-rows")
def truncated_answer(survey: Survey, options: dict[str, Any]) -> Iterator[Hit]:
    """TOK002: the window cuts a part of what is trained."""
    context = _context(survey, options)
    for index, (outcome, edit) in _over_window(survey, context).items():
        if outcome.trained and outcome.trained_cut:
            lost = f"{outcome.trained_cut:,} of {_tokens(outcome.wanted)} that are trained are cut"
            stop = " and the model does not see the answer end" if outcome.ends is False else ""
            yield Hit(f"{_size(outcome)}; {lost}{stop}.", at=index, edit=edit)


@needs("tokens", "token-rows")
def no_trained_tokens(survey: Survey, options: dict[str, Any]) -> Iterator[Hit]:
    """TOK003: no token of the row is trained: the window cuts off the answer, or the template's mask is empty."""
    context = _context(survey, options)
    over = _over_window(survey, context)
    for index, (outcome, edit) in over.items():
        if outcome.wanted and not outcome.trained and outcome.kept:
            message = f"{_size(outcome)}; what is trained begins behind the window, so nothing of the record is trained."
            yield Hit(message, at=index, edit=edit)
    rows = survey.column("token-rows")
    empty = np.flatnonzero((rows[:, 0] > 0) & (rows[:, 1] == 0) & (rows[:, 2] & REFUSED == 0))
    for index in (int(place) for place in empty if int(place) not in over):
        yield Hit("No token of the record is trained: the mask is empty.", at=index, edit=DROP)


@needs("tokens", "token-rows")
def identical_after_truncation(survey: Survey, options: dict[str, Any]) -> Iterator[Hit]:
    """PREF006: the window cuts off all that tells chosen from rejected."""
    context = _context(survey, options)
    outcomes = {index: outcome for index, (outcome, _) in _over_window(survey, context).items() if outcome.trained}
    for index, record in _in_batches(survey, np.array(sorted(outcomes), dtype=np.int64)):
        same = context.pair_is_same_within_window(record.value or {}, record.example)
        if same:
            yield Hit(f"{_size(outcomes[index])}; within the window chosen and rejected answer are the same.", at=index)


@needs("tokens")
def length_outlier(survey: Survey, options: dict[str, Any]) -> Iterator[Hit]:
    """TOK004: a few records are many times longer than all others."""
    for split in ("train", "eval"):
        indices = survey.of_split(split)
        counts = survey.column("tokens")[indices]
        if len(counts) < options["min_records"]:
            continue
        usual = float(np.quantile(counts, 0.99, method="lower"))
        limit = max(options["factor"] * usual, options["min_tokens"])
        for place in np.flatnonzero(counts > limit):
            times = counts[place] / max(usual, 1)
            yield Hit(
                f"Record has {_tokens(int(counts[place]))}, {times:.1f} times as many as 99 % of the records (at most"
                f" {usual:,.0f}): one such row can run out of memory hours into the training.",
                at=int(indices[place]),
            )  # fmt: skip


@needs("token-rows")
def content_lost_in_template(survey: Survey, options: dict[str, Any]) -> Iterator[Hit]:
    """TOK005: the chat template leaves out, moves or doubles a part of the conversation, or refuses it."""
    rows = survey.column("token-rows")[:, 2]
    flagged = np.flatnonzero(rows & (LOST_CONTENT | REFUSED))
    maker = _context(survey, options).maker
    if maker is None or not len(flagged):
        return
    for index, record in _in_batches(survey, flagged):
        try:
            row = maker.row(record.value or {}, record.example)
        except NotTrainable as refusal:
            yield Hit(f"Not usable with this tokenizer: {refusal.reason}.", at=index)
            continue
        found = list(losses(record.example, row.text))
        if found:
            yield Hit(_sentence(found), at=index, pointer=found[0].pointer)


@needs("token-rows")
def end_token_not_trained(survey: Survey, options: dict[str, Any]) -> Iterator[Hit]:
    """TOK006: the answer's end token is not among the trained tokens. One hit for each split."""
    flags = survey.column("token-rows")[:, 2] & UNTRAINED_END
    yield from _first_of_all(
        survey, flags, lambda count: f"In {count} the answer's end token is not trained: the model does not learn to stop."
    )


@needs("token-rows")
def doubled_start_token(survey: Survey, options: dict[str, Any]) -> Iterator[Hit]:
    """TOK007: the row begins with two start tokens. One hit for each split."""
    flags = survey.column("token-rows")[:, 2] & DOUBLED_START
    yield from _first_of_all(
        survey, flags, lambda count: f"{count[0].upper()}{count[1:]} begin with two start tokens: the text has one, and the tokenizer adds one."
    )


def _first_of_all(survey: Survey, flags: NDArray[np.int64], say: Callable[[str], str]) -> Iterator[Hit]:
    """Yield one hit at the first flagged record of each split: such a fault is the template's, in all records alike."""
    for split in ("train", "eval"):
        indices = survey.of_split(split)
        flagged = indices[flags[indices] != 0]
        if len(flagged):
            count = f"{len(flagged):,} of {len(indices):,} {split} records"
            yield Hit(say(count), at=int(flagged[0]), details={"records": len(flagged)})


def _context(survey: Survey, options: Mapping[str, Any]) -> TokenContext:
    run = survey.extras
    context = token_context(run.get("tokenizer"), survey.target, run.get("expected_chars"))
    return context.with_window(options.get("max_tokens") or None)


def _over_window(survey: Survey, context: TokenContext) -> dict[int, tuple[Outcome, Edit | None]]:
    """Return the outcomes of the records over the window, with what would mend those that lose trained tokens; four rules
    ask, so they are kept with the survey."""
    window = context.recipe.window
    if window is None:
        return {}
    key = f"outcomes within {window}"
    if key not in survey.extras:
        longest = np.maximum(survey.column("tokens"), survey.column("token-rows")[:, 0])
        # Without the template a row's length is known only beside the tokens around its turns: look at more rows then.
        candidates = np.flatnonzero(longest > (window if context.maker is not None else SURELY_WITHIN * window))
        over: dict[int, tuple[Outcome, Edit | None]] = {}
        for start in range(0, len(candidates), BATCH):
            records = survey.records(candidates[start : start + BATCH])
            batch = context.remembering()
            made = batch.outcomes([(record.value or {}, record.example) for record in records.values()])
            for (index, record), outcome in zip(records.items(), made, strict=True):
                if outcome.tokens > window:
                    over[index] = (outcome, shortened(batch, record) if outcome.trained_cut else None)
        survey.extras[key] = over
    outcomes: dict[int, tuple[Outcome, Edit | None]] = survey.extras[key]
    return outcomes


def _in_batches(survey: Survey, indices: NDArray[np.int64]) -> Iterator[tuple[int, Record]]:
    """Re-read records a thousand at a time: a fault of the template is in all of them."""
    for start in range(0, len(indices), BATCH):
        yield from survey.records(indices[start : start + BATCH]).items()


def _size(outcome: Outcome) -> str:
    return f"Record has {'' if outcome.exact else 'about '}{_tokens(outcome.tokens)}"


def _tokens(count: int) -> str:
    return "1 token" if count == 1 else f"{count:,} tokens"


def _who(survey: Survey) -> str:
    return survey.target or "the trainer"


def _sentence(found: list[Loss]) -> str:
    more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
    return f"The chat template loses content: {found[0].what}{more}."

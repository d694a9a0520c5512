"""Eval records that train says in other words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tunelint.checks.duplicates import collapsed, place
from tunelint.checks.leak import Leak, and_more
from tunelint.checks.near import Rows
from tunelint.checks.passages import template_of_both
from tunelint.checks.survey import Survey
from tunelint.records.example import Example
from tunelint.similarity.columns import Hashes, Indices, Ragged
from tunelint.similarity.meaning import model_folder, vectors
from tunelint.similarity.reworded import reworded
from tunelint.similarity.templates import outside_template
from tunelint.similarity.words import kept_text

_AT_A_TIME = 2048
_SAME_MEANING = 0.5  # cosine from which a rewording needs no words in common


def reworded_leaks(survey: Survey, options: dict[str, Any], evals: list[int]) -> dict[int, Leak]:
    """Return the leaks of reworded-leak.

    Prompts are compared (answers where a record has no prompt), without template text. What is usual is learnt
    from all eval records, whatever earlier stages took; only those still asked for are reported.
    """
    own, train = collapsed(survey, "eval").rows, collapsed(survey, "train").rows
    sides = [_Side(survey, rows, template_of_both(survey)) for rows in (own, train)]
    asked, embed = np.isin(own, evals), vectors if options["semantic"] else None
    if embed is not None:
        model_folder()  # says what is missing before the work begins
    found = reworded(sides[0].kept, sides[1].kept, sides[0].texts, sides[1].texts, options["false_discovery_rate"], asked, embed)
    leaks = {}
    for position, partners, scores, meanings, inside in zip(found.rows, found.partners, found.scores, found.meanings, found.inside, strict=True):
        at, others = int(own[position]), [int(train[partner]) for partner in partners]
        if inside:
            message = f"Eval record stands word for word inside a train record: {place(survey, others[0])}{and_more(others)}."
        elif scores[0] >= options["least_similarity"] or meanings[0] >= _SAME_MEANING:
            alike = f"{scores[0]:.0%} alike in wording" + (f" and {meanings[0]:.0%} in meaning" if embed is not None else "")
            message = f"Eval record says in other words what stands in train: {place(survey, others[0])}, {alike}{and_more(others)}."
        else:
            continue
        leaks[at] = Leak(others, [round(min(score, 1.0), 4) for score in scores], message)
    return leaks


class _Side:
    """The texts of some records without template text: `kept` (rows,) word hashes; `texts` reads the records again."""

    def __init__(self, survey: Survey, rows: Rows, template: Hashes) -> None:
        self._survey, self._rows = survey, rows
        prompts, answers = survey.words("prompt-words").take(rows), survey.words("answer-words").take(rows)
        self._by_prompt = prompts.lengths > 0
        self._words = _either(prompts, answers, self._by_prompt)
        self._keep = outside_template(self._words, template)
        self.kept = self._words.where(self._keep)

    def texts(self, rows: Indices) -> Sequence[str]:
        """Return the texts of these rows, in their order."""
        found = []
        for begin in range(0, len(rows), _AT_A_TIME):
            batch = rows[begin : begin + _AT_A_TIME].tolist()
            records = self._survey.records(self._rows[row] for row in batch)
            found += [self._text(row, records[int(self._rows[row])].example) for row in batch]
        return found

    def _text(self, row: int, example: Example) -> str:
        text = example.prompt_text if self._by_prompt[row] else example.answer_text
        keep = self._keep[self._words.offsets[row] : self._words.offsets[row + 1]]
        return text if keep.all() else kept_text(text, keep)


def _either(prompts: Ragged, answers: Ragged, by_prompt: NDArray[np.bool_]) -> Ragged:
    """The prompt's words of the rows that have any, else the answer's."""
    both = Ragged.concatenate([prompts, answers])
    return both.take(np.where(by_prompt, np.arange(len(prompts)), len(prompts) + np.arange(len(prompts))))

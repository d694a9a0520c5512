"""The columns that survey checks read, computed chunk by chunk while the records are at hand.

A feature is a function of the records of one chunk and the parameters of the run; it returns one value (or one ragged row)
per record. Only features that a running check asks for are computed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tunelint.checks.screen import is_pair
from tunelint.checks.survey import Column
from tunelint.findings import canonical_json
from tunelint.records.example import Example
from tunelint.records.record import Record
from tunelint.records.shapes import NAMING_KEYS, SHAPES
from tunelint.similarity.columns import Ragged, offsets_of, row_digests
from tunelint.similarity.words import word_hashes

if TYPE_CHECKING:
    from tunelint.tokens.context import TokenContext
    from tunelint.tokens.outcomes import Outcome


@dataclass(frozen=True, slots=True)
class FeaturePlan:
    """Which features to compute, and the settings of the run that they depend on."""

    names: tuple[str, ...] = ()
    ignore_fields: tuple[str, ...] = NAMING_KEYS
    parameters: dict[str, Any] = field(default_factory=dict)


class Scanned:
    """The parsed records of one chunk, with what several features share computed once."""

    def __init__(self, records: Sequence[Record], plan: FeaturePlan) -> None:
        self.records = records
        self.plan = plan

    @cached_property
    def kinds(self) -> tuple[list[Record], NDArray[np.int64]]:
        """One record of each kind that there is, and by record which of these is of its kind."""
        _, first, which = np.unique(np.array([record.kind for record in self.records], np.int64), return_index=True, return_inverse=True)
        return [self.records[index] for index in first.tolist()], which

    def where(self, fact: Callable[[Record], bool]) -> list[int]:
        """Return the indices of the records of which a fact is true that the outline decides, and of those without one."""
        kinds, which = self.kinds
        found: list[int] = np.flatnonzero(np.array([record.kind == 0 or fact(record) for record in kinds], bool)[which]).tolist()
        return found

    @cached_property
    def digests(self) -> NDArray[Any]:
        """The record digests, (N, 2) uint64."""
        return _digests([record.canonical for record in self.records])

    @cached_property
    def prompt_words(self) -> Ragged:
        """The word hashes of every prompt."""
        return word_hashes([record.example.prompt_text for record in self.records])

    @cached_property
    def answer_words(self) -> Ragged:
        """The word hashes of every answer."""
        return word_hashes([record.example.answer_text for record in self.records])

    @cached_property
    def context(self) -> TokenContext:
        """The run's tokenizer and recipe."""
        from tunelint.engine.tokens import run_context

        context = run_context(self.plan.parameters)
        if not self.plan.parameters.get("ledgers"):
            return context
        return context.with_window(self.plan.parameters.get("window")).remembering()

    @cached_property
    def examples(self) -> list[tuple[dict[str, Any], Example]]:
        """Every record as parsed, and as a conversation."""
        return [(record.value or {}, record.example) for record in self.records]

    @cached_property
    def token_rows(self) -> NDArray[np.int64]:
        """What the run's tokenizer folder makes of every record: see `TokenContext.rows_of`."""
        return self.context.rows_of(self.examples, self.outcomes if self.plan.parameters.get("ledgers") else None)

    @cached_property
    def outcomes(self) -> dict[int, Outcome]:
        """What becomes of the records at the run's target, by index, as far as `token_rows` had to work it out."""
        return {}


Feature = Callable[[Scanned], Column]
_FEATURES: dict[str, Feature] = {}


def feature(name: str) -> Callable[[Feature], Feature]:
    """Register a feature under a name."""

    def register(function: Feature) -> Feature:
        _FEATURES[name] = function
        return function

    return register


def origin(name: str) -> str:
    """Return the module that a feature comes from."""
    return _FEATURES[name].__module__


def compute(scanned: Scanned) -> dict[str, Column]:
    """Return the columns of one chunk."""
    return {name: _FEATURES[name](scanned) for name in scanned.plan.names}


def _digests(values: Sequence[bytes]) -> NDArray[Any]:
    """Return 16-byte digests as a (N, 2) uint64 array: compared and sorted without touching Python objects."""
    joined = b"".join(hashlib.sha256(value).digest()[:16] for value in values)
    return np.frombuffer(joined, dtype=">u8").astype(np.uint64).reshape(len(values), 2)


@feature("record")
def record_digests(scanned: Scanned) -> Column:
    """Return the record digests (`Record.digest`), (N, 2) uint64."""
    return scanned.digests


@feature("copy")
def copy_digests(scanned: Scanned) -> Column:
    """Return the digests of the records without their names and dates: equal for copies. (N, 2) uint64."""
    ignored = frozenset(scanned.plan.ignore_fields)
    named = scanned.where(lambda record: not ignored.isdisjoint(record.value or {}))
    if not named:
        return scanned.digests
    digests = scanned.digests.copy()
    digests[named] = _digests([_without(scanned.records[index], ignored) for index in named])
    return digests


def _without(record: Record, ignored: frozenset[str]) -> bytes:
    value = record.value or {}
    kept = {key: item for key, item in value.items() if key not in ignored}
    # A record of nothing but such keys is compared whole.
    return canonical_json(kept or value)


@feature("shape")
def shapes(scanned: Scanned) -> Column:
    """Return the index into `SHAPES` of each record, (N,) uint8."""
    codes = {shape: code for code, shape in enumerate(SHAPES)}
    return np.array([codes[record.shape] for record in scanned.records], dtype=np.uint8)


@feature("prompt")
def prompt_digests(scanned: Scanned) -> Column:
    """Return a digest of each prompt's words in order, 0 where a prompt has no word. (N,) uint64."""
    return row_digests(scanned.prompt_words)


@feature("answer")
def answer_digests(scanned: Scanned) -> Column:
    """Return a digest of each answer's words in order, 0 where an answer has no word. (N,) uint64."""
    return row_digests(scanned.answer_words)


@feature("prompt-words")
def prompt_words(scanned: Scanned) -> Column:
    """Return the word hashes of each prompt, in order."""
    return scanned.prompt_words


@feature("answer-words")
def answer_words(scanned: Scanned) -> Column:
    """Return the word hashes of each answer, in order."""
    return scanned.answer_words


@feature("tokens")
def tokens(scanned: Scanned) -> Column:
    """Return the number of tokens of each record, (N,) int64: of its rendering where there is one, else by counting."""
    from tunelint.tokens.records import count_examples

    totals = scanned.token_rows[:, 0].copy()
    counted = np.flatnonzero(totals == 0)
    records = [scanned.records[index] for index in counted.tolist()]
    totals[counted] = count_examples(
        (record.example for record in records), scanned.context.counter, (record.kind for record in records)
    )
    return totals


@feature("bytes")
def sizes(scanned: Scanned) -> Column:
    """Return the bytes of each record as it stands in its file, (N,) int64."""
    return np.array([len(record.raw) for record in scanned.records], dtype=np.int64)


@feature("system")
def system_digests(scanned: Scanned) -> Column:
    """Return a digest of the words of each record's system turns, 0 where there are none. (N,) uint64."""
    digests = np.zeros(len(scanned.records), dtype=np.uint64)
    rows = scanned.where(lambda record: any(turn.role in ("system", "developer") for turn in record.example.turns))
    if rows:
        digests[rows] = row_digests(word_hashes([scanned.records[row].example.system_text for row in rows]))
    return digests


@feature("think")
def think_states(scanned: Scanned) -> Column:
    """Return whether each record's answer has a block of reasoning: see `tunelint.checks.thinking`. (N,) uint8."""
    from tunelint.checks.thinking import block_states

    return np.array(block_states(scanned.records), dtype=np.uint8)


@feature("seam")
def seams(scanned: Scanned) -> Column:
    """Return how each prompt meets its completion: see `tunelint.checks.consistency.seam`. (N,) int32."""
    from tunelint.checks.consistency import seam

    rows = scanned.where(lambda record: seam(record) != 0)
    found = np.zeros(len(scanned.records), dtype=np.int32)
    found[rows] = [seam(scanned.records[row]) for row in rows]
    return found


@feature("facts")
def facts(scanned: Scanned) -> Column:
    """Return the types and key sets at the paths of each record: see `tunelint.records.paths`."""
    from tunelint.records.paths import facts_of

    kinds, which = scanned.kinds
    rows = which.copy()
    alone = [index for index, record in enumerate(scanned.records) if not record.kind]
    rows[alone] = np.arange(len(kinds), len(kinds) + len(alone))
    sets = [sorted(facts_of(record.value or {})) for record in (*kinds, *(scanned.records[index] for index in alone))]
    return Ragged.of(sets).take(rows) if sets else Ragged.of([])


@feature("token-rows")
def token_rows(scanned: Scanned) -> Column:
    """Return tokens, trained tokens and fault bits of each record as the run's tokenizer folder renders it, (N, 3) int64.

    All zero without a folder: see `tunelint.tokens.context`.
    """
    return scanned.token_rows


@feature("pair-lengths")
def pair_lengths(scanned: Scanned) -> Column:
    """Return the characters of each pair's chosen and rejected answer, 0 for other records. (N, 2) int32."""
    from tunelint.checks.preference_sets import lengths_of

    found = np.zeros((len(scanned.records), 2), dtype=np.int32)
    for row in scanned.where(is_pair):
        found[row] = lengths_of(scanned.records[row])
    return found


@feature("verdict")
def verdicts(scanned: Scanned) -> Column:
    """Return what each preference record prefers to what: see `tunelint.checks.preference_sets.verdict_of`. (N, 2) uint64."""
    from tunelint.checks.preference_sets import verdict_of

    found = np.zeros((len(scanned.records), 2), dtype=np.uint64)
    for row in scanned.where(lambda record: is_pair(record) or record.shape == "kto"):
        found[row] = verdict_of(scanned.records[row])
    return found


@feature("refusal")
def refusals(scanned: Scanned) -> Column:
    """Return whether each record's answers refuse: see `tunelint.checks.text_refusals.refusal_bits`. (N,) uint8."""
    from tunelint.checks.text_refusals import refusal_bits

    return np.array([refusal_bits(record) for record in scanned.records], dtype=np.uint8)


@feature("languages")
def languages(scanned: Scanned) -> Column:
    """Return the languages of each prompt and answer: see `tunelint.checks.text_languages.language_codes`. (N, 2) uint8."""
    from tunelint.checks.text_languages import language_codes

    return language_codes(scanned.records)


@feature("ending")
def endings(scanned: Scanned) -> Column:
    """Return how each answer ends: see `tunelint.checks.text_endings.ending`. (N,) uint8."""
    from tunelint.checks.text_endings import ending

    return np.array([ending(record) for record in scanned.records], dtype=np.uint8)


@feature("label")
def labels(scanned: Scanned) -> Column:
    """Return the verdict of KTO records: 1 desirable, 0 undesirable, -1 for other records. (N,) int8."""
    found = np.full(len(scanned.records), -1, dtype=np.int8)
    for row in scanned.where(lambda record: record.example.label is not None):
        label = scanned.records[row].example.label
        found[row] = -1 if label is None else int(label)
    return found


@feature("image-paths")
def image_paths(scanned: Scanned) -> Column:
    """Return how many images of each record are paths, (N,) int32."""
    from tunelint.checks.image_files import local_images

    found = np.zeros(len(scanned.records), dtype=np.int32)
    for row in scanned.where(lambda record: any(turn.images for turn in record.example.turns)):
        found[row] = len(local_images(scanned.records[row]))
    return found


@feature("groups")
def group_ids_of(scanned: Scanned) -> Column:
    """Return the ids of what each record comes from, in pairs of numbers: see `tunelint.checks.groups.group_ids`."""
    from tunelint.checks.groups import group_ids, group_keys

    lengths = np.zeros(len(scanned.records), dtype=np.int64)
    ids: list[int] = []
    for row in scanned.where(lambda record: bool(group_keys(record.value or {}))):
        own = group_ids(scanned.records[row].value or {})
        lengths[row] = len(own)
        ids += own
    return Ragged(np.array(ids, dtype=np.uint64), offsets_of(lengths))

"""What a split is decided by: hashes of every record's text, its group ids and its label. No text is kept."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tunelint.checks.groups import GROUP_KEYS, NESTED, groups_something, key_digest
from tunelint.engine.features import FeaturePlan, Scanned, compute
from tunelint.errors import TunelintError
from tunelint.records.record import Record
from tunelint.records.shapes import NAMING_KEYS
from tunelint.similarity.batches import Batches
from tunelint.similarity.columns import Hashes, Indices, Ragged

AUTO, NONE = "auto", "none"
LABEL_KEYS = ("label", "labels", "class", "category", "intent", "sentiment", "topic", "task")
_MOST_LABELS, _LABEL_WORDS, _LABELLED = 50, 3, 0.9
_FEATURES = ("record", "copy", "prompt", "answer", "prompt-words", "answer-words", "label")
_BATCH = 4096


@dataclass(frozen=True)
class Material:
    """One row a record: `name` (N,) uint64 stands for the record, `copy` (N, 2) is equal for copies, `prompt` and `answer`
    (N,) digests of the words (0 = no word), `prompt_words` and `answer_words` their hashes in order, `keyed` the values
    of group and label keys as (N,) uint64 (0 = none), `label` (N,) the KTO verdict, -1 for none."""

    name: Hashes
    copy: Hashes
    prompt: Hashes
    answer: Hashes
    prompt_words: Batches
    answer_words: Batches
    label: NDArray[np.int8]
    keyed: dict[str, Hashes]

    def __len__(self) -> int:
        return len(self.name)

    def groups(self, keys: Sequence[str]) -> dict[str, Hashes]:
        """Return the columns of group ids that count, by key. Raises TunelintError for a named key that no record has."""
        if NONE in keys:
            return {}
        found = {}
        for key in _expanded(keys, GROUP_KEYS):
            column = self.keyed[key]
            if key not in _expanded((AUTO,), GROUP_KEYS) or key in keys:
                if not column.any():
                    raise TunelintError(f"no record has the key '{key}' of --group-by")
                found[key] = column
            elif groups_something(column, len(self)):
                found[key] = column
        return found

    def strata(self, key: str) -> tuple[Indices, str]:
        """Return a number per record for what it is stratified by, and what that is ("" when by nothing).

        By itself (`auto`): the KTO verdict, else the first label key with 2 to 50 values in nine tenths of the records,
        else the answers where nine tenths of them are of at most three words and there are 2 to 50 of them.
        """
        nothing = np.zeros(len(self), np.int64)
        if key == NONE:
            return nothing, ""
        if key != AUTO:
            if not self.keyed[key].any():
                raise TunelintError(f"no record has the key '{key}' of --stratify-by")
            return _numbered(self.keyed[key]), key
        verdict = np.where(self.label < 0, 0, self.label.astype(np.int64) + 1).astype(np.uint64)
        answers = np.where(self.answer_words.lengths <= _LABEL_WORDS, self.answer, np.uint64(0))
        candidates = [("KTO verdict", verdict), *((name, self.keyed[name]) for name in LABEL_KEYS), ("short answers", answers)]
        for name, column in candidates:
            if _is_label(column):
                return _numbered(column), name
        return nothing, ""


def material_of(
    records: Iterable[Record], ignore_fields: Sequence[str] | None = None, group_by: Sequence[str] = (AUTO,), stratify_by: str = AUTO
) -> Material:
    """Compute the columns of parsed records. `group_by` and `stratify_by` are keys (dots lead inside), auto or none."""
    keys = list(dict.fromkeys([*_expanded(group_by, GROUP_KEYS), *(LABEL_KEYS if stratify_by == AUTO else (stratify_by,))]))
    plan = FeaturePlan(_FEATURES, NAMING_KEYS if ignore_fields is None else tuple(ignore_fields))
    parts, keyed = [compute(Scanned([], plan))], [np.zeros((0, len(keys)), np.uint64)]
    rest = iter(records)
    while batch := tuple(islice(rest, _BATCH)):
        parts.append(compute(Scanned(batch, plan)))
        keyed.append(np.array([[key_digest(record.value or {}, key) for key in keys] for record in batch], dtype=np.uint64))
    values = np.concatenate(keyed)

    def column(name: str) -> NDArray[Any]:
        return np.concatenate([part[name] for part in parts if not isinstance(part[name], Ragged)])

    def words(name: str) -> Batches:
        return Batches(tuple(column for part in parts if isinstance(column := part[name], Ragged)))

    return Material(
        column("record")[:, 0], column("copy"), column("prompt"), column("answer"), words("prompt-words"),
        words("answer-words"), column("label"), {key: values[:, number] for number, key in enumerate(keys)},
    )  # fmt: skip


def _expanded(keys: Sequence[str], automatic: Sequence[str]) -> list[str]:
    found: list[str] = []
    for key in keys:
        if key == AUTO:
            found += [*automatic, *(f"{outer}.{inner}" for outer in NESTED for inner in automatic)]
        elif key != NONE:
            found.append(key)
    return list(dict.fromkeys(found))


def _is_label(column: Hashes) -> bool:
    present = column[column != 0]
    return len(present) >= _LABELLED * len(column) and 2 <= len(np.unique(present)) <= _MOST_LABELS


def _numbered(column: Hashes) -> Indices:
    return np.unique(column, return_inverse=True)[1].reshape(-1).astype(np.int64)

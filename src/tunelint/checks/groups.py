"""What several records come from: a conversation, a document, a customer. Such a group must not straddle the splits."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

import numpy as np

from tunelint.checks.duplicates import place
from tunelint.checks.hit import Edit, Hit, Partner
from tunelint.checks.leak import and_more
from tunelint.checks.survey import Survey, needs
from tunelint.similarity.columns import Hashes, Indices

# Keys that name what several records come from, at the top of a record or inside its metadata.
GROUP_KEYS = (
    "conversation_id", "conv_id", "dialogue_id", "dialog_id", "thread_id", "session_id", "chat_id", "ticket_id", "case_id",
    "document_id", "doc_id", "article_id", "passage_id", "context_id", "page_id", "paper_id", "source_id", "parent_id",
    "user_id", "author_id", "customer_id", "patient_id", "group_id", "group",
)  # fmt: skip
NESTED = ("metadata", "meta")
PLACES = (*GROUP_KEYS, *(f"{outer}.{key}" for outer in NESTED for key in GROUP_KEYS))
_NUMBER = {key: number for number, key in enumerate(PLACES)}
_MOST_PARTNERS = 20


def key_digest(value: dict[str, Any], key: str) -> int:
    """Return a 64-bit digest of the value at a key, of a dotted path where there is no such key; 0 for none or an empty one.

    Whole floats are ids too: pandas writes a column of integers as 17.0 where one of them is missing.
    """
    found: Any = value
    if key in value:
        found = value[key]
    else:
        for part in key.split("."):
            found = found.get(part) if isinstance(found, dict) else None
    if isinstance(found, float) and found.is_integer():
        found = int(found)
    if found is None or found == "" or isinstance(found, dict | list | float):
        return 0
    return int.from_bytes(hashlib.sha256(str(found).encode("utf-8", "surrogatepass")).digest()[:8]) | 1


def group_keys(value: dict[str, Any]) -> list[str]:
    """Return the keys of a record that may hold group ids."""
    keys = [key for key in value if key in _NUMBER]
    keys += [f"{outer}.{key}" for outer in NESTED if isinstance(value.get(outer), dict) for key in value[outer] if key in _NUMBER]
    return list(dict.fromkeys(keys))


def group_ids(value: dict[str, Any]) -> list[int]:
    """Return the group ids of a record in pairs: the number of the place in `PLACES`, and the digest of the value there."""
    pairs = [(_NUMBER[key], key_digest(value, key)) for key in group_keys(value)]
    return [item for pair in pairs if pair[1] for item in pair]


def groups_something(column: Hashes, records: int) -> bool:
    """Tell whether the ids of a key group records: they repeat, there are three or more, and none names half of the records."""
    _, counts = np.unique(column[column != 0], return_counts=True)
    return len(counts) >= 3 and int(counts.max()) > 1 and 2 * int(counts.max()) <= records


@needs("groups")
def shared_group(survey: Survey, options: dict[str, Any]) -> Iterator[Hit]:
    """LEAK006: records of one conversation, document or person stand in train and in eval."""
    column = survey.ragged("groups")
    places, ids = column.values[0::2].astype(np.int64), column.values[1::2]
    owner = np.repeat(np.arange(len(column)), column.lengths // 2)
    claimed: set[int] = set()
    for number in np.unique(places).tolist():
        chosen = places == number
        if PLACES[number] in options["ignore_keys"] or not groups_something(ids[chosen], len(survey)):
            continue
        for at, partners in _straddling(survey, owner[chosen], ids[chosen]):
            if at not in claimed:
                claimed.add(at)
                yield _hit(survey, at, partners, PLACES[number])


def _straddling(survey: Survey, owner: Indices, ids: Hashes) -> Iterator[tuple[int, list[int]]]:
    """Yield each eval record of a group that has records in train, with those."""
    order = np.lexsort((owner, ids))
    owner, ids = owner[order], ids[order]
    for group in np.split(owner, np.flatnonzero(np.diff(ids)) + 1):
        evals = survey.is_eval[group]
        if evals.any() and not evals.all():
            partners = group[~evals].tolist()
            for at in group[evals].tolist():
                yield at, partners


def _hit(survey: Survey, at: int, partners: list[int], key: str) -> Hit:
    return Hit(
        f"Eval record and {place(survey, partners[0])}{and_more(partners)} have the same {key}.", at=at,
        related=tuple(Partner(partner) for partner in partners[:_MOST_PARTNERS]), edit=Edit("drop"),
        details={"partners": partners, "key": key},
    )  # fmt: skip

"""One answer against the wanted one: is it the same, is it valid JSON, how like is it."""

from __future__ import annotations

import json
import unicodedata
from dataclasses import dataclass
from typing import Any

from tunelint.checks.tool_validators import validator_of
from tunelint.comparing.cases import Case
from tunelint.findings import canonical_json

SIMILARITY = "normalised Indel similarity of the characters (rapidfuzz): 1 is equal, 0 has nothing in common"


@dataclass(frozen=True, slots=True)
class Score:
    """`exact`: the same answer (JSON is compared as JSON). `valid`: it is the JSON that was asked for, None where none was.

    `similarity` in 0..1, see SIMILARITY (the longest common subsequence of both texts: https://rapidfuzz.github.io/RapidFuzz/).
    """

    exact: bool
    valid: bool | None
    similarity: float


def score(case: Case, answer: str, wanted: str) -> Score:
    """Score an answer to a case against the wanted one."""
    from rapidfuzz.distance import Indel

    wanted, given = _clean(wanted), _clean(answer)
    wanted_json, given_json = _json(wanted), _json(given)
    if isinstance(wanted_json, dict | list):
        exact = type(wanted_json) is type(given_json) and canonical_json(wanted_json) == canonical_json(given_json)
    else:
        exact = wanted == given
    return Score(exact, _valid(case, wanted_json, given_json), float(Indel.normalized_similarity(wanted, given)))


def _valid(case: Case, wanted: Any, given: Any) -> bool | None:
    """Judge the form: where the wanted answer is a JSON object or list, or the record has a schema, else None."""
    if case.schema is None:
        return type(given) is type(wanted) if isinstance(wanted, dict | list) else None
    validator = validator_of(case.schema)
    if validator is None:  # the schema itself is wrong: it can only be asked that the answer is JSON
        return given is not _NO_JSON
    return given is not _NO_JSON and bool(validator.is_valid(given))


_NO_JSON = object()


def _json(text: str) -> Any:
    """Return the value of a text that is JSON and nothing else, else `_NO_JSON`."""
    try:
        return json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return _NO_JSON


def _refuse(word: str) -> Any:
    raise ValueError(f"{word} is Python's, not JSON's")


def _clean(text: str) -> str:
    return unicodedata.normalize("NFC", text).strip()

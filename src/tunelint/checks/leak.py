"""What a stage of the leak search gives back: see `tunelint.checks.leakage`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from tunelint.checks.survey import Survey

# Partners named in a finding; `details["partners"]` holds all of them, for `clean`.
MOST_PARTNERS = 20


@dataclass(frozen=True, slots=True)
class Leak:
    """The train partners of an eval record, best first, the similarities of those that a finding names, and its words.

    Records with the same partners may share one list: nobody changes it."""

    partners: list[int]
    scores: list[float]
    message: str


Stage = Callable[[Survey, dict[str, Any], list[int]], dict[int, Leak]]


def and_more(partners: Sequence[int]) -> str:
    """Return ` and N more` where a message names only the first of several partners."""
    return f" and {len(partners) - 1:,} more" if len(partners) > 1 else ""

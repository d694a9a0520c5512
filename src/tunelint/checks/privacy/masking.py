"""Hides secrets and personal data in whatever is printed."""

from __future__ import annotations

import re

from tunelint.checks.privacy.personal import find_personal
from tunelint.checks.privacy.secrets import find_secrets
from tunelint.checks.privacy.spans import Sensitive, masked, without_overlaps

# A message may quote the first characters of a value only: too short for the key's own pattern, long enough to matter.
_PIECE = re.compile(
    r"(?<![A-Za-z0-9_])(sk-(?:proj|ant|svcacct|admin|or)-|gh[pousr]_|github_pat_|glpat-|xox[abeoprs]-|AKIA|AIza|hf_|gsk_|npm_|SG\.|ya29\.|eyJ)"
    r"[A-Za-z0-9_.-]{8,}"
)
_MARKS_OF_PIECES = ("_", "sk-", "glpat-", "xox", "AKIA", "AIza", "SG.", "ya29.", "eyJ")


def sensitive(text: str) -> list[Sensitive]:
    """Return all secrets and personal data of a text, in order, without overlaps."""
    found = [*find_secrets(text), *find_personal(text)]
    if any(mark in text for mark in _MARKS_OF_PIECES):
        found += [Sensitive("piece of a secret", "", *match.span(), keep=match.end(1) - match.start()) for match in _PIECE.finditer(text)]
    return without_overlaps(found) if found else found


def mask(text: str) -> str:
    """Return the text with every secret and personal datum shown as its public prefix and its length (`sk-…(51)`)."""
    found = sensitive(text)
    if not found:
        return text
    pieces, position = [], 0
    for item in found:
        pieces += [text[position : item.start], masked(text, item)]
        position = item.end
    return "".join([*pieces, text[position:]])


def mask_around(text: str, start: int, end: int) -> tuple[str, int, int]:
    """Mask a text and return it with the place where text[start:end] now stands.

    A place inside a masked stretch becomes the whole mask: half a mask would say where the secret is cut.
    """
    found = sensitive(text)
    if not found:
        return text, start, end
    pieces: list[str] = []
    position = length = 0
    new_start, new_end = start, end
    for item in found:
        shown = masked(text, item)
        mask_start = length + item.start - position
        length = mask_start + len(shown)
        pieces += [text[position : item.start], shown]
        position = item.end
        shift = length - item.end
        if start >= item.end:
            new_start = start + shift
        elif start >= item.start:
            new_start = mask_start
        if end >= item.end:
            new_end = end + shift
        elif end > item.start:
            new_end = length
    return "".join([*pieces, text[position:]]), new_start, max(new_start, new_end)

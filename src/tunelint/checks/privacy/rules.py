"""PII001 and PII002: secrets and personal data anywhere in a record."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

from tunelint.checks.hit import Edit, Hit
from tunelint.checks.privacy.personal import find_personal
from tunelint.checks.privacy.secrets import find_secrets
from tunelint.checks.privacy.spans import Sensitive, masked, redact
from tunelint.checks.screen import only_where
from tunelint.checks.texts import strings
from tunelint.findings import Severity
from tunelint.records.record import Record
from tunelint.records.signs import AT, CAPITALS, DIGITS, KEY, TO_WORDS

_LOWER = b"abcdefghijklmnopqrstuvwxyz"
_LONGEST = 200_000  # a longer string is a file in base64, not a text


@only_where(signs=AT | CAPITALS | KEY)
def secret(record: Record, options: dict[str, Any]) -> Iterable[Hit]:
    """PII001: a credential that opens something."""
    raw = record.spelled
    if (record.signs & KEY and _has_random_token(raw)) or b"PRIVATE KEY" in raw or b"Q~" in raw or (b"@" in raw and b"://" in raw):
        return _secrets(record, options)
    return ()


def _has_random_token(raw: bytes) -> bool:
    """Tell whether a long run of a key's characters has digits or mixed case, as keys have and identifiers seldom."""
    for token in raw.translate(TO_WORDS).split():
        if len(token) >= 20:
            letters = token.translate(None, b"_-+/")
            if not letters.isalpha():
                return True
            upper = len(letters.translate(None, _LOWER))
            if min(upper, len(letters) - upper) >= 5:
                return True
    return False


def _secrets(record: Record, options: dict[str, Any]) -> Iterator[Hit]:
    seen = set(options["allow"])
    for pointer, text in _texts(record):
        found = [item for item in find_secrets(text) if text[item.start : item.end] not in seen]
        if not found:
            continue
        seen.update(text[item.start : item.end] for item in found)
        edit = _redaction(pointer, text, [item for item in found if not item.sample])
        for item in found:
            shown = masked(text, item)
            span = (item.start, item.end)
            if item.sample:
                message = f"Text holds what looks like a sample of {_article(item.kind)} ({shown})."
                yield Hit(message, pointer=pointer, span=span, severity=Severity.NOTE)
            else:
                yield Hit(f"Text holds {_article(item.kind)} ({shown}).", pointer=pointer, span=span, edit=edit)


def _texts(record: Record) -> Iterator[tuple[str, str]]:
    for pointer, text in strings(record.value):
        if 8 <= len(text) <= _LONGEST and not text.startswith("data:"):
            yield pointer, text


def _redaction(pointer: str, text: str, found: list[Sensitive]) -> Edit | None:
    return Edit("set", pointer, redact(text, found)) if found else None


def _article(kind: str) -> str:
    return f"an {kind}" if kind[0] in "AEIOaeio" or kind.startswith(("npm", "xAI")) else f"a {kind}"


@only_where(signs=AT | CAPITALS | DIGITS)
def personal_data(record: Record, options: dict[str, Any]) -> Iterable[Hit]:
    """PII002: a person's e-mail address, phone number, card, account or state number."""
    raw = record.spelled  # a DNI is the one number here with fewer than nine digits
    return _personal(record, options) if b"@" in raw or record.signs & DIGITS or b"DNI" in raw else ()


# A telephone by itself may as well be a firm's; words that make it somebody's own. Other scripts than Latin are not judged.
_SOMEBODY = re.compile(
    r"\b(?:my|mine|his|her|their|your|mobile|cell(?:phone)?|home (?:phone|telephone|number)|personal|private|whatsapp|"
    r"mr|mrs|ms|miss|dr|prof|i'm|i am|(?:call|text|reach|ring|phone|contact) (?:me|him|her|them)|name|patient|client|customer|"
    r"mon|ma|mein\w*|handy|privat|mi|su|celular|m[oó]vil)\b",
    re.IGNORECASE,
)
_CONTEXT, _LEAST_CONTEXT = 120, 12  # characters before a telephone


def _may_be_a_firm_s(text: str, group: list[Sensitive]) -> bool:
    before = text[max(0, group[0].start - _CONTEXT) : group[0].start].replace("’", "'")
    return all(item.kind == "phone number" for item in group) and len(before) >= _LEAST_CONTEXT and before.isascii() and not _SOMEBODY.search(before)


def _personal(record: Record, options: dict[str, Any]) -> Iterator[Hit]:
    allowed = options["allow"]
    kinds = frozenset(options["kinds"])
    samples: Hit | None = None
    seen: set[str] = set()
    for pointer, text in _texts(record):
        found = [item for item in find_personal(text, kinds) if not _is_allowed(text[item.start : item.end], allowed)]
        if all(text[item.start : item.end] in seen for item in found):
            continue  # said before: chosen and rejected share a prompt, a call repeats its question
        seen.update(text[item.start : item.end] for item in found)
        own = [item for item in found if not item.sample]
        if own:
            yield _personal_hit(pointer, text, own, _redaction(pointer, text, own))
        elif samples is None:
            samples = _personal_hit(pointer, text, found, None)
    if samples is not None:
        yield samples  # nothing has to be done about them, so one is enough


def _personal_hit(pointer: str, text: str, group: list[Sensitive], edit: Edit | None) -> Hit:
    """One hit for a text: a list of two hundred addresses is one fault."""
    first = group[0]
    kinds = Counter(item.kind for item in group)
    listed = ", ".join(f"{count} {kind}{'s' if not kind.endswith('s') else 'es'}" if count > 1 else _article(kind) for kind, count in kinds.items())
    what = "what looks like a sample of " if edit is None else ""
    severity = Severity.NOTE if edit is None or _may_be_a_firm_s(text, group) else None
    shown = f" ({masked(text, first)})" if len(group) == 1 else ""
    return Hit(f"Text holds {what}{listed}{shown}.", pointer=pointer, span=(first.start, first.end), edit=edit, severity=severity)


def _is_allowed(value: str, allowed: list[str]) -> bool:
    return any(value == item or value.endswith("@" + item.removeprefix("@")) for item in allowed)

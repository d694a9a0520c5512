"""PII001 and PII002: secrets and personal data anywhere in a record."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from tunelint.checks.hit import Edit, Hit
from tunelint.checks.privacy.secrets import find_secrets
from tunelint.checks.privacy.spans import Sensitive, masked, redact
from tunelint.checks.screen import screen
from tunelint.checks.texts import strings
from tunelint.findings import Severity
from tunelint.records.record import Record

_LONGEST = 200_000  # a longer string is a file in base64, not a text


def secret(record: Record, options: dict[str, Any]) -> Iterable[Hit]:
    """PII001: a credential that opens something."""
    raw = record.raw
    if not (screen(record).long_token or b"PRIVATE KEY" in raw or (b"@" in raw and b"://" in raw)):
        return ()
    return _secrets(record, options)


def _secrets(record: Record, options: dict[str, Any]) -> Iterator[Hit]:
    allowed = frozenset(options["allow"])
    for pointer, text in _texts(record):
        found = [item for item in find_secrets(text) if text[item.start : item.end] not in allowed]
        if not found:
            continue
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
    return f"an {kind}" if kind[0] in "AEIOaeio" and not kind.startswith("one") or kind.startswith(("SSN", "npm", "xAI", "HF")) else f"a {kind}"

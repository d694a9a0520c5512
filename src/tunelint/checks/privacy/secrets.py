"""Finds credentials in a text."""

from __future__ import annotations

import math
import re
from collections import Counter
from functools import cache

from tunelint.checks.privacy.secret_kinds import KINDS, SecretKind
from tunelint.checks.privacy.spans import Sensitive, without_overlaps
from tunelint.records.signs import LONG_KEY, TO_KEYS

# Documentation writes its keys with such words, and nobody's random key holds one.
_SAMPLE = re.compile(
    r"example|sample|your|placeholder|dummy|fake|changeme|redacted|insert|replace|xxx|test_?key|\*\*\*|\.\.\.|secret_?key|foobar", re.IGNORECASE
)
_RUNS = "abcdefghijklmnopqrstuvwxyz0123456789012345678901234567890"
_LOCAL = re.compile(r"@(?:localhost|127\.0\.0\.1|0\.0\.0\.0|host|hostname|server|db|[\w.-]*example\.(?:com|org|net))(?![\w.-])", re.IGNORECASE)
_OBVIOUS = frozenset(
    {"password", "passwd", "pass", "pwd", "secret", "postgres", "root", "admin", "user", "guest", "test", "mysql", "token", "1234", "12345", "123456"}
)


def find_secrets(text: str) -> list[Sensitive]:
    """Return the credentials in a text, in order, without overlaps."""
    if not may_hold_secret(text):
        return []
    found: list[Sensitive] = []
    for kind in KINDS:
        if not any(mark in text for mark in kind.marks):
            continue
        for match in _compiled(kind).finditer(text):
            group = 1 if match.re.groups else 0
            start, end = match.span(group)
            value = match.group(group)
            if entropy(value[kind.keep :]) < kind.entropy and kind.name != "password in an address":
                sample = True
            else:
                sample = _is_sample(kind, value, text, end)
            found.append(Sensitive(kind.name, kind.placeholder, start, end, kind.keep, sample))
    return without_overlaps(found)


def may_hold_secret(text: str) -> bool:
    """Tell whether a text has what every credential has one of: a long run of a key's characters, or a mark of the kinds that
    have none. Ordinary prose has neither, and this is told at 3 ns a character, not at 70."""
    if LONG_KEY in text.encode("utf-8", "surrogatepass").translate(TO_KEYS):
        return True
    return "Q~" in text or "xox" in text or "PRIVATE KEY" in text or ("://" in text and "@" in text)


@cache
def _compiled(kind: SecretKind) -> re.Pattern[str]:
    return re.compile(kind.pattern, re.DOTALL if kind.name == "private key" else 0)


def _is_sample(kind: SecretKind, value: str, text: str, end: int) -> bool:
    body = value[kind.keep :]
    if kind.name == "password in an address":
        return body.lower() in _OBVIOUS or _SAMPLE.search(body) is not None or _LOCAL.match(text, end) is not None
    if kind.name == "private key":
        return "..." in body or text.startswith(("...", "…"), end) or re.search(r"[A-Za-z0-9+/=]{16,}", body) is None
    return _SAMPLE.search(body) is not None or _share_in_sequence(body) > 0.5


def _share_in_sequence(body: str) -> float:
    """Return the share of characters that stand in runs like abcdef, 12345 or aaaa: what fingers type, not what dice give."""
    if len(body) < 4:
        return 0.0
    lowered = body.lower()
    inside = sum(lowered[index : index + 3] in _RUNS or len(set(lowered[index : index + 3])) == 1 for index in range(len(lowered) - 2))
    return inside / (len(lowered) - 2)


def entropy(text: str) -> float:
    """Return the Shannon entropy of the characters, in bits per character (0 for an empty text)."""
    if not text:
        return 0.0
    total = len(text)
    return -sum(count / total * math.log2(count / total) for count in Counter(text).values())

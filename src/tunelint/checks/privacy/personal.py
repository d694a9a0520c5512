"""Finds personal data in a text: e-mail addresses, phone numbers, cards, accounts, numbers that states give to people."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

from tunelint.checks.privacy.personal_kinds import KINDS, LETTERED, PersonalKind
from tunelint.checks.privacy.spans import Sensitive, without_overlaps

ALL_KINDS = tuple(dict.fromkeys(["email", *(kind.key for kind in (*KINDS, *LETTERED))]))

# Digits with separators between them. What may stand around them is looked at afterwards: a pattern that starts with
# digits is found ten times faster than one that starts with a look back.
_NUMBER = re.compile("[0-9](?:[ \u00a0()./-]{0,3}[0-9]| № ?[0-9]){7,26}[Xx]?")
# Not inside a word, a path, a parameter, a decimal.
_NOT_BEFORE = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_@/.=#%&-$€£")
_NOT_AFTER = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_%@")
_LETTERED = re.compile(r"[A-Z][A-Z0-9][0-9]{2} ?[A-Z0-9]{4}|[0-9]{7}[ -]?[A-Z]")
_DIGITS = b"0123456789"
_TO_FORM = bytes(48 if 48 <= code <= 57 else 65 if 65 <= code <= 90 else 120 for code in range(256))  # digits 0, capitals A, others x
_SEPARATORS = re.compile(r"\D+")
_EMAIL = re.compile(
    r"(?<![\w.+%-])[A-Za-z0-9][A-Za-z0-9._%+-]{0,63}@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]{2,24}(?![A-Za-z0-9@-])"
)
_SAMPLE_DOMAIN = re.compile(
    r"(?:^|\.)(?:example|test|invalid|localhost|sample|domain|your-?\w*|my-?domain|email|mail|(?:my|our|the)?company|website|abc|xyz|acme\w*|"
    r"[\w-]*example[\w-]*)\.[a-z.]{2,6}$",
    re.IGNORECASE,
)
_SAMPLE_NAME = re.compile(
    r"^(?:user\w*|you|your[._-]?\w*|name|firstname[._-]?lastname|someone|somebody|example|test\w*|foo|bar|abc|xyz|email|recipient|sender)$",
    re.IGNORECASE,
)
# Addresses of an office, not of a person.
_OFFICE = re.compile(
    r"^(?:\w*info|support|help|contact|admin|administrator|sales|office|hello|noreply|no-reply|donotreply|webmaster|postmaster|press|jobs|hr|pr|"
    r"marketing|admissions?|orders?|media|news(?:letter)?|membership|enquir\w*|inquir\w*|reservations?|booking|billing|service|"
    r"customer[._-]?\w*|team|feedback|privacy|abuse|security|git|"
    r"ask|mail|kontakt|contacto|legal|careers?|shop|store|accounts?|payments?|returns|tickets?|events?|editor(?:ial)?|general)$",
    re.IGNORECASE,
)
# Telephones of an office, a shop, a service.
_OFFICE_LINE = re.compile(
    r"\b(?:help ?line|hot ?line|help ?desk|help telephone|emergenc(?:y|ies)|(?:customer|client) (?:care|service|support)|"
    r"switchboard|(?:press|ticket|box) office|front desk|reception|reservations?|registrations?|bookings?|head ?quarters|"
    r"service experts|toll[- ]free|fax|call (?:us|today|now|our)|(?:contact|reach|ring|phone) (?:us|our)|"
    r"горяч\w+ лини\w+|справочн\w+|приёмн\w+|客服|热线|kundendienst)\b(?![^\n]*\b(?:my|his|her) )[^\n]{0,48}$",
    re.IGNORECASE,
)
_FAX_AFTER = re.compile(r"[\s,;|]{0,4}(?:tele)?fax\b", re.IGNORECASE)
# Sixteen digits without a gap are a card's only where the text says so: one in forty of all such numbers would pass for one.
_CARD = re.compile(r"card|visa|master|amex|credit|debit|payment|\bpan\b|карт|卡|カード|카드|karte|carte|tarjeta", re.IGNORECASE)
# What an author makes up on the spot: "a fake address, for example ...".
_MADE_UP = re.compile(r"\b(?:fake|made[- ]up|fictional|imaginary|for example|for instance|such as|e\.g\.)[^@\n]{0,24}$", re.IGNORECASE)
_NO_DOMAIN = frozenset({"png", "jpg", "jpeg", "gif", "svg", "js", "py", "css", "local"})
# Numbers that payment services give for tests, and that documentation uses.
_TEST_CARDS = frozenset(
    {"4111111111111111", "4242424242424242", "4012888888881881", "4000056655665556", "5555555555554444", "5105105105105100",
     "378282246310005", "371449635398431", "6011111111111117", "6011000990139424", "3530111333300000", "30569309025904",
     "38520000023237"}
)  # fmt: skip
_SAMPLES = frozenset(
    {"123456789", "078051120", "219099999", "987654321", "12345678Z", "DE89370400440532013000", "GB82WEST12345698765432",
     "GB29NWBK60161331926819"}
)  # fmt: skip


def find_personal(text: str, kinds: Collection[str] = ()) -> list[Sensitive]:
    """Return the personal data of a text, in order, without overlaps; `kinds` narrows it down to some kinds."""
    found: list[Sensitive] = []
    if "@" in text and (not kinds or "email" in kinds):
        found += _emails(text)
    found += _numbers(text, kinds)
    return without_overlaps(found) if len(found) > 1 else found


def _emails(text: str) -> Iterator[Sensitive]:
    for match in _EMAIL.finditer(text):
        name, _, domain = match.group().rpartition("@")
        if _OFFICE.match(name) or domain.endswith("gserviceaccount.com") or domain.rsplit(".", 1)[-1].lower() in _NO_DOMAIN:
            continue
        short = len(name) <= 2 and len(domain) <= 6  # a@b.co
        sample = short or _SAMPLE_DOMAIN.search(domain) is not None or _SAMPLE_NAME.match(name) is not None
        sample = sample or _MADE_UP.search(text[max(0, match.start() - 60) : match.start()]) is not None
        yield Sensitive("e-mail address", "[EMAIL]", match.start(), match.end(), 0, sample)


def may_hold_numbers(text: str) -> tuple[bool, bool]:
    """Tell whether a text has the digits of a long number, and whether it has those of one with letters: 4 ns a character, where
    the search for them takes 30."""
    raw = text.encode("utf-8", "surrogatepass")
    digits = len(raw) - len(raw.translate(None, _DIGITS))
    form = raw.translate(_TO_FORM) if digits >= 2 else b""
    return digits >= 8, b"A00" in form or b"0000000" in form


def _numbers(text: str, kinds: Collection[str]) -> Iterator[Sensitive]:
    may_run, may_be_lettered = may_hold_numbers(text)
    for match in _NUMBER.finditer(text) if may_run else ():
        run = _trimmed(text, *match.span())
        item = _classified(text, *run, kinds) if run is not None else None
        if item is not None:
            yield item
    if not may_be_lettered or _LETTERED.search(text) is None:
        return
    for kind in LETTERED:
        if kinds and kind.key not in kinds:
            continue
        for match in kind.pattern.finditer(text):
            value = _valid_part(kind, match.group())
            if value and _has_context(kind, text, match.start()):
                sample = _bare(value) in _SAMPLES
                yield Sensitive(kind.name, kind.placeholder, match.start(), match.start() + len(value), 0, sample)


def _trimmed(text: str, start: int, end: int) -> tuple[int, int] | None:
    """Return a run of digits without the groups at its ends that belong to a word, a path or a sum; None if nothing is left."""
    while True:
        if start and text[start - 1] == "(":
            start -= 1
        if start and text[start - 1] == "+":
            start -= 1
        before = text[start - 1] if start else " "
        if before not in _NOT_BEFORE and not (text[start] == "+" and (before.isalnum() or before == ")")):
            break
        space = text.find(" ", start, end)
        if space < 0:
            return None
        start = space + 1
    while end < len(text) and text[end] in _NOT_AFTER:
        space = text.rfind(" ", start, end)
        if space < 0:
            return None
        end = space
    return (start, end) if end - start >= 8 else None


def _valid_part(kind: PersonalKind, value: str) -> str:
    """Return how much of a match is a valid value, "" for none: an IBAN may be followed by a word in capitals."""
    while value:
        if kind.verify is not None and kind.verify(_bare(value)):
            return value
        value = value.rpartition(" ")[0]
    return ""


def _bare(value: str) -> str:
    return value.replace(" ", "").replace("-", "")


def _classified(text: str, start: int, end: int, kinds: Collection[str]) -> Sensitive | None:
    """Return what a run of digits is, None for nothing of a person's. It may be several numbers in a row."""
    for kind in KINDS:
        if kinds and kind.key not in kinds:
            continue
        for match in kind.pattern.finditer(text, start, end):
            first, last = match.span()
            if not _stands_alone(kind, text, (first, last), (start, end)):
                continue
            value = match.group()
            digits = value.upper() if kind.key == "chinese-id" else _SEPARATORS.sub("", value)
            if kind.verify is not None and not kind.verify(digits):
                continue
            bare_card = kind.key == "card" and value.isdigit() and _CARD.search(text, max(0, first - 60), first) is None
            if bare_card or not _has_context(kind, text, first):
                continue
            if kind.key == "phone" and (_OFFICE_LINE.search(text[max(0, first - 80) : first]) or _FAX_AFTER.match(text, last)):
                return None
            return Sensitive(kind.name, kind.placeholder, first, last, 0, _is_sample(kind, digits))
    return None


def _stands_alone(kind: PersonalKind, text: str, span: tuple[int, int], run: tuple[int, int]) -> bool:
    """Tell a number from a piece of a longer one: only a space may part it from other digits of its run.

    A loose form, which counts by the word before it, must begin where the run begins.
    """
    first, last = span
    if first > run[0] and (kind.context is not None or text[first - 1] not in " \u00a0"):
        return False
    return last == run[1] or text[last] in " \u00a0"


def _has_context(kind: PersonalKind, text: str, start: int) -> bool:
    return kind.context is None or kind.context.search(text, max(0, start - 40), start) is not None


def _is_sample(kind: PersonalKind, digits: str) -> bool:
    if kind.key == "card":
        return digits in _TEST_CARDS or len(set(digits)) <= 2
    if digits in _SAMPLES:
        return True
    if kind.key == "phone":
        local = digits[-10:]
        # 555 is fiction's exchange; the rest is typed, not dialled.
        return "555" in (local[:3], local[3:6]) or "1234567" in digits or "9876543" in digits or len(set(digits[-9:])) <= 3
    return len(set(digits)) <= 2

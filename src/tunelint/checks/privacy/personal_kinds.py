"""Numbers that belong to a person, by country: their form, their check digits, the words that must stand before them.

A number whose form is shared by many others (ten digits) counts only with its check digits and its word (`ИНН`, `IdNr`)
close before it. Names and street addresses are not looked for: without a model for each language most findings would be
wrong.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from tunelint.checks.privacy import checksums


@dataclass(frozen=True, slots=True)
class PersonalKind:
    """`key` is its name in the option `kinds`, `locale` the country that it is of ("" for all). `pattern` matches the whole
    value, `verify` takes it without separators, `context` must match in the 40 characters before it."""

    key: str
    name: str
    placeholder: str
    locale: str
    pattern: re.Pattern[str]
    verify: Callable[[str], bool] | None = None
    context: re.Pattern[str] | None = None


def _kind(
    key: str, name: str, locale: str, pattern: str, verify: Callable[[str], bool] | None = None, context: str | None = None
) -> PersonalKind:
    before = None if context is None else re.compile(context, re.IGNORECASE)
    return PersonalKind(key, name, f"[{key.upper().replace('-', '_')}]", locale, re.compile(pattern), verify, before)


def _card(digits: str) -> bool:
    return checksums.card_issuer(digits) is not None and checksums.luhn(digits)


def _us_ssn(digits: str) -> bool:
    return digits[:3] not in ("000", "666") and digits[0] != "9" and digits[3:5] != "00" and digits[5:] != "0000"


# 800 and its like are free numbers of firms and help lines, nobody's own.
_FREE = r"8(?:00|33|44|55|66|77|88)"
_PHONE = (
    r"(?:tel|phone|mobile|cell|call|fax|whatsapp|телефон|тел\b|моб|звон|電話|电话|手机|手機|联系|聯絡|전화|연락|"
    r"telefon|handy|mobil|fon\b|rufnummer|téléphone|portable|móvil|teléfono|celular|llam)"
)


KINDS: tuple[PersonalKind, ...] = (
    _kind("card", "card number", "", r"\d{4}([ -]?)\d{4}\1\d{4}\1\d{1,7}|3[47]\d{2}([ -]?)\d{6}\2\d{5}|3\d{3}([ -]?)\d{6}\3\d{4}", _card),
    _kind("chinese-id", "Chinese identity number", "zh", r"[1-9]\d{16}[\dXx]", checksums.chinese_id),
    _kind("korean-id", "Korean registration number", "ko", r"\d{6}-[1-8]\d{6}", checksums.korean_id),
    _kind("french-id", "French social security number", "fr", r"[12]( ?)\d{2}\1\d{2}\1\d{2}\1\d{3}\1\d{3} ?\d{2}", checksums.french_id),
    _kind("ssn", "US social security number", "en", r"\d{3}-\d{2}-\d{4}", _us_ssn),
    _kind("snils", "SNILS", "ru", r"\d{3}-\d{3}-\d{3}[ -]\d{2}", checksums.snils),
    _kind("snils", "SNILS", "ru", r"\d{11}|\d{3} \d{3} \d{3} \d{2}", checksums.snils, "снилс|snils"),
    _kind("inn", "INN", "ru", r"\d{12}|\d{10}", checksums.inn, r"инн\b|\binn\b|налогоплательщик"),
    _kind("passport", "Russian passport number", "ru", r"\d{2} ?\d{2}(?: ?| № ?)\d{6}", None, "паспорт"),
    _kind("account", "bank account number", "ru", r"4\d{4}[ .]?\d{3}[ .]?\d[ .]?\d{4}[ .]?\d{7}", None, r"сч[её]т|р\s*/\s*с|\bр\.с|\bл/с|account"),
    _kind("german-tax-id", "German tax number", "de", r"\d{11}|\d{2} \d{3} \d{3} \d{3}", checksums.german_tax_id, r"steuer|idnr|id-nr|\btin\b"),
    _kind(
        "japanese-id", "Japanese individual number", "ja",
        r"\d{12}|\d{4}([ -])\d{4}\1\d{4}", checksums.japanese_id, "マイナンバー|個人番号|my number",
    ),
    _kind(
        "phone", "phone number", "ru",
        rf"(?:\+7|8(?=[ (-]))[ -]?(?:\((?!{_FREE})\d{{3}}\)|(?!{_FREE})\d{{3}})[ -]?\d{{3}}[ -]?\d{{2}}[ -]?\d{{2}}", lambda d: d[1] in "3489",
    ),
    _kind("phone", "phone number", "ru", r"8[3489]\d{9}|9\d{9}", None, _PHONE),
    _kind(
        "phone", "phone number", "en",
        rf"(?:\+?1[ .-]?)?(?:\((?!{_FREE})[2-9]\d{{2}}\) ?|(?!{_FREE})[2-9]\d{{2}}[.-])\d{{3}}[.-]\d{{4}}",
    ),
    _kind(
        "phone", "phone number", "",
        rf"\+(?!1[ .-]?\(?{_FREE})(?!7[ -]?\(?800)[1-9](?:\d{{9,12}}(?!\d)|\d{{0,2}}(?:[ ().-]{{1,2}}\d{{1,7}}){{2,6}})", lambda d: 9 <= len(d) <= 15,
    ),
    _kind("phone", "phone number", "ko", r"01[016-9]-\d{3,4}-\d{4}"),
    _kind("phone", "phone number", "ja", r"0(?!120|800|570)\d{1,3}-\d{2,4}-\d{4}", lambda d: len(d) in (10, 11)),
    _kind("phone", "phone number", "fr", r"0[1-7]([ .-])\d{2}\1\d{2}\1\d{2}\1\d{2}"),
    _kind("phone", "phone number", "zh", r"1[3-9]\d([ -]?)\d{4}\1\d{4}", None, _PHONE),
    _kind("phone", "phone number", "de", r"0[1-9]\d{1,4}[ /-]{1,3}\d{2,4}[ -]?\d{2,6}(?:[ -]?\d{2,4})?", None, _PHONE),
    _kind("phone", "phone number", "es", r"[6789]\d{2}([ .-]?)\d{3}\1\d{3}|[6789]\d{2}([ .-])\d{2}\2\d{2}\2\d{2}", None, _PHONE),
)  # fmt: skip

# With letters in them, so not among runs of digits.
LETTERED: tuple[PersonalKind, ...] = (
    _kind(
        "iban", "IBAN", "",
        r"(?<![A-Za-z0-9])[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,4})?(?![A-Za-z0-9])", checksums.iban,
    ),
    _kind(
        "spanish-id", "Spanish identity number", "es",
        r"(?<![A-Za-z0-9])(?:\d{8}|[XYZ]\d{7})[ -]?[A-Z](?![A-Za-z0-9])", checksums.spanish_id, r"\b(?:dni|nie|nif)\b|identidad",
    ),
)  # fmt: skip

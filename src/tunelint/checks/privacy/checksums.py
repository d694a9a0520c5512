"""The check digits of cards, accounts and personal numbers. Every function takes digits without separators."""

from __future__ import annotations

# Length of an IBAN by country: SWIFT's IBAN registry, release 98.
IBAN_LENGTHS = {
    "AD": 24, "AE": 23, "AL": 28, "AT": 20, "AZ": 28, "BA": 20, "BE": 16, "BG": 22, "BH": 22, "BI": 27, "BR": 29, "BY": 28, "CH": 21,
    "CR": 22, "CY": 28, "CZ": 24, "DE": 22, "DJ": 27, "DK": 18, "DO": 28, "EE": 20, "EG": 29, "ES": 24, "FI": 18, "FK": 18, "FO": 18,
    "FR": 27, "GB": 22, "GE": 22, "GI": 23, "GL": 18, "GR": 27, "GT": 28, "HR": 21, "HU": 28, "IE": 22, "IL": 23, "IQ": 23, "IS": 26,
    "IT": 27, "JO": 30, "KW": 30, "KZ": 20, "LB": 28, "LC": 32, "LI": 21, "LT": 20, "LU": 20, "LV": 21, "LY": 25, "MC": 27, "MD": 24,
    "ME": 22, "MK": 19, "MN": 20, "MR": 27, "MT": 31, "MU": 30, "NI": 28, "NL": 18, "NO": 15, "OM": 23, "PK": 24, "PL": 28, "PS": 29,
    "PT": 25, "QA": 29, "RO": 24, "RS": 22, "RU": 33, "SA": 24, "SC": 31, "SD": 18, "SE": 24, "SI": 19, "SK": 24, "SM": 27, "SO": 23,
    "ST": 25, "SV": 28, "TL": 23, "TN": 24, "TR": 26, "UA": 29, "VA": 22, "VG": 24, "XK": 20, "YE": 30,
}  # fmt: skip


def luhn(digits: str) -> bool:
    """Check a card number (ISO/IEC 7812-1, annex B)."""
    total = 0
    for index, char in enumerate(reversed(digits)):
        number = int(char)
        if index % 2:
            number = number * 2 - 9 if number > 4 else number * 2
        total += number
    return total % 10 == 0


def card_issuer(digits: str) -> str | None:
    """Return the scheme that issues numbers of this beginning and length, None for none."""
    length, two, four = len(digits), int(digits[:2]), int(digits[:4])
    if digits[0] == "4" and length in (16, 19):
        return "Visa"
    if length == 16 and (51 <= two <= 55 or 2221 <= four <= 2720):
        return "Mastercard"
    if length == 15 and two in (34, 37):
        return "American Express"
    if length == 16 and 2200 <= four <= 2204:
        return "Mir"
    if length == 16 and (four == 6011 or two == 65 or 6440 <= four <= 6499):
        return "Discover"
    if 16 <= length <= 19 and two == 62:
        return "UnionPay"
    if length == 16 and 3528 <= four <= 3589:
        return "JCB"
    if length == 14 and (two in (36, 38, 39) or 3000 <= four <= 3059):
        return "Diners"
    return None


def iban(text: str) -> bool:
    """Check an IBAN without spaces: its country's length and ISO 13616's remainder modulo 97."""
    if IBAN_LENGTHS.get(text[:2]) != len(text):
        return False
    moved = text[4:] + text[:4]
    return int("".join(str(int(char, 36)) for char in moved)) % 97 == 1


def snils(digits: str) -> bool:
    """Check a Russian pension insurance number of 11 digits (numbers above 001-001-998 have a check number)."""
    if int(digits[:9]) <= 1001998:
        return False
    total = sum(int(char) * (9 - index) for index, char in enumerate(digits[:9])) % 101
    return (0 if total == 100 else total) == int(digits[9:])


def inn(digits: str) -> bool:
    """Check a Russian taxpayer number: 10 digits of a company, 12 of a person."""

    def check(weights: tuple[int, ...]) -> int:
        return sum(weight * int(char) for weight, char in zip(weights, digits, strict=False)) % 11 % 10

    if len(digits) == 10:
        return check((2, 4, 10, 3, 5, 9, 4, 6, 8)) == int(digits[9])
    if len(digits) == 12:
        first = check((7, 2, 4, 10, 3, 5, 9, 4, 6, 8)) == int(digits[10])
        return first and check((3, 7, 2, 4, 10, 3, 5, 9, 4, 6, 8)) == int(digits[11])
    return False


def chinese_id(text: str) -> bool:
    """Check a Chinese resident identity number of 18 characters (GB 11643-1999): its birth date and its check character."""
    if not _is_date(int(text[6:10]), int(text[10:12]), int(text[12:14])):
        return False
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    return "10X98765432"[sum(weight * int(char) for weight, char in zip(weights, text, strict=False)) % 11] == text[17].upper()


def korean_id(digits: str) -> bool:
    """Check a Korean resident registration number of 13 digits by its birth date (numbers since 2020 have no check digit)."""
    century = {"1": 1900, "2": 1900, "3": 2000, "4": 2000, "5": 1900, "6": 1900, "7": 2000, "8": 2000}.get(digits[6])
    return century is not None and _is_date(century + int(digits[:2]), int(digits[2:4]), int(digits[4:6]))


def japanese_id(digits: str) -> bool:
    """Check a Japanese individual number of 12 digits (Ministry of Internal Affairs, ordinance 85 of 2014)."""
    body = digits[10::-1]
    total = sum(int(char) * (index + 2 if index < 6 else index - 4) for index, char in enumerate(body)) % 11
    return (0 if total <= 1 else 11 - total) == int(digits[11])


def german_tax_id(digits: str) -> bool:
    """Check a German tax identification number of 11 digits (ISO 7064, MOD 11,10; the first digit is not 0)."""
    product = 10
    for char in digits[:10]:
        total = (int(char) + product) % 10 or 10
        product = total * 2 % 11
    return digits[0] != "0" and (11 - product) % 10 == int(digits[10]) and len(set(digits[:10])) in (8, 9)


def french_id(digits: str) -> bool:
    """Check a French social security number of 15 digits: its month and its key, 97 less the remainder modulo 97."""
    month = int(digits[3:5])
    return (1 <= month <= 12 or 20 <= month <= 42 or month >= 50) and 97 - int(digits[:13]) % 97 == int(digits[13:])


def spanish_id(text: str) -> bool:
    """Check a Spanish DNI (8 digits and a letter) or NIE (X, Y or Z, 7 digits and a letter)."""
    number = text[:-1].replace("X", "0").replace("Y", "1").replace("Z", "2")
    return "TRWAGMYFPDXBNJZSQVHLCKE"[int(number) % 23] == text[-1]


def _is_date(year: int, month: int, day: int) -> bool:
    return 1900 <= year <= 2030 and 1 <= month <= 12 and 1 <= day <= (29 if month == 2 else 30 if month in (4, 6, 9, 11) else 31)

"""Check digits: published numbers pass, and a wrong digit is noticed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunelint.checks.privacy import checksums

# Sources: payment services' test numbers; the IBAN registry's examples; Wikipedia's examples of the national numbers.
GOOD = [
    (checksums.luhn, "4111111111111111"), (checksums.luhn, "378282246310005"), (checksums.luhn, "6011000990139424"),
    (checksums.iban, "DE89370400440532013000"), (checksums.iban, "GB29NWBK60161331926819"), (checksums.iban, "FR1420041010050500013M02606"),
    (checksums.iban, "NO9386011117947"), (checksums.iban, "MT84MALT011000012345MTLCAST001S"), (checksums.iban, "RU0204452560040702810412345678901"),
    (checksums.snils, "11223344595"), (checksums.inn, "7707083893"), (checksums.inn, "500100732259"), (checksums.chinese_id, "11010519491231002X"),
    (checksums.japanese_id, "123456789018"), (checksums.german_tax_id, "86095742719"), (checksums.german_tax_id, "47036892816"),
    (checksums.french_id, "255081416802538"), (checksums.spanish_id, "12345678Z"), (checksums.spanish_id, "X1234567L"),
]  # fmt: skip


@pytest.mark.parametrize(("check", "number"), GOOD)
def test_published_numbers_pass(check: object, number: str) -> None:
    assert check(number)  # type: ignore[operator]


@pytest.mark.parametrize(("check", "number"), [pair for pair in GOOD if pair[0] is not checksums.german_tax_id])
@given(data=st.data())
def test_a_wrong_digit_is_noticed(check: object, number: str, data: st.DataObject) -> None:
    places = [index for index, char in enumerate(number) if char.isdigit()]
    place = data.draw(st.sampled_from(places))
    digit = data.draw(st.sampled_from([digit for digit in "0123456789" if digit != number[place]]))
    wrong = number[:place] + digit + number[place + 1 :]
    if check is checksums.inn and int(number[place]) - int(digit) in (10, -10):
        return
    if check in (checksums.snils, checksums.inn, checksums.japanese_id):  # their remainders of 10 fold two digits into one
        return
    assert not check(wrong)  # type: ignore[operator]


@given(st.from_regex(r"[0-9]{11}", fullmatch=True))
def test_few_random_numbers_pass_as_snils(digits: str) -> None:
    body = digits[:9]
    passing = [tail for tail in range(100) if checksums.snils(f"{body}{tail:02d}")]
    assert len(passing) <= 1


def test_korean_numbers_need_a_date() -> None:
    assert checksums.korean_id("8504121037216")
    assert not checksums.korean_id("8513121037216")
    assert not checksums.korean_id("8504329037216")

"""What the signs promise: a character that a check looks for always sets its sign, wherever it stands."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunelint.checks.text_invisible import _INVISIBLE
from tunelint.records.signs import ESCAPE, INVISIBLE, REPLACEMENT, signs_of

_HIDDEN = [chr(code) for code in range(0x80, 0x110000) if not 0xD800 <= code < 0xE000 and _INVISIBLE.match(chr(code))]


@pytest.mark.parametrize("spelling", [False, True], ids=["as it is", "escaped"])
def test_every_character_without_width_sets_its_sign(spelling: bool) -> None:
    raws = [json.dumps({"text": f"a{char}b"}, ensure_ascii=spelling).encode() for char in _HIDDEN]
    assert len(raws) > 150
    wanted = ESCAPE if spelling else INVISIBLE
    assert [char for char, signs in zip(_HIDDEN, signs_of(raws), strict=True) if not signs & wanted] == []


def test_quotation_marks_and_dashes_are_no_characters_without_width() -> None:
    [signs] = signs_of(['{"text": "“It’s” – or — ‘not’ é ü ж 中"}'.encode()])
    assert not signs & INVISIBLE


@given(st.lists(st.tuples(st.text(max_size=8), st.sampled_from([*_HIDDEN[:40], "\ufffd", "", "”"]), st.text(max_size=8)), max_size=6))
def test_a_sign_does_not_depend_on_the_records_around(parts: list[tuple[str, str, str]]) -> None:
    raws = [json.dumps({"text": "".join(part)}, ensure_ascii=False).encode("utf-8", "surrogatepass") for part in parts]
    together = signs_of(raws)
    assert together == [signs_of([raw])[0] for raw in raws]
    for (_, char, _), raw, signs in zip(parts, raws, together, strict=True):
        assert signs & INVISIBLE or not re.match(_INVISIBLE, char)
        assert signs & REPLACEMENT or b"\xef\xbf\xbd" not in raw

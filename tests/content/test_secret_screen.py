"""The quick look that spares most texts the search for secrets: it must not spare one that holds a secret."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunelint.checks.privacy.personal import _LETTERED, _NUMBER, may_hold_numbers
from tunelint.checks.privacy.personal_kinds import KINDS as PERSONAL_KINDS
from tunelint.checks.privacy.personal_kinds import LETTERED, PersonalKind
from tunelint.checks.privacy.secret_kinds import KINDS, SecretKind
from tunelint.checks.privacy.secrets import may_hold_secret
from tunelint.cli.main import main


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name.replace(" ", "-"))
@given(data=st.data())
def test_whatever_has_the_form_of_a_secret_is_looked_at(kind: SecretKind, data: st.DataObject) -> None:
    before, after = data.draw(st.sampled_from([("", ""), ("The key is ", "."), ("ключ: ", "，")]))
    assert may_hold_secret(before + data.draw(st.from_regex(kind.pattern)) + after)


@pytest.mark.parametrize("kind", [*PERSONAL_KINDS, *LETTERED], ids=lambda kind: f"{kind.key}-{kind.locale}")
@given(data=st.data())
def test_whatever_has_the_form_of_a_number_is_looked_at(kind: PersonalKind, data: st.DataObject) -> None:
    text = "Nr " + data.draw(st.from_regex(re.compile(kind.pattern.pattern, re.ASCII))) + "."
    may_run, may_be_lettered = may_hold_numbers(text)
    assert may_run or _NUMBER.search(text) is None
    assert may_be_lettered or _LETTERED.search(text) is None
    if kind in LETTERED:
        assert may_be_lettered, f"{kind.name}: {text!r}"


def test_an_azure_secret_with_dots_is_a_finding(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    secret = "zBs" + "8Q~" + "Xh2yE.wDk4Vb1Lm.Rt9sKq7~Jf3Gp6Ty0A"
    rows = [{"messages": [{"role": "user", "content": "Which secret?"}, {"role": "assistant", "content": f"client_secret = {secret}"}]}]
    path = tmp_path / "train.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    main(["lint", str(path), "--isolated", "--select", "PII001", "--format", "concise"])
    printed = capsys.readouterr().out
    assert "PII001 secret" in printed
    assert secret not in printed

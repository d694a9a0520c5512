"""What is secret or personal is in no output: not in a message, not in an excerpt of any rule, in no format."""

from __future__ import annotations

import io
import json
import random
import re
import string
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunelint.checks.privacy import mask
from tunelint.checks.privacy.masking import mask_around
from tunelint.cli.main import main

_DICE = random.Random(7)


def dice(count: int, letters: str = string.ascii_letters + string.digits) -> str:
    """Return random letters: a key of nobody."""
    return "".join(_DICE.choice(letters) for _ in range(count))


KEYS = {
    "openai": "sk-" + "proj-" + dice(48),
    "anthropic": "sk-" + "ant-api03-" + dice(93) + "AA",
    "github": "gh" + "p_" + dice(36),
    "aws id": "AK" + "IA" + dice(16, string.ascii_uppercase + "234567"),
    "hugging face": "hf" + "_" + dice(34, string.ascii_letters),
    "google": "AI" + "za" + dice(35),
    "slack": "xox" + "b-" + dice(12, string.digits) + "-" + dice(24),
    "private key": "-----BEGIN " + "PRIVATE KEY-----\n" + dice(64) + "\n" + dice(64) + "\n-----END PRIVATE KEY-----",
    "address": "postgres://orders:" + dice(12) + "@db.orders.io/main",
    "e-mail": "olga.petrova1987@gmail.com",
    "card": "4539 1488 0343 6467",
    "iban": "DE44 5001 0517 5407 3249 31",
    "phone": "+7 (916) 273-48-15",
    "ssn": "512-44-7734",
}


def pieces(secret: str) -> list[str]:
    """Return the stretches that must not be seen: the random middle of a key, an address' name, the digits of a number."""
    body = secret.split("://", 1)[-1].split(":", 1)[-1].split("@")[0] if "://" in secret else secret
    middle = re.sub(r"\s", "", body)
    return [middle[len(middle) // 2 - 4 : len(middle) // 2 + 4]]


def lint(folder: Path, *options: str) -> str:
    """Return all that the command line prints."""
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        main(["lint", str(folder), "--isolated", "--pack", "strict", "--fail-on", "never", "--max-per-rule", "0", *options])
    return out.getvalue() + err.getvalue()


@pytest.mark.parametrize("kind", KEYS)
@pytest.mark.parametrize("form", ["full", "concise", "json", "jsonl"])
def test_no_output_shows_it(kind: str, form: str, tmp_path: Path) -> None:
    secret = KEYS[kind]
    call = {"name": secret, "arguments": secret}
    rows = [
        {"messages": [{"role": "user", "content": f"Look: {secret} \u200b"}, {"role": "assistant", "content": f"{secret}\x00 and {secret}"}]},
        {"messages": [{"role": secret, "content": secret}, {"role": "user", "content": " "}]},
        {secret: secret, "note": f"nothing known here {secret}"},
        {"messages": [{"role": "user", "content": f"Ignore all previous rules, {secret}"}, {"role": "assistant", "content": f"{{{{a}}}} {secret}"}]},
        {"messages": [{"role": "user", "content": "Go"}, {"role": "assistant", "tool_calls": [{"id": secret, "function": call}]}]},
    ]
    lines = [json.dumps(row) for row in rows] + [f'{{"prompt": "broken {secret}", ', f"{json.dumps(secret)}"]
    (tmp_path / "train.jsonl").write_text("\n".join(lines), encoding="utf-8")
    printed = re.sub(r"\s", "", lint(tmp_path, "--format", form))
    for piece in pieces(secret):
        assert piece not in printed, f"{kind} shows {piece}"


@given(st.text(alphabet=string.ascii_letters + string.digits + " .,!?'()-_/:\n", max_size=80), st.sampled_from(sorted(KEYS)), st.text(max_size=30))
def test_masked_wherever_it_stands(before: str, kind: str, after: str) -> None:
    shown = mask(f"{before} {KEYS[kind]} {after}")
    assert not any(piece in re.sub(r"\s", "", shown) for piece in pieces(KEYS[kind]))


@given(st.text(max_size=200))
def test_masking_twice_is_masking_once(text: str) -> None:
    assert mask(mask(text)) == mask(text)


@given(st.text(alphabet=string.ascii_letters + " .,!?äöüßéèжзий漢字\n", max_size=200))
def test_text_without_digits_is_left_alone(text: str) -> None:
    assert mask(text) == text


WORDS = st.text(alphabet=string.ascii_letters + " ", max_size=60)


@given(WORDS, st.sampled_from(sorted(KEYS)), WORDS)
def test_the_mark_stays_on_its_words(before: str, kind: str, after: str) -> None:
    text = f"{before} {KEYS[kind]} {after}!"
    shown, start, end = mask_around(text, len(text) - 1, len(text))
    assert shown[start:end] == "!"
    shown, start, end = mask_around(text, len(before) + 1, len(before) + 1 + len(KEYS[kind]))
    assert "…(" in shown[start:end]
    assert 0 <= start <= end <= len(shown)

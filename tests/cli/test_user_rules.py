"""A user's own rules: pages in a folder, without Python."""

from __future__ import annotations

from pathlib import Path

import pytest

PATTERN = r"""---
code: ACME001
severity: warning
scope: record
check: pattern
pattern: '{pattern}'
field: answer
flags: [ignore-case]
message: "Answer names '{{match}}'."
since: "1.0"
evidence: https://example.org/policy
---
# competitor-name

An answer names a competitor.

## Why it hurts

The model will too.

## How to fix

Reword the answer.

## Cases

### fires

```jsonl train.jsonl
{{"prompt": "Who is best?", "completion": "globex is."}}
```

```findings
train.jsonl:1: ACME001 competitor-name Answer names 'globex'.
```

### another word is silent

```jsonl train.jsonl
{{"prompt": "Is Globex best?", "completion": "We are."}}
```

```findings
```
"""
EXPRESSION = """---
code: ACME002
severity: error
scope: record
check: expression
expression: '{expression}'
options:
  least: {{type: int, default: 3, help: "Least words."}}
since: "1.0"
evidence: https://example.org/policy
---
# short-answer

An answer is too short.

## Why it hurts

It teaches brevity.

## How to fix

Write more.

## Cases

### fires on one of two

```jsonl train.jsonl
{{"prompt": "Who is best?", "completion": "We."}}
{{"prompt": "yes or no?", "completion": "Yes."}}
```

```findings
train.jsonl:1: ACME002 short-answer
```
"""
GOOD_PATTERN = r"\b(Globex|Initech)\b"
GOOD_EXPRESSION = 'words(answer) < least and not contains(prompt, "yes or no")'


@pytest.fixture
def pages(tmp_path: Path) -> Path:
    folder = tmp_path / "my-rules"
    folder.mkdir()
    (folder / "competitor-name.md").write_text(PATTERN.format(pattern=GOOD_PATTERN))
    (folder / "short-answer.md").write_text(EXPRESSION.format(expression=GOOD_EXPRESSION))
    return folder


def test_pages_are_tested_selected_configured_and_explained(tunelint, tmp_path, pages):
    ran = tunelint("test-rules", "my-rules")
    assert (ran.code, ran.err.strip()) == (0, "3 cases passed, 0 failed")
    Path("tunelint.toml").write_text('rules-dirs = ["my-rules"]\n[rules.short-answer]\nleast = 2\nseverity = "note"\n')
    Path("train.jsonl").write_text('{"prompt": "Who?", "completion": "Initech"}\n')
    found = tunelint("lint", "train.jsonl", "--select", "ACME", "--format", "json").json["findings"]
    assert [(f["name"], f["severity"]) for f in found] == [("competitor-name", "warning"), ("short-answer", "note")]
    assert found[0]["pointer"] == "/completion"
    assert "# short-answer" in tunelint("rule", "acme002").out


def test_a_failing_case_is_exit_1(tunelint, pages):
    (pages / "competitor-name.md").write_text(PATTERN.format(pattern="nobody"))
    ran = tunelint("test-rules", "my-rules")
    assert ran.code == 1
    assert "FAIL  competitor-name: fires: not found" in ran.out


@pytest.mark.parametrize(
    ("page", "says"),
    [
        (PATTERN.format(pattern="(("), "not a regular expression"),
        (EXPRESSION.format(expression="__import__"), "names"),
        (EXPRESSION.format(expression="open(1)"), "may call only"),
        (EXPRESSION.format(expression="answer.upper() == 1"), "may call only"),
        (EXPRESSION.format(expression="[x for x in roles]"), "ListComp"),
        (EXPRESSION.format(expression="lambda: 1"), "Lambda"),
        (EXPRESSION.format(expression="answer["), "cannot be read"),
        (EXPRESSION.format(expression="answer.__class__"), "Attribute"),
        (PATTERN.format(pattern="x").replace("ACME001", "DUP001"), "already the rule"),
        (PATTERN.format(pattern="x").replace("severity: warning", "severity: bad"), "severity 'bad'"),
        (PATTERN.format(pattern="x").replace("field: answer", "field: reply"), "field 'reply'"),
        ("# no-front-matter\n", "front matter"),
    ],
)
def test_a_wrong_page_is_one_line_that_names_it(tunelint, pages, page, says):
    (pages / "short-answer.md").unlink()
    (pages / "competitor-name.md").write_text(page)
    Path("tunelint.toml").write_text('rules-dirs = ["my-rules"]\n')
    Path("train.jsonl").write_text('{"prompt": "Who?", "completion": "We"}\n')
    ran = tunelint("lint", "train.jsonl")
    assert ran.code == 2
    assert "competitor-name.md" in ran.err
    assert says in ran.err
    assert len(ran.err.splitlines()) == 1


def test_a_pattern_that_never_ends_is_stopped_and_said(tunelint, pages, monkeypatch):
    monkeypatch.setattr("tunelint.checks.declarative.TIME_LIMIT", 0.05)
    (pages / "competitor-name.md").write_text(PATTERN.format(pattern="^(a|aa)+$"))
    Path("tunelint.toml").write_text('rules-dirs = ["my-rules"]\n')
    Path("train.jsonl").write_text('{"prompt": "x", "completion": "' + "a" * 300 + 'b"}\n')
    found = tunelint("lint", "train.jsonl", "--select", "ACME001", "--format", "json").json["findings"]
    assert len(found) == 1
    assert "took longer than" in found[0]["message"]

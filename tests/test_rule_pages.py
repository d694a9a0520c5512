"""Every case of every rule page, run through the command line; and what a page must have to be one."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tunelint.rulebook import Case, Rule, load_folder, parse_cases, shipped_rules
from tunelint.testing import check_rule_folder, run_case

RULES = load_folder(shipped_rules())
CASES = [(rule, case) for rule in RULES for case in parse_cases(rule.text, rule.source)]
FAMILIES = {
    "json": "JSN", "schema": "SCH", "turns": "TURN", "tools": "TOOL", "tokens": "TOK", "duplicates": "DUP", "leakage": "LEAK",
    "size": "SIZE", "text": "TEXT", "privacy": "PII", "preference": "PREF", "images": "IMG", "fit": "FIT", "config": "CFG",
}  # fmt: skip


@pytest.mark.parametrize(("rule", "case"), CASES, ids=[f"{rule.name}: {case.title}" for rule, case in CASES])
def test_case(rule: Rule, case: Case) -> None:
    assert run_case(rule, case, shipped_rules()) == ""


@pytest.mark.parametrize("rule", RULES, ids=[rule.name for rule in RULES])
def test_page_is_complete(rule: Rule) -> None:
    cases = parse_cases(rule.text, rule.source)
    assert any(case.findings for case in cases), "no case in which the rule fires"
    assert any(not case.findings for case in cases), "no near-miss in which it is silent"
    assert rule.evidence, "no evidence"
    assert all(re.match(r"https://[a-z0-9.-]+\.[a-z]+(/|$)", link) for link in rule.evidence)
    assert rule.summary
    assert rule.why
    assert rule.help
    assert rule.since
    path = Path(rule.source)
    assert path.stem == rule.name
    assert FAMILIES[path.parent.name] == rule.family
    assert bool(rule.fix) == any(case.fixed for case in cases), "a rule that fixes shows it in a case, and only such a rule"
    assert all(option.help for option in rule.options)


def test_the_readme_s_own_rules_work(tmp_path: Path) -> None:
    readme = (shipped_rules() / "README.md").read_text(encoding="utf-8")
    pages = re.findall(r"^````markdown\n(.*?)^````$", readme, re.MULTILINE | re.DOTALL)
    assert len(pages) == 2
    for number, page in enumerate(pages):
        (tmp_path / f"{number}.md").write_text(page, encoding="utf-8")
    outcomes = list(check_rule_folder(tmp_path))
    assert len(outcomes) == 4
    assert [outcome.problem for outcome in outcomes] == ["", "", "", ""]


def test_a_case_that_does_not_hold_is_reported(tmp_path: Path) -> None:
    page = (shipped_rules() / "turns" / "missing-assistant-reply.md").read_text(encoding="utf-8")
    page = page.replace("TURN001", "ACME001").replace("# missing-assistant-reply", "# lonely-question")
    wrong = page.replace("train.jsonl:2: ACME001 missing-assistant-reply", "train.jsonl:1: ACME001 lonely-question")
    (tmp_path / "lonely-question.md").write_text(wrong, encoding="utf-8")
    problems = [outcome.problem for outcome in check_rule_folder(tmp_path)]
    assert "not found: train.jsonl:1" in problems[0]
    assert "not expected: train.jsonl:2" in problems[0]
    assert problems[1:] == [""] * (len(problems) - 1)

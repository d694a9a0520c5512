"""Targets: pages of facts that load, agree with the rules, and change severities and options and nothing else."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from tunelint import lint
from tunelint.api import Settings, active_rules
from tunelint.errors import TunelintError
from tunelint.rulebook import load_rulebook
from tunelint.targets import load_target, parse_target, rule_settings, target_names

FACT = '[facts.limit]\nsays = "At most ten."\nsource = "https://example.com/limits"\nread = 2026-11-22\n'
FIRST_WAVE = {"openai", "azure", "together", "fireworks", "mistral", "trl", "axolotl", "llamafactory", "tunelint"}
CHAT = '{{"messages": [{{"role": "user", "content": "What is {0} plus one?"}}, {{"role": "assistant", "content": "It is {1}."}}]}}\n'


@pytest.fixture(autouse=True)
def _fresh_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("train.jsonl").write_text("".join(CHAT.format(number, number + 1) for number in range(12)), encoding="utf-8")


def on(day: str, monkeypatch: pytest.MonkeyPatch) -> None:
    moment = datetime.fromisoformat(day).replace(tzinfo=UTC)
    monkeypatch.setenv("SOURCE_DATE_EPOCH", str(int(moment.timestamp())))


def test_the_first_wave_is_there() -> None:
    assert set(target_names()) >= FIRST_WAVE


@pytest.mark.parametrize("name", target_names())
def test_facts_are_complete_and_fit_the_rules(name: str) -> None:
    target = load_target(name)
    assert target.title
    assert target.summary
    assert target.facts
    for fact in target.facts:
        assert fact.says.endswith(".")
        assert fact.source.startswith("https://") or name == "tunelint"
        assert fact.read <= date.today()
    book = load_rulebook()
    for rule in target.rule_tables():
        assert book.find(rule) is not None, rule
    # Options are checked for their names and types where rules are resolved.
    assert active_rules(Settings(target=name), book)


@pytest.mark.parametrize("name", target_names())
def test_a_target_changes_severities_and_options_and_nothing_else(name: str) -> None:
    book = load_rulebook()
    with_target, without = active_rules(Settings(target=name), book), active_rules(Settings(), book)
    assert [active.rule.name for active in with_target] == [active.rule.name for active in without]
    assert [set(active.options) for active in with_target] == [set(active.options) for active in without]


@pytest.mark.parametrize("name", sorted(FIRST_WAVE))
def test_facts_and_token_recipes_agree(name: str) -> None:
    from tunelint.tokens.recipes import recipe_for

    target, recipe = load_target(name), recipe_for(name)
    assert target.value("max-tokens") == recipe.window
    assert target.value("overlong") == recipe.overlong
    assert target.value("trained") == recipe.trains


def test_the_user_overrules_the_target() -> None:
    book = load_rulebook()
    tables = rule_settings("together", book, {"SIZE001": {"minimum": 7}, "mixed-shapes": {"severity": "note"}})
    assert tables["too-few-records"] == {"minimum": 7}
    assert tables["mixed-shapes"] == {"severity": "note"}
    assert tables["unknown-role"]["roles"] == ["system", "user", "assistant", "tool"]


@pytest.mark.parametrize(
    ("day", "severity", "ok"),
    [("2026-11-22", "note", True), ("2026-12-28", "warning", True), ("2027-01-06", "error", False), ("2028-02-01", "error", False)],
)
def test_openai_closes(day: str, severity: str, ok: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    on(day, monkeypatch)
    report = lint(["train.jsonl"], target="openai")
    jobs, models = report.of_rule("closing-service")
    assert jobs.severity == severity
    assert "2027-01-06" in jobs.message
    assert "2027-01-14" in models.message
    assert report.ok is ok
    assert not lint(["train.jsonl"]).of_rule("closing-service")


def test_old_facts_are_a_note(monkeypatch: pytest.MonkeyPatch) -> None:
    on("2027-05-20", monkeypatch)
    assert not lint(["train.jsonl"], target="trl").of_rule("old-target-facts")
    on("2027-05-21", monkeypatch)
    (found,) = lint(["train.jsonl"], target="trl").of_rule("old-target-facts")
    assert found.severity == "note"
    assert found.count == len(load_target("trl").facts)


@pytest.mark.parametrize(
    ("page", "fault"),
    [
        (FACT + "colour = 1\n", "unknown key 'colour'"),
        (FACT.replace("read = 2026-11-22", 'read = "soon"'), "must be dates"),
        (FACT + "ends = true\nvalue = 3\n", "must be dates"),
        (FACT.replace("source", "origin"), "unknown key 'origin'"),
        (FACT + 'status = "rumour"\n', "'rumour' is none of"),
        (FACT + 'status = "unknown"\nrules.too-few-records = { minimum = 3 }\n', "can have no value and change no rule"),
        (FACT + 'status = "conflict"\nrules.blank-line = { severity = "error" }\n', "cannot make an error"),
        ("[facts", "is not TOML"),
    ],
)
def test_a_wrong_page_is_named(page: str, fault: str) -> None:
    with pytest.raises(TunelintError, match=r"page\.toml") as raised:
        parse_target(page, "page", "page.toml")
    assert fault in str(raised.value)


def test_a_target_that_does_not_exist_stops_the_run(tunelint) -> None:  # type: ignore[no-untyped-def]
    ran = tunelint("lint", "--target", "opnai", ".")
    assert ran.code == 2
    assert "did you mean 'openai'" in ran.err
    with pytest.raises(TunelintError, match="no target"):
        lint(["train.jsonl"], target="opnai")


def test_the_command_prints_facts(tunelint) -> None:  # type: ignore[no-untyped-def]
    listed = tunelint("target")
    assert listed.code == 0
    assert all(name in listed.out for name in target_names())
    printed = tunelint("target", "azure")
    assert "byte-order-mark = yes  (sources disagree)" in printed.out
    assert "read 2026-11-22: https://" in printed.out
    (openai,) = tunelint("target", "openai", "--format", "json").json
    ends = [fact["value"] for fact in openai["facts"] if fact["ends"]]
    assert ends == ["2027-01-06", "2027-01-14"]
    assert json.dumps(openai)
    assert tunelint("target", "nowhere").code == 2


def test_severities_follow_the_target(tunelint) -> None:  # type: ignore[no-untyped-def]
    Path("bom.jsonl").write_bytes(b"\xef\xbb\xbf" + Path("train.jsonl").read_bytes())
    for target, severity in ((None, "warning"), ("azure", "note"), ("openai", "warning")):
        (found,) = lint(["bom.jsonl"], target=target).of_rule("byte-order-mark")
        assert found.severity == severity
    rows = Path("train.jsonl").read_text(encoding="utf-8").replace('"content": "It', '"content": [{"type": "text", "text": "It', 1)
    rows = rows.replace('is 1."}', 'is 1."}]}', 1)
    Path("train.jsonl").write_text(rows, encoding="utf-8")
    for target, severity in ((None, "note"), ("trl", "warning"), ("openai", "note")):
        (found,) = lint(["train.jsonl"], target=target).of_rule("drifting-type")
        assert found.severity == severity

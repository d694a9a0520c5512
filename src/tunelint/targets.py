"""What each service or trainer accepts: `rules/targets/<name>.toml`, pages of dated facts with their sources.

A fact has one sentence (`says`), the day it was `read`, its `source`, a `status` (stated; conflict where sources disagree;
unknown), where there is one a `value`, and under `rules` what follows from it: options of rules and their severity.
`--target` changes severities and options of rules that run, nothing else. An unknown fact changes nothing, and what sources
disagree about never becomes an error.
"""

from __future__ import annotations

import difflib
import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path
from typing import Any

from tunelint.errors import TunelintError
from tunelint.rulebook.book import Rulebook, shipped_rules

STATUSES = ("stated", "conflict", "unknown")
_KEYS = {"says", "value", "status", "source", "read", "ends", "rules"}


@dataclass(frozen=True, slots=True)
class Fact:
    """One fact of a target. `ends`: its value is the day on which something ends. `rules`: rule name -> options and severity."""

    name: str
    says: str
    source: str
    read: date
    status: str = "stated"
    value: Any = None
    ends: bool = False
    rules: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Target:
    """A service or trainer and its facts, in the order of its page."""

    name: str
    title: str
    summary: str
    facts: tuple[Fact, ...]

    def value(self, fact: str, default: Any = None) -> Any:
        """Return the value of a fact, the default where the fact is unknown or not there."""
        found = next((item for item in self.facts if item.name == fact), None)
        return default if found is None or found.value is None or found.status == "unknown" else found.value

    @property
    def endings(self) -> tuple[Fact, ...]:
        """The facts about something that ends, earliest first."""
        return tuple(sorted((fact for fact in self.facts if fact.ends), key=lambda fact: (fact.value, fact.name)))

    def old_facts(self, today: date, days: int) -> tuple[Fact, ...]:
        """Return the facts that were read at least so many days ago."""
        return tuple(fact for fact in self.facts if (today - fact.read).days >= days)

    def rule_tables(self) -> dict[str, dict[str, Any]]:
        """Return what follows for the rules: rule name -> options and severity, as in `[rules.NAME]` of a config."""
        tables: dict[str, dict[str, Any]] = {}
        for fact in self.facts:
            for rule, table in fact.rules.items():
                tables.setdefault(rule, {}).update(table)
        return tables


def target_names() -> list[str]:
    """Return the names of all targets."""
    return sorted(path.stem for path in _folder().glob("*.toml"))


@cache
def load_target(name: str) -> Target:
    """Read a target. Raises TunelintError for one that does not exist, or whose page is wrong."""
    names = target_names()
    if name not in names:
        near = difflib.get_close_matches(name.lower(), names, n=1, cutoff=0.5)
        hint = f"; did you mean '{near[0]}'?" if near else ""
        raise TunelintError(f"no target '{name}'{hint}; there are {', '.join(names)}")
    path = _folder() / f"{name}.toml"
    return parse_target(path.read_text(encoding="utf-8"), name, str(path))


def parse_target(text: str, name: str, source: str) -> Target:
    """Read a target's page. Raises TunelintError that names the page and what is wrong with it."""
    try:
        page = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise TunelintError(f"{source} is not TOML: {error}") from error
    facts = tuple(_fact(fact, table, source) for fact, table in page.get("facts", {}).items())
    return Target(name, page.get("title", name), page.get("summary", ""), facts)


def _fact(name: str, table: dict[str, Any], source: str) -> Fact:
    where = f"{source}: fact '{name}'"
    unknown = sorted(set(table) - _KEYS)
    if unknown:
        raise TunelintError(f"{where} has the unknown key '{unknown[0]}'")
    for key in ("says", "source", "read"):
        if key not in table:
            raise TunelintError(f"{where} lacks '{key}'")
    if type(table["read"]) is not date or (table.get("ends") and type(table.get("value")) is not date):
        raise TunelintError(f"{where}: 'read', and the value of what ends, must be dates")
    status, rules = table.get("status", "stated"), table.get("rules", {})
    if status not in STATUSES:
        raise TunelintError(f"{where}: status '{status}' is none of {', '.join(STATUSES)}")
    if status == "unknown" and (rules or "value" in table):
        raise TunelintError(f"{where} is unknown: it can have no value and change no rule")
    if status == "conflict" and any(rule.get("severity") == "error" for rule in rules.values()):
        raise TunelintError(f"{where}: sources disagree, so it cannot make an error")
    return Fact(name, table["says"], table["source"], table["read"], status, table.get("value"), table.get("ends", False), rules)


def rule_settings(target: str | None, book: Rulebook, own: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return the rule tables of a run: the target's, overruled by the user's own (`[rules.NAME]`), by rule name."""
    tables = {rule: dict(table) for rule, table in load_target(target).rule_tables().items()} if target is not None else {}
    for name, table in own.items():
        rule = book.find(name)
        tables.setdefault(rule.name if rule is not None else name, {}).update(table)
    return tables


def today() -> date:
    """Return today's date (UTC); SOURCE_DATE_EPOCH overrides it, as in other tools with reproducible output."""
    given = os.environ.get("SOURCE_DATE_EPOCH", "")
    moment = datetime.fromtimestamp(int(given), UTC) if given.isdigit() else datetime.now(UTC)
    return moment.date()


def _folder() -> Path:
    return shipped_rules() / "targets"

"""Marks inside records: under a key of the user's choice, a record names the rules that it is exempt from.

JSON has no comments, so the mark is data: `{"messages": [...], "tunelint": ["TOK001"]}` with `in-record-key = "tunelint"`,
or `{"metadata": {"lint": "TOK001"}}` with `in-record-key = "metadata.lint"`. Trainers and services never see it: whatever
writes records for them takes it out (`strip_mark`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from tunelint.checks.settings import UnknownName
from tunelint.engine.result import Report
from tunelint.findings import Finding
from tunelint.records.locate import escape
from tunelint.records.reader import read_records
from tunelint.rulebook import Rulebook
from tunelint.rulebook.select import names_of


def read_mark(value: Any, key: str) -> list[str] | None:
    """Return the rules that a record's mark names; None where there is no mark. What is no list of names is no mark."""
    for step in key.split("."):
        if not isinstance(value, dict) or step not in value:
            return None
        value = value[step]
    if isinstance(value, str):
        return [name.strip() for name in value.split(",") if name.strip()]
    if isinstance(value, list) and all(isinstance(name, str) for name in value):
        return list(value)
    return None


def strip_mark(value: dict[str, Any], key: str) -> dict[str, Any]:
    """Return the record without its mark; a table that held nothing else goes too. The record itself is not changed."""
    first, _, rest = key.partition(".")
    if read_mark(value, key) is None:
        return value
    inner = strip_mark(value[first], rest) if rest else {}
    return {name: inner if name == first else item for name, item in value.items() if name != first or inner}


def apply_marks(report: Report, key: str, book: Rulebook) -> tuple[list[Finding], tuple[UnknownName, ...]]:
    """Return the findings that no mark in their own record accepts, and the names in marks that are no rules.

    A finding about two records is accepted by the mark of the record that it stands at. `extras["present"]` of the report
    maps the paths that findings name to the paths to read, where these are others.
    """
    present: Mapping[str, str] = report.extras.get("present", {})
    exempt: dict[tuple[str, int], frozenset[str]] = {}
    unknown: dict[tuple[str, str], UnknownName] = {}
    known: dict[str, frozenset[str]] = {}
    quick = key.rpartition(".")[2].encode()
    for path in (file.path for file in report.files):
        for record in read_records(present.get(path, path), report.extras.get("stdin")):
            names = read_mark(record.value, key) if quick in record.raw or not quick.isascii() else None
            for name in names or ():
                if name not in known:
                    known[name] = names_of(book, name)
                if not known[name]:
                    first = unknown.get((path, name)) or UnknownName(path, record.line, name, book.did_you_mean(name), 0)
                    unknown[path, name] = replace(first, count=first.count + 1)
            if names:
                exempt[path, record.row] = frozenset().union(*(known[name] for name in names))
    pointer = "".join(f"/{escape(step)}" for step in key.split("."))
    kept = [finding for finding in report.findings if not _accepted(finding, exempt, pointer)]
    return kept, tuple(unknown.values())


def _accepted(finding: Finding, exempt: Mapping[tuple[str, int], frozenset[str]], pointer: str) -> bool:
    names = exempt.get((finding.path or "", finding.row or 0))
    if names is None:
        return False
    about_the_mark = finding.pointer is not None and (finding.pointer == pointer or finding.pointer.startswith(pointer + "/"))
    return finding.name in names or about_the_mark


def with_mark_allowed(tables: Mapping[str, Mapping[str, Any]], key: str, book: Rulebook) -> dict[str, dict[str, Any]]:
    """Return the rule tables with the mark's key allowed where stray keys are looked for."""
    allowed = {name: dict(table) for name, table in tables.items()}
    rule = book.find("stray-key")
    if rule is not None:
        table = allowed.setdefault(rule.name, {})
        table["allow"] = [*table.get("allow", rule.defaults().get("allow", [])), key.partition(".")[0]]
    return allowed


"""Findings about what a run was told (its baseline, its target), not about its data."""

from __future__ import annotations

from collections.abc import Sequence

from tunelint.checks.settings import SettingsUse
from tunelint.engine.scan import load_check
from tunelint.findings import Finding
from tunelint.rulebook import ActiveRule


def settings_findings(rules: Sequence[ActiveRule], use: SettingsUse) -> list[Finding]:
    """Run the rules of scope `settings`."""
    found = []
    for active in rules:
        rule = active.rule
        if rule.scope != "settings":
            continue
        for path, hit in load_check(rule.check)(use, active.options):
            severity = active.severity or hit.severity or rule.severity
            found.append(
                Finding(rule.code, rule.name, severity, hit.message, rule.help, path=path, line=hit.line, why=rule.why, count=hit.count)
            )
    return found

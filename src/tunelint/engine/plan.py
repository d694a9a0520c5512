"""From the chosen rules to what the scan and the survey have to run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tunelint.engine.scan import PlannedCheck, ScanPlan, load_check
from tunelint.records.shapes import NAMING_KEYS
from tunelint.rulebook import ActiveRule
from tunelint.rulebook.page import DECLARATIVE


@dataclass(frozen=True, slots=True)
class RunPlan:
    """The scan's plan, and the rules that run on the survey."""

    scan: ScanPlan
    survey_rules: tuple[ActiveRule, ...]


def plan_run(rules: Sequence[ActiveRule], ignore_fields: Sequence[str] | None, parameters: dict[str, Any]) -> RunPlan:
    """Sort the rules by scope and collect the features that their checks read."""
    faults = frozenset(active.rule.name for active in rules if active.rule.scope == "line")
    record_checks = []
    for active in rules:
        if active.rule.scope == "record":
            record_checks.append(PlannedCheck(active.rule.name, check_name(active), check_options(active)))
    survey_rules = tuple(active for active in rules if active.rule.scope in ("dataset", "splits"))
    features = None
    names = set(parameters.get("features", ()))
    if survey_rules:
        names.add("record")
        for active in survey_rules:
            names.update(getattr(load_check(active.rule.check), "features", ()))
    if names:
        from tunelint.engine.features import FeaturePlan

        ignored = NAMING_KEYS if ignore_fields is None else tuple(ignore_fields)
        # An index may be large, and the workers that compute features have no use for it.
        wanted = {key: value for key, value in parameters.items() if key != "against"}
        features = FeaturePlan(tuple(sorted(names)), ignored, wanted)
    return RunPlan(ScanPlan(faults, tuple(record_checks), features), survey_rules)


def check_name(active: ActiveRule) -> str:
    """Return the dotted name of a rule's check."""
    check = active.rule.check
    return f"declarative.{check}" if check in DECLARATIVE else check


def check_options(active: ActiveRule) -> dict[str, Any]:
    """Return the options that a record check is called with; a declarative rule's also carry its page."""
    if active.rule.check not in DECLARATIVE:
        return active.options
    from tunelint.checks.declarative import check_page

    rule = active.rule
    check_page(rule.declaration, active.options, rule.source)
    return {**active.options, "_declaration": rule.declaration, "_source": rule.source, "_name": rule.name}

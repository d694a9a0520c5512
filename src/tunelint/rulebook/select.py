"""Which rules run: packs, --select, --ignore, --extend-select, and each rule's options."""

from __future__ import annotations

import difflib
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tunelint.errors import TunelintError
from tunelint.findings import Severity
from tunelint.rulebook.book import Rulebook
from tunelint.rulebook.page import PACKS, Option, Rule


@dataclass(frozen=True, slots=True)
class ActiveRule:
    """A rule that runs, with its options resolved (names with underscores) and its severity (None: the page's)."""

    rule: Rule
    options: dict[str, Any] = field(default_factory=dict)
    severity: Severity | None = None


def names_of(book: Rulebook, selector: str) -> frozenset[str]:
    """Return the names of the rules that a selector means (a name, a code, a prefix, a pack); none for an unknown one."""
    return frozenset(rule.name for rule in book if _specificity(selector, rule) >= 0)


def select_rules(
    book: Rulebook,
    pack: str = "recommended",
    select: Sequence[str] = (),
    ignore: Sequence[str] = (),
    extend_select: Sequence[str] = (),
    tables: Mapping[str, Mapping[str, Any]] | None = None,
) -> list[ActiveRule]:
    """Return the rules that run, in the order of their codes.

    A selector is a name, a code, a code prefix, a pack or ALL; the more specific one wins (`--select DUP --ignore
    DUP002`). Raises TunelintError for a selector, a rule table or an option that does not exist.
    """
    if pack not in PACKS:
        raise TunelintError(f"no pack '{pack}'; there are {', '.join(PACKS)}")
    base = list(select) or [pack]
    wanted, unwanted = [*base, *extend_select], list(ignore)
    for selector in [*select, *extend_select, *ignore]:
        if not any(_specificity(selector, rule) >= 0 for rule in book):
            families = dict.fromkeys(rule.code.rstrip("0123456789") for rule in book)
            raise TunelintError(f"no rule, family or pack '{selector}'{book.did_you_mean(selector, (*families, *PACKS))}")
    resolved = {}
    for name, table in (tables or {}).items():
        rule = book.find(name)
        if rule is None:
            raise TunelintError(f"[rules.{name}]: no such rule{book.did_you_mean(name)}")
        resolved[rule.name] = table
    active = []
    for rule in book:
        chosen = max(_specificity(selector, rule) for selector in wanted)
        refused = max((_specificity(selector, rule) for selector in unwanted), default=-1)
        if chosen >= 0 and chosen > refused:
            options, severity = resolve_options(rule, resolved.get(rule.name, {}))
            active.append(ActiveRule(rule, options, severity))
    return active


def _specificity(selector: str, rule: Rule) -> int:
    """Return how closely a selector names a rule: -1 not at all, 0 by its pack, then by the length of the prefix."""
    if selector == "ALL":
        return 0
    if selector in PACKS:
        return 0 if PACKS.index(rule.pack) <= PACKS.index(selector) else -1
    if selector.lower() == rule.name or selector in rule.aliases or selector.upper() == rule.code:
        return 100
    prefix = selector.upper()
    is_prefix = prefix == rule.family or (prefix.startswith(rule.family) and rule.code.startswith(prefix))
    return len(prefix) if is_prefix else -1


_SHARES = ("threshold", "share", "similarity", "rare")
"""Last words of the options that are a part of a whole."""


def resolve_options(rule: Rule, table: Mapping[str, Any]) -> tuple[dict[str, Any], Severity | None]:
    """Return a rule's options and its severity override from a `[rules.NAME]` table. Raises TunelintError."""
    options, severity = rule.defaults(), None
    known = {option.name: option for option in rule.options}
    for key, value in table.items():
        if key == "severity":
            if value not in [item.value for item in Severity]:
                raise TunelintError(f"[rules.{rule.name}]: severity must be error, warning or note, not {value!r}")
            severity = Severity(value)
        elif key in known:
            options[key.replace("-", "_")] = _checked(rule, known[key], value)
        else:
            near = difflib.get_close_matches(key, [*known, "severity"], n=1)
            hint = f"; did you mean '{near[0]}'?" if near else f"; it has {', '.join([*known, 'severity'])}"
            raise TunelintError(f"[rules.{rule.name}]: no option '{key}'{hint}")
    return options, severity


def _checked(rule: Rule, option: Option, value: Any) -> Any:
    fits = {
        "int": isinstance(value, int) and not isinstance(value, bool),
        "float": isinstance(value, int | float) and not isinstance(value, bool),
        "bool": isinstance(value, bool),
        "str": isinstance(value, str),
        "list[str]": isinstance(value, list) and all(isinstance(item, str) for item in value),
    }
    if not fits.get(option.type, False):
        raise TunelintError(f"[rules.{rule.name}]: {option.name} must be {option.type}, not {value!r}")
    if option.type in ("int", "float") and option.default >= 0:
        share = option.type == "float" and option.default <= 1 and option.name.rpartition("-")[2] in _SHARES
        if not 0 <= value <= (1 if share else sys.float_info.max):  # nan is in no range
            raise TunelintError(f"[rules.{rule.name}]: {option.name} must be {'from 0 to 1' if share else '0 or more'}, not {value!r}")
    return float(value) if option.type == "float" else value

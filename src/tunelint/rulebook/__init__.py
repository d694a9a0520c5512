"""Rules as pages: loading, selecting, explaining."""

from tunelint.rulebook.book import Rulebook, load_folder, load_rulebook, shipped_rules
from tunelint.rulebook.page import Case, Option, Rule, parse_cases, parse_page
from tunelint.rulebook.select import ActiveRule, resolve_options, select_rules

__all__ = [
    "ActiveRule", "Case", "Option", "Rule", "Rulebook", "load_folder", "load_rulebook", "parse_cases", "parse_page",
    "resolve_options", "select_rules", "shipped_rules",
]  # fmt: skip

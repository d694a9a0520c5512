"""From the differences to a plain sentence: did tuning bring more than examples in the prompt?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tunelint.comparing.paired import LEAST_ROWS, Difference

NAMES = {"loss": "loss", "exact_match": "exact match", "valid_json": "valid JSON", "similarity": "similarity"}
MATTERS = {"similarity": 0.02}
"""What a difference must come to before it decides anything, however surely it is there."""
Differences = Mapping[str, Difference | None]


def decide(over_few_shot: Differences, over_base: Differences) -> tuple[str, str]:
    """Return the verdict's name and its sentence.

    The answers decide, where they are there: a lower loss alone may be style. `over_few_shot` is empty where no example
    was shown; then the tuned model is held against the base alone.
    """
    against, other = (over_few_shot, "few-shot prompting") if over_few_shot else (over_base, "the base model")
    asked = {name: item for name, item in against.items() if item is not None and name != "loss"}
    loss = against.get("loss")
    deciding = asked or ({"loss": loss} if loss is not None else {})
    rows = max((item.rows for item in deciding.values()), default=0)
    if rows < LEAST_ROWS:
        return "too_few_rows", f"Too few rows to tell: {rows} were compared, and at least {LEAST_ROWS} are needed."
    telling = {name: item for name, item in deciding.items() if abs(item.difference) >= MATTERS.get(name, 0.0)}
    better = [name for name, item in telling.items() if item.call == "better"]
    worse = [name for name, item in telling.items() if item.call == "worse"]
    if better and worse:
        return "mixed", f"Mixed: against {other} the tuned model is better in {_listed(better)} and worse in {_listed(worse)}."
    if better:
        return "tuning_helps", f"The tuned model does better than {other}: {_told(deciding, better)}."
    name = "few_shot" if over_few_shot else "base"
    if worse:
        return f"{name}_better", f"{_capital(other)} does better than the tuned model: {_told(deciding, worse)}. Fine-tuning was not needed."
    slight = any(item.call != "not_shown" for item in deciding.values())
    kind = "difference that matters" if slight else "difference"
    words = f"{_capital(other)} does as well as the tuned model: no {kind} shown in {_listed(list(deciding))} on {rows:,} rows."
    if asked and loss is not None and loss.call == "better":
        words += f" Its loss is lower ({_interval('loss', loss)}), which these answers do not show."
    return f"{name}_as_good", f"{words} Fine-tuning was not needed for these rows."


def _told(items: Differences, names: list[str]) -> str:
    found = ((name, items[name]) for name in names)
    return ", ".join(f"{NAMES[name]} {_interval(name, item)}" for name, item in found if item is not None)


def _interval(name: str, item: Difference) -> str:
    return f"{shown(name, item.difference, True)} [{shown(name, item.low, True)} to {shown(name, item.high, True)}]"


def shown(name: str, value: float | None, signed: bool = False) -> str:
    """Return a metric's value as it is printed: rates in percent, the others as they are."""
    if value is None:
        return "-"
    sign = "+" if signed else ""
    if name in ("exact_match", "valid_json"):
        return f"{value * 100:{sign}.1f} %"
    return f"{value:{sign}.4f}" if name == "loss" else f"{value:{sign}.3f}"


def difference_words(name: str, item: dict[str, Any] | None) -> str:
    """Return a difference as the reports print it."""
    if item is None:
        return "-"
    call = item["call"].replace("not_shown", "no difference shown")
    return f"{shown(name, item['difference'], True)} [{shown(name, item['low'], True)} to {shown(name, item['high'], True)}] {call}"


def _listed(names: list[str]) -> str:
    words = [NAMES[name] for name in names]
    return words[0] if len(words) == 1 else ", ".join(words[:-1]) + " and " + words[-1]


def _capital(words: str) -> str:
    return words[0].upper() + words[1:]

"""CPU time of every record check on ordinary rows, the dearest first.

    TUNELINT_CORPORA=... python benchmarks/record_checks.py [family ...] [--rows N]

Each check runs alone over the rows of each corpus, after the record's view and signs have been built (they are shared by
all checks and timed by themselves); the best of five passes counts, without the empty loop. Microseconds per row.
"""

from __future__ import annotations

import argparse
import gc
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

from corpora import folder

from tunelint.engine.plan import check_name, check_options
from tunelint.engine.scan import load_check
from tunelint.records.reader import read_records
from tunelint.records.record import Record
from tunelint.records.views import view
from tunelint.rulebook import load_rulebook, select_rules

CORPORA = {
    "gsm8k": "gsm8k/train.jsonl",
    "hh_rlhf": "hh_rlhf/harmless-base/test.jsonl.gz",
    "alpaca_en": "llamafactory_demo/data/alpaca_en_demo.json",
    "alpaca_zh": "llamafactory_demo/data/alpaca_zh_demo.json",
    "glaive_tools": "llamafactory_demo/data/glaive_toolcall_en_demo.json",
    "rulm_ru": "rulm_ru/data/ru_alpaca_seed_tasks.jsonl",
}
PASSES = 5


def timed(records: list[Record], visit: Callable[[Record], Any], before: Callable[[Record], Any] = lambda record: None) -> float:
    """Return the best time of a visit per record in microseconds, the empty loop and `before` taken off."""
    best = empty = float("inf")
    for _ in range(PASSES):
        start = time.process_time()
        for record in records:
            before(record)
        empty = min(empty, time.process_time() - start)
        start = time.process_time()
        for record in records:
            before(record)
            visit(record)
        best = min(best, time.process_time() - start)
    return max(0.0, (best - empty) / len(records) * 1e6)


def drain(check: Callable[..., Any], options: dict[str, Any]) -> Callable[[Record], None]:
    """Return a visit that runs a check to its end."""

    def visit(record: Record) -> None:
        for _ in check(record, options):
            pass

    return visit


def read_signs(record: Record) -> int:
    """Read a record's signs anew, alone: the scan reads those of a whole chunk at once, in a tenth of the time."""
    record.__dict__.pop("signs", None)
    return record.signs


def main() -> None:
    """Print a table: rules by corpora."""
    parser = argparse.ArgumentParser()
    parser.add_argument("families", nargs="*", help="code letters (TEXT, PII); all by default")
    parser.add_argument("--rows", type=int, default=500)
    arguments = parser.parse_args()
    gc.disable()
    samples = {name: list(read_records(str(folder() / path)))[: arguments.rows] for name, path in CORPORA.items()}
    table: dict[str, dict[str, float]] = {"(view)": {}, "(signs)": {}}
    for name, records in samples.items():
        table["(view)"][name] = timed(records, lambda record: view(record.value or {}, record.shape))
        table["(signs)"][name] = timed(records, read_signs)
    strict: set[str] = set()
    for active in select_rules(load_rulebook(), pack="strict"):
        rule = active.rule
        if rule.scope != "record" or (arguments.families and rule.family not in arguments.families):
            continue
        visit = drain(load_check(check_name(active)), check_options(active))
        if rule.pack == "strict":
            strict.add(f"{rule.code} {rule.name}")
        table[f"{rule.code} {rule.name}"] = {
            name: timed(records, visit, before=read_signs) for name, records in samples.items()
        }
    _print(table, samples, strict)


def _print(table: dict[str, dict[str, float]], samples: dict[str, list[Record]], strict: set[str]) -> None:
    names = list(samples)
    print(f"{'microseconds per row':38}" + "".join(f"{name:>13}" for name in names))
    sizes = {name: sum(len(record.raw) for record in records) / len(records) for name, records in samples.items()}
    print(f"{'(bytes per row)':38}" + "".join(f"{sizes[name]:13.0f}" for name in names))
    for rule, times in sorted(table.items(), key=lambda item: -sum(item[1].values())):
        print(f"{rule:38}" + "".join(f"{times[name]:13.2f}" for name in names))
    totals = {name: sum(times[name] for rule, times in table.items() if rule != "(view)" and rule not in strict) for name in names}
    print(f"{'recommended pack and the signs':38}" + "".join(f"{totals[name]:13.2f}" for name in names))


if __name__ == "__main__":
    main()

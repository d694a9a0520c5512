"""CPU of the whole default lint beside a loop that only parses and counts the same texts, and the five dearest rules.

    TUNELINT_CORPORA=... python benchmarks/make_mix.py 52000 mix.jsonl
    python benchmarks/lint_cost.py mix.jsonl [--rounds 3]

Both sides run in processes of their own, one job each, in turn; the ratio is that of the least CPU seconds (user and
system, start-up included). The loop is `json.loads` and tiktoken's `encode_ordinary` on every text of a record. The lint
is `tunelint lint FILE` with the recommended pack: exact counts, near duplicates, all rules. A rule's CPU is measured over
the same parsed records: a record check alone over all of them, a survey check alone over the columns, which are timed by
themselves.
"""

from __future__ import annotations

import argparse
import gc
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

LOOP = """
import json, sys, tiktoken
encoding = tiktoken.get_encoding("o200k_base")
def texts(value):
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from texts(item)
total = 0
with open(sys.argv[1], encoding="utf-8") as stream:
    for line in stream:
        for text in texts(json.loads(line)):
            total += len(encoding.encode_ordinary(text))
print(total)
"""
OFFLINE = """
import sys
from tunelint.tokens import vocabularies
import tiktoken
tiktoken.get_encoding = vocabularies.load_encoding
"""


def cpu_of(command: list[str]) -> float:
    """Run a command and return its CPU seconds, its children's included."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"})
    if done.returncode not in (0, 1):
        sys.exit(f"{command}: {done.stderr}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def timed(work: Callable[[], Any]) -> float:
    """Return the CPU seconds of a call."""
    start = time.process_time()
    work()
    return time.process_time() - start


def in_chunks(records: list[Any]) -> Iterator[list[Any]]:
    """Yield records by chunks of the size that the scan takes."""
    from tunelint.records.chunks import CHUNK

    part: list[Any] = []
    size = 0
    for record in records:
        part.append(record)
        size += len(record.raw)
        if size >= CHUNK:
            yield part
            part, size = [], 0
    yield part


def by_rule(path: str) -> dict[str, float]:
    """Return CPU seconds by rule, column and shared part, each measured by itself over the same records."""
    from tunelint.api import Settings, active_rules, run_parameters
    from tunelint.engine.dispatch import Dispatch
    from tunelint.engine.features import _FEATURES, Scanned
    from tunelint.engine.findings import FindingMaker
    from tunelint.engine.plan import plan_run
    from tunelint.engine.run import scan_files
    from tunelint.engine.scan import load_check
    from tunelint.records.discover import discover
    from tunelint.records.reader import read_records
    from tunelint.records.record import read_signs
    from tunelint.rulebook import load_rulebook

    settings = Settings(jobs=1)
    inputs, rules = discover([path]), active_rules(settings, load_rulebook())
    parameters = run_parameters(settings, inputs, rules)
    plan = plan_run(rules, None, parameters)
    records: list[Any] = []
    gc.disable()  # as the scan does
    spent = {"(parse)": timed(lambda: records.extend(read_records(path)))}
    spent["(conversation)"] = timed(lambda: [record.example for record in records])
    codes = {active.rule.name: f"{active.rule.code} {active.rule.name}" for active in rules}

    spent["(signs)"] = timed(lambda: read_signs(records))
    for planned in plan.scan.records:
        dispatch = Dispatch([(planned.rule, load_check(planned.check), planned.options)])
        due = [(record, check, options) for record in records for _, check, options in dispatch.due(record)]

        def drain(due: Any = due) -> None:
            for record, check, options in due:
                for _ in check(record, options):
                    pass

        spent[codes[planned.rule]] = timed(drain)
    whole = Dispatch([(planned.rule, load_check(planned.check), planned.options) for planned in plan.scan.records])
    spent["(dispatch)"] = timed(lambda: [whole.due(record) for record in records])
    assert plan.scan.features is not None
    # By chunks, as the scan does: a whole file at once would take other, compiled code.
    chunks = [Scanned(part, plan.scan.features) for part in in_chunks(records)]
    for name in plan.scan.features.names:
        spent[f"(column {name})"] = timed(lambda name=name: [_FEATURES[name](chunk) for chunk in chunks])
    files = scan_files(inputs, plan, jobs=1, parameters=parameters)
    survey = FindingMaker(rules, files, plan, None, parameters).survey
    survey.extras["rules"] = frozenset(active.rule.name for active in plan.survey_rules)
    survey.extras["options"] = {active.rule.name: active.options for active in plan.survey_rules}
    for active in plan.survey_rules:
        check = load_check(active.rule.check)
        spent[codes[active.rule.name]] = timed(lambda check=check, active=active: list(check(survey, active.options)))
    return spent


def main() -> None:
    """Print the ratio, the five dearest rules, and where the rest goes."""
    parser = argparse.ArgumentParser()
    parser.add_argument("file")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", choices=["ratio", "rules"])
    parser.add_argument("--dearest", type=int, default=5, metavar="N", help="rules named")
    arguments = parser.parse_args()
    if not Path(arguments.file).is_file():
        sys.exit(f"{arguments.file}: no such file; benchmarks/make_mix.py makes one")
    if arguments.only != "rules":
        loop = [sys.executable, "-c", OFFLINE + LOOP, arguments.file]
        lint = [sys.executable, "-m", "tunelint", "lint", arguments.file, "--jobs", "1", "--isolated", "--no-cache", "--fail-on", "never", "--format", "concise"]
        loops, lints = [], []
        for _ in range(arguments.rounds):
            loops.append(cpu_of(loop))
            lints.append(cpu_of(lint))
        print(f"json.loads and encode_ordinary  {min(loops):6.2f} s CPU   (of {', '.join(f'{value:.2f}' for value in loops)})")
        print(f"tunelint lint, one job          {min(lints):6.2f} s CPU   (of {', '.join(f'{value:.2f}' for value in lints)})")
        print(f"ratio                           {min(lints) / min(loops):6.2f}")
    if arguments.only != "ratio":
        spent = sorted(by_rule(arguments.file).items(), key=lambda item: -item[1])
        rules = [item for item in spent if not item[0].startswith("(")]
        print(f"\nThe {arguments.dearest} dearest rules, s CPU")
        for name, seconds in rules[: arguments.dearest]:
            print(f"  {seconds:6.2f}  {name}")
        left = rules[arguments.dearest :]
        print(f"  {sum(seconds for _, seconds in left):6.2f}  the other {len(left)} rules")
        print("What they share")
        for name, seconds in [item for item in spent if item[0].startswith("(")]:
            print(f"  {seconds:6.2f}  {name}")


if __name__ == "__main__":
    main()

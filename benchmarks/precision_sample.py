"""Draw findings at random from public data, to be read and labelled right or wrong by a person (docs/precision.md).

    TUNELINT_CORPORA=... python benchmarks/precision_sample.py [FILE ...] [--number 50] [--seed 20261122] [--rule NAME]

FILEs are paths below the corpora's folder; without any, GSM8K's train split and hh-rlhf's harmless-base test split, each
linted by itself with the default rules. Only findings at warning or above are drawn; of personal data and secrets the
line is printed and not the text. The same files, version and seed draw the same findings.
"""

from __future__ import annotations

import argparse
import random
import sys
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from corpora import folder

from tunelint import lint
from tunelint.findings import Severity

FILES = ("gsm8k/train.jsonl", "hh_rlhf/harmless-base/test.jsonl.gz")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="*", default=FILES)
    parser.add_argument("--number", type=int, default=50)
    parser.add_argument("--seed", type=int, default=20261122)
    parser.add_argument("--rule", action="append", default=[], help="draw only from this rule; repeatable")
    options = parser.parse_args()
    root = folder()
    found, records = [], 0
    for name in options.files:
        report = lint(train=[str(root / name)], select=options.rule)
        records += sum(file.records for file in report.files)
        found += [(name, finding) for finding in report.findings if finding.severity is not Severity.NOTE]
    drawn = random.Random(options.seed).sample(found, min(options.number, len(found)))
    for name, finding in sorted(drawn, key=lambda item: (item[0], item[1].line or 0, item[1].code)):
        print(f"{name}:{finding.line or '-'}  {finding.code} {finding.name}  {finding.severity.value}  {finding.message}")
    print(f"{len(found)} findings at warning or above in {records:,} records ({200 * len(found) / max(1, records):.2f} in 200); drawn: {len(drawn)}")
    print(", ".join(f"{name} {count}" for name, count in Counter(finding.name for _, finding in found).most_common()))


if __name__ == "__main__":
    main()

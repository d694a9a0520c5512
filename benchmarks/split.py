"""Does `tunelint split` leak? Every public corpus, several seeds: findings of the linter, sizes, reworded leaks.

    TUNELINT_CORPORA=... python benchmarks/split.py [SEEDS]

One line a corpus: records, the largest cluster, findings of LEAK001 to LEAK004, LEAK006 and LEAK008 over all seeds (a
random split of the same sizes beside it), the eval split's largest distance from 10 %, and the reworded leaks
(LEAK005, where this version has the rule) of the first seed, again beside the random split's.
"""

from __future__ import annotations

import random
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from corpora import folder

from tunelint.api import Settings, check_inputs
from tunelint.errors import TunelintError
from tunelint.records.discover import Input
from tunelint.rulebook import load_rulebook
from tunelint.splitting import split_files
from tunelint.splitting.files import PROVED

LEAST = 40  # records: below that a tenth is a handful
HERE = [code for code in PROVED if load_rulebook().find(code) is not None]
REWORDED = [code for code in ("LEAK005",) if load_rulebook().find(code) is not None]


def findings(train: Path, evaluation: Path, codes: list[str]) -> int:
    """Findings of the given rules in a pair of files."""
    if not codes:
        return 0
    inputs = [Input(str(train), "train", ""), Input(str(evaluation), "eval", "")]
    return len(check_inputs(inputs, Settings(select=tuple(codes), fail_on="note")).findings)


def random_split(split: Path, target: Path, seed: int) -> tuple[Path, Path]:
    """The records of a split divided anew at random, in the same sizes."""
    train, evaluation = ((split / name).read_bytes().splitlines() for name in ("train.jsonl", "eval.jsonl"))
    lines = train + evaluation
    random.Random(seed).shuffle(lines)
    paths = target / "train.jsonl", target / "eval.jsonl"
    for path, part in zip(paths, (lines[len(evaluation) :], lines[: len(evaluation)]), strict=True):
        path.write_bytes(b"".join(line + b"\n" for line in part))
    return paths


def measure(path: Path, seeds: int) -> str:
    """One line of the table."""
    found = by_chance = 0
    off = 0.0
    reworded = ""
    for seed in range(seeds):
        with tempfile.TemporaryDirectory() as name:
            split = Path(name, "split")
            chance = Path(name, "chance")
            chance.mkdir()
            result = split_files([Input(str(path), "train", "")], split, Settings(), seed=seed)
            found += sum(result.findings.values())
            off = max(off, abs(result.eval - result.wanted) / result.wanted)
            pair = random_split(split, chance, seed)
            by_chance += findings(*pair, HERE)
            if seed == 0 and REWORDED:
                reworded = f"{findings(split / 'train.jsonl', split / 'eval.jsonl', REWORDED)} / {findings(*pair, REWORDED)}"
    total = result.train + result.eval
    return f"{total:>7,}  {result.largest:>7,}  {found:>5}  {by_chance:>7,}  {off:>7.1%}  {reworded or '-':>11}"


def main() -> None:
    """Print the table."""
    seeds = int(sys.argv[1]) if len(sys.argv) > 1 else 10
    print(f"rules: {', '.join(HERE)}; {seeds} seeds")
    print("records  largest  leaks  by chance  size off  reworded  corpus")
    root = folder()
    for path in sorted([*root.rglob("*.jsonl"), *root.rglob("*.jsonl.gz"), *root.rglob("*.json")]):
        if path.is_symlink() or "curves" in path.parts or path.stat().st_size < 2000:
            continue
        try:
            line = measure(path, seeds)
        except TunelintError as error:
            reason = str(error).split(";")[0][:90]
            if "no records" not in reason and "is 1 record" not in reason:
                print(f"      -        -      -        -        -            -  {path.relative_to(root)}: {reason}")
            continue
        if int(line.split()[0].replace(",", "")) >= LEAST:
            print(f"{line}  {path.relative_to(root)}", flush=True)


if __name__ == "__main__":
    main()

"""CPU of a lint with the cache: the first run, the second over the same data, and one over data grown by a tenth.

    TUNELINT_CORPORA=... python benchmarks/make_mix.py 50000 mix.jsonl
    python benchmarks/cache.py mix.jsonl [--rounds 3] [-- --target trl]

Each line is the least CPU seconds (user and system, start-up included) of `tunelint lint` with one job over the rounds,
beside the same lint with --no-cache; the two run in turn. What stands behind `--` goes to every lint. The grown data has its new
rows strewn among the old ones, which is harder than new rows at the end. `small` is a file of 100 rows, which the cache
leaves alone. Both reports of a pair must be the same to the byte, else this stops.
"""

from __future__ import annotations

import argparse
import os
import random
import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path


def lint(data: Path, folder: Path, options: list[str]) -> tuple[float, bytes]:
    """Return the CPU seconds and the report of a lint."""
    command = [sys.executable, "-m", "tunelint", "lint", data.name, "--jobs", "1", "--isolated", "--fail-on", "never", "--format", "json", *options]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(command, cwd=folder, capture_output=True, env={**os.environ, "OMP_NUM_THREADS": "1"})
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        sys.exit(f"{' '.join(command)}: {done.stderr.decode()}")
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, done.stdout


def pair(name: str, folder: Path, options: list[str], rounds: int, data: Path, prepare: Callable[[], None]) -> tuple[float, float]:
    """Return the least CPU with the cache (as `prepare` leaves it before each run) and without."""
    with_cache, without = [], []
    for _ in range(rounds):
        prepare()
        seconds, report = lint(data, folder, options)
        plain_seconds, plain = lint(data, folder, [*options, "--no-cache"])
        if report != plain:
            sys.exit(f"{name}: the cache changed the report")
        with_cache.append(seconds)
        without.append(plain_seconds)
    return min(with_cache), min(without)


def main() -> None:
    """Print the table."""
    arguments, options = sys.argv[1:], []
    if "--" in arguments:
        arguments, options = arguments[: arguments.index("--")], arguments[arguments.index("--") + 1 :]
    parser = argparse.ArgumentParser()
    parser.add_argument("file", type=Path)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args(arguments)
    rows = given.file.read_bytes().splitlines(keepends=True)
    new = set(random.Random(0).sample(range(len(rows)), len(rows) // 11))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        data, cache = folder / "train.jsonl", folder / ".tunelint_cache/lint"

        def empty() -> None:
            for file in cache.glob("*"):
                file.unlink()

        def filled() -> None:
            empty()
            grown = data.read_bytes()
            data.write_bytes(b"".join(row for index, row in enumerate(rows) if index not in new))
            lint(data, folder, options)
            data.write_bytes(grown)

        data.write_bytes(b"".join(row for index, row in enumerate(rows) if index not in new))
        size = data.stat().st_size
        table = {
            "first run": pair("first run", folder, options, given.rounds, data, empty),
            "second run": pair("second run", folder, options, given.rounds, data, lambda: None),
        }
        kept = sum(file.stat().st_size for file in cache.glob("*"))
        data.write_bytes(b"".join(rows))
        table["grown by 10 %"] = pair("grown by 10 %", folder, options, given.rounds, data, filled)
        data.write_bytes(b"".join(rows[:100]))
        table["small (100 rows)"] = pair("small", folder, options, given.rounds, data, lambda: None)
    print(f"{len(rows) - len(new):,} rows, then {len(rows):,}; {size / 1e6:.1f} MB of data, {kept / 1e6:.1f} MB of cache")
    print(f"{'s CPU, least of ' + str(given.rounds):18}{'cache':>8}{'--no-cache':>12}{'ratio':>8}")
    for run, (seconds, plain) in table.items():
        print(f"{run:18}{seconds:8.2f}{plain:12.2f}{seconds / plain:8.2f}")


if __name__ == "__main__":
    main()

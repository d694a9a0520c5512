"""What tunelint finds in the sample sets, next to what was planted: EXPECTED.md."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from samplegen.planting import DataSet

INTRO = """\
# What is planted in the sample data

Three small data sets as they look before anybody checked them. Everything that tunelint should find in them was put there
on purpose by `generate.py`; all other rows are clean, and any further finding is a fault of tunelint.

- `support/`: dialogues of a shop's support (chat).
- `medical_ru/`: everyday words and the medical term for each, in Russian (prompt and completion).
- `tools/`: an assistant that calls functions (chat with tools).

Keys, cards and people in them are invented.

`tests/test_sample_data.py` holds tunelint against the block at the end. After a deliberate change of a rule or of the data:

    python sample_data/generate.py --expected

writes the data and this page anew, and names whatever was found but not planted, or planted but not found.
"""


def measure(folder: Path, names: list[str]) -> dict[str, Any]:
    """Lint and clean every set, and all of them together, by the command line."""
    return {name: _measure_set(folder, name) for name in names} | {"together": _together(folder, names)}


def _measure_set(folder: Path, name: str) -> dict[str, Any]:
    report = _lint(folder, name)
    findings = [[item["name"], _below(item["path"], name), item["line"]] for item in report["findings"]]
    return {"records": _records(folder, name), "by_rule": dict(sorted(report["summary"]["by_rule"].items())), "findings": findings}


def _together(folder: Path, names: list[str]) -> dict[str, Any]:
    report = _lint(folder, *names)
    return {"records": _records(folder, *names), "by_rule": dict(sorted(report["summary"]["by_rule"].items()))}


def _below(path: str | None, name: str) -> str | None:
    return None if path is None else os.path.relpath(path, name).replace(os.sep, "/")


def _lint(folder: Path, *paths: str) -> dict[str, Any]:
    done = _tunelint(folder, "lint", *paths, "--format", "json", "--no-cache")
    report: dict[str, Any] = json.loads(done)
    return report


def _records(folder: Path, *paths: str) -> dict[str, list[int]]:
    """Return per split the number of records before and after `clean`."""
    with tempfile.TemporaryDirectory() as room:
        _tunelint(folder, "clean", *paths, "-o", room, "--no-cache")
        manifest = json.loads(Path(room, "manifest.json").read_text(encoding="utf-8"))
    counts = {"train": [0, 0], "eval": [0, 0]}
    for place, files in enumerate((manifest["inputs"], manifest["outputs"])):
        for file in files:
            counts[file["split"]][place] += file["records"]
    return counts


def _tunelint(folder: Path, *arguments: str) -> bytes:
    command = [sys.executable, "-m", "tunelint", *arguments, "--isolated", "--fail-on", "never", "-qq"]
    done = subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, check=True)
    return done.stdout


def differences(made: DataSet, findings: list[list[Any]]) -> list[str]:
    """Return a line for everything planted but not found, or found but not planted."""
    planted = [(item.rule, item.file, item.line) for item in made.planted()]
    whole = {(item.rule, item.file) for item in made.whole}
    found = [(rule, file, None if (rule, file) in whole else line) for rule, file, line in findings]
    lines = []
    for what, some, others in (("planted, not found", planted, found), ("found, not planted", found, planted)):
        rest = list(others)
        for item in some:
            if item in rest:
                rest.remove(item)
            else:
                rule, file, line = item
                lines.append(f"{what}: {made.name}/{file or ''}{f':{line}' if line else ''} {rule}")
    return lines


def render(sets: list[DataSet], measured: dict[str, Any]) -> str:
    """Return the page."""
    parts = [INTRO]
    for made in sets:
        parts.append(_section(made, measured[made.name]))
    together = measured["together"]
    parts.append(f"## All three together\n\n{_counts(together)}\n")
    parts.append(f"## For the test\n\n```json expected\n{_block(measured)}\n```\n")
    return "\n".join(parts)


def _section(made: DataSet, result: dict[str, Any]) -> str:
    rows = sorted(made.planted(), key=lambda item: (item.file or "", item.line or 0, item.rule))
    table = ["| where | rule | what was planted |", "|---|---|---|"]
    table += [f"| {f'{item.file}:{item.line}' if item.line else item.file or 'the set'} | {item.rule} | {item.what} |" for item in rows]
    return f"## {made.name}\n\n{_counts(result)}\n\n" + "\n".join(table) + "\n"


def _counts(result: dict[str, Any]) -> str:
    train, held_out = result["records"]["train"], result["records"]["eval"]
    rules = ", ".join(f"{name} {count}" for name, count in result["by_rule"].items())
    return (
        f"Records before and after `tunelint clean`: train {train[0]} and {train[1]}, eval {held_out[0]} and {held_out[1]} "
        f"(broken lines are not counted).\n\nFindings, {sum(result['by_rule'].values())} in all: {rules}."
    )


def _block(measured: dict[str, Any]) -> str:
    """JSON with one finding a line, so that a change reads well in a diff."""
    lines = ["{"]
    for index, (name, result) in enumerate(measured.items()):
        lines.append(f' "{name}": {{')
        lines.append(f'  "records": {json.dumps(result["records"])},')
        lines.append(f'  "by_rule": {json.dumps(result["by_rule"])}{"," if "findings" in result else ""}')
        if "findings" in result:
            lines += ['  "findings": [', ",\n".join(f"   {json.dumps(item)}" for item in result["findings"]), "  ]"]
        lines.append(" }," if index < len(measured) - 1 else " }")
    return "\n".join([*lines, "}"])

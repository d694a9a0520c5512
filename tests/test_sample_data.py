"""The sample sets: the generator's bytes, and tunelint's findings held against what was planted."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections import Counter
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

SAMPLES = Path(__file__).resolve().parents[1] / "sample_data"
SETS = ("support", "medical_ru", "tools")


@cache
def generator() -> ModuleType:
    """Load sample_data/generate.py, which is no part of a package."""
    import importlib.util

    spec = importlib.util.spec_from_file_location("sample_data_generate", SAMPLES / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@cache
def expected() -> dict[str, Any]:
    """Return the machine-readable block of EXPECTED.md."""
    page = (SAMPLES / "EXPECTED.md").read_text(encoding="utf-8")
    block = re.search(r"```json expected\n(.*?)\n```", page, re.DOTALL)
    assert block is not None, "EXPECTED.md has lost its block"
    value: dict[str, Any] = json.loads(block[1])
    return value


def tunelint(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tunelint", *arguments, "--isolated", "--no-cache"]
    return subprocess.run(command, cwd=SAMPLES, capture_output=True, encoding="utf-8", check=False)


@cache
def lint(name: str) -> dict[str, Any]:
    done = tunelint("lint", name, "--format", "json")
    assert done.returncode == 1, done.stderr
    report: dict[str, Any] = json.loads(done.stdout)
    return report


def findings(name: str) -> list[list[Any]]:
    """Return (rule, file within the set, line) of every finding, in the report's order."""
    return [
        [item["name"], None if item["path"] is None else item["path"].replace("\\", "/").removeprefix(f"{name}/"), item["line"]]
        for item in lint(name)["findings"]
    ]


def test_the_generator_writes_the_committed_bytes(tmp_path: Path) -> None:
    generator().write(tmp_path)
    for name in SETS:
        for split in ("train.jsonl", "eval.jsonl"):
            assert (tmp_path / name / split).read_bytes() == (SAMPLES / name / split).read_bytes(), f"{name}/{split}"


@pytest.mark.parametrize("name", SETS)
def test_findings_are_those_of_the_page(name: str) -> None:
    assert findings(name) == expected()[name]["findings"]
    assert lint(name)["summary"]["by_rule"] == expected()[name]["by_rule"]


@pytest.mark.parametrize("name", SETS)
def test_everything_planted_is_found_and_nothing_else(name: str) -> None:
    made = next(item for item in generator().build() if item.name == name)
    # A finding about a whole file stands at a line that the rule chooses.
    whole = {(item.rule, item.file) for item in made.whole}
    found = Counter((rule, file, None if (rule, file) in whole else line) for rule, file, line in findings(name))
    planted = Counter((item.rule, item.file, item.line) for item in made.planted())
    assert sorted((found - planted).elements(), key=str) == []
    assert sorted((planted - found).elements(), key=str) == []


def test_the_page_names_every_planted_defect() -> None:
    page = (SAMPLES / "EXPECTED.md").read_text(encoding="utf-8")
    for made in generator().build():
        section = page.split(f"\n## {made.name}\n", 1)[1].split("\n## ", 1)[0]
        for item in made.planted():
            where = f"{item.file}:{item.line}" if item.line else item.file or "the set"
            assert f"| {where} | {item.rule} | {item.what} |" in section


@pytest.mark.parametrize("names", [*((name,) for name in SETS), SETS], ids="-".join)
def test_clean_leaves_no_error_and_the_documented_number_of_records(names: tuple[str, ...], tmp_path: Path) -> None:
    done = tunelint("clean", *names, "-o", str(tmp_path / "cleaned"))
    assert done.returncode == 0, done.stderr
    manifest = json.loads((tmp_path / "cleaned" / "manifest.json").read_text(encoding="utf-8"))
    counts = {"train": [0, 0], "eval": [0, 0]}
    for place, files in enumerate((manifest["inputs"], manifest["outputs"])):
        for file in files:
            counts[file["split"]][place] += file["records"]
    assert counts == expected()[names[0] if len(names) == 1 else "together"]["records"]
    again = tunelint("lint", str(tmp_path / "cleaned"), "--format", "json")
    assert again.returncode == 0, again.stderr
    assert json.loads(again.stdout)["summary"]["errors"] == 0


def test_the_sets_are_small_and_the_terms_many() -> None:
    together = expected()["together"]["records"]
    assert 100 <= together["train"][1] <= 160
    assert 50 <= together["eval"][1] <= 80
    rows = [json.loads(line) for split in ("train", "eval") for line in _readable(SAMPLES / "medical_ru" / f"{split}.jsonl")]
    pairs = {(row["prompt"], row["completion"]) for row in rows if isinstance(row.get("completion"), str)}
    assert len(pairs) >= 70
    assert {"prompt": "Переведи на медицинский: головная боль", "completion": "цефалгия"} in rows


def _readable(path: Path) -> list[bytes]:
    return [line for line in path.read_bytes().split(b"\n") if line.startswith(b'{"') and b"NaN" not in line and _is_utf8(line)]


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def test_no_source_file_holds_the_planted_key() -> None:
    key = re.search(rb"sk-proj-[A-Za-z0-9]{20,}", (SAMPLES / "support" / "train.jsonl").read_bytes())
    assert key is not None
    for path in [*SAMPLES.rglob("*.py"), SAMPLES / "EXPECTED.md"]:
        assert key[0] not in path.read_bytes()

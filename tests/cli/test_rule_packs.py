"""Rule packs that are real packages, installed by pip, found through the entry point group `tunelint.rules`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests_rows import chat

SOURCE = Path(__file__).parents[2] / "src"
PAGE = r"""---
code: {code}
severity: warning
scope: record
pack: recommended
check: pattern
pattern: '\bAcme\s+Classic\b'
field: answer
message: "Answer names '{{match}}', which we no longer sell."
fix: none
evidence: https://wiki.example.com/products/retired
---
# {name}

An answer recommends a product that was retired.

## Why it hurts

Customers order what is not there.

## How to fix

Name the successor.

## Cases

### an answer that names it

```jsonl train.jsonl
{{"prompt": "Which one?", "completion": "Take the Acme Classic."}}
```

```findings
train.jsonl:1: {code} {name}
```

### an answer that does not

```jsonl train.jsonl
{{"prompt": "Which one?", "completion": "Take the Acme Neo."}}
```

```findings
```
"""


def install(folder: Path, target: str, **pages: str) -> dict[str, str]:
    """Build and install a package of rule pages; returns the environment in which it is installed."""
    package = folder / "pack/acme_rules"
    (package / "products").mkdir(parents=True)
    (package / "__init__.py").write_text('"""Rules of the Acme data team."""\n')
    (package / "README.md").write_text("# Not a rule\n")
    for name, text in pages.items():
        (package / "products" / f"{name}.md").write_text(text)
    (folder / "pack/pyproject.toml").write_text(
        '[build-system]\nrequires = ["hatchling"]\nbuild-backend = "hatchling.build"\n'
        '[project]\nname = "acme-rules"\nversion = "1.0"\n'
        f'[project.entry-points."tunelint.rules"]\nACME = "{target}"\n'
        '[tool.hatch.build.targets.wheel]\npackages = ["acme_rules"]\n'
    )
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", "--no-build-isolation", "--no-index"]
    subprocess.run([*command, "--target", str(folder / "site"), str(folder / "pack")], check=True, capture_output=True, text=True)
    return {**os.environ, "PYTHONPATH": f"{SOURCE}{os.pathsep}{folder / 'site'}", "XDG_CACHE_HOME": str(folder / "cache")}


def run(folder: Path, environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tunelint", *arguments]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def test_an_installed_pack_is_used_like_our_own_rules(tmp_path):
    environment = install(tmp_path, "acme_rules", retired=PAGE.format(code="ACME001", name="retired-product"))
    (tmp_path / "train.jsonl").write_text("".join(chat(f"Which one for {i} rooms?", f"Take the Acme Classic {i}.") + "\n" for i in range(3)))
    ran = run(tmp_path, environment, "lint", "train.jsonl", "--format", "json", "--select", "ACME", "--jobs", "2", "--fail-on", "warning")
    assert ran.returncode == 1, ran.stderr
    findings = json.loads(ran.stdout)["findings"]
    assert [(item["line"], item["code"], item["name"]) for item in findings] == [(i, "ACME001", "retired-product") for i in (1, 2, 3)]
    assert findings[0]["message"] == "Answer names 'Acme Classic', which we no longer sell."
    listed = run(tmp_path, environment, "rule", "--all")
    assert "ACME001" in listed.stdout
    assert "Name the successor." in run(tmp_path, environment, "rule", "retired-product").stdout
    # Its cases are tests, as ours are.
    tested = run(tmp_path, environment, "test-rules", str(tmp_path / "site/acme_rules"))
    assert tested.returncode == 0, tested.stdout + tested.stderr
    ignored = run(tmp_path, environment, "lint", "train.jsonl", "--format", "concise", "--ignore", "retired-product,SIZE,DUP", "-q")
    assert "ACME001" not in ignored.stdout


@pytest.mark.parametrize(
    ("target", "page", "said"),
    [
        ("acme_rules.nowhere", PAGE.format(code="ACME001", name="retired-product"), "rule pack 'ACME' of acme-rules cannot be loaded"),
        ("acme_rules:__name__", PAGE.format(code="ACME001", name="retired-product"), "which is no folder"),
        ("acme_rules", PAGE.format(code="JSN001", name="retired-product"), "'JSN001' is already the rule of"),
        ("acme_rules", "# retired-product\n", "retired.md"),
    ],
    ids=["missing module", "no folder", "a taken code", "a page without front matter"],
)
def test_a_broken_pack_is_one_line_that_names_it(tmp_path, target, page, said):
    environment = install(tmp_path, target, retired=page)
    (tmp_path / "train.jsonl").write_text(chat("q", "a") + "\n")
    ran = run(tmp_path, environment, "lint", "train.jsonl")
    assert ran.returncode == 2
    assert said in ran.stderr
    assert "Traceback" not in ran.stderr
    assert len(ran.stderr.splitlines()) == 1

"""Where a finding stands, as other programs want to hear it: paths from the repository's root, links, stable names."""

from __future__ import annotations

import hashlib
import json
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from urllib.parse import quote

from tunelint.engine.result import Report
from tunelint.findings import Finding
from tunelint.rulebook import Rule, shipped_rules
from tunelint.suppress import key_of

HOME = "https://github.com/tunelint/tunelint"
# CI systems name the checkout's root; annotations and alerts are matched to files by paths from there.
_ROOTS = ("GITHUB_WORKSPACE", "CI_PROJECT_DIR")


def root() -> Path:
    """Return the folder that reported paths count from: the CI's checkout where there is one, else the present folder."""
    here = Path.cwd().resolve()
    for name in _ROOTS:
        folder = os.environ.get(name)
        if folder and here.is_relative_to(Path(folder).resolve()):
            return Path(folder).resolve()
    return here


def repository_path(path: str) -> str:
    """Return a path with forward slashes, from `root()` where it lies below it, else absolute."""
    absolute = Path(os.path.abspath(path))
    if path == "-":
        return path
    try:
        return absolute.relative_to(root()).as_posix()
    except ValueError:
        resolved = absolute.resolve()
        return resolved.relative_to(root()).as_posix() if resolved.is_relative_to(root()) else absolute.as_posix()


def uri(path: str) -> str:
    """Return a path as a URI reference: relative to the root, or a file: URI outside of it."""
    place = repository_path(path)
    quoted = quote(place.encode("utf-8", "surrogateescape"), safe="/")
    return f"file://{quoted}" if place.startswith("/") else quoted


def rule_link(rule: Rule) -> str | None:
    """Return the address of a shipped rule's page; a rule of the user's own has none."""
    try:
        inside = Path(rule.source).resolve().relative_to(shipped_rules().resolve())
    except ValueError:
        return None
    return f"{HOME}/blob/main/rules/{quote(inside.as_posix())}"


def file_of(finding: Finding, report: Report) -> str:
    """Return the finding's file; one about the whole set stands at the first file, because annotations need one."""
    return finding.path or (report.files[0].path if report.files else "-")


def fingerprints(findings: Iterable[Finding]) -> Iterator[str]:
    """Yield a name for each finding that survives a move of the record: its key in a baseline, hashed, and a number where
    several findings share it."""
    seen: Counter[str] = Counter()
    for finding in findings:
        key = [*key_of(finding), finding.pointer]
        name = hashlib.sha256(json.dumps(key).encode("utf-8", "surrogatepass")).hexdigest()[:32]
        seen[name] += 1
        yield name if seen[name] == 1 else f"{name}:{seen[name]}"


def rules_of(report: Report) -> Sequence[Rule]:
    """Return the rules that ran, in the order of their codes."""
    return tuple(active.rule for active in report.extras.get("rules", ()))

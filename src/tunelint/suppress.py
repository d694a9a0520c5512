"""Findings that were accepted: per-file ignores, marks inside a record, the baseline.

A baseline names findings by rule and record digests, never by line and never by content: a moved record stays accepted,
an edited one does not, and nothing of the data is copied into it (the design of detect-secrets' baseline).
"""

from __future__ import annotations

import fnmatch
import json
import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tunelint.checks.settings import BaselineUse
from tunelint.errors import TunelintError
from tunelint.findings import Finding
from tunelint.rulebook import Rulebook
from tunelint.writing import replace_file

Key = tuple[str, str | None, tuple[str, ...], str | None]


def ignored_by_file(findings: Iterable[Finding], ignores: Mapping[str, Sequence[str]], book: Rulebook) -> tuple[list[Finding], int]:
    """Drop the findings that `[per-file-ignores]` names. Raises TunelintError for a rule that does not exist."""
    from tunelint.rulebook.select import names_of

    patterns = []
    for glob, selectors in ignores.items():
        names: set[str] = set()
        for selector in selectors:
            chosen = names_of(book, selector)
            if not chosen:
                raise TunelintError(f"[per-file-ignores] '{glob}': no rule '{selector}'{book.did_you_mean(selector)}")
            names |= chosen
        patterns.append((glob, names))
    if not patterns:
        return list(findings), 0
    kept, dropped = [], 0
    for finding in findings:
        if any(finding.name in names and _matches(finding.path, glob) for glob, names in patterns):
            dropped += 1
        else:
            kept.append(finding)
    return kept, dropped


def _matches(path: str | None, glob: str) -> bool:
    if path is None:
        return False
    slashed = path.replace(os.sep, "/")
    return fnmatch.fnmatch(slashed, glob) or fnmatch.fnmatch(slashed.rsplit("/", 1)[-1], glob) or fnmatch.fnmatch(slashed, f"*/{glob}")


def key_of(finding: Finding) -> Key:
    """Return what names a finding in a baseline: rule, record, twins' records, and the path where there is no record."""
    twins = tuple(sorted(related.record for related in finding.related if related.record))
    return finding.name, finding.record, twins, finding.path if finding.record is None else None


def write_baseline(findings: Iterable[Finding], path: Path) -> int:
    """Write the findings as a baseline, sorted; returns the number of lines. The file is replaced in one step."""
    entries = Counter(key_of(finding) for finding in findings)
    lines = []
    for (rule, record, twins, where), count in sorted(entries.items(), key=repr):
        entry: dict[str, Any] = {"rule": rule, "record": record, "twins": list(twins), "count": count}
        if where is not None:
            entry["path"] = where
        lines.append(json.dumps(entry, sort_keys=True))
    try:
        replace_file(path, "".join(line + "\n" for line in lines).encode())
    except OSError as error:
        raise TunelintError(f"cannot write the baseline {path}: {error.strerror or error}") from error
    return len(lines)


def read_baseline(path: Path) -> Counter[Key]:
    """Read a baseline. Raises TunelintError when it is missing or broken."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise TunelintError(f"cannot read the baseline {path}: {error.strerror}; make one with `tunelint baseline write`") from error
    entries: Counter[Key] = Counter()
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        try:
            entry = json.loads(line)
            key = (str(entry["rule"]), entry["record"], tuple(entry["twins"]), entry.get("path"))
            entries[key] += int(entry.get("count", 1))
        except (ValueError, KeyError, TypeError) as error:
            raise TunelintError(f"{path}:{number}: not a baseline entry; write it anew with `tunelint baseline write`") from error
    return entries


def apply_baseline(
    findings: Sequence[Finding], entries: Counter[Key], path: str, book: Rulebook, active: frozenset[str]
) -> tuple[list[Finding], BaselineUse]:
    """Return the findings that the baseline does not accept, and what was left of the baseline.

    `active` are the names of the rules that ran: an entry of a rule that did not run is not stale.
    """
    left = Counter(entries)
    kept: list[Finding] = []
    for finding in findings:
        key = key_of(finding)
        if left[key] > 0:
            left[key] -= 1
        else:
            kept.append(finding)
    unknown = sorted({key[0] for key in entries if book.find(key[0]) is None})
    stale = sum(count for key, count in left.items() if count > 0 and key[0] in active)
    return kept, BaselineUse(path, tuple((name, book.did_you_mean(name)) for name in unknown), stale)

"""The difference of two versions of a dataset in words and as JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from tunelint.engine.result import Report, TokenSummary
from tunelint.findings import Finding
from tunelint.fixes.preview import changed_stretch
from tunelint.fixes.versions import Row, VersionDiff, fetch
from tunelint.report.as_json import file_object, finding_object
from tunelint.report.text import limited, place, plural, visible


def diff_object(diff: VersionDiff) -> dict[str, Any]:
    """Return the difference as one JSON object: rows by place and digest, findings as `--format json` has them."""
    return {
        "version": 1,
        "tool": diff.after.tool,
        "before": [file_object(file) for file in diff.before.files],
        "after": [file_object(file) for file in diff.after.files],
        "rows": {
            "same": diff.same,
            "added": [_row(row) for row in diff.added],
            "removed": [_row(row) for row in diff.removed],
            "edited": [{"before": _row(old), "after": _row(new), "matched_by": how} for old, new, how in diff.edited],
            "moved": [{"before": _row(old), "after": _row(new)} for old, new in diff.moved],
            "uncompared": diff.uncompared,
        },
        "findings": {"new": [finding_object(item) for item in diff.new], "gone": [finding_object(item) for item in diff.gone]},
    }


def _row(row: Row) -> dict[str, Any]:
    return {"path": row.path, "split": row.split, "line": row.line, "row": row.row, "record": row.digest}


def diff_lines(diff: VersionDiff, most: int) -> Iterator[str]:
    """Yield the difference for people; at most `most` rows of each kind and findings of each rule (0: all)."""
    yield f"rows      {_totals(diff.before)} -> {_totals(diff.after)}"
    yield (
        f"          {len(diff.added):,} added, {len(diff.removed):,} removed, {len(diff.edited):,} edited, "
        f"{len(diff.moved):,} moved to the other split, {diff.same:,} same"
    )
    if diff.uncompared:
        yield f"          (too many to look for edited rows by their words: {diff.uncompared:,} may be edited instead)"
    yield from _drift(diff)
    yield from _places("added", [row.place for row in diff.added], most)
    yield from _places("removed", [row.place for row in diff.removed], most)
    yield from _places("moved", [f"{old.place} -> {new.place} (now {new.split})" for old, new in diff.moved], most)
    yield from _edited(diff, most)
    yield f"findings  {len(diff.new):,} new, {len(diff.gone):,} gone"
    for word, findings in (("new", diff.new), ("gone", diff.gone)):
        yield from _findings(word, findings, most)


def _totals(report: Report) -> str:
    counts = Counter(dict.fromkeys(("train", "eval"), 0))
    for file in report.files:
        counts[file.split] += file.records
    return f"{counts['train']:,} train, {counts['eval']:,} eval"


def _drift(diff: VersionDiff) -> Iterator[str]:
    """How long the rows were and are; percentiles are of the largest file of each split."""
    for split in ("train", "eval"):
        old, new = (_largest(report, split) for report in (diff.before, diff.after))
        if old is not None and new is not None:
            lengths = f"median {old.p50:,.0f} -> {new.p50:,.0f}, 95 % below {old.p95:,.0f} -> {new.p95:,.0f}"
            yield f"tokens    {split}: {old.total:,} -> {new.total:,}, {lengths}"


def _largest(report: Report, split: str) -> TokenSummary | None:
    counted = [file for file in report.files if file.split == split and file.tokens is not None]
    return max(counted, key=lambda file: file.records).tokens if counted else None


def _places(word: str, places: Sequence[str], most: int) -> Iterator[str]:
    shown = places[:most] if most else places
    for text in shown:
        yield f"{word:9} {visible(text)}"
    if len(places) > len(shown):
        yield f"{word:9} ... and {len(places) - len(shown):,} more (--max-per-rule 0 shows all)"


def _edited(diff: VersionDiff, most: int) -> Iterator[str]:
    shown = diff.edited[:most] if most else diff.edited
    olds = fetch([old for old, _, _ in shown], diff.before.extras.get("stdin"))
    news = fetch([new for _, new, _ in shown], diff.after.extras.get("stdin"))
    for (old, new, how), before, after in zip(shown, olds, news, strict=True):
        yield f"edited    {visible(old.place)} -> {visible(new.place)} ({how})"
        for line in changed_stretch(before.raw.decode("utf-8", "replace"), after.raw.decode("utf-8", "replace")):
            yield f"  {line}"
    if len(diff.edited) > len(shown):
        yield f"edited    ... and {plural(len(diff.edited) - len(shown), 'row')} more (--max-per-rule 0 shows all)"


def _findings(word: str, findings: Sequence[Finding], most: int) -> Iterator[str]:
    shown, left = limited(findings, most)
    for finding in shown:
        yield f"{word:9} {place(finding)}: {finding.code} {finding.name} {finding.severity} {visible(finding.message)}"
    for name, count in left.items():
        yield f"{word:9} ... and {count:,} more {name}"

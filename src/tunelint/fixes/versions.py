"""Two versions of a dataset, row by row: added, removed, edited, moved to the other split; findings that came and went.

A row is named by its digest, so order, spacing and file names do not matter. An edited row is one that was removed and one
that was added which belong together: by their own id, by the same prompt, by the same answer, or by most of their words.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from tunelint.engine.result import Report
from tunelint.findings import Finding, Severity
from tunelint.fixes.clusters import Member, clusters_of
from tunelint.records.reader import read_records
from tunelint.records.record import Record

ID_KEYS = ("id", "_id", "uid", "uuid", "guid", "record_id", "example_id", "sample_id", "conversation_id", "doc_id")
ANSWER_WORDS = 5  # a shorter answer is shared by rows that have nothing to do with one another
ALIKE = 0.6  # Jaccard similarity of the words of two rows that are taken for versions of one
MOST_COMPARED = 5_000


@dataclass(frozen=True, slots=True)
class Row:
    """A row of one version: where it stands, its digest, and what it is recognised by after an edit."""

    path: str
    split: str
    line: int | None
    row: int
    digest: str
    own_id: Hashable | None = field(repr=False, default=None)
    prompt: int = field(repr=False, default=0)
    answer: int | None = field(repr=False, default=None)

    @property
    def place(self) -> str:
        """`path:line`, or the row where there are no lines."""
        return f"{self.path}:{self.line}" if self.line else f"{self.path} row {self.row}"


@dataclass(frozen=True)
class VersionDiff:
    """What lies between two versions. `edited` holds (before, after, how they were matched), `moved` rows that changed
    split; `gone` and `new` are findings of the old and of the new version only."""

    before: Report
    after: Report
    same: int
    added: tuple[Row, ...]
    removed: tuple[Row, ...]
    edited: tuple[tuple[Row, Row, str], ...]
    moved: tuple[tuple[Row, Row], ...]
    gone: tuple[Finding, ...]
    new: tuple[Finding, ...]
    uncompared: int = 0

    def ok_at(self, fail_on: str) -> bool:
        """Tell whether the new version brings no finding at or above a severity."""
        return fail_on == "never" or not any(finding.severity.rank >= Severity(fail_on).rank for finding in self.new)


def compare_versions(before: Report, after: Report) -> VersionDiff:
    """Compare the datasets that two lint reports are about; the files are read again."""
    old, new = list(_rows(before)), list(_rows(after))
    old, new, same = _without_pairs(old, new, lambda row: (row.split, row.digest))
    old, new, moved = _without_pairs(old, new, lambda row: row.digest)
    edited: list[tuple[Row, Row, str]] = []
    keys: tuple[tuple[str, Callable[[Row], Hashable | None]], ...] = (
        ("same id", lambda row: row.own_id), ("same prompt", lambda row: row.prompt), ("same answer", lambda row: row.answer)
    )  # fmt: skip
    for how, key in keys:
        old, new, pairs = _without_pairs(old, new, key, unique=how == "same id")
        edited += [(left, right, how) for left, right in pairs]
    uncompared = 0
    if len(old) <= MOST_COMPARED and len(new) <= MOST_COMPARED:
        old, new, pairs = _alike(old, new)
        edited += [(left, right, "similar words") for left, right in pairs]
    else:
        uncompared = min(len(old), len(new))
    edited.sort(key=lambda item: (item[0].path, item[0].row))
    same_record = {right.digest: left.digest for left, right, _ in edited}
    shared = frozenset({left.digest for left, _ in same} | {left.digest for left, _, _ in edited})
    gone, came = _finding_changes(before.findings, after.findings, same_record, shared)
    return VersionDiff(before, after, len(same), tuple(new), tuple(old), tuple(edited), tuple(moved), gone, came, uncompared)


def _rows(report: Report) -> Iterator[Row]:
    for file in report.files:
        for record in read_records(file.path, report.extras.get("stdin")):
            example, value = record.example, record.value or {}
            answer = example.answer_text
            yield Row(
                file.path, file.split, record.line, record.row, record.digest, _own_id(value), hash(("p", example.prompt_text, example.system_text)),
                hash(("a", answer)) if len(answer.split()) >= ANSWER_WORDS else None,
            )  # fmt: skip


def _own_id(value: dict[str, Any]) -> Hashable | None:
    for key in ID_KEYS:
        found = value.get(key)
        if isinstance(found, str | int) and not isinstance(found, bool):
            return key, found
    return None


Pairs = list[tuple[Row, Row]]


def _without_pairs(old: list[Row], new: list[Row], key: Callable[[Row], Hashable | None], unique: bool = False) -> tuple[list[Row], list[Row], Pairs]:
    """Pair rows of equal keys in order; returns what is left of both, and the pairs. `unique`: only where neither repeats."""
    waiting: dict[Hashable, list[Row]] = defaultdict(list)
    for row in old:
        found = key(row)
        if found is not None:
            waiting[found].append(row)
    if unique:
        counts = Counter(key(row) for row in new)
        waiting = defaultdict(list, {name: rows for name, rows in waiting.items() if len(rows) == 1 == counts[name]})
    for rows in waiting.values():
        rows.reverse()
    pairs: Pairs = []
    left: list[Row] = []
    for row in new:
        rows = waiting.get(key(row)) or []
        if rows:
            pairs.append((rows.pop(), row))
        else:
            left.append(row)
    taken = {id(first) for first, _ in pairs}
    return [row for row in old if id(row) not in taken], left, pairs


def _alike(old: list[Row], new: list[Row]) -> tuple[list[Row], list[Row], Pairs]:
    """Pair rows that share most of their words, the most similar first."""
    if not old or not new:
        return old, new, []
    from tunelint.similarity.join import cross_join
    from tunelint.similarity.shingles import sets
    from tunelint.similarity.words import word_hashes

    texts = [[f"{r.example.prompt_text}\n{r.example.answer_text}" for r in fetch(rows)] for rows in (old, new)]
    found = cross_join(sets(word_hashes(texts[0])), sets(word_hashes(texts[1])), ALIKE)
    order = sorted(zip((-found.score).tolist(), found.left.tolist(), found.right.tolist(), strict=True))
    pairs: Pairs = []
    used_old: set[int] = set()
    used_new: set[int] = set()
    for _, left, right in order:
        if left not in used_old and right not in used_new and old[left].split == new[right].split:
            used_old.add(left)
            used_new.add(right)
            pairs.append((old[left], new[right]))
    return [r for i, r in enumerate(old) if i not in used_old], [r for i, r in enumerate(new) if i not in used_new], pairs


def fetch(rows: Sequence[Row], stdin: bytes | None = None) -> list[Record]:
    """Read rows again, in the order given."""
    wanted: dict[str, set[int]] = defaultdict(set)
    for row in rows:
        wanted[row.path].add(row.row)
    found = {
        (path, record.row): record for path, numbers in wanted.items() for record in read_records(path, stdin) if record.row in numbers
    }
    return [found[row.path, row.row] for row in rows]


def _finding_changes(
    before: Sequence[Finding], after: Sequence[Finding], same_record: dict[str, str], shared: frozenset[str]
) -> tuple[tuple[Finding, ...], tuple[Finding, ...]]:
    """Return the findings of one version only. A finding about an edited row is the same as before where the rule is."""
    old = list(zip(_keys(before, {}, shared), before, strict=True))
    new = list(zip(_keys(after, same_record, shared), after, strict=True))
    return tuple(_only_in(old, new)), tuple(_only_in(new, old))


def _only_in(findings: list[tuple[Hashable, Finding]], others: list[tuple[Hashable, Finding]]) -> Iterator[Finding]:
    left = Counter(key for key, _ in others)
    for key, finding in findings:
        if left[key] > 0:
            left[key] -= 1
        else:
            yield finding


def _keys(findings: Sequence[Finding], same_record: dict[str, str], shared: frozenset[str]) -> Iterator[Hashable]:
    """Yield what a finding is recognised by in the other version: rule, record and place in it.

    A finding about copies stands at another of them when the rows stand in another order; it goes by its cluster, which is
    named by a record that both versions have.
    """
    name_of: dict[tuple[str, Member], str] = {}
    for rule in {finding.name for finding in findings if finding.code.startswith("DUP")}:
        clusters, places = clusters_of(findings, [rule])
        for members in clusters:
            digests = [same_record.get(digest, digest) for member in members if (digest := places[member].record)]
            known = [digest for digest in digests if digest in shared] or digests
            name_of.update({(rule, member): min(known, default="") for member in members})
    for finding in findings:
        cluster = name_of.get((finding.name, (finding.path or "", finding.row or 0)))
        record = same_record.get(finding.record, finding.record) if finding.record else None
        yield (finding.name, cluster) if cluster else (finding.name, record, finding.pointer if record else None)

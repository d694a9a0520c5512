"""One lint run: read every file, scan its chunks, survey the whole, and turn hits into the findings of a report."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from tunelint.engine.collector import collector_paused
from tunelint.engine.executors import scan_in_processes, scan_inline
from tunelint.engine.findings import FindingMaker
from tunelint.engine.plan import RunPlan, plan_run
from tunelint.engine.result import FileReport, Leakage, Report
from tunelint.engine.scan import ChunkResult, scan
from tunelint.engine.tokens import check_tokenizer
from tunelint.findings import Finding, Severity
from tunelint.records.chunks import CHUNK, Chunk, FileFaults, read_chunks
from tunelint.records.discover import Input
from tunelint.records.reader import sniff_shape
from tunelint.records.shapes import file_shape
from tunelint.records.sources import STDIN, Source
from tunelint.rulebook import ActiveRule
from tunelint.tokens.survivors import Ledger, joined

if TYPE_CHECKING:
    from tunelint.engine.cache.scan import RowCache, Run

# Below this much input a second process costs more than it saves (about 0.3 s to start one).
PROCESSES_FROM = 24 << 20
# Below this much input, looking rows up on disk costs as much as checking them again (benchmarks/cache.py).
CACHE_FROM = 1 << 19

Progress = Callable[[int, int], None]


@dataclass
class ReadFile:
    """A file while it is being read, and what its chunks left behind."""

    input: Input
    source: Source
    faults: FileFaults = field(default_factory=FileFaults)
    expected_shape: str | None = None
    by_lines: bool = True
    results: list[ChunkResult] = field(default_factory=list)

    @property
    def records(self) -> int:
        """Parsed records."""
        return sum(result.records for result in self.results)

    @property
    def faulty(self) -> int:
        """Non-blank lines that are no object."""
        return sum(result.faulty for result in self.results)

    @property
    def ledgers(self) -> tuple[Ledger, ...]:
        """What becomes of the records at each target that the run asked for."""
        targets = self.results[0].ledgers if self.results else {}
        return tuple(joined([result.ledgers[target] for result in self.results]) for target in targets)

    @property
    def shape(self) -> str:
        """The verdict for the file."""
        counts: Counter[str] = Counter()
        for result in self.results:
            counts.update(result.shapes)
        return file_shape(list(counts.items()))


def check(
    inputs: Sequence[Input],
    rules: Sequence[ActiveRule],
    *,
    jobs: int | None = None,
    fail_on: str = "error",
    target: str | None = None,
    ignore_fields: Sequence[str] | None = None,
    parameters: dict[str, Any] | None = None,
    stdin: bytes | None = None,
    progress: Progress | None = None,
    chunk_size: int = CHUNK,
    cache_dir: str | None = None,
) -> Report:
    """Run the rules over the files and return the report (nothing suppressed yet).

    `jobs` None decides by the amount of input; the findings are the same for any value. `progress` is called with bytes
    done and bytes in all. `cache_dir` is the folder that keeps what is found out about rows, None for none; it changes no
    finding. Raises TunelintError when a file or the tokenizer cannot be opened.
    """
    plan = plan_run(rules, ignore_fields, parameters or {})
    notes: list[str] = []
    files = scan_files(
        inputs, plan, jobs=jobs, parameters=parameters, stdin=stdin, progress=progress, chunk_size=chunk_size,
        cache_dir=cache_dir, notes=notes,
    )  # fmt: skip
    maker = FindingMaker(rules, files, plan, target, parameters or {})
    with collector_paused():
        findings = maker.findings()
        reports = tuple(_file_report(file, maker) for file in files)
        ordered = tuple(sorted(findings, key=Finding.sort_key))
    extras = {"place": maker.place, "stdin": next((file.source.stdin for file in files if file.input.path == STDIN), None), "cache": notes}
    return Report(reports, ordered, _leakage(reports, ordered), target=target, fail_on=fail_on, extras=extras)


def scan_files(
    inputs: Sequence[Input],
    plan: RunPlan,
    *,
    jobs: int | None = None,
    parameters: dict[str, Any] | None = None,
    stdin: bytes | None = None,
    progress: Progress | None = None,
    chunk_size: int = CHUNK,
    cache_dir: str | None = None,
    notes: list[str] | None = None,
) -> list[ReadFile]:
    """Read and scan every file, with a cache only its new rows; see `check` for the arguments and what is raised.

    What there is to say about the cache is added to `notes`.
    """
    if plan.scan.features is not None and (parameters or {}).get("tokenizer"):
        check_tokenizer(parameters or {})
    files = [ReadFile(item, Source(item.path, stdin if item.path == STDIN else None)) for item in inputs]
    total = total_size(inputs)
    owners: list[int] = []
    chunks = _chunks(files, owners, chunk_size)
    jobs = jobs or (os.cpu_count() or 1 if total >= PROCESSES_FROM else 1)
    scanner: Run = scan_inline if jobs == 1 else partial(scan_in_processes, jobs=jobs)
    cache = None if cache_dir is None or total < CACHE_FROM else _cache(cache_dir, plan, total, notes)
    results = scanner(chunks, plan.scan) if cache is None else cache.results(chunks, scanner)
    for number, result in enumerate(results):
        files[owners[number]].results.append(result)
        if progress is not None:
            progress(sum(file.source.size for file in files), total)
    if files and not any(file.results for file in files):  # nothing but pointers and broken archives: the columns are empty
        files[0].results.append(scan(Chunk(), plan.scan))
    if cache is not None:
        cache.save()
    return files


def _cache(folder: str, plan: RunPlan, size: int, notes: list[str] | None) -> RowCache | None:
    from tunelint.engine.cache.scan import open_cache

    return open_cache(folder, plan.scan, size, [] if notes is None else notes)


def total_size(inputs: Sequence[Input]) -> int:
    """Return the bytes of the files as they lie on disk; standard input counts for nothing."""
    return sum(os.path.getsize(item.path) for item in inputs if item.path != STDIN and os.path.exists(item.path))


def _chunks(files: Sequence[ReadFile], owners: list[int], chunk_size: int) -> Iterator[Chunk]:
    for index, file in enumerate(files):
        for number, chunk in enumerate(read_chunks(file.source, file.faults, chunk_size)):
            if number == 0:
                file.expected_shape = sniff_shape(chunk)
                file.by_lines = chunk.pieces is None
            chunk.expected_shape = file.expected_shape
            owners.append(index)
            yield chunk


def _file_report(file: ReadFile, maker: FindingMaker) -> FileReport:
    return FileReport(
        file.input.path, file.input.split, file.shape, file.records, file.faulty, file.source.size, file.source.sha256,
        maker.token_summary(file), file.input.reason, file.ledgers, file.faults.unread,
    )  # fmt: skip


def _leakage(files: Sequence[FileReport], findings: Sequence[Finding]) -> Leakage | None:
    if not any(file.split == "eval" for file in files):
        return None
    counted = {"LEAK001", "LEAK002", "LEAK003", "LEAK004", "LEAK005", "LEAK006", "LEAK008"}
    evals = {file.path for file in files if file.split == "eval"}  # with --against, train records have such findings too
    found = [finding for finding in findings if finding.code in counted and finding.path in evals]
    leaks = [finding for finding in found if finding.severity.rank >= Severity.WARNING.rank]
    records: set[tuple[str | None, int]] = set()
    for finding in leaks:
        rows = finding.details.get("leaked_rows") or ([finding.row] if finding.row else [])
        records.update((finding.path, row) for row in rows)
    by_rule = Counter(finding.name for finding in findings if finding.code.startswith("LEAK"))
    return Leakage(sum(file.records for file in files if file.split == "eval"), len(records), dict(by_rule))


def with_findings(report: Report, findings: Sequence[Finding], suppressed: int) -> Report:
    """Return the report with other findings (after suppression), its numbers of leaks brought in line."""
    ordered = tuple(sorted(findings, key=Finding.sort_key))
    return replace(report, findings=ordered, suppressed=suppressed, leakage=_leakage(report.files, ordered))

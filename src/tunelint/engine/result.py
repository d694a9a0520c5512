"""What a lint run ends with: the files, the findings, the numbers. Reports print it, gates ask it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from tunelint import __version__
from tunelint.findings import Finding, Severity
from tunelint.records.record import Split
from tunelint.tokens.survivors import Ledger

FAIL_ON = ("error", "warning", "note", "never")


@dataclass(frozen=True, slots=True)
class TokenSummary:
    """Tokens of one file: `total` over all records, `trained` None without a target; percentiles per record.

    `bins` is the histogram of the records' lengths: pairs of the highest length in a bin and the number of records.
    """

    counter: str
    exact: bool
    total: int
    trained: int | None
    p50: float
    p95: float
    max: int
    bins: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class FileReport:
    """One input file. `records` are parsed objects, `faulty_lines` non-blank lines that are none; `bytes` and `sha256`
    are of the file as it lies on disk; `reason` says why it was taken as this split; `ledgers` what becomes of its
    records at each target that was asked for; `unread` what of it could not be read, in a sentence each."""

    path: str
    split: Split
    shape: str
    records: int
    faulty_lines: int
    bytes: int
    sha256: str
    tokens: TokenSummary | None = None
    reason: str = ""
    ledgers: tuple[Ledger, ...] = ()
    unread: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Leakage:
    """How much of the eval split train gives away."""

    eval_records: int
    leaked_records: int
    by_rule: dict[str, int]


@dataclass(frozen=True)
class Report:
    """The outcome of a lint run. `findings` are sorted by path, line and code; `suppressed` were accepted before."""

    files: tuple[FileReport, ...]
    findings: tuple[Finding, ...]
    leakage: Leakage | None = None
    suppressed: int = 0
    target: str | None = None
    fail_on: str = "error"
    notes: tuple[str, ...] = ()
    extras: dict[str, Any] = field(default_factory=dict)

    @property
    def tool(self) -> dict[str, str]:
        """Name and version of this program."""
        return {"name": "tunelint", "version": __version__}

    @property
    def records(self) -> int:
        """Parsed records in all files."""
        return sum(file.records for file in self.files)

    def count(self, severity: Severity) -> int:
        """Findings of one severity."""
        return sum(finding.severity is severity for finding in self.findings)

    @property
    def errors(self) -> int:
        """Findings that are errors."""
        return self.count(Severity.ERROR)

    @property
    def warnings(self) -> int:
        """Findings that are warnings."""
        return self.count(Severity.WARNING)

    @property
    def by_rule(self) -> dict[str, int]:
        """Findings per rule name, most first."""
        return dict(Counter(finding.name for finding in self.findings).most_common())

    @property
    def ok(self) -> bool:
        """True when no finding is at or above `fail_on`: the command then exits 0."""
        return self.ok_at(self.fail_on)

    def ok_at(self, fail_on: str) -> bool:
        """Tell whether the report passes a gate: error, warning, note or never."""
        if fail_on == "never":
            return True
        limit = Severity(fail_on).rank
        return not any(finding.severity.rank >= limit for finding in self.findings)

    def of_rule(self, name_or_code: str) -> tuple[Finding, ...]:
        """Return the findings of one rule."""
        return tuple(finding for finding in self.findings if name_or_code in (finding.name, finding.code))

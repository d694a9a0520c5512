"""Hits become findings: the page's name, severity and help, the file's lines and rows, the partners' places."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from tunelint.checks.hit import Hit
from tunelint.checks.privacy import mask
from tunelint.engine.excerpt import excerpt_of_value
from tunelint.engine.scan import LocatedHit, load_check, place_of
from tunelint.findings import Excerpt, Finding, FixKind, Related
from tunelint.records.record import Fault
from tunelint.rulebook import ActiveRule

if TYPE_CHECKING:
    from tunelint.checks.survey import Survey
    from tunelint.engine.plan import RunPlan
    from tunelint.engine.result import TokenSummary
    from tunelint.engine.run import ReadFile

# Survey hits beyond this many come without an excerpt: every one costs a second look at its file.
_MOST_EXCERPTS = 2_000


_masked = lru_cache(maxsize=1 << 12)(mask)  # many findings say the same


@dataclass(frozen=True, slots=True)
class _Look:
    """What a second look at a record gives: an excerpt, and where in the record's bytes the hit stands."""

    excerpt: Excerpt | None = None
    column: int = 1
    byte: int = 0


class FindingMaker:
    """Makes the findings of one run from its hits, faults and survey."""

    def __init__(self, rules: Sequence[ActiveRule], files: Sequence[ReadFile], plan: RunPlan, target: str | None, parameters: dict[str, Any]) -> None:
        self._rules = {active.rule.name: active for active in rules}
        self._files = files
        self._survey_rules = plan.survey_rules
        self._features = plan.scan.features
        self._target = target
        self._parameters = parameters
        self._survey: Survey | None = None

    def findings(self) -> list[Finding]:
        """Return all findings, unsorted."""
        found: list[Finding] = []
        for file in self._files:
            found += self._of_file(file)
            found += self._of_records(file)
        found += self._of_survey()
        return found

    def _of_records(self, file: ReadFile) -> Iterator[Finding]:
        row = 0
        lines = not (file.results and file.input.path.lower().endswith(".parquet"))
        for result in file.results:
            for located in result.hits:
                yield self._located(file, located, row, lines)
            row += result.records

    def _located(self, file: ReadFile, located: LocatedHit, rows_before: int, lines: bool) -> Finding:
        hit = located.hit
        return self._finding(
            located.rule, hit, path=file.input.path, line=located.line, column=located.column,
            byte_offset=located.byte_offset if lines else None,
            row=rows_before + located.row if located.row else None, record=located.record, excerpt=located.excerpt,
            byte_column=located.byte_offset - located.offset + 1 if file.by_lines and located.column else None,
        )  # fmt: skip

    def _of_file(self, file: ReadFile) -> Iterator[Finding]:
        for fault, line, end_line, count in [*file.faults.faults, *_runs(file)]:
            if fault.kind in self._rules:
                yield self._finding(
                    fault.kind, Hit(fault.message), path=file.input.path, line=line, end_line=end_line, count=count,
                    column=fault.column if line else None, byte_offset=fault.byte if line == 1 or end_line else None,
                    byte_column=1 if line and fault.column == 1 else None,
                )  # fmt: skip

    def _of_survey(self) -> Iterator[Finding]:
        if not self._survey_rules:
            return
        survey = self.survey
        hits = []
        survey.extras["rules"] = frozenset(active.rule.name for active in self._survey_rules)
        survey.extras["options"] = {active.rule.name: active.options for active in self._survey_rules}
        survey.extras["against"] = self._parameters.get("against", ())
        for active in self._survey_rules:
            check = load_check(active.rule.check)
            hits += [(active.rule.name, hit) for hit in check(survey, active.options)]
        looks = self._looks(survey, [hit for _, hit in hits])
        for number, (rule, hit) in enumerate(hits):
            yield self._surveyed(survey, rule, hit, looks.get(number, _Look()))

    @property
    def survey(self) -> Survey:
        """The survey of the run, built when it is first asked for."""
        if self._survey is None:
            from tunelint.checks.survey import SurveyFile
            from tunelint.engine.survey import RecordFetcher, build_survey, is_seekable

            files = [SurveyFile(f.input.path, f.input.split, f.shape, f.records, f.faulty, f.source.length or f.source.size) for f in self._files]
            fetch = RecordFetcher(
                [file.source for file in self._files], [file.expected_shape for file in self._files],
                [is_seekable(file.source, file.by_lines) for file in self._files],
            )  # fmt: skip
            self._survey = build_survey(files, [file.results for file in self._files], fetch, self._target, self._features)
        return self._survey

    def place(self, index: int) -> tuple[str, int]:
        """Return path and row of a record of the survey."""
        survey = self.survey
        return survey.files[int(survey.file[index])].path, int(survey.row[index])

    def _surveyed(self, survey: Survey, rule: str, hit: Hit, look: _Look) -> Finding:
        related = tuple(self._partner(survey, partner.index, partner.score) for partner in hit.related)
        related += tuple(Related(item.path, item.line, item.record, item.score, item.row) for item in hit.outside)
        if hit.at is None:
            path = survey.files[hit.file].path if hit.file is not None else None
            return self._finding(rule, hit, path=path, line=hit.line, end_line=hit.end_line, related=related, count=hit.count)
        line = int(survey.line[hit.at]) or None
        place = self._partner(survey, hit.at, None)
        fetch: Any = survey.fetch
        return self._finding(
            rule, hit, path=place.path, line=line, row=place.row, record=place.record, related=related, excerpt=look.excerpt,
            column=look.column if line else None, byte_offset=int(fetch.offsets[hit.at]) + look.byte if line else None,
            byte_column=look.byte + 1 if line and self._files[int(survey.file[hit.at])].by_lines else None,
        )  # fmt: skip

    @staticmethod
    def _partner(survey: Survey, index: int, score: float | None) -> Related:
        from tunelint.engine.survey import hexadecimal

        path = survey.files[int(survey.file[index])].path
        digest = hexadecimal(survey.columns["record"], index)
        return Related(path, int(survey.line[index]) or None, digest, score, int(survey.row[index]))

    @staticmethod
    def _looks(survey: Survey, hits: Sequence[Hit]) -> dict[int, _Look]:
        """Read the records of the first hits again, for an excerpt and the place of what a hit points to; by hit number."""
        wanted = [(number, hit) for number, hit in enumerate(hits) if hit.at is not None]
        if len(wanted) > _MOST_EXCERPTS:  # a hit about the whole record loses an excerpt, one with a pointer its place too
            wanted = sorted(wanted, key=lambda item: item[1].pointer is None)[:_MOST_EXCERPTS]
        records = survey.records(hit.at for _, hit in wanted if hit.at is not None)
        looks: dict[int, _Look] = {}
        for number, hit in wanted:
            record = records.get(hit.at or 0)
            if record is None:
                continue
            turns = record.example.prompt_turns or record.example.turns
            pointer = hit.pointer or (turns[-1].content_pointer if turns else None)
            excerpt = excerpt_of_value(record.value, pointer, hit.span) if pointer else None
            found = place_of(record, hit) if hit.pointer is not None and not record.tabular else None
            looks[number] = _Look(excerpt, *(found or (1, 0)))
        return looks

    def _finding(self, name: str, hit: Hit, **place: Any) -> Finding:
        active = self._rules[name]
        rule = active.rule
        severity = active.severity or hit.severity or rule.severity
        fix: FixKind | None = hit.fix or (rule.fix if hit.edit is not None or rule.scope == "line" else None)
        return Finding(
            rule.code, rule.name, severity, _masked(hit.message), rule.help, pointer=_masked_pointer(hit.pointer),
            span=hit.span, score=hit.score, fix=fix, why=rule.why, details=hit.details, edit=hit.edit, **place,
        )  # fmt: skip

    def token_summary(self, file: ReadFile) -> TokenSummary | None:
        """Return the token numbers of a file, None when no counter ran."""
        from tunelint.engine.tokens import summarise

        summary = summarise([result.columns.get("tokens") for result in file.results], self._parameters)
        trained = [ledger.tokens_trained for ledger in file.ledgers if ledger.target == self._target]
        return replace(summary, trained=trained[0]) if summary is not None and trained else summary


def _runs(file: ReadFile) -> list[tuple[Fault, int | None, int | None, int]]:
    """Sum up blank lines by runs (joined across chunks), and records that run over several lines once per file."""
    runs: list[list[int]] = []
    for result in file.results:
        for line, count, offset in result.blank_runs:
            if runs and runs[-1][0] + runs[-1][1] == line:
                runs[-1][1] += count
            else:
                runs.append([line, count, offset])
    found: list[tuple[Fault, int | None, int | None, int]] = []
    for line, count, offset in runs:
        what = "Line is blank." if count == 1 else f"{count:,} lines are blank."
        found.append((Fault("blank-line", what, 1, offset), line, line + count - 1, count))
    broken = [item for result in file.results for item in result.multi_line]
    if broken:
        first, last, offset = broken[0][0], broken[-1][1], broken[0][2]
        number = "1 record runs" if len(broken) == 1 else f"{len(broken):,} records run"
        message = f"{number} over several lines (lines {first:,} to {last:,}); readers of JSONL see only fragments."
        found.append((Fault("multi-line-json", message, 1, offset), first, last, len(broken)))
    return found


def _masked_pointer(pointer: str | None) -> str | None:
    """A key of an object can be a secret too; then its pointer leads nowhere, which is less bad."""
    if pointer is None or len(pointer) < 8:
        return pointer
    return "/".join(step if len(step) < 8 else _masked(step) for step in pointer.split("/"))

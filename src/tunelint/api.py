"""The public way in: `tunelint.lint(...)`. The command line is a thin shell around it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from tunelint.changed import new_findings
from tunelint.checks.settings import SettingsUse, UnknownName
from tunelint.config import Config
from tunelint.engine.result import FAIL_ON, Report
from tunelint.engine.run import Progress, check, with_findings
from tunelint.engine.settings import settings_findings
from tunelint.engine.tokens import expected_chars
from tunelint.errors import TunelintError
from tunelint.findings import Finding
from tunelint.marks import apply_marks, with_mark_allowed
from tunelint.records.discover import Input, discover
from tunelint.records.shapes import NAMING_KEYS
from tunelint.rulebook import ActiveRule, Rulebook, load_rulebook, select_rules
from tunelint.suppress import apply_baseline, ignored_by_file, read_baseline
from tunelint.targets import load_target, rule_settings, today

WINDOW_RULES = ("truncated-answer", "over-context-window", "no-trained-tokens")
"""The rules whose `max-tokens` replaces the target's window, in the order in which they are asked."""


@dataclass(frozen=True)
class Settings:
    """How to lint. Every field has the meaning of the option of the same name on the command line.

    `cache_dir` is the folder that keeps what is found out about rows between runs; without it nothing is kept.
    """

    target: str | None = None
    tokenizer: str | None = None
    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    extend_select: tuple[str, ...] = ()
    pack: str = "recommended"
    scope: str = "all"
    fail_on: str = "error"
    jobs: int | None = None
    baseline: str | None = None
    rules_dirs: tuple[str, ...] = ()
    ignore_fields: tuple[str, ...] | None = None
    in_record_key: str | None = None
    new_from: str | None = None
    against: tuple[str, ...] = ()
    per_file_ignores: Mapping[str, Sequence[str]] = field(default_factory=dict)
    rules: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    cache_dir: str | None = None

    @staticmethod
    def from_config(config: Config) -> Settings:
        """Return the settings that a config file asks for."""
        values: dict[str, Any] = {}
        for key in ("select", "ignore", "extend-select"):
            values[key.replace("-", "_")] = tuple(config.get(key, ()))
        for key in ("target", "tokenizer", "pack", "fail-on", "in-record-key"):
            if config.get(key) is not None:
                values[key.replace("-", "_")] = config.get(key)
        if config.get("ignore-fields") is not None:
            values["ignore_fields"] = tuple(config.get("ignore-fields"))
        if config.get("baseline") is not None:
            values["baseline"] = config.resolved(config.get("baseline"))
        values["rules_dirs"] = tuple(config.resolved(folder) for folder in config.get("rules-dirs", ()))
        return Settings(**values, jobs=config.get("jobs") or None, per_file_ignores=config.per_file_ignores, rules=config.rules)


def lint(
    paths: Sequence[str | Path] | str | Path = (),
    *,
    train: Sequence[str] = (),
    eval: Sequence[str] = (),
    settings: Settings | None = None,
    stdin: bytes | None = None,
    progress: Progress | None = None,
    **changes: Any,
) -> Report:
    """Lint data files and return the report.

    `paths` are files, folders, globs or "-"; `train` and `eval` are globs that fix the split instead of the file names.
    Any field of `Settings` may be given by name: `lint("data", pack="strict", select=["DUP"])`. No config file is read.
    Raises TunelintError when something could not be checked (a missing path, an unknown rule); faults in the data never
    raise, they are findings.
    """
    given = [paths] if isinstance(paths, str | Path) else list(paths)
    chosen = replace(settings or Settings(), **{key: _frozen(value) for key, value in changes.items()})
    inputs = discover([str(path) for path in given], train, eval)
    return lint_inputs(inputs, chosen, stdin=stdin, progress=progress)


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def active_rules(settings: Settings, book: Rulebook) -> list[ActiveRule]:
    """Return the rules that the settings choose, in the order of their codes, with the target's options and the user's."""
    tables = rule_settings(settings.target, book, settings.rules)
    if settings.in_record_key is not None:
        tables = with_mark_allowed(tables, settings.in_record_key, book)
    rules = select_rules(book, settings.pack, settings.select, settings.ignore, settings.extend_select, tables)
    if settings.scope == "record":
        rules = [active for active in rules if active.rule.scope in ("line", "record", "settings")]
    elif settings.scope != "all":
        raise TunelintError(f"no scope '{settings.scope}'; there are record and all")
    return rules


def lint_inputs(
    inputs: Sequence[Input], settings: Settings, *, stdin: bytes | None = None, progress: Progress | None = None
) -> Report:
    """Lint files whose splits are known. See `lint`."""
    return accept(check_inputs(inputs, settings, stdin=stdin, progress=progress), settings)


def check_inputs(
    inputs: Sequence[Input], settings: Settings, *, stdin: bytes | None = None, progress: Progress | None = None
) -> Report:
    """Lint files and return every finding, also those that per-file ignores and the baseline accept."""
    if settings.fail_on not in FAIL_ON:
        raise TunelintError(f"fail-on must be one of {', '.join(FAIL_ON)}, not '{settings.fail_on}'")
    rules = active_rules(settings, load_rulebook(settings.rules_dirs))
    parameters = run_parameters(settings, inputs, rules)
    if settings.against:
        from tunelint.indexing import opened

        parameters["against"] = opened(settings.against, ignored_fields(settings), settings.jobs, settings.cache_dir)
    report = check(
        inputs, rules, jobs=settings.jobs, fail_on=settings.fail_on, target=settings.target,
        ignore_fields=ignored_fields(settings), parameters=parameters, stdin=stdin, progress=progress,
        cache_dir=settings.cache_dir,
    )  # fmt: skip
    report.extras["rules"] = tuple(rules)
    return report


def ignored_fields(settings: Settings) -> tuple[str, ...] | None:
    """Return the keys left out of comparisons: a mark makes no record another."""
    if settings.in_record_key is None:
        return settings.ignore_fields
    own = NAMING_KEYS if settings.ignore_fields is None else settings.ignore_fields
    return (*own, settings.in_record_key.partition(".")[0])


def run_parameters(settings: Settings, inputs: Sequence[Input], rules: Sequence[ActiveRule]) -> dict[str, Any]:
    """Return what the features depend on; tokens are counted whenever the whole data is looked at."""
    whole = settings.scope == "all"
    windows = [active.options.get("max_tokens") for active in rules if active.rule.name in WINDOW_RULES]
    return {
        "tokenizer": settings.tokenizer, "target": settings.target, "expected_chars": expected_chars(inputs),
        "features": ("tokens",) if whole else (),
        "ledgers": (settings.target,) if whole and settings.target else (),
        "window": next((window for window in windows if window), None),
    }  # fmt: skip


def accept(report: Report, settings: Settings) -> Report:
    """Return the report without the findings that were accepted before, with what is to be said about the settings.

    Accepted by marks inside the records, per-file ignores, the baseline, or because they are older than `new_from`.
    """
    book, rules = load_rulebook(settings.rules_dirs), report.extras["rules"]
    target = load_target(settings.target) if settings.target is not None else None
    found: list[Finding] = list(report.findings)
    unknown: tuple[UnknownName, ...] = ()
    if settings.in_record_key is not None:
        found, unknown = apply_marks(report, settings.in_record_key, book)
    dropped = len(report.findings) - len(found)
    found += settings_findings(rules, SettingsUse(today(), target=target, marks=unknown))
    findings, ignored = ignored_by_file(found, settings.per_file_ignores, book)
    dropped += ignored
    if settings.baseline is not None:
        before = len(findings)
        entries = read_baseline(Path(settings.baseline))
        active = frozenset(active.rule.name for active in rules)
        findings, baseline = apply_baseline(findings, entries, settings.baseline, book, active)
        dropped += before - len(findings)
        findings += settings_findings(rules, SettingsUse(today(), baseline=baseline))
    if settings.new_from is not None:
        before = len(findings)
        findings = new_findings(replace(report, findings=tuple(findings)), settings.new_from)
        dropped += before - len(findings)
    return with_findings(report, findings, dropped)

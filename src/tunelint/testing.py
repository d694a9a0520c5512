"""Run the cases of rule pages, ours and yours: every case is a folder of files and the findings that must come of it."""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import tempfile
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tunelint.rulebook import Case, Rule, load_folder, parse_cases

_PLACE = re.compile(r"^(?P<path>.*?)(?::(?P<line>\d+(?:-\d+)?))?(?::(?P<column>\d+))?: (?P<code>[A-Z]+\d+) (?P<name>\S+)(?: (?P<message>.*))?$")


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of one case; `problem` is empty when it passed."""

    rule: str
    source: str
    case: str
    problem: str = ""


def check_rule_folder(folder: str | Path) -> Iterator[Outcome]:
    """Run every case of every page below a folder. Raises TunelintError for a page that cannot be read."""
    for rule in load_folder(Path(folder)):
        yield from check_rule(rule, folder)


def check_rule(rule: Rule, folder: str | Path) -> Iterator[Outcome]:
    """Run the cases of one page through the command line."""
    cases = parse_cases(rule.text, rule.source)
    if not cases:
        yield Outcome(rule.name, rule.source, "", "the page has no cases")
    for case in cases:
        yield Outcome(rule.name, rule.source, case.title, run_case(rule, case, folder))


def run_case(rule: Rule, case: Case, folder: str | Path) -> str:
    """Run one case and return what went wrong, or ''."""
    with tempfile.TemporaryDirectory() as room:
        for name, data in case.files.items():
            path = Path(room, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        config = Path(room, "tunelint.toml")
        config.write_text(_config(rule, case, folder), encoding="utf-8")
        found, problem = _found(rule, case, room)
        if problem:
            return problem
        wanted = list(case.findings)
        difference = _difference(wanted, found)
        if difference:
            return difference
        return _fixes(rule, case, room) if case.fixed else ""


def _config(rule: Rule, case: Case, folder: str | Path) -> str:
    """A page of the user's is known only with its folder; a case may bring more settings."""
    from tunelint.rulebook import shipped_rules

    own = Path(folder).resolve()
    shipped = shipped_rules().resolve()
    extra = "" if own == shipped or shipped in own.parents else f"rules-dirs = [{json.dumps(str(own))}]\n"
    return extra + (case.config or "")


def _found(rule: Rule, case: Case, room: str) -> tuple[list[str], str]:
    files = _data_files(case)
    if rule.scope == "run":
        code, out, err = _run(["curves", *files, *_select(rule, case), "--format", "concise", "--fail-on", "note"], room)
    else:
        given = [*files, *_against(case), *_select(rule, case)]
        code, out, err = _run(["lint", *given, "--format", "concise", "--max-per-rule", "0", "--fail-on", "note"], room)
    if code not in (0, 1):
        return [], f"exit code {code}: {err.strip()}"
    found = [line for line in out.splitlines() if line.strip()]
    if (code == 1) != bool(found):
        return [], f"exit code {code} with {len(found)} findings at --fail-on note"
    return found, ""


def _select(rule: Rule, case: Case) -> list[str]:
    settings = tomllib.loads(case.config) if case.config else {}
    return [] if "select" in settings else ["--select", rule.name]


def _data_files(case: Case) -> list[str]:
    settings = tomllib.loads(case.config) if case.config else {}
    tokenizer = f"{settings.get('tokenizer', '')}/"
    return [name for name in case.files if name != settings.get("baseline") and not name.startswith((tokenizer, "against/"))]


def _against(case: Case) -> list[str]:
    """A file `against/NAME.jsonl` of a case is compared with as the benchmark NAME."""
    named = [f"{Path(name).stem}={name}" for name in case.files if name.startswith("against/")]
    return [word for name in named for word in ("--against", name)]


def _difference(wanted: list[str], found: list[str]) -> str:
    left = list(found)
    missing = []
    for line in wanted:
        match = next((other for other in left if _fits(line, other)), None)
        if match is None:
            missing.append(line)
        else:
            left.remove(match)
    parts = []
    if missing:
        parts.append("not found: " + " | ".join(missing))
    if left:
        parts.append("not expected: " + " | ".join(left))
    return "; ".join(parts)


def _fits(wanted: str, found: str) -> bool:
    """Compare place, code and name; column and message only where the page gives them."""
    a, b = _PLACE.match(wanted), _PLACE.match(found)
    if a is None or b is None:
        return wanted == found
    for key in ("path", "line", "code", "name"):
        if a[key] != b[key]:
            return False
    return (a["column"] in (None, b["column"])) and (a["message"] in (None, b["message"]))


def _fixes(rule: Rule, case: Case, room: str) -> str:
    unsafe = ["--unsafe-fixes"] if rule.fix == "unsafe" else ["--safe-only"]
    code, _, err = _run(["clean", *_data_files(case), *_select(rule, case), "-o", "cleaned", *unsafe, "--fail-on", "never"], room)
    if code != 0:
        return f"clean: exit code {code}: {err.strip()}"
    for name, data in case.fixed.items():
        path = Path(room, "cleaned", Path(name).name)
        if not path.is_file():
            return f"clean wrote no {name}"
        if path.read_bytes() != data:
            return f"clean wrote {path.read_bytes()!r}, the page wants {data!r}"
    return ""


def _run(arguments: list[str], folder: str) -> tuple[int, str, str]:
    from tunelint.cli.main import main

    out, err = io.StringIO(), io.StringIO()
    before = os.getcwd()
    os.chdir(folder)
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = main(arguments)
    finally:
        os.chdir(before)
    return code, out.getvalue(), err.getvalue()

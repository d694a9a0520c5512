"""tunelint against the frozen verdicts of other people's validators: the same, or one of the differences of `docs/peers.md`."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from environments import RegistryUnreachable
from peer_rows import ROWS
from validators import PEERS, ask, digest, frozen, rows_of

from tunelint import lint
from tunelint.findings import Finding, Severity

PAGE = Path(__file__).parents[2] / "docs" / "peers.md"
TABLES = {"Refused there, no error here": "theirs", "An error here, taken there": "ours", "Only some versions refuse": "some"}
ALL_VERSIONS = "v3 v7 v11 v13 v15: "
# Facts about a set of rows, not about a row: true of three hundred small files of much the same text.
OF_THE_SET = {"exact-duplicate", "near-duplicate", "repeated-prompt", "conflicting-answers", "constant-answer"}


@dataclass
class Difference:
    """A line of a table: which side refuses, its words, our rule (None: we say nothing), its severity; `used` by which rows."""

    side: str
    words: str
    rule: str | None
    severity: Severity | None
    used: list[str] = field(default_factory=list)


def plain(text: str) -> str:
    """Return a message without the marks that a table cannot hold."""
    return text.replace("`", "")


@cache
def page() -> tuple[dict[str, list[Difference]], dict[str, tuple[int, int]]]:
    """Return the documented differences by peer, and by peer how many rows were asked and judged alike."""
    differences: dict[str, list[Difference]] = {peer: [] for peer in PEERS}
    counts: dict[str, tuple[int, int]] = {}
    peer = side = ""
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        if line.startswith("## "):
            peer = re.split(r"[ -]", line.removeprefix("## "))[0].lower()
        elif line.startswith("### "):
            side = TABLES[line.removeprefix("### ")]
        cells = [cell.strip() for cell in line.strip("|").split(" | ")]
        if not line.startswith("| ") or cells[0] in ("validator", "they say", "rule"):
            continue
        if not peer:
            counts[cells[0]] = (int(cells[4]), int(cells[5].rstrip(" |")))
            continue
        named = re.search(r"`([a-z-]+)`", cells[0] if side == "ours" else cells[1])
        severity = Severity.ERROR if side == "ours" else next((one for one in Severity if named and cells[1].endswith(one.value)), None)
        words = cells[1] if side == "ours" else cells[0]
        assert re.fullmatch(r"(['\"]).+\1", words), f"no quote: {line}"
        assert len(cells[2].rstrip(" |")) > 8, f"no reason: {line}"
        assert named or cells[1] == "nothing", line
        differences[peer].append(Difference(side, plain(words[1:-1]), named.group(1) if named else None, severity))
    return differences, counts


@pytest.fixture(scope="module")
def findings(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Return a function: target -> findings by row, of one run over all rows (so that no file is too small)."""
    folder = tmp_path_factory.mktemp("peers") / "rows"
    folder.mkdir()
    paths = {str(folder / f"{number:03}.jsonl"): name for number, name in enumerate(ROWS)}
    for path, name in paths.items():
        Path(path).write_bytes(ROWS[name].data)

    @cache
    def of(target: str | None) -> dict[str, list[Finding]]:
        found: dict[str, list[Finding]] = {name: [] for name in ROWS}
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(folder)
            patch.setenv("SOURCE_DATE_EPOCH", "1795305600")  # 2026-11-22: facts are not old, services not closed
            report = lint(list(paths), target=target, jobs=1)
        for finding in report.findings:
            if finding.path is not None and finding.name not in OF_THE_SET:
                found[paths[str(folder / Path(finding.path).name)]].append(finding)
        return found

    return of


def explained(own: list[Finding], error: str | None, differences: list[Difference], row: str) -> str:
    """Return what no line of the page explains about a row, "" where all is explained. Marks the lines that were needed."""
    errors = [finding for finding in own if finding.severity is Severity.ERROR]
    if error is None:
        for finding in errors:
            lines = [one for one in differences if one.side == "ours" and one.rule == finding.name and one.words in plain(finding.message)]
            if not lines:
                return f"taken there, an error here: {finding.name}: {finding.message}"
            for one in lines:
                one.used.append(row)
        return ""
    some = re.match(r"(v\d+ ?)+: ", error) is not None and not error.startswith(ALL_VERSIONS)
    lines = [one for one in differences if one.side == ("some" if some else "theirs") and one.words in plain(error)]
    said = [one for one in lines if any(one.rule == finding.name and one.severity is finding.severity for finding in own)]
    left = [finding.name for finding in errors if finding.name not in {one.rule for one in said}]
    if left:
        return f"an error here that the page does not name: {left}"
    if not said:
        said = [one for one in lines if one.rule is None and not any(finding.name == other.rule for other in lines for finding in own)]
    if not said:
        return f"refused there ({error}); here {[(finding.name, finding.severity.value) for finding in own]}"
    for one in said:
        one.used.append(row)
    return ""


@pytest.mark.parametrize("peer", PEERS)
def test_same_verdict_or_a_documented_difference(peer: str, findings: Any) -> None:
    """Errors stand exactly where the peer refuses; every exception is a line of the page, and every line is needed."""
    differences, counts = page()
    verdicts, same, unexplained = frozen(peer)["verdicts"], 0, []
    for row in rows_of(peer):
        own = findings(PEERS[peer].target)[row]
        error = verdicts[row].get("error")
        errors = any(finding.severity is Severity.ERROR for finding in own)
        some = peer == "mistral" and error is not None and not error.startswith(ALL_VERSIONS)
        if not some and errors == (error is not None):
            same += 1
            continue
        what = explained(own, error, differences[peer], row)
        unexplained += [f"{row}: {what}"] if what else []
    assert unexplained == []
    assert [one for one in differences[peer] if not one.used] == [], "lines of the page that no row needs"
    assert counts[peer] == (len(rows_of(peer)), same)


@pytest.mark.parametrize("peer", PEERS)
def test_frozen_verdicts_are_of_these_rows(peer: str) -> None:
    """A row that was changed needs `python tests/peers/freeze.py`."""
    stored = frozen(peer)
    assert stored["peer"] == PEERS[peer].package
    assert {row: verdict["bytes"] for row, verdict in stored["verdicts"].items()} == {row: digest(data) for row, data in rows_of(peer).items()}
    for verdict in stored["verdicts"].values():
        assert (verdict["verdict"] == "reject") == ("error" in verdict)


def test_valid_rows_are_no_errors(findings: Any) -> None:
    """What is right in its own format is no error without a target, and hardly ever a warning."""
    loud = [
        (row, finding.name)
        for row, own in findings(None).items() if ROWS[row].valid
        for finding in own if finding.severity is not Severity.NOTE
    ]  # fmt: skip
    assert loud == []


@pytest.mark.parametrize("target", ["openai", "azure", "fireworks", "tunelint"])
def test_valid_rows_are_no_errors_where_the_format_is_at_home(target: str, findings: Any) -> None:
    """The targets that take OpenAI's chat format take every valid row of it."""
    rows = [row for row in ROWS if ROWS[row].valid and row.split("/")[0] in ("chat", "parts", "tools")]
    assert [(row, finding.name) for row in rows for finding in findings(target)[row] if finding.severity is Severity.ERROR] == []


@pytest.mark.parametrize("peer", PEERS)
@pytest.mark.peers
def test_live_verdicts_are_the_frozen_ones(peer: str) -> None:
    """The peer itself, in its own environment, says today what was frozen."""
    try:
        verdicts = ask(peer)
    except RegistryUnreachable as error:
        pytest.skip(f"the package registry cannot be reached: {error}")
    assert verdicts == frozen(peer)["verdicts"]

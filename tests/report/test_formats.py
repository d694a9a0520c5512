"""The report formats, held against the schemas and the limits of those who read them."""

from __future__ import annotations

import gzip
import json
import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import jsonschema_rs
import pytest
import xmlschema
from report_data import write_dirty

from tunelint.api import lint
from tunelint.report import FORMATS, render, sarif

SCHEMAS = Path(__file__).parent / "schemas"
MACHINE = ("json", "jsonl", "sarif", "junit", "github", "gitlab", "rdjson")


@pytest.fixture(params=["dirty", "clean"])
def data(request, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_dirty(tmp_path)
    if request.param == "clean":
        rows = Path("train.jsonl").read_text("utf-8-sig").splitlines()[:60]
        Path("train.jsonl").write_text("\n".join(rows) + "\n")
        Path("eval.jsonl").write_text("\n".join(Path("eval.jsonl").read_text().splitlines()[:12]) + "\n")
    return lint(".", ignore=["SIZE"])


def text_of(report, form: str, **options) -> str:
    return "".join(line + "\n" for line in render(report, form, **options))


def sarif_schema() -> jsonschema_rs.Draft4Validator:
    # One pattern of the schema is no valid ECMA 262 regular expression: a closing bracket too many.
    text = (SCHEMAS / "sarif-2.1.0-rtm.5.json").read_text().replace("{2}]?$", "{2}\\\\]?$")
    return jsonschema_rs.Draft4Validator(json.loads(text), validate_formats=True)


def test_sarif_validates_and_says_what_json_says(data):
    log = json.loads(text_of(data, "sarif"))
    assert [str(error) for error in sarif_schema().iter_errors(log)] == []
    [run] = log["runs"]
    assert [(result["ruleId"], result["message"]["text"]) for result in run["results"]] == [
        (finding.code, run["results"][number]["message"]["text"]) for number, finding in enumerate(data.findings)
    ]
    assert run["columnKind"] == "unicodeCodePoints"
    rules = run["tool"]["driver"]["rules"]
    for result, finding in zip(run["results"], data.findings, strict=True):
        assert rules[result["ruleIndex"]]["id"] == finding.code == result["ruleId"]
        region = result["locations"][0]["physicalLocation"]["region"]
        assert region["startLine"] == (finding.line or 1)
        assert len(result.get("relatedLocations", [])) == len(finding.related)
    names = [result["partialFingerprints"]["recordDigest/v1"] for result in run["results"]]
    assert len(set(names)) == len(names)
    assert run["invocations"][0]["toolExecutionNotifications"] == []
    assert all(re.fullmatch(r"[A-Z][A-Za-z0-9]+", rule["name"]) and rule["helpUri"].startswith("https://") for rule in rules)


def gitlab_schema() -> jsonschema_rs.Draft7Validator:
    return jsonschema_rs.Draft7Validator(json.loads((SCHEMAS / "gitlab-code-quality.json").read_text()))


def rdjson_schema() -> jsonschema_rs.Draft7Validator:
    return jsonschema_rs.Draft7Validator(json.loads((SCHEMAS / "rdformat.json").read_text()))


def junit_schema() -> xmlschema.XMLSchema:
    return xmlschema.XMLSchema(str(SCHEMAS / "junit-10.xsd"))


def test_the_schemas_would_catch_what_we_get_wrong(data):
    log = json.loads(text_of(data, "sarif"))
    del log["runs"][0]["tool"]["driver"]["name"]
    log["runs"][0]["stray"] = 1
    assert len(list(sarif_schema().iter_errors(log))) == 2
    good = {"description": "d", "check_name": "c", "fingerprint": "f", "severity": "info", "location": {"path": "a", "lines": {"begin": 1}}}
    assert gitlab_schema().is_valid([good])
    for wrong in ({"severity": "error"}, {"description": "a\nb"}, {"location": {"path": "./a", "lines": {"begin": 1}}}, {"location": {"path": "a"}}):
        assert not gitlab_schema().is_valid([good | wrong])
    diagnostics = json.loads(text_of(data, "rdjson"))["diagnostics"]
    assert not diagnostics or not rdjson_schema().is_valid({"diagnostics": [diagnostics[0] | {"severity": "error"}]})
    text = text_of(data, "junit")
    for right, wrong in (("<testcase ", '<testcase line="3" '), ("</testsuites>", "<stray/></testsuites>")):
        assert right in text
        assert not junit_schema().is_valid(text.replace(right, wrong, 1))


def test_sarif_fingerprints_survive_a_move(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_dirty(tmp_path)

    def names() -> set[str]:
        log = json.loads(text_of(lint("train.jsonl", select=["TURN"]), "sarif"))
        return {result["partialFingerprints"]["recordDigest/v1"] for result in log["runs"][0]["results"]}

    before = names()
    assert len(before) > 5
    lines = Path("train.jsonl").read_bytes().split(b"\n")
    Path("train.jsonl").write_bytes(b"\n".join(reversed(lines)))
    assert names() == before


def test_sarif_stays_within_code_scanning_limits_and_says_so(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sarif, "MOST_RESULTS", 1_500)
    Path("train.jsonl").write_text("{broken\n" * 1_200 + '{"text": "a"}\n{"text": "a", "text": "b"}\n' * 700)
    report = lint("train.jsonl", select=["JSN"])
    log = json.loads(text_of(report, "sarif"))
    assert [str(error) for error in sarif_schema().iter_errors(log)] == []
    [run] = log["runs"]
    assert len(run["results"]) == 1_500
    by_rule = {rule: sum(result["properties"]["rule"] == rule for result in run["results"]) for rule in ("invalid-json", "duplicate-key")}
    assert by_rule == {"invalid-json": 1_000, "duplicate-key": 500}
    notes = {note["message"]["text"].split(" of ")[1].split(" ")[0]: note for note in run["invocations"][0]["toolExecutionNotifications"]}
    assert notes["invalid-json"]["message"]["text"].startswith("200 more findings")
    assert notes["duplicate-key"]["message"]["text"].startswith("200 more findings")
    assert len(gzip.compress(json.dumps(log).encode())) < 10_000_000


def test_the_terminal_says_that_sarif_is_capped(tunelint, tmp_path):
    (tmp_path / "train.jsonl").write_text("{broken\n" * 1_200)
    ran = tunelint("lint", "train.jsonl", "--select", "JSN001", "--format", "sarif:lint.sarif", "--format", "json:lint.json", "-q")
    assert "sarif: 200 findings left out, code scanning takes so many and no more (invalid-json); json has all" in ran.err
    assert len(json.loads(Path("lint.sarif").read_text())["runs"][0]["results"]) == 1_000
    assert len(json.loads(Path("lint.json").read_text())["findings"]) == 1_200
    (tmp_path / "train.jsonl").write_text("{broken\n" * 1_000)
    assert "sarif" not in tunelint("lint", "train.jsonl", "--select", "JSN001", "--format", "sarif:lint.sarif", "-q").err


def test_junit_validates_and_fails_exactly_when_the_command_does(data, tmp_path):
    text = text_of(data, "junit")
    junit_schema().validate(text)
    root = ElementTree.fromstring(text)
    failing = {(case.get("classname"), case.get("name")) for case in root.iter("testcase") if case.find("failure") is not None}
    assert failing == {(f.path or "(dataset)", f"{f.code} {f.name}") for f in data.findings if f.severity == "error"}
    assert bool(failing) == (not data.ok)
    cases = list(root.iter("testcase"))
    assert len(cases) == int(root.get("tests", 0)) > 100
    assert {case.get("classname") for case in cases} >= {"train.jsonl", "eval.jsonl"}


def test_gitlab_validates_and_has_unique_fingerprints(data):
    issues = json.loads(text_of(data, "gitlab"))
    gitlab_schema().validate(issues)
    assert len(issues) == len(data.findings)
    assert len({issue["fingerprint"] for issue in issues}) == len(issues)


def test_rdjson_validates(data):
    result = json.loads(text_of(data, "rdjson"))
    rdjson_schema().validate(result)
    assert [item["code"]["value"] for item in result["diagnostics"]] == [finding.code for finding in data.findings]


def test_rdjson_columns_count_bytes(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rows = [
        {"messages": [{"role": "user", "content": "Привет, 世界"}, {"role": "assistant", "content": f"Здравствуйте, {{{{имя}}}} {{{{name}}}} {i}"}]}
        for i in range(3)
    ]
    Path("train.jsonl").write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), "utf-8")
    Path("whole.json").write_text(json.dumps(rows, ensure_ascii=False, indent=1), "utf-8")
    report = lint(".", select=["TEXT002", "DUP002"])
    lines = Path("train.jsonl").read_bytes().split(b"\n")
    seen = 0
    for item, finding in zip(json.loads(text_of(report, "rdjson"))["diagnostics"], report.findings, strict=True):
        start = item["location"]["range"]["start"]
        if item["location"]["path"] == "whole.json":
            assert "column" not in start  # the line is where the record starts, its value stands on another
            continue
        if finding.pointer is not None:
            assert lines[start["line"] - 1][start["column"] - 1 :].startswith('"Здравствуйте'.encode())
            assert start["column"] > finding.column
            seen += 1
    assert seen == 3


def test_github_annotations_are_one_command_a_line(data):
    lines = text_of(data, "github").splitlines()
    assert len(lines) == len(data.findings)
    assert [line.split()[0] for line in lines] == sorted((line.split()[0] for line in lines), key=["::error", "::warning", "::notice"].index)
    for line in lines:
        head = r"::(error|warning|notice) title=tunelint \([A-Z]+\d{3} [a-z0-9-]+\),file=[a-z.]+(,line=\d+,endLine=\d+(,col=\d+)?)?::"
        assert re.fullmatch(head + r"\S.*", line), line


def test_paths_count_from_the_checkout_that_the_ci_names(tmp_path, monkeypatch):
    (tmp_path / "data dir").mkdir()
    write_dirty(tmp_path / "data dir")
    monkeypatch.chdir(tmp_path / "data dir")
    monkeypatch.setenv("GITHUB_WORKSPACE", str(tmp_path))
    report = lint("train.jsonl", select=["JSN001"])
    assert ",file=data dir/train.jsonl,line=" in text_of(report, "github")
    result = json.loads(text_of(report, "sarif"))["runs"][0]["results"][0]
    place = result["locations"][0]["physicalLocation"]["artifactLocation"]
    assert place == {"uri": "data%20dir/train.jsonl", "uriBaseId": "%SRCROOT%"}
    monkeypatch.setenv("GITHUB_WORKSPACE", "/somewhere/else")
    assert ",file=train.jsonl,line=" in text_of(report, "github")
    monkeypatch.chdir("/")
    outside = lint(str(tmp_path / "data dir" / "train.jsonl"), select=["JSN001"])
    monkeypatch.chdir(tmp_path / "data dir")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    log = json.loads(text_of(outside, "sarif"))
    assert log["runs"][0]["artifacts"][0]["location"]["uri"].startswith("file:///")
    assert [str(error) for error in sarif_schema().iter_errors(log)] == []


@pytest.mark.parametrize("form", [form for form in FORMATS if form != "html"])
def test_hostile_text_drives_no_terminal_and_no_ci_log(tmp_path, monkeypatch, form):
    monkeypatch.chdir(tmp_path)
    write_dirty(tmp_path)
    Path("::error::x.jsonl").write_text("{broken\n")
    text = text_of(lint(".", ignore=["SIZE"]), form, max_per_rule=0)
    assert text.encode("utf-8")
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]", text)
    assert not re.search(r"##\w*\[", text)
    if form != "github":
        assert not [line for line in text.splitlines() if line.lstrip().startswith("::")]
    else:
        assert all(re.match(r"::(error|warning|notice) title=tunelint \([A-Z]", line) for line in text.splitlines())


def test_markdown_has_no_markup_of_the_data(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_dirty(tmp_path)
    text = text_of(lint(".", ignore=["SIZE"]), "markdown", max_per_rule=0)
    # What stands outside of code spans is ours.
    outside = re.sub(r"(`+)(?!`).*?(?<!`)\1(?!`)", "", text)
    for piece in ("<img", "<script", "alert(", "::error", "pwned"):
        assert piece not in outside
    assert "12 eval records" not in text
    assert "1 of 13 eval records leaked from train." in text
    rows = [line for line in text.splitlines() if line.startswith("| ")]
    assert all(len(re.findall(r"(?<!\\)\|", row)) in (5, 7) for row in rows)


def test_several_formats_at_once(tunelint, tmp_path):
    write_dirty(tmp_path)
    ran = tunelint("lint", ".", "--format", "github", *[part for form in MACHINE for part in ("--format", f"{form}:report.{form}")])
    assert ran.code == 1
    assert ran.out.startswith("::error ")
    assert Path("report.github").read_text() == ran.out
    count = len(json.loads(Path("report.json").read_text())["findings"])
    assert len(Path("report.jsonl").read_text().splitlines()) == count
    assert len(json.loads(Path("report.sarif").read_text())["runs"][0]["results"]) == count
    assert ElementTree.parse("report.junit").getroot().tag == "testsuites"


def test_no_format_is_added_behind_the_users_back(tunelint, tmp_path, monkeypatch):
    write_dirty(tmp_path)
    plain = tunelint("lint", ".").out
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    assert tunelint("lint", ".").out == plain

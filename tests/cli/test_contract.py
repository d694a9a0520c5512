"""The command line's contract: exit codes, streams, options, JSON keys."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests_rows import chat

GOOD = "".join(chat(f"Question number {i}, about topic {i * 7}?", f"Answer {i * 13}.") + "\n" for i in range(120))
HEAVY = ("torch", "transformers", "openai", "sklearn", "numpy", "scipy", "tiktoken")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    (tmp_path / "train.jsonl").write_text(GOOD)
    (tmp_path / "eval.jsonl").write_text("".join(chat(f"Held-out question {i} on subject {i * 3}?", f"Reply {i}.") + "\n" for i in range(40)))
    return tmp_path


def test_exit_0_when_nothing_is_at_or_above_fail_on(tunelint, data):
    assert tunelint("lint", ".").code == 0
    assert tunelint("lint", "train.jsonl", "--fail-on", "warning").code == 1  # missing-eval-split
    assert tunelint("lint", "train.jsonl", "--fail-on", "never").code == 0


@pytest.mark.parametrize("form", ["full", "concise", "json", "jsonl"])
def test_exit_1_with_findings_in_every_format(tunelint, data, form):
    (data / "train.jsonl").write_text(GOOD + "{broken\n")
    ran = tunelint("lint", ".", "--format", form)
    assert ran.code == 1
    assert "invalid-json" in ran.out


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["lint", "nowhere.jsonl"], "no such file or folder: nowhere.jsonl"),
        (["lint", "none*.jsonl"], "no data file found"),
        (["lint", "--no-such-option"], "No such option"),
        (["lint", ".", "--select", "exact-dupicate"], "did you mean 'exact-duplicate'"),
        (["lint", ".", "--format", "yaml"], "no format 'yaml'"),
        (["lint", ".", "--format", "json", "--format", "full"], "only one format"),
        (["lint", ".", "--config", "missing.toml"], "does not exist"),
        (["lint", ".", "--baseline", "missing.jsonl"], "cannot read the baseline"),
        (["lnt", "."], "Did you mean 'lint'"),
        (["rule", "exact-duplicat"], "did you mean 'exact-duplicate'"),
        (["lint", ".", "--engine", "ray"], "ray"),
        (["curves", "."], ""),
        (["runs", "resume", "nothing"], ""),
        (["clean", "train.jsonl", "-o", "."], "would be overwritten"),
        (["clean", "train.jsonl", "--safe-only", "--unsafe-fixes"], "exclude"),
    ],
)
def test_exit_2_when_it_could_not_check(tunelint, data, arguments, says):
    ran = tunelint(*arguments)
    assert ran.code == 2
    assert says in ran.err
    assert "Traceback" not in ran.err
    assert "internal error" not in ran.err


@pytest.mark.parametrize(
    "name",
    ["lint", "clean", "split", "convert", "stats", "tokens", "diff", "train", "lint-and-train", "curves", "compare", "export", "export-config",
     "serve", "runs", "rule", "target", "baseline", "index", "init", "test-rules", "completion"],
)  # fmt: skip
def test_every_command_of_the_contract_is_there(tunelint, name):
    ran = tunelint(name, "--help")
    assert ran.code == 0
    assert f"tunelint {name}" in ran.out


def test_a_folder_without_permission_is_exit_2(tunelint, data, monkeypatch):
    real = open

    def refuse(path, *args, **kwargs):
        if str(path).endswith("train.jsonl"):
            raise PermissionError(13, "Permission denied")
        return real(path, *args, **kwargs)

    monkeypatch.setattr("builtins.open", refuse)
    ran = tunelint("lint", "train.jsonl")
    assert ran.code == 2
    assert "cannot read train.jsonl: Permission denied" in ran.err


def test_config_is_read_checked_and_beaten_by_the_command_line(tunelint, data):
    Path("tunelint.toml").write_text(
        'train = ["train.jsonl"]\neval = ["eval.jsonl"]\nignore = ["SIZE"]\nfail-on = "note"\n[rules.small-dataset]\nadvised = 500\n'
    )
    report = tunelint("lint", "--format", "json").json
    assert [file["path"] for file in report["files"]] == ["train.jsonl", "eval.jsonl"]
    assert tunelint("lint", "--isolated", "train.jsonl", "--format", "json").json["summary"]["by_rule"] == {"missing-eval-split": 1}
    for text, says in (
        ('tran = ["x"]', "did you mean 'train'"), ("fail-on = 'eror'", "fail-on must be"), ("ignore = ['DPU']", "no rule"),
        ("[rules.small-dataset]\nadvized = 3", "did you mean 'advised'"), ("[rules.small-dataset]\nadvised = 'x'", "must be int"),
        ("[rules.small-dataset]\nadvised = -1", "must be 0 or more"), ("[rules.near-duplicate]\nthreshold = 1.5", "must be from 0 to 1"),
        ("[rules.near-duplicate]\nthreshold = nan", "must be from 0 to 1"), ("select = ['DPU']", "did you mean 'DUP'"),
        ("[tool.tunelint]\npack = 'min'", "[tool.tunelint] is for pyproject.toml"),
        ("train = ", "not TOML"), ("[rules.nothing]\nx = 1", "no such rule"),
            ("train = 'x'", "train must be a list, not 'x'"), ("jobs = -1", "jobs must be 0 or more"),
        ("[per-file-ignores]\nx = 1", "per-file-ignores.x must be a list"), ("rules = 3", "rules must be a table"),
    ):  # fmt: skip
        Path("tunelint.toml").write_text(text)
        ran = tunelint("lint", "train.jsonl")
        assert (ran.code, says in ran.err) == (2, True), ran.err


def test_pyproject_and_the_closest_file_upwards(tunelint, data):
    Path("pyproject.toml").write_text('[tool.tunelint]\nignore = ["SIZE"]\n')
    Path("sub").mkdir()
    os.chdir("sub")
    assert tunelint("lint", "../train.jsonl", "--format", "json").json["summary"]["by_rule"] == {}
    Path("../tunelint.toml").write_text("")  # in one folder tunelint.toml wins
    assert "missing-eval-split" in tunelint("lint", "../train.jsonl", "--format", "json").json["summary"]["by_rule"]


def test_more_specific_selectors_win(tunelint, data):
    Path("train.jsonl").write_text(GOOD + GOOD.splitlines()[0] + "\n{broken\n\n")

    def by_rule(*arguments):
        return tunelint("lint", "train.jsonl", "--format", "json", *arguments).json["summary"]["by_rule"]

    assert by_rule("--select", "JSN") == {"invalid-json": 1, "blank-line": 1}
    assert by_rule("--select", "JSN", "--ignore", "blank-line") == {"invalid-json": 1}
    assert by_rule("--select", "DUP001,JSN", "--ignore", "JSN") == {"exact-duplicate": 1}
    assert by_rule("--select", "JSN005", "--ignore", "JSN") == {"blank-line": 1}
    assert by_rule("--select", "JSN005", "--extend-select", "DUP001") == {"blank-line": 1, "exact-duplicate": 1}


def test_scope_record_runs_no_survey(tunelint, data):
    Path("train.jsonl").write_text(GOOD + GOOD.splitlines()[0] + "\n{broken\n")
    report = tunelint("lint", "train.jsonl", "--scope", "record", "--format", "json").json
    assert report["summary"]["by_rule"] == {"invalid-json": 1}
    assert report["files"][0]["tokens"] is None


def test_standard_input_and_several_formats(tunelint, data):
    ran = tunelint("lint", "-", "--format", "json", "--format", "concise:out.txt", stdin=(GOOD + "[1]\n").encode())
    assert ran.json["files"][0] | {"path": "-", "records": 120, "faulty_lines": 1} == ran.json["files"][0]
    assert "-:121:1: JSN009 not-an-object" in Path("out.txt").read_text()


def test_findings_on_stdout_everything_else_on_stderr(tunelint, data):
    Path("train.jsonl").write_text(GOOD + "{broken\n")
    ran = tunelint("lint", ".", "--format", "concise")
    assert ran.out.startswith("train.jsonl:121:2: JSN001 invalid-json ")
    assert len(ran.out.splitlines()) == 1
    assert "eval.jsonl" in ran.err
    assert tunelint("lint", ".", "-q").err == ""


def test_max_per_rule_limits_text_and_not_json(tunelint, data):
    Path("train.jsonl").write_text(GOOD + "{broken\n" * 25)
    assert tunelint("lint", ".", "--format", "concise").out.count("JSN001") == 10
    assert "and 15 more invalid-json" in tunelint("lint", ".").out
    assert tunelint("lint", ".", "--format", "concise", "--max-per-rule", "0").out.count("JSN001") == 25
    assert tunelint("lint", ".", "--format", "json").json["summary"]["by_rule"]["invalid-json"] == 25


def test_color_follows_option_and_environment(tunelint, data, monkeypatch):
    Path("train.jsonl").write_text(GOOD + "{broken\n")
    assert "\033[" not in tunelint("lint", ".").out
    assert "\033[" in tunelint("lint", ".", "--color", "always").out
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert "\033[" in tunelint("lint", ".").out
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\033[" not in tunelint("lint", ".").out


def test_hostile_text_does_not_reach_the_terminal(tunelint, data):
    Path("train.jsonl").write_text(GOOD + chat("q", "a").replace('"assistant"', '"\\u001b[31mbot\\u202e"') + "\n")
    out = tunelint("lint", ".", "--color", "never").out
    assert "unknown-role" in out
    assert "\033" not in out
    assert "\u202e" not in out


def test_statistics(tunelint, data):
    Path("train.jsonl").write_text(GOOD + "{broken\n" * 3)
    assert tunelint("lint", ".", "--statistics").out.split() == ["3", "invalid-json"]


def test_leakage_counts_eval_records_once(tunelint, data):
    leaked = GOOD.splitlines()[:3]
    Path("eval.jsonl").write_text("\n".join([*leaked, leaked[0], chat("Question number 9, about topic 63?", "Another answer altogether.")]) + "\n")
    report = tunelint("lint", ".", "--format", "json").json
    assert report["leakage"] == {"eval_records": 5, "leaked_records": 5, "by_rule": {"exact-leak": 4, "shared-prompt": 1}}
    leak = next(f for f in report["findings"] if f["name"] == "exact-leak")
    assert (leak["path"], leak["line"], leak["related"][0]["path"], leak["related"][0]["line"]) == ("eval.jsonl", 1, "train.jsonl", 1)
    assert leak["related"][0]["record"] == leak["record"]


def test_the_baseline_accepts_moved_records_not_edited_ones(tunelint, data):
    broken = chat("Where?", "").replace('"content": ""', '"content": ""')
    Path("train.jsonl").write_text(GOOD + broken + "\n")
    assert tunelint("lint", ".").code == 1
    assert tunelint("baseline", "write", ".").code == 0
    assert "Where" not in Path("tunelint-baseline.jsonl").read_text()
    accepted = tunelint("lint", ".", "--baseline", "tunelint-baseline.jsonl", "--format", "json")
    assert accepted.code == 0
    assert accepted.json["summary"]["suppressed"] == 1
    Path("train.jsonl").write_text(broken + "\n" + GOOD)
    assert tunelint("lint", ".", "--baseline", "tunelint-baseline.jsonl").code == 0
    Path("train.jsonl").write_text(broken.replace("Where?", "Where is it?") + "\n" + GOOD)
    edited = tunelint("lint", ".", "--baseline", "tunelint-baseline.jsonl", "--format", "json")
    assert edited.code == 1
    assert edited.json["summary"]["by_rule"] == {"empty-content": 1, "stale-baseline-entry": 1}
    Path("train.jsonl").write_text(broken + "\n" + broken + "\n" + GOOD)  # a further copy of an accepted fault is new
    assert tunelint("lint", ".", "--baseline", "tunelint-baseline.jsonl").code == 1


def test_per_file_ignores(tunelint, data):
    Path("train.jsonl").write_text(GOOD + "{broken\n")
    Path("tunelint.toml").write_text('[per-file-ignores]\n"train*.jsonl" = ["JSN"]\n')
    ran = tunelint("lint", ".", "--format", "json")
    assert (ran.code, ran.json["summary"]["suppressed"]) == (0, 1)


def test_version_and_a_record_lint_import_nothing_heavy(data):
    code = "import sys; from tunelint.cli.main import main; main({}); print([m for m in {} if m in sys.modules])"
    quick = subprocess.run([sys.executable, "-c", code.format(["--version"], HEAVY)], capture_output=True, text=True, check=True)
    assert quick.stdout.splitlines() == [f"tunelint {__import__('tunelint').__version__}", "[]"]
    arguments = ["lint", "train.jsonl", "--scope", "record", "-q"]
    lint = subprocess.run(
        [sys.executable, "-c", code.format(arguments, ("torch", "transformers", "openai", "sklearn"))],
        capture_output=True, text=True, check=True, cwd=data,
    )  # fmt: skip
    assert lint.stdout.splitlines()[-1] == "[]"


def test_python_m_tunelint_and_a_closed_pipe(data):
    (data / "train.jsonl").write_text("{broken\n" * 5000)
    done = subprocess.run(
        f"{sys.executable} -m tunelint lint train.jsonl --select JSN --format concise --max-per-rule 0 | head -1",
        shell=True, cwd=data, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.startswith("train.jsonl:1:2: JSN001")
    assert "Traceback" not in done.stderr
    assert "BrokenPipe" not in done.stderr


def test_json_has_every_key_of_the_contract(tunelint, data):
    Path("train.jsonl").write_text(GOOD + GOOD.splitlines()[0] + "\n{broken\n\n")
    report = tunelint("lint", ".", "--format", "json").json
    assert set(report) >= {"version", "tool", "target", "files", "findings", "leakage", "summary", "ok"}
    assert set(report["files"][0]) >= {"path", "split", "shape", "records", "faulty_lines", "bytes", "sha256", "tokens"}
    assert set(report["files"][0]["tokens"]) >= {"counter", "exact", "total", "trained", "p50", "p95", "max"}
    for finding in report["findings"]:
        assert set(finding) >= {
            "code", "name", "severity", "message", "help", "path", "line", "end_line", "column", "byte_offset", "pointer",
            "record", "row", "count", "score", "related", "fix",
        }  # fmt: skip
        assert finding["help"]
    assert report["ok"] is False
    for line in tunelint("lint", ".", "--format", "jsonl").out.splitlines():
        assert json.loads(line) in report["findings"]


def test_gsm8k_is_clean(tunelint, corpora):
    report = tunelint("lint", corpora / "gsm8k/train.jsonl", corpora / "gsm8k/test.jsonl", "--format", "json").json
    assert [file["records"] for file in report["files"]] == [7473, 1319]
    assert report["summary"]["errors"] == 0


def test_every_file_of_the_corpora_lints_without_a_traceback(tunelint, corpora):
    for folder in sorted(path for path in corpora.iterdir() if path.is_dir() and path.name != "curves"):
        files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
        ran = tunelint("lint", *files, "--format", "json", "--select", "min,recommended", "--ignore", "DUP,LEAK")
        assert ran.code in (0, 1), ran.err
        assert len(ran.json["files"]) == len(files)


def test_a_progress_bar_on_a_terminal_and_nowhere_else(data):
    pty = pytest.importorskip("pty")
    (data / "train.jsonl").write_text(GOOD * 400)
    code = "from tunelint.cli import output; output.time.monotonic = iter(range(10**6)).__next__; from tunelint.cli.main import main; main({})"
    arguments = ["lint", "train.jsonl", "--select", "JSN", "--jobs", "1", "-q"]
    environment = {key: value for key, value in os.environ.items() if key != "CI"} | {"TERM": "xterm"}
    lead, follow = pty.openpty()
    done = subprocess.run(
        [sys.executable, "-c", code.format(arguments)], cwd=data, stdout=subprocess.PIPE, stderr=follow, env=environment, check=True
    )
    os.close(follow)
    shown = os.read(lead, 65536).decode()
    os.close(lead)
    assert "checking" in shown
    assert "\033[" in shown
    assert done.stdout == b""
    piped = subprocess.run([sys.executable, "-c", code.format(arguments)], cwd=data, capture_output=True, env=environment, check=True)
    assert piped.stderr == b""


def test_a_refusal_after_cleaning_names_no_folder_that_is_gone(tunelint, data):
    Path("my rows.jsonl").write_text(GOOD.splitlines()[0] + "\n{broken\n")
    ran = tunelint("lint-and-train", "my rows.jsonl", "--clean")
    assert ran.code == 1
    assert "1 record kept, 1 removed" in ran.err
    assert "nothing was trained: 1 error left after cleaning (too-few-records 1)" in ran.err
    assert "tunelint clean 'my rows.jsonl' -o cleaned" in ran.err
    assert "tunelint-" not in ran.out + ran.err
    ran = tunelint("train", "my rows.jsonl")
    assert "tunelint lint-and-train 'my rows.jsonl' --clean" in ran.err

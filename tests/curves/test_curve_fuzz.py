"""Readers never raise anything but the one plain error, whatever bytes they get."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from curve_logs import log_history
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tunelint.curves import judge, render_report, render_terminal
from tunelint.errors import TunelintError

NAMES = ["log.json", "log.jsonl", "log.csv", "log.txt", "README.md", "trainer_state.json", "events.out.tfevents.1.host"]
KEYS = ["step", "epoch", "loss", "eval_loss", "eval_a_loss", "eval_accuracy", "eval_runtime", "object", "data", "message", "history", "log_history",
        "metrics", "n_eval", "paired_se_to_last", "x", "val_loss", "step_number"]  # fmt: skip

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.sampled_from(["No log", "nan", "1,5", "fine_tuning.job"]),
    lambda inner: st.lists(inner, max_size=6) | st.dictionaries(st.sampled_from(KEYS) | st.text(max_size=5), inner, max_size=6),
    max_leaves=25,
)
relaxed = settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def judge_and_show(path: Path) -> None:
    try:
        report = judge([path])
    except TunelintError as error:
        refused = str(error)
    else:
        refused = None
    if refused is not None:
        assert "\n" not in refused
        return
    json.dumps(report.to_json(), allow_nan=False)
    render_terminal(report, color=False)
    render_report(report.runs, data=report.to_json())


@pytest.mark.parametrize("name", NAMES)
@relaxed
@given(content=st.binary(max_size=400))
def test_any_bytes(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    judge_and_show(tmp_path / name)


@pytest.mark.parametrize("name", ["log.json", "trainer_state.json"])
@relaxed
@given(value=values)
def test_any_json(tmp_path: Path, name: str, value: object) -> None:
    (tmp_path / name).write_text(json.dumps(value))
    judge_and_show(tmp_path / name)


@relaxed
@given(entries=st.lists(st.dictionaries(st.sampled_from(KEYS), values, max_size=6), max_size=12))
def test_any_history(tmp_path: Path, entries: list[dict[str, object]]) -> None:
    (tmp_path / "trainer_state.json").write_text(json.dumps({"log_history": entries}))
    judge_and_show(tmp_path / "trainer_state.json")


@relaxed
@given(at=st.integers(0, 900), byte=st.integers(0, 255), name=st.sampled_from(NAMES))
def test_a_damaged_log(tmp_path: Path, at: int, byte: int, name: str) -> None:
    data = bytearray(json.dumps({"log_history": log_history([1.3, 1.36, 1.62], [1.4, 0.9, 0.5])}), "utf-8")
    data[at % len(data)] = byte
    (tmp_path / name).write_bytes(bytes(data))
    judge_and_show(tmp_path / name)


@relaxed
@given(rows=st.lists(st.lists(st.sampled_from(["1", "2.5", "nan", "", "No log", "-", "inf", "1e400", "x"]), min_size=1, max_size=5), max_size=15))
def test_any_table(tmp_path: Path, rows: list[list[str]]) -> None:
    text = "step,epoch,train_loss,val_loss,val_accuracy\n" + "\n".join(",".join(row) for row in rows)
    (tmp_path / "log.csv").write_text(text)
    judge_and_show(tmp_path / "log.csv")
    (tmp_path / "README.md").write_text("\n".join("| " + line.replace(",", " | ") + " |" for line in text.splitlines()))
    judge_and_show(tmp_path / "README.md")


@pytest.mark.parametrize("value", [10**400, 1e308, -1e308, 1e15, -(10**16)])
@pytest.mark.parametrize("key", ["step", "epoch", "eval_loss", "loss", "eval_accuracy", "eval_runtime"])
def test_numbers_of_any_size(tmp_path: Path, key: str, value: float) -> None:
    entries = log_history([1.3, 1.36, 1.62], [1.4, 0.9, 0.5])
    for entry in entries:
        entry.setdefault("eval_accuracy", 0.5)
    entries[2][key] = entries[3][key] = value
    (tmp_path / "trainer_state.json").write_text(json.dumps({"log_history": entries}))
    judge_and_show(tmp_path / "trainer_state.json")

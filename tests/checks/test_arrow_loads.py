"""Drifting types and padded objects against what Arrow itself does with the same rows."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tunelint import lint
from tunelint.records.paths import facts_of, places

scalars = st.one_of(st.none(), st.booleans(), st.integers(-9, 9), st.sampled_from([0.5, -2.25]), st.sampled_from(["a", "b", ""]))
keys = st.sampled_from(["x", "y", "z"])
values = st.recursive(scalars, lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(keys, inner, max_size=3)), max_leaves=8)
parameter_sets = st.dictionaries(keys, st.dictionaries(keys, st.sampled_from(["a", "b"]), max_size=2), min_size=1, max_size=3)
relaxed = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def findings(folder: Path, rows: list[Any], rule: str) -> list[Any]:
    path = folder / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return list(lint([str(path)], select=[rule]).of_rule(rule))


@relaxed
@given(st.lists(values, min_size=2, max_size=5))
def test_a_type_drifts_where_arrow_refuses_the_column(tmp_path: Path, column: list[Any]) -> None:
    arrow, reader = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.json")
    rows = [{"prompt": f"Question {number}", "completion": "Answer", "data": value} for number, value in enumerate(column)]
    try:  # the reader behind datasets.load_dataset("json")
        reader.read_json(io.BytesIO("".join(json.dumps(row) + "\n" for row in rows).encode()))
        loads = True
    except arrow.ArrowInvalid:
        loads = False
    assert bool(findings(tmp_path, rows, "drifting-type")) is not loads


@relaxed
@given(st.lists(parameter_sets, min_size=2, max_size=5))
def test_parameters_are_padded_where_arrow_adds_nulls(tmp_path: Path, parameters: list[dict[str, Any]]) -> None:
    arrow = pytest.importorskip("pyarrow")
    rows = [{"prompt": f"Question {number}", "completion": "Answer", "tools": [{"parameters": value}]} for number, value in enumerate(parameters)]
    loaded = arrow.Table.from_pylist(rows).to_pylist()
    assert bool(findings(tmp_path, rows, "padded-schema")) is (loaded != rows)


@given(st.dictionaries(keys, values, max_size=3))
def test_every_fact_has_its_place(record: dict[str, Any]) -> None:
    located = list(places(record))
    assert {fact for *_, fact in located} == facts_of(record)
    for _, pointer, value, _ in located:
        found: Any = record
        for step in pointer.split("/")[1:]:
            found = found[int(step)] if isinstance(found, list) else found[step]
        assert found is value or found == value


def test_depth_is_no_obstacle() -> None:
    deep: Any = "bottom"
    for _ in range(5_000):
        deep = [deep]
    assert len(facts_of({"x": deep})) == 5_002


@pytest.mark.parametrize("jobs", [1, 2])
def test_the_first_record_that_differs_is_named(tmp_path: Path, jobs: int) -> None:
    rows = [{"prompt": f"Question {number}", "completion": "Answer", "meta": {"score": number}} for number in range(30)]
    rows[17]["meta"] = {"score": "high"}
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    (found,) = lint([str(path)], select=["SCH006"], jobs=jobs).findings
    assert (found.line, found.pointer, found.column) == (18, "/meta/score", json.dumps(rows[17]).index('"high"') + 1)
    assert "'meta.score' is text in 1 record and a number in others" in found.message

"""A finding's pointer leads to a value of its record, and column and byte offset to where that value stands."""

from __future__ import annotations

import json

from tests_rows import chat
from tunelint.engine import findings
from tunelint.records.locate import find, resolve

USE = {"type": "tool_use", "id": "t1", "name": "f", "input": {}}
ODD = [
    {"messages": [{"role": "user", "content": [{"type": "text"}]}, {"role": "assistant", "content": "a"}]},
    {"messages": [{"role": "user", "content": [{"type": "text", "value": 1}]}, {"role": "assistant", "content": "a"}]},
    {
        "system": "s",
        "messages": [
            {"role": "user", "content": "q"},
            {"role": "assistant", "content": [USE]},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "другой", "content": "r"}]},
            {"role": "assistant", "content": "a"},
        ],
    },
    {"systemInstruction": {"parts": [" "]}, "contents": [{"role": "user", "parts": [{"text": "q"}]}, {"role": "model", "parts": [{"text": "a"}]}]},
    {"messages": [{"role": "user", "content": "é"}, {"role": "assistant", "content": "a"}], "level": [1]},
]


def test_pointers_lead_somewhere_and_columns_there(tunelint, tmp_path, monkeypatch):
    monkeypatch.setattr(findings, "_MOST_EXCERPTS", 2)  # a record that is only a copy of another may do without its text
    rows = [chat("Where is my parcel?", "It is on its way.")] * 6 + [json.dumps(row, ensure_ascii=False) for row in ODD] + ['{"level": 2}']
    lines = [row.encode() for row in rows]
    (tmp_path / "train.jsonl").write_bytes(b"\n".join(lines))
    found = tunelint("lint", "train.jsonl", "--format", "json").json["findings"]
    pointed = [finding for finding in found if finding["line"] and finding["pointer"]]
    names = {finding["name"] for finding in pointed}
    assert {"wrong-type", "orphan-tool-result", "empty-content", "drifting-type"} <= names
    for finding in pointed:
        line = lines[finding["line"] - 1]
        assert resolve(json.loads(line), finding["pointer"]) is not None, finding
        place = find(line.decode(), finding["pointer"])
        assert place is not None
        start, end = place
        assert start <= finding["column"] - 1 < end, finding
        before = sum(len(earlier) + 1 for earlier in lines[: finding["line"] - 1])
        assert finding["byte_offset"] == before + len(line.decode()[: finding["column"] - 1].encode()), finding

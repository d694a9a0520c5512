"""Data that shows what reports must stand: every kind of finding, and text that attacks whoever prints it."""

from __future__ import annotations

import json
from pathlib import Path

from tests_rows import chat

HOSTILE = (
    "</script><script>alert(1)</script><img src=x onerror=alert(2)>",
    "\x1b[31mred\x1b]0;title\x07\x9b31m",
    "abc\u202edcb\u2066a\u2069",
    "::error file=a,line=1::pwned",
    "##[set-output name=x]y ##vso[task.setvariable variable=x]y ##teamcity[x]",
    "line\r\n::warning::next\u2028::error::after",
    "%0A::error::decoded | pipe ` tick ``` fence",
    "]]> <!-- &amp; \ufffe \udc80",
)


def write_dirty(folder: Path) -> None:
    """Write train.jsonl and eval.jsonl: good rows, copies, a leak, broken lines, a file-wide fault, hostile roles."""
    good = [chat(f"Question number {i}, about topic {i * 7}?", f"Answer {i * 13}.") for i in range(60)]
    rows = [*good, good[3], good[4], good[4], "{broken", "", "", "[1]", chat("x", "")]
    rows += [json.dumps({"messages": [{"role": text, "content": text}, {"role": "assistant", "content": f"{text} y"}]}) for text in HOSTILE]
    rows += ['{"a": ' + json.dumps(text) for text in HOSTILE]
    (folder / "train.jsonl").write_bytes(b"\xef\xbb\xbf" + "\n".join(rows).encode() + b"\n")
    held_out = [chat(f"Held-out question {i} on subject {i * 3}?", f"Reply {i}.") for i in range(12)]
    (folder / "eval.jsonl").write_text("\n".join([*held_out, good[5]]) + "\n")

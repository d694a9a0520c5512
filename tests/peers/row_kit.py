"""Writing rows for the peers: messages, records, and named groups of small files."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Row:
    """A file of one or more lines. `valid`: nothing is wrong with it in its own format, so nobody may call it an error without a
    target. `not_for`: peers whose verdict on it says nothing about its data."""

    data: bytes
    valid: bool
    not_for: frozenset[str] = frozenset()


def lines(*records: Any) -> bytes:
    """Return records as JSONL; bytes stand for themselves."""
    return b"\n".join(record if isinstance(record, bytes) else json.dumps(record, ensure_ascii=False).encode() for record in records)


def say(role: str, content: Any, **more: Any) -> dict[str, Any]:
    """Return a message."""
    return {"role": role, "content": content, **more}


def user(content: Any = "How many moons has Mars?", **more: Any) -> dict[str, Any]:
    return say("user", content, **more)


def reply(content: Any = "Two: Phobos and Deimos.", **more: Any) -> dict[str, Any]:
    return say("assistant", content, **more)


def system(content: Any = "You answer briefly.", **more: Any) -> dict[str, Any]:
    return say("system", content, **more)


def chat(*messages: Any, **more: Any) -> dict[str, Any]:
    """Return a chat record; `more` are keys beside `messages`."""
    return {"messages": list(messages), **more}


def group(name: str, valid: dict[str, Any], faulty: dict[str, Any], not_for: Iterable[str] = ()) -> dict[str, Row]:
    """Return named rows. A value is a record, bytes, or a tuple of several lines of either."""
    rows = {}
    for table, good in ((valid, True), (faulty, False)):
        for key, value in table.items():
            assert f"{name}/{key}" not in rows, key
            rows[f"{name}/{key}"] = Row(lines(*value) if isinstance(value, tuple) else lines(value), good, frozenset(not_for))
    return rows

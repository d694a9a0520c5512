"""Rows that tests write."""

from __future__ import annotations

import json
from typing import Any


def chat(question: str, answer: str, **more: Any) -> str:
    """One chat record as a JSON line."""
    messages = [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]
    return json.dumps({"messages": messages, **more}, ensure_ascii=False)

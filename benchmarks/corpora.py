"""Public fine-tuning corpora as (prompt, answer) rows, from a folder named by TUNELINT_CORPORA.

The folder holds one sub-folder per project with its files as published (gsm8k, hh_rlhf, decon's bundled evals,
llamafactory's demo data and so on). Whatever holds a prompt or an answer under one of the usual keys is taken.
"""

from __future__ import annotations

import gzip
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

Row = tuple[str, str]

PROMPT_KEYS = (("passage", "question"), ("instruction", "input"), ("question",), ("prompt",), ("query",))
ANSWER_KEYS = ("answer", "output", "response", "completion", "chosen", "response_j", "ground_truth", "positive", "answer1")
CONVERSATIONS = ("messages", "conversations", "chosen_messages", "chosen")
ASSISTANTS = ("assistant", "gpt", "function_call", "model")


def folder() -> Path:
    """The corpora's folder; leaves with a message where there is none."""
    path = os.environ.get("TUNELINT_CORPORA")
    if not path or not Path(path).is_dir():
        sys.exit("set TUNELINT_CORPORA to a folder of public corpora to run this benchmark")
    return Path(path)


def rows_of(path: Path) -> Iterator[dict[str, Any]]:
    """The objects of a .jsonl, .jsonl.gz or .json file, without what does not parse."""
    if path.read_bytes()[:8] == b"version ":  # the pointer of a large file that was not fetched
        return
    with (gzip.open if path.suffix == ".gz" else open)(path, "rb") as stream:
        data = stream.read()
    if path.suffix == ".json":
        values = json.loads(data)
        yield from (value for value in values if isinstance(value, dict)) if isinstance(values, list) else ()
        return
    for line in data.splitlines():
        try:
            value = json.loads(line)
        except ValueError:
            continue
        if isinstance(value, dict):
            yield value


def as_row(value: dict[str, Any]) -> Row | None:
    """Prompt and answer of a record, None where it has no text."""
    if value.get("is_correct") is False:  # the same question once per wrong option
        return None
    for key in CONVERSATIONS:
        turns = value.get(key)
        if isinstance(turns, list) and turns and all(isinstance(turn, dict) for turn in turns):
            return _from_turns(turns)
    answer = next((value[key] for key in ANSWER_KEYS if isinstance(value.get(key), str)), "")
    if isinstance(value.get("chosen"), str):
        prompt, _, answer = value["chosen"].rpartition("\n\nAssistant:")
        return prompt, answer
    for keys in PROMPT_KEYS:
        if isinstance(value.get(keys[-1]), str):
            return "\n".join(value[key] for key in keys if isinstance(value.get(key), str)), answer
    text = value.get("text")
    return (text, "") if isinstance(text, str) and text.strip() else None


def _from_turns(turns: list[dict[str, Any]]) -> Row | None:
    texts = [(turn.get("role") or turn.get("from"), turn.get("content") or turn.get("value")) for turn in turns]
    last = max((i for i, (role, _) in enumerate(texts) if role in ASSISTANTS), default=len(texts))
    prompt = "\n".join(text for role, text in texts[:last] if isinstance(text, str) and role != "system")
    answer = texts[last][1] if last < len(texts) else ""
    answer = answer if isinstance(answer, str) else ""
    return (prompt, answer) if (prompt + answer).strip() else None


def distinct_rows(root: Path) -> list[Row]:
    """Every distinct row of all corpora, in the order of the files' names."""
    found: dict[Row, None] = {}
    for path in sorted(root.rglob("*")):
        if path.suffix in (".jsonl", ".json", ".gz") and "curves" not in path.relative_to(root).parts and path.is_file():
            for value in rows_of(path):
                row = as_row(value)
                if row is not None:
                    found.setdefault(row)
    return list(found)

"""What is sent: the rows as a training file of OpenAI's form, and the bodies of the requests.

Shapes: https://platform.openai.com/docs/api-reference/fine-tuning/chat-input and .../preference-input.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from tunelint.errors import TunelintError
from tunelint.train.plan import Plan
from tunelint.train.records import Message, TrainRecord

LARGEST = 512_000_000
"""Bytes of a file that the API takes in one request; a larger one goes in parts (https://platform.openai.com/docs/api-reference/files)."""
LARGEST_IN_PARTS = 8_000_000_000
MARK = "run"
"""The key of the metadata under which a job carries its run."""
TAKEN = frozenset({"epochs", "batch_size", "learning_rate_multiplier", "dpo_beta", "preset"})
"""The hyperparameters that the API has, under its own names; a preset chooses the length of the demonstration only."""
BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True)
class Upload:
    """A training file: its bytes, and a name that carries their digest, so that it is found again at the service."""

    split: str
    content: bytes

    @property
    def sha256(self) -> str:
        """The digest of the bytes."""
        return hashlib.sha256(self.content).hexdigest()

    @property
    def filename(self) -> str:
        """The name at the service."""
        return f"tunelint-{self.sha256}.jsonl"


def uploads(plan: Plan, bom: bool = False) -> list[Upload]:
    """Return the files of a plan: train, and eval where there are rows. Raises TunelintError for rows of no such form."""
    files = []
    for split, rows in (("train", plan.train), ("eval", plan.eval)):
        if not rows:
            continue
        content = (BOM if bom else b"") + encode(rows, plan.method, split)
        if len(content) > LARGEST_IN_PARTS:
            most = LARGEST_IN_PARTS / 1e6
            raise TunelintError(f"The {split} file is {len(content) / 1e6:,.0f} MB; the API takes {most:,.0f} MB. Train on fewer rows.")
        files.append(Upload(split, content))
    return files


def encode(rows: Sequence[TrainRecord], method: str, split: str) -> bytes:
    """Return the JSONL bytes: one line per row, in the order of the rows (example N is row N)."""
    line = preference_line if method == "dpo" else chat_line
    encoded = []
    for number, row in enumerate(rows, 1):
        try:
            encoded.append(json.dumps(line(row), ensure_ascii=True).encode("ascii") + b"\n")
        except TunelintError as error:
            raise TunelintError(f"{split} row {number} (record {row.digest}): {error}") from error
    return b"".join(encoded)


def chat_line(row: TrainRecord) -> dict[str, Any]:
    """Return a row as a chat example."""
    if row.plain:
        raise TunelintError(
            "a bare text is no conversation; the API trains on chats only. Train it with --backend local."
        )
    return {"messages": [message(turn) for turn in row.messages], **_tools(row)}


def preference_line(row: TrainRecord) -> dict[str, Any]:
    """Return a row as a preference example: the last answer of each side is compared."""
    last = max((place for place, turn in enumerate(row.messages) if turn.role == "assistant"), default=None)
    rejected = [turn for turn in row.rejected if turn.role == "assistant"]
    if last is None or not rejected:
        raise TunelintError("preference training needs a chosen and a rejected answer in every row.")
    return {
        "input": {"messages": [_unweighted(turn) for turn in row.messages[:last]], **_tools(row)},
        "preferred_output": [_unweighted(row.messages[last])],
        "non_preferred_output": [_unweighted(rejected[-1])],
    }


def message(turn: Message) -> dict[str, Any]:
    """Return a turn as a message. An answer that is not to be learnt carries weight 0; reasoning has no place in the form."""
    result: dict[str, Any] = {"role": turn.role, "content": turn.text}
    if turn.calls:
        result["content"] = turn.text or None
        result["tool_calls"] = [
            {
                "id": call.id or f"call_{place}",
                "type": "function",
                "function": {
                    "name": call.name,
                    "arguments": call.arguments if isinstance(call.arguments, str) else json.dumps(call.arguments),
                },
            }
            for place, call in enumerate(turn.calls)
        ]
    if turn.call_id is not None:
        result["tool_call_id"] = turn.call_id
    if "name" in turn.extra and turn.role != "tool":
        result["name"] = turn.extra["name"]
    if turn.role == "assistant" and not turn.trained:
        result["weight"] = 0
    return result


def rows_with_reasoning(rows: Iterable[TrainRecord]) -> int:
    """Return how many rows hold reasoning, which the form cannot carry."""
    return sum(any(set(turn.extra) - {"name"} for turn in row.messages) for row in rows)


def job_request(plan: Plan, files: dict[str, str], run: str) -> dict[str, Any]:
    """Return the arguments of jobs.create. `files` maps a split to its file id, `run` is the mark that finds the job again.

    What the user left open stays open ("auto" is the service's own default).
    """
    asked = plan.hyperparameters
    names = {
        "n_epochs": asked.epochs,
        "batch_size": asked.batch_size,
        "learning_rate_multiplier": asked.learning_rate_multiplier,
    }
    if plan.method == "dpo":
        names["beta"] = asked.dpo_beta
    chosen = {name: value for name, value in names.items() if value is not None}
    request: dict[str, Any] = {
        "model": plan.model,
        "training_file": files["train"],
        "method": {"type": plan.method, plan.method: {"hyperparameters": chosen} if chosen else {}},
        "seed": plan.seed % 2**31,
        "metadata": {**plan.options.get("metadata", {}), MARK: run},
    }
    if "eval" in files:
        request["validation_file"] = files["eval"]
    if plan.options.get("suffix"):
        request["suffix"] = str(plan.options["suffix"])
    return request


def check_request(plan: Plan) -> None:
    """Refuse what the API does not take before anything is sent. Raises TunelintError."""
    asked = plan.hyperparameters
    for name in sorted(set(vars(asked)) - TAKEN):
        if getattr(asked, name) is not None:
            hint = "; --learning-rate-multiplier scales the service's own" if name == "learning_rate" else ""
            raise TunelintError(f"--{name.replace('_', '-')} is for --backend local: the API has no such setting{hint}.")
    limits = (("epochs", asked.epochs, 50), ("batch-size", asked.batch_size, 256), ("dpo-beta", asked.dpo_beta, 2))
    for name, value, most in limits:
        if value is not None and value > most:
            raise TunelintError(f"--{name} is {value}; the API takes at most {most}.")
    if len(str(plan.options.get("suffix") or "")) > 64:
        raise TunelintError("--suffix is longer than 64 characters.")
    metadata = plan.options.get("metadata") or {}
    if MARK in metadata:
        raise TunelintError(f"--metadata {MARK}=... is taken: by it tunelint finds the job again. Choose another key.")
    if len(metadata) > 15 or any(len(key) > 64 or len(value) > 512 for key, value in metadata.items()):
        raise TunelintError("--metadata: the API takes 15 pairs beside tunelint's own, keys of 64 and values of 512 characters.")


def _unweighted(turn: Message) -> dict[str, Any]:
    return {key: value for key, value in message(turn).items() if key != "weight"}


def _tools(row: TrainRecord) -> dict[str, Any]:
    return {"tools": list(row.tools)} if row.tools else {}

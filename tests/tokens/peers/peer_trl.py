"""TRL's own verdict on rows: run by `make_fixtures.py` in the peers' environment, job on stdin, verdicts on stdout."""

from __future__ import annotations

import hashlib
import json
import sys
import tempfile
from itertools import groupby
from types import SimpleNamespace
from typing import Any

from datasets import Dataset, disable_progress_bars
from transformers import AutoTokenizer
from trl import DPOConfig, DPOTrainer, SFTConfig, SFTTrainer


def digest(ids: list[int]) -> str:
    """Return a short name of a list of token ids."""
    return hashlib.sha256(json.dumps(ids).encode()).hexdigest()[:16]


def runs(mask: list[bool]) -> list[int]:
    """Return the lengths of the mask's runs, the first one untrained (perhaps 0 long)."""
    lengths = [len(list(group)) for _, group in groupby(mask)]
    return lengths if not mask or not mask[0] else [0, *lengths]


def sft(rows: list[dict[str, Any]], tokenizer: Any, window: int | None, assistant_only: bool) -> dict[str, Any]:
    """Return [length, digest, mask runs] of each row that SFTTrainer keeps, by row number."""
    args = SFTConfig(
        output_dir=tempfile.mkdtemp(), max_length=window, assistant_only_loss=assistant_only, shuffle_dataset=False,
        bf16=False, use_cpu=True,
    )  # fmt: skip
    trainer = SimpleNamespace(
        _tokenizer=tokenizer, chat_template=None, completion_only_loss="prompt" in rows[0] and "completion" in rows[0]
    )
    dataset = Dataset.from_list([{**row, "row": index} for index, row in enumerate(rows)])
    made = SFTTrainer._prepare_dataset(trainer, dataset, tokenizer, args, False, None, "train")
    verdicts = {}
    for row in made:
        labels = [label != -100 for label in row["labels"]]
        verdicts[row["row"]] = [len(row["input_ids"]), digest(row["input_ids"]), runs(labels)]
    return verdicts


def dpo(rows: list[dict[str, Any]], tokenizer: Any, window: int) -> dict[str, Any]:
    """Return the digests of prompt, chosen and rejected of each row that DPOTrainer keeps."""
    args = DPOConfig(output_dir=tempfile.mkdtemp(), max_length=window, bf16=False, use_cpu=True)
    dataset = Dataset.from_list([{**row, "row": index} for index, row in enumerate(rows)])
    made = DPOTrainer._prepare_dataset(SimpleNamespace(_tokenizer=tokenizer), dataset, tokenizer, args, "train")
    return {row["row"]: [digest(row[key]) for key in ("prompt_ids", "chosen_ids", "rejected_ids")] for row in made}


def main() -> None:
    """Answer the job."""
    disable_progress_bars()
    job = json.load(sys.stdin)
    verdicts: dict[str, Any] = {}
    for name, folder in job["folders"].items():
        tokenizer = AutoTokenizer.from_pretrained(folder)
        for kind in ("messages", "pairs-text", "pairs-chat", "text"):
            for window in (None, *job["windows"]):
                verdicts[f"{name} {kind} {window}"] = sft(job["rows"][kind], tokenizer, window, False)
        if name == "chatml":
            for window in (None, *job["windows"]):
                rows = job["rows"]["messages"]
                verdicts[f"{name} messages assistant {window}"] = sft(rows, tokenizer, window, True)
        for window in job["windows"]:
            verdicts[f"{name} preference {window}"] = dpo(job["rows"]["preference"], tokenizer, window)
    print(json.dumps(verdicts))


if __name__ == "__main__":
    main()

"""Axolotl's own verdict on rows: run by `make_fixtures.py` in the peers' environment, job on stdin, verdicts on stdout."""

from __future__ import annotations

import json
import sys
from typing import Any

from axolotl.prompt_strategies.chat_template import StrategyLoader
from axolotl.utils.dict import DictDefault
from axolotl.utils.trainer import filter_sequences_by_length
from peer_trl import digest, runs
from transformers import AutoTokenizer


def main() -> None:
    """Answer the job: [length, digest, mask runs, windows that drop it] of each row, or the error that stops Axolotl."""
    job = json.load(sys.stdin)
    verdicts: dict[str, Any] = {}
    for name, folder in job["folders"].items():
        tokenizer = AutoTokenizer.from_pretrained(folder)
        variants = {"": {}, " eos-all": {"train_on_eos": "all"}, " eos-last": {"train_on_eos": "last"},
                    " users": {"roles_to_train": ["user"]}, " weights": {"message_field_training": "weight"}}  # fmt: skip
        for variant, settings in variants.items():
            cfg = DictDefault({"train_on_inputs": False, "sequence_len": 512, "chat_template": "tokenizer_default"})
            strategy = StrategyLoader()(tokenizer, cfg, {"chat_template": "tokenizer_default", **settings})
            made: dict[int, Any] = {}
            for index, row in enumerate(job["rows"]["messages"]):
                if variant == " weights":
                    row = {"messages": [{**message, "weight": place % 4 > 1} for place, message in enumerate(row["messages"])]}
                try:
                    result = strategy.tokenize_prompt(row)
                except Exception as error:
                    made[index] = str(error)
                    continue
                ids = list(result["input_ids"])
                dropped = [w for w in job["windows"] if not filter_sequences_by_length({"input_ids": ids}, w)]
                made[index] = [len(ids), digest(ids), runs([label != -100 for label in result["labels"]]), dropped]
            verdicts[f"{name}{variant}"] = made
    print(json.dumps(verdicts))


if __name__ == "__main__":
    main()

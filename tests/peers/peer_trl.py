"""The verdicts of TRL's data utilities on rows, in the order in which its trainers call them. No torch is needed.

Job on stdin, verdicts on stdout. A row is a file of its own, loaded with HF datasets; then `maybe_convert_to_chatml`,
and for pairs `maybe_extract_prompt` and `maybe_apply_chat_template` (DPOTrainer), for the rest `_tokenize` on the values that
SFTTrainer's `tokenize_fn` passes to it. The chat template is TRL's own copy of Qwen 2.5's, which knows tools.
"""

from __future__ import annotations

import base64
import json
import os
import sys
import tempfile
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import datasets
from transformers import PreTrainedTokenizerFast
from trl.data_utils import (
    _tokenize,
    is_conversational,
    is_conversational_from_value,
    maybe_apply_chat_template,
    maybe_convert_to_chatml,
    maybe_extract_prompt,
    maybe_unpair_preference_dataset,
)

datasets.disable_progress_bars()
datasets.disable_caching()


def load(path: Path, cache: Path) -> Iterator[dict[str, Any]]:
    """Yield the records as a trainer gets them: through one Arrow table, types and keys made the same for all."""
    yield from datasets.load_dataset("json", data_files=str(path), split="train", cache_dir=str(cache))


def pair(example: dict[str, Any], tokenizer: Any) -> None:
    """Do to a preference record what DPOTrainer does, and part it as KTOTrainer would."""
    made = maybe_apply_chat_template(maybe_extract_prompt(example), tokenizer, tools=example.get("tools"))
    maybe_unpair_preference_dataset(datasets.Dataset.from_list([{key: made[key] for key in ("prompt", "chosen", "rejected")}]))
    for key in ("chosen", "rejected"):
        _tokenize(tokenizer, made["prompt"] + made[key])


def sft(example: dict[str, Any], tokenizer: Any) -> None:
    """Do to a record what SFTTrainer's `tokenize_fn` does."""
    tools = example.get("tools")
    settings = {"tools": json.loads(tools) if isinstance(tools, str) else tools}
    if "prompt" in example:
        more = settings if is_conversational(example) else {}
        if "completion" in example:
            _tokenize(tokenizer, example["prompt"] + example["completion"], **more)
        _tokenize(tokenizer, example["prompt"], **(more | {"add_generation_prompt": True} if more else {}))
    elif is_conversational(example):
        _tokenize(tokenizer, example["messages"], **settings)
    else:
        _tokenize(tokenizer, example["text"])


def verdict(path: Path, cache: Path, tokenizer: Any) -> str | None:
    """Return why a file cannot be trained on, None if it can."""
    try:
        for example in load(path, cache):
            if is_conversational_from_value(example):
                example = maybe_convert_to_chatml(example)
            pair(example, tokenizer) if "chosen" in example or "rejected" in example else sft(example, tokenizer)
    except Exception as error:  # whatever it is, it ends the training: Arrow's, jinja's, KeyError, TypeError, ValueError
        cause = error.__cause__ or error.__context__ if type(error).__name__ == "DatasetGenerationError" else None
        return f"{type(cause or error).__name__}: {cause or error}"
    return None


def survived(path: Path, cache: Path, tokenizer: Any) -> str | None:
    """Return the verdict of a process of its own: Arrow's reader dies of some files (signal 11), and with it the trainer."""
    answer = path.with_suffix(".verdict")
    child = os.fork()
    if child == 0:
        answer.write_text(json.dumps(verdict(path, cache, tokenizer)), encoding="utf-8")
        os._exit(0)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return json.loads(answer.read_text(encoding="utf-8")) if code == 0 else f"crash: the process ends with {code}"


def main() -> None:
    """Answer the job."""
    job = json.load(sys.stdin)
    tokenizer = PreTrainedTokenizerFast.from_pretrained(job["tokenizer"])
    tokenizer.chat_template = (files("trl") / "chat_templates" / "qwen2_5.jinja").read_text(encoding="utf-8")
    verdicts: dict[str, str | None] = {}
    with tempfile.TemporaryDirectory() as folder:
        for number, (name, rows) in enumerate(job["rows"].items()):
            path = Path(folder) / f"{number}.jsonl"
            path.write_bytes(base64.b64decode(rows))
            error = survived(path, Path(folder) / "cache", tokenizer)
            verdicts[name] = error and error.replace(str(path), "FILE")
    print(json.dumps(verdicts))


if __name__ == "__main__":
    main()

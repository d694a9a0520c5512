"""LLaMA-Factory's own verdict on rows: run by `make_fixtures.py` in the peers' environment, job on stdin, out on stdout."""

from __future__ import annotations

import json
import sys
from importlib.machinery import ModuleSpec
from types import ModuleType, SimpleNamespace
from typing import Any

for missing in ("torchaudio", "librosa", "av"):  # audio and video are imported at the top, and not needed here
    module = ModuleType(missing)
    module.__spec__ = ModuleSpec(missing, None)
    sys.modules.setdefault(missing, module)

from llamafactory.data.converter import AlpacaDatasetConverter, OpenAIDatasetConverter, SharegptDatasetConverter  # noqa: E402
from llamafactory.data.parser import DatasetAttr  # noqa: E402
from llamafactory.data.processor.supervised import SupervisedDatasetProcessor  # noqa: E402
from llamafactory.data.template import parse_template  # noqa: E402
from peer_trl import digest, runs  # noqa: E402
from transformers import AutoTokenizer  # noqa: E402


def converter(kind: str) -> Any:
    """Return LLaMA-Factory's converter for rows of a kind, set up as data/README says for that format."""
    attributes = DatasetAttr("file", dataset_name=kind)
    if kind == "alpaca":
        attributes.prompt, attributes.query, attributes.response = "instruction", "input", "output"
        return AlpacaDatasetConverter(attributes, SimpleNamespace())
    attributes.messages = "messages"
    attributes.role_tag, attributes.content_tag, attributes.user_tag, attributes.assistant_tag = "role", "content", "user", "assistant"
    attributes.observation_tag, attributes.function_tag, attributes.system_tag = "tool", "function_call", "system"
    attributes.system = None
    return (OpenAIDatasetConverter if kind == "openai" else SharegptDatasetConverter)(attributes, SimpleNamespace())


def main() -> None:
    """Answer the job: [length, digest, mask runs] of each row, null where it is skipped."""
    job = json.load(sys.stdin)
    verdicts: dict[str, Any] = {}
    for name, folder in job["folders"].items():
        tokenizer = AutoTokenizer.from_pretrained(folder)
        try:
            template = parse_template(tokenizer)
        except ValueError as error:
            verdicts[f"{name} stops"] = {"error": str(error)}
            continue
        for kind in ("sharegpt", "openai", "alpaca"):
            for window in (*job["windows"], 10**6):
                for mask_history in (False, True):
                    settings = SimpleNamespace(cutoff_len=window, train_on_prompt=False, mask_history=mask_history)
                    processor = SupervisedDatasetProcessor(template, tokenizer, None, settings)
                    made: dict[int, Any] = {}
                    for index, row in enumerate(job["rows"]["alpaca" if kind == "alpaca" else "messages"]):
                        columns = {key: [value] for key, value in converter(kind)(row).items()}
                        result = processor.preprocess_dataset(columns)
                        made[index] = None
                        if result.get("input_ids"):
                            ids, labels = result["input_ids"][0], result["labels"][0]
                            made[index] = [len(ids), digest(ids), runs([label != -100 for label in labels])]
                    verdicts[f"{name} {kind} {window} {mask_history}"] = made
    print(json.dumps(verdicts))


if __name__ == "__main__":
    main()

"""Supervised fine-tuning with Unsloth; the settings are in config.yaml."""

from __future__ import annotations

from pathlib import Path

import unsloth  # noqa: F401  (it changes the libraries below, so it comes first)
import yaml
from datasets import Dataset
from transformers import EarlyStoppingCallback
from trl import SFTConfig, SFTTrainer
from unsloth import FastLanguageModel

from tunelint.exporting.scripts.rows import encoded_rows


def main() -> None:
    """Train, and keep the best model in the output folder."""
    config = yaml.safe_load(Path("config.yaml").read_text(encoding="utf-8"))
    model, tokenizer = FastLanguageModel.from_pretrained(**config["model"])
    if config["lora"]:
        model = FastLanguageModel.get_peft_model(model, **config["lora"])
    args = SFTConfig(**config["training"])
    length = config["model"]["max_seq_length"]
    data = {split: Dataset.from_list(encoded_rows(f"data/{split}.jsonl", tokenizer, length))
            for split in ("train", "eval") if Path(f"data/{split}.jsonl").exists()}  # fmt: skip
    trainer = SFTTrainer(
        model=model, args=args, processing_class=tokenizer, train_dataset=data["train"], eval_dataset=data.get("eval"),
        callbacks=[EarlyStoppingCallback(config["patience"])] if config["patience"] else None,
    )  # fmt: skip
    trainer.train()
    trainer.save_model(args.output_dir)
    trainer.save_state()


if __name__ == "__main__":
    main()

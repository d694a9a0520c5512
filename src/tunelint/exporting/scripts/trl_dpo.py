"""Direct preference optimisation with TRL; any setting of config.yaml can be given as an option too."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from datasets import load_dataset
from transformers import AutoTokenizer, EarlyStoppingCallback
from trl import DPOConfig, DPOTrainer, ModelConfig, TrlParser, get_peft_config, get_quantization_config


@dataclass
class Extra:
    """Settings that TRL has no name for. `patience`: stop after so many evals without a new best."""

    patience: int | None = None


def main() -> None:
    """Train, and keep the best model in the output folder."""
    extra, args, model = TrlParser((Extra, DPOConfig, ModelConfig)).parse_args_and_config()
    tokenizer = AutoTokenizer.from_pretrained(model.model_name_or_path)
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    quantization = get_quantization_config(model)
    args.model_init_kwargs = {"dtype": model.dtype, **({"quantization_config": quantization} if quantization else {})}
    files = {split: f"data/{split}.jsonl" for split in ("train", "eval") if Path(f"data/{split}.jsonl").exists()}
    data = load_dataset("json", data_files=files)
    trainer = DPOTrainer(
        model=model.model_name_or_path, args=args, processing_class=tokenizer, train_dataset=data["train"], eval_dataset=data.get("eval"),
        peft_config=get_peft_config(model), callbacks=[EarlyStoppingCallback(extra.patience)] if extra.patience else None,
    )  # fmt: skip
    trainer.train()
    trainer.save_model(args.output_dir)
    trainer.save_state()


if __name__ == "__main__":
    main()

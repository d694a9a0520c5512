"""Tiny random models saved to a folder, as a user would have them."""

from __future__ import annotations

from pathlib import Path

from train_rows import support_rows


def save_llama(folder: Path) -> Path:
    """A Llama of a million parameters with a chat template; no dropout."""
    from tunelint.train.tiny import build_model, train_tokenizer

    tokenizer = train_tokenizer(support_rows(40, 9))
    build_model(tokenizer, 5).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def save_gpt2(folder: Path) -> Path:
    """A GPT-2 with dropout and without a chat template."""
    from transformers import GPT2Config, GPT2LMHeadModel

    from tunelint.train.tiny import train_tokenizer

    tokenizer = train_tokenizer(support_rows(40, 9))
    tokenizer.chat_template = None
    sizes = {"vocab_size": len(tokenizer), "n_positions": 256, "n_embd": 64, "n_layer": 2, "n_head": 2}
    GPT2LMHeadModel(GPT2Config(**sizes, eos_token_id=tokenizer.eos_token_id)).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder

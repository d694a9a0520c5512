"""The embedded model: a small Llama built from config and trained from scratch on the spot.

It is a demonstration. About one million parameters and a vocabulary learnt from the training file show the whole path
from data to verdict on any laptop within a minute; the result is no useful assistant. Use --model for a real one.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from tunelint.train.records import TrainRecord

NOTICE = (
    "The tiny model is a demonstration: about 1 million parameters, trained from scratch on your rows. "
    "Its curves are real, its answers are of no use; --model takes a real one."
)
VOCABULARY = 1024
CONTEXT = 1024
PAD, START, END = "<|pad|>", "<|im_start|>", "<|im_end|>"

TEMPLATE = (
    "{%- if tools -%}"
    "{{- '<|im_start|>tools\n' + (tools | tojson) + '<|im_end|>\n' -}}"
    "{%- endif -%}"
    "{%- for message in messages -%}"
    "{{- '<|im_start|>' + message['role'] + '\n' -}}"
    "{{- message['content'] -}}"
    "{%- for call in message.get('tool_calls') or [] -%}"
    "{{- '\n<tool_call>' + ({'name': call.function.name, 'arguments': call.function.arguments} | tojson) -}}"
    "{{- '</tool_call>' -}}"
    "{%- endfor -%}"
    "{{- '<|im_end|>\n' -}}"
    "{%- endfor -%}"
    "{%- if add_generation_prompt -%}{{- '<|im_start|>assistant\n' -}}{%- endif -%}"
)


def train_tokenizer(records: Iterable[TrainRecord]) -> Any:
    """Learn a byte-level BPE of at most 1,024 tokens from the rows and return it as a transformers tokenizer.

    Bytes are the alphabet, so any text can be encoded, seen or not.
    """
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=[PAD, START, END],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(_texts(records), trainer)
    fast = PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=tokenizer,
        pad_token=PAD,
        eos_token=END,
        extra_special_tokens=[START],
        model_max_length=CONTEXT,
        clean_up_tokenization_spaces=False,
    )
    fast.chat_template = TEMPLATE
    return fast


def _texts(records: Iterable[TrainRecord]) -> Iterator[str]:
    for record in records:
        for message in record.messages:
            yield message.role
            yield message.text.encode("utf-8", "replace").decode("utf-8")
            for call in message.calls:
                yield json.dumps({"name": call.name, "arguments": call.arguments})
        # Without them the tokenizer spells declared tools letter by letter, and such rows cost twice the time.
        if record.tools:
            yield json.dumps(list(record.tools))


def build_model(tokenizer: Any, seed: int) -> Any:
    """Return the untrained model: 4 layers of width 128, tied embeddings, weights drawn from `seed`."""
    import torch
    from transformers import LlamaForCausalLM

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return LlamaForCausalLM(model_config(tokenizer))


def model_config(tokenizer: Any) -> Any:
    """Return the shape of the model for `tokenizer`."""
    from transformers import LlamaConfig

    return LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=128,
        intermediate_size=384,
        num_hidden_layers=4,
        num_attention_heads=4,
        num_key_value_heads=4,
        max_position_embeddings=CONTEXT,
        tie_word_embeddings=True,
        pad_token_id=tokenizer.pad_token_id,
        bos_token_id=None,
        eos_token_id=tokenizer.eos_token_id,
    )

"""Where the model comes from: the embedded tiny one, a folder, or a hub id. Safetensors only, no remote code."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tunelint.errors import TunelintError
from tunelint.train import tiny
from tunelint.train.hardware import require_qlora
from tunelint.train.plan import SMOLLM2, TINY, Plan
from tunelint.train.smollm2 import smollm2_folder

SMALL_MODEL = 5_000_000

# For base models without a chat template of their own. It is saved with the result, so that asking the model uses it.
PLAIN_TEMPLATE = (
    "{{- bos_token or '' -}}"
    "{%- for message in messages -%}"
    "{{- '### ' + message['role'].capitalize() + ':\n' + message['content'] -}}"
    "{%- for call in message.get('tool_calls') or [] -%}"
    "{{- '\n' + ({'name': call.function.name, 'arguments': call.function.arguments} | tojson) -}}"
    "{%- endfor -%}"
    "{{- (eos_token or '') + '\n\n' if message['role'] == 'assistant' else '\n\n' -}}"
    "{%- endfor -%}"
    "{%- if add_generation_prompt -%}{{- '### Assistant:\n' -}}{%- endif -%}"
)


@dataclass
class Loaded:
    """A model and its tokenizer, which also lies in `tokenizer_folder`.

    `context` is the model's longest input in tokens; `notes` is what the user should know.
    """

    model: Any
    tokenizer: Any
    tokenizer_folder: Path
    context: int
    parameters: int
    notes: tuple[str, ...] = ()


def load(plan: Plan, run: Path, device: str) -> Loaded:
    """Load what `plan.model` names: in float32 on the CPU, or, for qlora, in 4 bits on the GPU `device`.

    The tokenizer is written into the run folder and read back even the first time: the first start and every resume see
    the very same one. Raises TunelintError where the model is not there, is no causal language model, or has no
    safetensors weights.
    """
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    folder = run / "tokenizer"
    tokenizer, notes = _make_tokenizer(plan)
    if not folder.exists():
        partial = folder.with_name(".tokenizer.partial")
        tokenizer.save_pretrained(partial)
        partial.rename(folder)
    tokenizer = AutoTokenizer.from_pretrained(folder, trust_remote_code=False)
    if plan.model == TINY:
        model = tiny.build_model(tokenizer, plan.seed)
    else:
        how = _in_four_bits(device) if plan.hyperparameters.method == "qlora" else {"dtype": torch.float32}
        with _explained(plan.model):
            model = AutoModelForCausalLM.from_pretrained(
                _place(plan.model), trust_remote_code=False, use_safetensors=True, **how
            )
    return Loaded(model, tokenizer, folder, context_of(model, tokenizer), model.num_parameters(), notes)


def _in_four_bits(device: str) -> dict[str, Any]:
    """QLoRA's loading (Dettmers et al. 2023, https://arxiv.org/abs/2305.14314): NF4, doubly quantised, bf16 products."""
    import torch
    from transformers import BitsAndBytesConfig

    require_qlora(device)
    config = BitsAndBytesConfig(  # type: ignore[no-untyped-call]
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=torch.bfloat16,
    )
    return {"quantization_config": config, "device_map": {"": 0}}


def _make_tokenizer(plan: Plan) -> tuple[Any, tuple[str, ...]]:
    if plan.model == TINY:
        return tiny.train_tokenizer(plan.train), (tiny.NOTICE,)
    return _load_tokenizer(plan.model)


def load_skeleton(plan: Plan) -> tuple[Any, Any, int]:
    """Return the tokenizer, the model without weights (on torch's meta device) and the context of what `plan` names."""
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    tokenizer, _ = _make_tokenizer(plan)
    if plan.model == TINY:
        config = tiny.model_config(tokenizer)
    else:
        with _explained(plan.model):
            config = AutoConfig.from_pretrained(_place(plan.model), trust_remote_code=False)
    with torch.device("meta"), _explained(plan.model):
        model = AutoModelForCausalLM.from_config(config, trust_remote_code=False)  # type: ignore[no-untyped-call]
    model.tie_weights()
    return tokenizer, model, context_of(model, tokenizer)


def stored_dtype(plan: Plan) -> str:
    """Return the name of torch's dtype that the base model's own weights have ("float32" where its config says none)."""
    from transformers import AutoConfig

    if plan.model == TINY:
        return "float32"
    with _explained(plan.model):
        config = AutoConfig.from_pretrained(_place(plan.model), trust_remote_code=False)
    return str(getattr(config.get_text_config(), "dtype", None) or config.dtype or "float32").removeprefix("torch.")


def _load_tokenizer(name: str) -> tuple[Any, tuple[str, ...]]:
    from transformers import AutoTokenizer

    with _explained(name):
        tokenizer = AutoTokenizer.from_pretrained(_place(name), trust_remote_code=False)
    if tokenizer.pad_token is None:
        # Padding is masked by length, never by id, so that the end token is still learnt when they are the same.
        tokenizer.pad_token = tokenizer.eos_token or tokenizer.unk_token
        if tokenizer.pad_token is None:
            raise TunelintError(f"The tokenizer of {name!r} has neither a padding nor an end token; add one to it.")
    if tokenizer.chat_template:
        return tokenizer, ()
    tokenizer.chat_template = PLAIN_TEMPLATE
    return tokenizer, (f"{name} has no chat template; a plain one is used and saved with the result.",)


def _place(name: str) -> str:
    """Where transformers finds the model: a folder or a hub id."""
    if name == SMOLLM2:
        return str(smollm2_folder())
    return name


@contextmanager
def _explained(name: str) -> Iterator[None]:
    """Turn the many ways in which loading fails into one clear line."""
    try:
        yield
    except (OSError, ValueError, KeyError, ImportError) as error:
        reason = " ".join(str(error).split())
        raise TunelintError(
            f"Cannot load the model {name!r}: {reason[:300]} "
            "(tunelint loads safetensors weights of causal language models and never runs a model's own code)."
        ) from error


def context_of(model: Any, tokenizer: Any) -> int:
    """Return the longest input of a model in tokens, 2,048 where neither it nor its tokenizer says."""
    limits = [tokenizer.model_max_length, getattr(model.config, "max_position_embeddings", None)]
    # Tokenizers without a limit say 10**30.
    return min((limit for limit in limits if limit and limit < 10**9), default=2048)

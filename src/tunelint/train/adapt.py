"""Which weights are trained: all of them, low-rank adapters beside them (LoRA), or only the last layers."""

from __future__ import annotations

from typing import Any

from tunelint.errors import MissingExtraError, TunelintError
from tunelint.train.settings import Settings


def prepare_for_training(model: Any, settings: Settings, precision: str, seed: int) -> Any:
    """Freeze what `settings.method` does not train and return the model, wrapped where adapters are added.

    Raises MissingExtraError without peft, TunelintError where the model has no such layers or modules.
    """
    import torch

    if settings.method == "full":
        return model
    if settings.method == "last-layers":
        return _freeze_all_but_last(model, settings.last_layers)
    if settings.method == "lora" and precision == "bf16":
        # Frozen weights need no more than what the products are done in; adapters stay in float32.
        model = model.to(torch.bfloat16)
    return _add_adapters(model, settings, seed)


def count_trained(model: Any, settings: Settings) -> int:
    """The number of parameters that `settings.method` trains; freezes weights of `model` or adds adapters to it."""
    prepared = prepare_for_training(model, settings, "fp32", 0)
    return int(sum(parameter.numel() for parameter in prepared.parameters() if parameter.requires_grad))


def _add_adapters(model: Any, settings: Settings, seed: int) -> Any:
    """LoRA (Hu et al. 2021, https://arxiv.org/abs/2106.09685); by default on every linear layer but the output's."""
    import torch

    try:
        from peft import LoraConfig, get_peft_model, prepare_model_for_kbit_training
    except ImportError as error:
        raise MissingExtraError("LoRA", "local") from error
    if settings.method == "qlora":
        model = prepare_model_for_kbit_training(model, use_gradient_checkpointing=False)  # type: ignore[no-untyped-call]
    modules = settings.lora_target_modules
    config = LoraConfig(
        r=settings.lora_rank,
        lora_alpha=settings.lora_alpha,
        target_modules=list(modules) if modules else "all-linear",
        task_type="CAUSAL_LM",
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        try:
            return get_peft_model(model, config)
        except ValueError as error:
            wanted = ", ".join(modules or ("all-linear",))
            raise TunelintError(f"LoRA found no module to adapt ({wanted}): {error}") from error


def _freeze_all_but_last(model: Any, count: int) -> Any:
    layers = transformer_layers(model)
    if count > len(layers):
        raise TunelintError(f"last-layers is {count}, but the model has {len(layers)} layers.")
    model.requires_grad_(False)
    for layer in layers[len(layers) - count :]:
        layer.requires_grad_(True)
    for name, module in model.base_model.named_children():
        # The norm behind the last layer belongs to what the output depends on; embeddings stay as they are.
        if "norm" in name or name.startswith("ln_f"):
            module.requires_grad_(True)
    return model


def transformer_layers(model: Any) -> Any:
    """Return the model's list of transformer blocks. Raises TunelintError where it has none that can be told."""
    from torch.nn import ModuleList

    expected = model.config.get_text_config().num_hidden_layers
    for module in model.modules():
        if isinstance(module, ModuleList) and len(module) == expected:
            return module
    raise TunelintError(f"The layers of {type(model).__name__} cannot be told; use the method full or lora.")

"""Which weights are trained: all of them, or only the last layers."""

from __future__ import annotations

from typing import Any

from tunelint.errors import TunelintError
from tunelint.train.settings import Settings


def prepare_for_training(model: Any, settings: Settings) -> Any:
    """Freeze what `settings.method` does not train and return the model."""
    if settings.method == "full":
        return model
    if settings.method == "last-layers":
        return _freeze_all_but_last(model, settings.last_layers)
    raise TunelintError(f"The method {settings.method} is not in this version; use full or last-layers.")


def count_trained(model: Any, settings: Settings) -> int:
    """The number of parameters that `settings.method` trains; may freeze weights of `model`."""
    prepared = prepare_for_training(model, settings)
    return int(sum(parameter.numel() for parameter in prepared.parameters() if parameter.requires_grad))


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

"""`export`: the result of a run as one model folder, adapters merged, in the form that transformers, vLLM and llama.cpp read.

The form is that of https://huggingface.co/docs/transformers/main/en/main_classes/model: config.json,
generation_config.json, safetensors (a tied output layer is not stored twice), the tokenizer with its chat template.
"""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tunelint.errors import TunelintError
from tunelint.exporting.card import model_card
from tunelint.train import RunFolder
from tunelint.train.libraries import require_packages
from tunelint.train.models import stored_dtype
from tunelint.train.result import ADAPTER, Result, find_result, load_result

DTYPES = {"fp32": "float32", "bf16": "bfloat16", "fp16": "float16"}


@dataclass(frozen=True)
class Exported:
    """What was written: the folder, the checkpoint's step (None: unknown), the dtype, whether an adapter was merged."""

    folder: Path
    step: int | None
    dtype: str
    merged: bool
    files: tuple[str, ...]


def export_model(folder: RunFolder, output: Path, step: int | None = None, dtype: str | None = None) -> Exported:
    """Write the kept model of a run, or the checkpoint of `step`, to `output`, whole or not at all.

    `dtype` is one of DTYPES; None takes that of the base model's own weights, whatever training computed in. Raises
    TunelintError where `output` exists and is not empty, the run has no such model, or weights are not finite.
    """
    require_packages()
    import torch

    if output.exists() and (not output.is_dir() or any(output.iterdir())):
        raise TunelintError(f"{output} exists and is not empty; name another folder with --output, or move it away.")
    result = find_result(folder, step)
    name = DTYPES[dtype] if dtype else stored_dtype(folder.plan())
    merged = (result.path / ADAPTER).is_file()
    model, tokenizer = load_result(folder, result, "cpu", merge=True)
    _refuse_broken(model, result)
    model = model.to(getattr(torch, name))
    model.config.dtype = getattr(torch, name)
    _end_with_the_tokenizer(model, tokenizer)
    partial = output.with_name(f".{output.name}.{os.getpid()}.partial")
    try:
        partial.mkdir(parents=True)
        model.save_pretrained(partial)
        tokenizer.save_pretrained(partial)
        _make_readable(partial)
        exported = Exported(output, result.step, name, merged, tuple(sorted(path.name for path in partial.iterdir())))
        card = model_card(folder, result.step, name, merged, _parameters(model))
        (partial / "README.md").write_text(card, encoding="utf-8")
        if output.exists():
            output.rmdir()
        partial.rename(output)
    except OSError as error:
        raise TunelintError(f"Cannot write {output}: {error.strerror or error}.") from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return exported


def _refuse_broken(model: Any, result: Result) -> None:
    """Weights that are no numbers answer nothing; a converter would take them without a word."""
    import torch

    for name, weights in model.state_dict().items():
        if weights.is_floating_point() and not torch.isfinite(weights).all():
            raise TunelintError(f"{result.path} holds weights that are not finite ({name}): the run diverged. Export an earlier --checkpoint.")


def _end_with_the_tokenizer(model: Any, tokenizer: Any) -> None:
    """Let generation end where the chat template ends an answer, beside where the base model would end.

    A base model's own end is often another token than the one its answers were trained to end with; a server that knows
    only the first goes on for ever.
    """
    own = model.generation_config.eos_token_id
    ends = [] if own is None else list(own) if isinstance(own, list) else [own]
    end = tokenizer.eos_token_id
    if end is not None and end not in ends:
        ends.append(end)
    model.generation_config.eos_token_id = ends[0] if len(ends) == 1 else ends or None
    if model.generation_config.pad_token_id is None:
        model.generation_config.pad_token_id = tokenizer.pad_token_id
    # Else a loader would make the ends anew from config.json.
    model.generation_config._from_model_config = False
    # The Trainer switches it off while activations are recomputed.
    model.config.use_cache = model.generation_config.use_cache = True


def _make_readable(folder: Path) -> None:
    """Give the weights the permissions of the files beside them: safetensors writes them for their owner alone."""
    wanted = (folder / "config.json").stat().st_mode
    for path in folder.iterdir():
        path.chmod(wanted)


def _parameters(model: Any) -> int:
    return int(model.num_parameters())


def remote_hint(record: dict[str, Any]) -> str:
    """Say what to do with a run whose model lies at a service."""
    api = record.get("api") or {}
    name, job = api.get("fine_tuned_model"), api.get("job")
    what = f"the model {json.dumps(name)}" if name else "the model"
    return (
        f"{what} lies at {api.get('base_url')}, and such a service hands out no weights: use it there by its name. If that is "
        f"`tunelint serve`, export its run folder: tunelint export SERVE_DIR/jobs/{job or 'JOB'}"
    )

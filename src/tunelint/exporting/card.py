"""The model card: what a model was made of, so that whoever finds it can tell (https://huggingface.co/docs/hub/model-cards)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import escape
from typing import Any

import yaml

from tunelint import __version__
from tunelint.comparing.render import markdown_table
from tunelint.curves import judge
from tunelint.curves.terminal import facts, headline
from tunelint.train import RunFolder
from tunelint.train.files import read_json
from tunelint.train.plan import SMOLLM2, TINY

_HUB_ID = re.compile(r"[\w.-]+/[\w.-]+")
_OWN = {TINY: "the tiny demonstration model of tunelint, trained from scratch", SMOLLM2: "HuggingFaceTB/SmolLM2-135M-Instruct"}
_PLAIN = ("epochs", "batch_size", "learning_rate", "schedule", "warmup", "weight_decay", "max_length", "max_steps")
_LORA = ("lora_rank", "lora_alpha", "lora_target_modules")


def model_card(folder: RunFolder, step: int | None, dtype: str, merged: bool, parameters: int) -> str:
    """Return the card of an exported run as Markdown with a YAML head."""
    record = folder.read()
    parts = [
        _head(record),
        f"# {escape(folder.id, quote=False)}",
        _what(record, step, dtype, merged, parameters),
        *_data(record),
        *_verdict(folder, step),
    ]
    parts += [*_compared(folder), *_settings(record), _use()]
    return "\n\n".join(parts) + "\n"


def base_name(model: str) -> str:
    """Return the name of the base model for others: a hub id as it is, of a folder only its last part."""
    if model in _OWN:
        return _OWN[model]
    return model if _HUB_ID.fullmatch(model) else model.replace("\\", "/").rstrip("/").rsplit("/", 1)[-1]


def _head(record: dict[str, Any]) -> str:
    head: dict[str, Any] = {"library_name": "transformers", "pipeline_tag": "text-generation", "tags": ["tunelint", record["method"]]}
    name = base_name(record["model"])
    if record["model"] != TINY and _HUB_ID.fullmatch(name):
        head["base_model"] = name
    return f"---\n{yaml.safe_dump(head, sort_keys=False)}---"


def _what(record: dict[str, Any], step: int | None, dtype: str, merged: bool, parameters: int) -> str:
    how = {"lora": "LoRA adapters", "qlora": "QLoRA adapters", "last-layers": "the last layers", "full": "all weights"}[record["settings"]["method"]]
    kind = "DPO on preference pairs" if record["method"] == "dpo" else "supervised fine-tuning on the assistant's answers"
    at = f", checkpoint of step {step:,}" if step is not None else ""
    return (
        f"Base model: {escape(base_name(record['model']), quote=False)}. Trained: {how}{', merged into the weights' if merged else ''}, "
        f"by {kind}{at}. {parameters:,} parameters in {dtype}. Made with tunelint {__version__}."
    )


def _data(record: dict[str, Any]) -> Iterator[str]:
    yield "## Data"
    rows = []
    for split, data in record["data"].items():
        rows.append([split, "the rows of the run", f"{data['records']:,}", data["sha256"]])
        rows += [
            [split, source["path"].replace("\\", "/").rsplit("/", 1)[-1], f"{source['records']:,}", source["sha256"]] for source in data["sources"]
        ]
    yield markdown_table(["split", "file", "records", "SHA-256"], rows)
    lint = record["lint"]
    if not lint:
        yield "The data was not linted."
        return
    found = ", ".join(f"{name} {count:,}" for name, count in lint["by_rule"].items()) or "no findings"
    yield f"Linted before training: {lint['errors']:,} errors, {lint['warnings']:,} warnings, {lint['notes']:,} notes ({found})."


def _verdict(folder: RunFolder, step: int | None) -> Iterator[str]:
    yield "## Evaluation"
    curves = judge([folder.path])
    run, verdict = curves.runs[-1]
    if any(point.loss is not None for point in run.evals):
        lines = [f"- verdict: **{headline(verdict)}** (confidence {verdict.confidence:.2f})"]
        lines += [f"- {name}: {escape(text, quote=False)}" for name, text in facts(run, verdict)]
        own = next((point for point in run.evals if point.step == step), None)
        if own is not None:
            lines.insert(0, f"- eval loss of this checkpoint: {own.loss:.4f} nats per trained token")
        yield "\n".join(lines)
    else:
        yield "There was no eval split: whether the model overfits is unknown."


def _compared(folder: RunFolder) -> Iterator[str]:
    from tunelint.comparing import render_markdown

    path = folder.path / "comparison.json"
    if path.is_file():
        found = read_json(path)
        # Without the samples, which are rows of the data, and without paths and addresses of this machine.
        where = found["where"] if found["where"] == "local" else "a chat endpoint"
        public = {**found, "samples": [], "base": base_name(found["base"]), "tuned": "the tuned model", "where": where}
        yield render_markdown(public).rstrip("\n")


def _settings(record: dict[str, Any]) -> Iterator[str]:
    yield "## Hyperparameters"
    settings = record["settings"]
    names = [*_PLAIN, *(_LORA if settings["method"] in ("lora", "qlora") else ())]
    rows = [[name.replace("_", " "), str(settings[name])] for name in names if settings.get(name) is not None]
    versions = {name: version for name, version in (record.get("versions") or {}).items() if re.match(r"\d", version)}
    rows += [["seed", str(record["seed"])], ["precision of training", str(record.get("precision") or "unknown")]]
    yield markdown_table(["", ""], rows)
    yield "Versions: " + ", ".join(f"{name} {version}" for name, version in versions.items()) + "."


def _use() -> str:
    return (
        "## Use\n\n```python\nfrom transformers import pipeline\n\n"
        'chat = pipeline("text-generation", model="PATH_OF_THIS_FOLDER")\n'
        'print(chat([{"role": "user", "content": "Hello"}])[0]["generated_text"][-1]["content"])\n```\n\n'
        "`vllm serve PATH_OF_THIS_FOLDER` serves it; `python convert_hf_to_gguf.py PATH_OF_THIS_FOLDER` of llama.cpp converts it."
    )

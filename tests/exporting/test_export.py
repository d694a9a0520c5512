"""`tunelint export`: what comes out of a run is, logit for logit, what the run made."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from train.train_rows import support_rows
from tunelint.errors import TunelintError
from tunelint.exporting import export_model
from tunelint.exporting.card import base_name
from tunelint.train import Hyperparameters, Plan, RunFolder, follow_run, start_run

pytest.importorskip("transformers", reason="local models are an extra")
Checkpoint = Callable[[RunFolder], tuple[Any, Any]]


def trained(folder: Path, model: str = "tiny", **asked: Any) -> RunFolder:
    plan = Plan(
        train=support_rows(16, 1), eval=support_rows(4, 2), model=model, run_dir=folder, seed=3,
        hyperparameters=Hyperparameters(**{"epochs": 2, "batch_size": 4, **asked}),
    )  # fmt: skip
    run = start_run(plan)
    for _ in follow_run(run):
        pass
    assert run.state == "succeeded"
    return run


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    return trained(tmp_path_factory.mktemp("export") / "tiny-run")


@pytest.fixture(scope="module")
def adapted(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """A LoRA run over a base whose weights are stored in bfloat16 and which ends its texts with another token."""
    import torch

    from tunelint.train.tiny import build_model, train_tokenizer

    room = tmp_path_factory.mktemp("export")
    base = room / "base"
    tokenizer = train_tokenizer(support_rows(40, 9))
    tokenizer.save_pretrained(base)
    model = build_model(tokenizer, 5)
    model.generation_config.eos_token_id = 7
    model.to(torch.bfloat16).save_pretrained(base)
    return trained(room / "lora-run", str(base), method="lora", lora_rank=4, learning_rate=0.02)


def logits(folder: Path) -> tuple[Any, Any, Any]:
    """Return the logits that transformers computes from a folder for a chat, the model and its tokenizer."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForCausalLM.from_pretrained(folder).eval()
    with torch.inference_mode():
        return model(**chat(tokenizer)).logits.float(), model, tokenizer


def chat(tokenizer: Any) -> Any:
    messages = [{"role": "user", "content": "Where is my kettle? I am Mei, order 4711."}]
    return tokenizer.apply_chat_template(messages, add_generation_prompt=True, return_tensors="pt", return_dict=True)


def test_the_kept_model_is_exported_whole(tunelint, tiny, tmp_path):
    import torch
    from safetensors import safe_open

    ran = tunelint("export", tiny.path, "-o", "out")
    assert ran.code == 0, ran.err
    found, model, tokenizer = logits(tmp_path / "out")
    kept, _, own = logits(tiny.model)
    assert torch.equal(found, kept)
    assert tokenizer.chat_template == own.chat_template
    assert model.config.use_cache
    with safe_open(tmp_path / "out/model.safetensors", "pt") as file:
        names = set(file.keys())
    assert "model.embed_tokens.weight" in names
    assert "lm_head.weight" not in names, "tied weights are stored once"
    assert torch.equal(model.lm_head.weight, model.model.embed_tokens.weight)
    config = json.loads((tmp_path / "out/config.json").read_text())
    assert (config["architectures"], config["dtype"], config["tie_word_embeddings"]) == (["LlamaForCausalLM"], "float32", True)
    refused = tunelint("export", tiny.path, "-o", "out")
    assert refused.code == 2
    assert "not empty" in refused.err
    assert torch.equal(logits(tmp_path / "out")[0], kept), "nothing was overwritten"


def test_a_checkpoint_is_exported_by_its_step(tunelint, tiny, tmp_path):
    import torch

    step = json.loads((tiny.path / "run.json").read_text())["checkpoints"][0]
    assert tunelint("export", tiny.path, "--checkpoint", step, "-o", "out", "--dtype", "fp16").code == 0
    found, model, _ = logits(tmp_path / "out")
    assert model.dtype == torch.float16
    torch.testing.assert_close(found, logits(tiny.checkpoints / f"checkpoint-{step}")[0], atol=0.03, rtol=0.02)
    unknown = tunelint("export", tiny.path, "--checkpoint", 999)
    assert unknown.code == 2
    assert f"no checkpoint of step 999; there are {step}" in unknown.err
    assert not Path("exported").exists()


def test_an_adapter_is_merged(tunelint, adapted, tmp_path):
    import torch
    from peft import PeftModel
    from transformers import AutoModelForCausalLM, AutoTokenizer

    base = json.loads((adapted.path / "run.json").read_text())["model"]
    tokenizer = AutoTokenizer.from_pretrained(base)
    plain = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
    with torch.inference_mode():
        before = plain(**chat(tokenizer)).logits
        wanted = PeftModel.from_pretrained(plain, adapted.model).eval()(**chat(tokenizer)).logits
    assert (wanted - before).abs().max() > 0.1, "the adapter does something"
    assert tunelint("export", adapted.path, "-o", "whole", "--dtype", "fp32").code == 0
    found, model, _ = logits(tmp_path / "whole")
    torch.testing.assert_close(found, wanted, atol=1e-4, rtol=1e-4)
    assert not list((tmp_path / "whole").glob("adapter*"))
    assert model.generation_config.eos_token_id == [7, tokenizer.eos_token_id], "it ends where the base ends, and where an answer ends"
    assert tunelint("export", adapted.path, "-o", "half").code == 0
    _, half, _ = logits(tmp_path / "half")
    assert half.dtype == torch.bfloat16, "the base's own weights are bfloat16"
    for name, weights in half.state_dict().items():
        assert torch.equal(weights, model.state_dict()[name].to(torch.bfloat16)), name


def test_an_adapter_is_compared_on_its_base(tunelint, adapted):
    import numpy as np

    ran = tunelint("compare", adapted.path, "--shots", "0", "--max-tokens", "2", "--format", "json")
    assert ran.code == 0, ran.err
    table = np.load(adapted.path / "eval_losses.npz")
    for arm, step in (("base", 0), ("tuned", ran.json["step"])):
        wanted = table["losses"][list(table["steps"]).index(step)]
        assert [row["arms"][arm]["loss"] for row in ran.json["rows"]] == pytest.approx(wanted.tolist(), rel=1e-4)


def test_llama_cpp_knows_every_tensor(tiny, adapted, tmp_path):
    """gguf's own tensor map, which its converter names the tensors by, and its reader of tokenizer folders."""
    gguf = pytest.importorskip("gguf", reason="the reader of llama.cpp's converter")
    from safetensors import safe_open

    for run in (tiny, adapted):
        out = export_model(run, tmp_path / run.path.name).folder
        config = json.loads((out / "config.json").read_text())
        names = gguf.get_tensor_name_map(gguf.MODEL_ARCH.LLAMA, config["num_hidden_layers"])
        with safe_open(out / "model.safetensors", "np" if run is tiny else "pt") as file:
            mapped = {name: names.get_name(name, try_suffixes=(".weight", ".bias")) for name in file.keys()}  # noqa: SIM118
        assert None not in mapped.values(), mapped
        assert len(set(mapped.values())) == len(mapped)
        vocabulary = gguf.SpecialVocab(out, load_merges=True)
        assert vocabulary.special_token_ids["eos"] == 2
        assert vocabulary.merges
        assert "im_start" in str(vocabulary.chat_template)


def test_the_card_says_what_it_was_made_of(tunelint, adapted, tmp_path):
    import yaml

    adapted.update(lint={"records": 20, "errors": 0, "warnings": 2, "notes": 0, "by_rule": {"small-dataset": 2}, "suppressed": 0})
    made = export_model(adapted, tmp_path / "out")
    card = (made.folder / "README.md").read_text()
    head = yaml.safe_load(card.split("---")[1])
    assert head["pipeline_tag"] == "text-generation"
    record = adapted.read()
    assert record["data"]["train"]["sha256"] in card
    assert "2 warnings, 0 notes (small-dataset 2)" in card
    assert "verdict: **" in card
    assert f"checkpoint of step {record['kept_step']:,}" in card
    assert "LoRA adapters, merged into the weights" in card
    assert "| lora rank | 4 |" in card
    assert str(adapted.path.parent) not in card, "no path of this machine"
    assert "Where is my" not in card, "no row of the data"
    (adapted.path / "comparison.json").unlink(missing_ok=True)
    assert tunelint("compare", adapted.path, "--shots", "0", "--max-tokens", "2").code == 0
    compared = (export_model(adapted, tmp_path / "compared").folder / "README.md").read_text()
    assert "### Compared" in compared
    assert str(adapted.path.parent) not in compared
    assert "Hello" not in compared.split("## Use")[0]


def test_a_base_that_is_no_hub_id_is_not_claimed_to_be_one():
    assert base_name("Qwen/Qwen3-0.6B") == "Qwen/Qwen3-0.6B"
    assert base_name("/home/me/models/own") == "own"
    assert base_name("./own-model/") == "own-model"


def test_broken_weights_are_refused(tiny, tmp_path):
    import shutil

    from safetensors.torch import load_file, save_file

    shutil.copytree(tiny.path, tmp_path / "run")
    path = tmp_path / "run/model/model.safetensors"
    weights = load_file(path)
    weights["model.norm.weight"][3] = float("nan")
    save_file(weights, path, metadata={"format": "pt"})
    with pytest.raises(TunelintError, match=r"not finite \(model.norm.weight\): the run diverged"):
        export_model(RunFolder(tmp_path / "run"), tmp_path / "out")
    assert not (tmp_path / "out").exists()
    assert list(tmp_path.glob(".out*")) == []


def test_a_model_at_a_service_is_not_there_to_export(tunelint, tmp_path):
    run = RunFolder.create(Plan(train=support_rows(2, 1), model="gpt-4.1-mini", backend="openai", run_dir=tmp_path / "runs/there"))
    run.update(api={"base_url": "https://api.example.com/v1", "fine_tuned_model": "ft:one", "job": "ftjob-1", "files": {}, "run": "x"})
    ran = tunelint("export", "there")
    assert ran.code == 2
    assert ran.err.count("\n") == 1
    assert 'the model "ft:one" lies at https://api.example.com/v1' in ran.err
    assert "tunelint export SERVE_DIR/jobs/ftjob-1" in ran.err


def test_without_the_extra_the_install_line_is_said(tunelint, tiny, monkeypatch):
    import tunelint.train.libraries as libraries

    monkeypatch.setattr(libraries, "find_spec", lambda name: None)
    for command in ("export", "compare"):
        ran = tunelint(command, tiny.path)
        assert ran.code == 2
        assert "tunelint[local]" in ran.err


def test_a_run_that_is_not_finished_has_nothing_to_export(tunelint, tmp_path):
    RunFolder.create(Plan(train=support_rows(2, 1), run_dir=tmp_path / "runs/early"))
    ran = tunelint("export", "early")
    assert (ran.code, ran.err.count("\n")) == (2, 1)
    assert "tunelint runs resume early" in ran.err

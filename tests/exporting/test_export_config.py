"""`tunelint export-config`: the same rows, settings and mask for other trainers, and their own readers take them."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from api.serving import support_jsonl
from tunelint.errors import TunelintError
from tunelint.exporting.job import training_job
from tunelint.exporting.scripts.rows import encode
from tunelint.exporting.trl import program
from tunelint.train import Hyperparameters, Plan, RunFolder, TrainRecord
from tunelint.train.records import Call, Message

TRAINERS = ("axolotl", "llamafactory", "unsloth", "trl")
QWEN_LIKE = (
    "{%- for message in messages -%}{{- '<|im_start|>' + message.role + '\n' -}}"
    "{%- if message.role == 'assistant' and loop.last -%}{{- '<think>\n\n</think>\n\n' -}}{%- endif -%}"
    "{{- message.content -}}{%- for call in message.tool_calls or [] -%}"
    "{{- '<tool_call>' + ({'name': call.function.name, 'arguments': call.function.arguments} | tojson) + '</tool_call>' -}}{%- endfor -%}"
    "{{- '<|im_end|>\n' -}}{%- endfor -%}{%- if add_generation_prompt -%}{{- '<|im_start|>assistant\n' -}}{%- endif -%}"
)


def conversation(*turns: Message, **more: Any) -> TrainRecord:
    return TrainRecord(turns, hashlib.sha256(repr(turns).encode()).hexdigest()[:32], **more)


LONG = conversation(
    Message("system", "Be brief."), Message("user", "One?"), Message("assistant", "First.", False), Message("user", "Two?"),
    Message("assistant", "Second.", True), Message("user", "Three?"), Message("assistant", "Third.", True),
)  # fmt: skip
TOOLS = conversation(
    Message("user", "Weather in Oslo?"), Message("assistant", "", True, (Call("weather", '{"city": "Oslo"}', "c1"),)),
    Message("tool", '{"c": 3}', call_id="c1"), Message("assistant", "Three degrees.", True),
    tools=({"type": "function", "function": {"name": "weather", "parameters": {"type": "object", "properties": {"city": {"type": "string"}}}}},),
)  # fmt: skip
PAIR = conversation(Message("user", "Hi"), Message("assistant", "Hello!", True), rejected=(Message("assistant", "What?"),))


@pytest.fixture
def data(tunelint, tmp_path) -> Path:
    (tmp_path / "train.jsonl").write_bytes(support_jsonl(40, 1))
    (tmp_path / "eval.jsonl").write_bytes(support_jsonl(12, 99))
    return tmp_path


ASKED = ("--model", "me/base", "--epochs", "4", "--batch-size", "6", "--micro-batch-size", "3", "--learning-rate", "2e-5", "--max-length", "700",
         "--method", "lora", "--lora-rank", "8", "--patience", "3", "--seed", "11")  # fmt: skip


def export(tunelint, trainer: str, *more: str) -> dict[str, Any]:
    ran = tunelint("export-config", "train.jsonl", "eval.jsonl", "--for", trainer, *ASKED, *more)
    assert ran.code == 0, ran.err
    assert "of 40 records" in ran.out
    return yaml.safe_load(Path(f"for-{trainer}/config.yaml").read_text())


@pytest.mark.parametrize("trainer", TRAINERS)
def test_the_settings_arrive(tunelint, data, trainer):
    config = export(tunelint, trainer)
    flat = {**config, **config.get("training", {}), **(config.get("lora") or {}), **(config.get("model") or {})}
    wanted = {
        "learning_rate": 2e-5, "gradient_accumulation_steps": 2, "seed": 11, "eval_steps": 3, "save_steps": 3, "save_total_limit": 3,
        "load_best_model_at_end": True, "metric_for_best_model": "eval_loss", "warmup_steps": 2, "output_dir": "out", "lora_alpha": 16,
    }  # fmt: skip
    assert {name: flat.get(name) for name in wanted} == wanted
    assert isinstance(flat["learning_rate"], float)
    names = {
        "axolotl": ("num_epochs", "micro_batch_size", "lora_r", "sequence_len", "early_stopping_patience"),
        "llamafactory": ("num_train_epochs", "per_device_train_batch_size", "lora_rank", "cutoff_len", "early_stopping_steps"),
        "unsloth": ("num_train_epochs", "per_device_train_batch_size", "r", "max_seq_length", "patience"),
        "trl": ("num_train_epochs", "per_device_train_batch_size", "lora_r", "max_length", "patience"),
    }[trainer]
    assert [flat[name] for name in names] == [4, 3, 8, 700, 3]
    manifest = json.loads(Path(f"for-{trainer}/manifest.json").read_text())
    for output, count in zip(manifest["outputs"], (40, 12), strict=True):
        content = Path(f"for-{trainer}", output["path"]).read_bytes()
        assert output["sha256"] == hashlib.sha256(content).hexdigest()
        assert output["records"] == content.count(b"\n") == count
    assert "tunelint curves" in Path(f"for-{trainer}/README.md").read_text()


def test_the_rows_are_those_of_the_files(tunelint, data):
    export(tunelint, "axolotl")
    export(tunelint, "llamafactory")
    rows = [json.loads(line) for line in Path("train.jsonl").read_text().splitlines()]
    assert [json.loads(line) for line in Path("for-axolotl/data/train.jsonl").read_text().splitlines()] == rows
    words = {"system": "system", "user": "human", "assistant": "gpt"}
    turns = [[{"from": words[turn["role"]], "value": turn["content"]} for turn in row["messages"]] for row in rows]
    assert [json.loads(line)["conversations"] for line in Path("for-llamafactory/data/train.jsonl").read_text().splitlines()] == turns
    info = json.loads(Path("for-llamafactory/dataset_info.json").read_text())
    assert info["tunelint_eval"] == {"file_name": "data/eval.jsonl", "formatting": "sharegpt", "columns": {"messages": "conversations"}}


def test_nothing_is_written_over_errors_or_over_anything_else(tunelint, data):
    with Path("train.jsonl").open("a") as file:
        file.write('{"messages": [{"role": "user", "content": "alone"}]}\n')
    asked = ("export-config", "train.jsonl", "eval.jsonl", "--for", "trl", "--model", "me/base")
    refused = tunelint(*asked)
    assert refused.code == 1
    assert "missing-assistant-reply" in refused.err
    assert not Path("for-trl").exists()
    assert tunelint(*asked, "--clean").code == 0
    assert Path("for-trl/data/train.jsonl").read_bytes() == support_jsonl(40, 1)
    again = tunelint(*asked, "--clean")
    assert (again.code, "not empty" in again.err) == (2, True)


def test_without_an_eval_split_one_is_carved_or_none_is_asked_for(tunelint, data):
    asked = ("export-config", "train.jsonl", "--for", "axolotl", "--model", "me/base")
    ran = tunelint(*asked)
    assert "carved" in ran.err
    assert sum(Path("for-axolotl/data", name).read_text().count("\n") for name in ("train.jsonl", "eval.jsonl")) == 40
    assert tunelint(*asked, "--no-split", "-o", "bare").code == 0
    config = yaml.safe_load(Path("bare/config.yaml").read_text())
    assert not {"test_datasets", "eval_steps", "load_best_model_at_end"} & set(config)
    assert config["val_set_size"] == 0


def test_a_run_is_handed_on_with_its_settings(tunelint, tmp_path):
    from train.train_rows import support_rows
    from tunelint.train.settings import decide

    plan = Plan(train=support_rows(20, 1), eval=support_rows(6, 2), model="me/base", run_dir=tmp_path / "runs/one", seed=5,
                hyperparameters=Hyperparameters(epochs=2, batch_size=4))  # fmt: skip
    run = RunFolder.create(plan)
    run.update(settings=decide(plan, 20, 512, 1_000).to_json())
    assert tunelint("export-config", "--run", "one", "--for", "trl", "--epochs", "7").code == 0
    config = yaml.safe_load(Path("for-trl/config.yaml").read_text())
    wanted = {"num_train_epochs": 7, "max_length": 512, "seed": 5, "learning_rate": 2e-5, "model_name_or_path": "me/base"}
    assert {name: config[name] for name in wanted} == wanted
    assert "use_peft" not in config, "the run trained all weights"
    rows = [json.loads(line) for line in Path("for-trl/data/train.jsonl").read_text().splitlines()]
    assert [row["messages"][-1]["content"] for row in rows] == [row.messages[-1].text for row in plan.train]
    assert "leave out PATHS" in tunelint("export-config", "x.jsonl", "--run", "one", "--for", "trl").err


def write(tunelint, tmp_path: Path, trainer: str, *rows: TrainRecord, **asked: Any) -> Any:
    method = "dpo" if rows[0].rejected else "supervised"
    folder = tmp_path / f"runs/{method}-{trainer}"
    RunFolder.create(Plan(train=rows, model="me/base", method=method, run_dir=folder, hyperparameters=Hyperparameters(**asked)))
    return tunelint("export-config", "--run", folder, "--for", trainer)


@pytest.mark.parametrize("trainer", TRAINERS)
def test_answers_that_are_not_trained_stay_so_or_it_is_said(tunelint, tmp_path, trainer):
    ran = write(tunelint, tmp_path, trainer, LONG)
    assert ran.code == 0, ran.err
    [row] = [json.loads(line) for line in Path(f"for-{trainer}/data/train.jsonl").read_text().splitlines()]
    if trainer == "llamafactory":
        assert "1 train rows hold answers with weight 0, which LLaMA-Factory trains all the same" in ran.err
        assert yaml.safe_load(Path("for-llamafactory/config.yaml").read_text())["mask_history"] is False
    else:
        key, off = ("train", False) if trainer == "axolotl" else ("weight", 0)
        assert [turn.get(key) for turn in row["messages"] if turn["role"] == "assistant"] == [off, None, None]


def test_one_trained_answer_at_the_end_is_the_history_mask_of_llamafactory(tunelint, tmp_path):
    last = conversation(*LONG.messages[:4], LONG.messages[4])
    ran = write(tunelint, tmp_path, "llamafactory", last)
    assert "weight 0" not in ran.err
    assert yaml.safe_load(Path("for-llamafactory/config.yaml").read_text())["mask_history"] is True


def test_tool_calls_arrive(tunelint, tmp_path):
    assert write(tunelint, tmp_path, "llamafactory", TOOLS).code == 0
    [row] = [json.loads(line) for line in Path("for-llamafactory/data/train.jsonl").read_text().splitlines()]
    assert [turn["from"] for turn in row["conversations"]] == ["human", "function_call", "observation", "gpt"]
    assert json.loads(row["tools"])[0]["function"]["name"] == "weather"
    assert json.loads(Path("for-llamafactory/dataset_info.json").read_text())["tunelint_train"]["columns"]["tools"] == "tools"


@pytest.mark.parametrize("trainer", ["axolotl", "llamafactory", "trl"])
def test_pairs_are_for_preference_training(tunelint, tmp_path, trainer):
    assert write(tunelint, tmp_path, trainer, PAIR, dpo_beta=0.3).code == 0
    [row] = [json.loads(line) for line in Path(f"for-{trainer}/data/train.jsonl").read_text().splitlines()]
    config = yaml.safe_load(Path(f"for-{trainer}/config.yaml").read_text())
    if trainer == "axolotl":
        assert (config["rl"], config["rl_beta"], config["datasets"][0]["type"]) == ("dpo", 0.3, "chat_template.default")
        assert (row["chosen"]["content"], row["rejected"]["content"]) == ("Hello!", "What?")
    elif trainer == "llamafactory":
        assert (config["stage"], config["pref_beta"]) == ("dpo", 0.3)
        assert (row["chosen"], row["rejected"]) == ({"from": "gpt", "value": "Hello!"}, {"from": "gpt", "value": "What?"})
    else:
        assert config["beta"] == 0.3
        assert row["chosen"] == [{"role": "assistant", "content": "Hello!"}]
        assert "DPOTrainer" in Path("for-trl/train.py").read_text()


def test_pairs_without_dpo_are_conversations_with_the_chosen_answer(tunelint, tmp_path):
    RunFolder.create(Plan(train=(PAIR,), model="me/base", run_dir=tmp_path / "runs/one"))
    assert tunelint("export-config", "--run", "one", "--for", "llamafactory").code == 0
    row = json.loads(Path("for-llamafactory/data/train.jsonl").read_text())
    assert row == {"conversations": [{"from": "human", "value": "Hi"}, {"from": "gpt", "value": "Hello!"}]}
    assert "ranking" not in Path("for-llamafactory/dataset_info.json").read_text()


def test_bare_texts_are_learnt_whole(tunelint, tmp_path):
    text = conversation(Message("text", "Once upon a time.", True), plain=True)
    assert write(tunelint, tmp_path, "llamafactory", text).code == 0
    assert json.loads(Path("for-llamafactory/data/train.jsonl").read_text()) == {"text": "Once upon a time."}
    config = yaml.safe_load(Path("for-llamafactory/config.yaml").read_text())
    assert (config["stage"], "mask_history" in config) == ("pt", False)


def test_what_another_trainer_cannot_do_is_refused(tunelint, tmp_path):
    for trainer in ("axolotl", "trl", "unsloth"):
        ran = write(tunelint, tmp_path, trainer, LONG, method="last-layers")
        assert (ran.code, ran.out) == (2, "")
        assert "no last-layers: say --method lora or full" in ran.err
        assert not Path(f"for-{trainer}").exists()
    assert write(tunelint, tmp_path, "llamafactory", LONG, method="last-layers", last_layers=3).code == 0
    frozen = yaml.safe_load(Path("for-llamafactory/config.yaml").read_text())
    assert (frozen["finetuning_type"], frozen["freeze_trainable_layers"]) == ("freeze", 3)
    with pytest.raises(TunelintError, match="demonstration model"):
        training_job(Plan(train=(LONG,)))
    with pytest.raises(TunelintError, match="mixture"):
        training_job(Plan(train=(LONG, conversation(Message("text", "Once.", True), plain=True)), model="me/base"))
    with pytest.raises(TunelintError, match="needs a rejected answer in every row"):
        training_job(Plan(train=(PAIR,), eval=(LONG,), model="me/base", method="dpo"))
    assert "preference pairs: --for trl" in write(tunelint, tmp_path, "unsloth", PAIR).err
    assert tunelint("export-config", "x.jsonl", "--for", "unslot").code == 2


@pytest.mark.parametrize("template", ["own", "qwen"])
def test_the_program_masks_as_tunelint_does(tmp_path, template):
    pytest.importorskip("transformers")
    from transformers import AutoTokenizer

    from train.train_rows import support_rows
    from tunelint.exporting.values import chat_value
    from tunelint.train.encode import Encoder
    from tunelint.train.tiny import train_tokenizer

    made = train_tokenizer((*support_rows(20, 1), LONG, TOOLS))
    if template == "qwen":
        made.chat_template = QWEN_LIKE
    made.save_pretrained(tmp_path)
    tokenizer = AutoTokenizer.from_pretrained(tmp_path)
    text = conversation(Message("text", "Once upon a time.", True), plain=True)
    for length in (1024, 30):
        encoder = Encoder(tmp_path, length)
        for row in (*support_rows(10, 3), LONG, TOOLS, text):
            own, theirs = encoder.encode(row), encode(chat_value(row), tokenizer, length)
            assert theirs == {"input_ids": own.input_ids, "labels": own.labels}
    labels = encode(chat_value(LONG), tokenizer, 1024)["labels"]
    learnt = tokenizer.decode([label for label in labels if label != -100])
    assert "First." not in learnt
    assert learnt.count("<|im_end|>") == 2


@pytest.mark.parametrize("name", ["trl_sft", "trl_dpo", "unsloth_sft"])
def test_the_programs_stand_alone(name):
    import ast

    text = program(name)
    assert "tunelint." not in text
    tree = ast.parse(text)
    defined = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
    assert "main" in defined
    assert ("encode" in defined) == (name != "trl_dpo")


def small_base(folder: Path) -> Path:
    from train.train_rows import support_rows
    from tunelint.train.tiny import build_model, train_tokenizer

    tokenizer = train_tokenizer(support_rows(40, 9))
    tokenizer.save_pretrained(folder)
    build_model(tokenizer, 5).save_pretrained(folder)
    return folder


STUB = '''
"""Unsloth's two functions, done by transformers and peft: the real package needs a GPU."""
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM, AutoTokenizer


class FastLanguageModel:
    @staticmethod
    def from_pretrained(model_name, max_seq_length, load_in_4bit, full_finetuning):
        return AutoModelForCausalLM.from_pretrained(model_name), AutoTokenizer.from_pretrained(model_name)

    @staticmethod
    def get_peft_model(model, r, target_modules, lora_alpha, lora_dropout, bias, use_gradient_checkpointing, random_state):
        return get_peft_model(model, LoraConfig(r=r, lora_alpha=lora_alpha, target_modules=target_modules, task_type="CAUSAL_LM"))
'''


@pytest.mark.slow
@pytest.mark.parametrize("trainer", ["trl", "unsloth"])
def test_the_program_trains_and_its_log_is_judged(tunelint, data, trainer):
    """For real on the CPU (Unsloth's own part is a stand-in): the loss of the first eval is the one of `tunelint train`."""
    pytest.importorskip("trl")
    base = small_base(data / "base")
    small = ("--epochs", "2", "--batch-size", "8", "--method", "lora", "--precision", "fp32", "--learning-rate", "1e-3")
    files = ("train.jsonl", "eval.jsonl", "--model", base)
    assert tunelint("export-config", *files, "--for", trainer, *small).code == 0
    folder = data / f"for-{trainer}"
    config = yaml.safe_load((folder / "config.yaml").read_text())
    place = config.get("training", config)
    place.update(use_cpu=True, gradient_checkpointing=False)
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    (folder / "unsloth.py").write_text(STUB)
    arguments = ["--config", "config.yaml"] if trainer == "trl" else []
    ran = subprocess.run([sys.executable, "train.py", *arguments], cwd=folder, capture_output=True, text=True, check=False, timeout=900)
    assert ran.returncode == 0, ran.stderr[-3000:]
    judged = tunelint("curves", folder / "out", "--format", "json", "--fail-on", "never")
    assert judged.code == 0, judged.err
    [run] = judged.json["runs"]
    theirs = [point["eval_loss"] for point in run["evidence"]["curve"]]
    assert len(theirs) >= 8
    assert tunelint("train", *files, *small, "--run-dir", "runs/own", "--fail-on", "never").code == 0
    metrics = [json.loads(line) for line in Path("runs/own/metrics.jsonl").read_text().splitlines()]
    own = [point["eval_loss"] for point in metrics if "eval_loss" in point]
    assert theirs[0] == pytest.approx(own[0], rel=0.02), "same rows, same mask; the trainers average over batches, we over tokens"
    assert theirs[-1] < theirs[0]


@pytest.mark.slow
def test_the_program_for_pairs_trains(tunelint, tmp_path):
    """DPO for real on the CPU: the loss of a model against itself is ln 2, and falls."""
    pytest.importorskip("trl")
    base = small_base(tmp_path / "base")
    pairs = [
        {"prompt": [{"role": "user", "content": f"Order {number}?"}], "chosen": [{"role": "assistant", "content": f"Yes, {number}."}],
         "rejected": [{"role": "assistant", "content": "No idea at all."}]}
        for number in range(1000, 1024)
    ]  # fmt: skip
    (tmp_path / "train.jsonl").write_text("".join(json.dumps(pair) + "\n" for pair in pairs[:16]))
    (tmp_path / "eval.jsonl").write_text("".join(json.dumps(pair) + "\n" for pair in pairs[16:]))
    asked = ("--epochs", "4", "--batch-size", "8", "--method", "full", "--precision", "fp32", "--learning-rate", "1e-3", "--no-lint")
    assert tunelint("export-config", "train.jsonl", "eval.jsonl", "--model", base, "--for", "trl", *asked).code == 0
    folder = tmp_path / "for-trl"
    options = ["--config", "config.yaml", "--use_cpu", "true", "--gradient_checkpointing", "false"]
    ran = subprocess.run([sys.executable, "train.py", *options], cwd=folder, capture_output=True, text=True, check=False, timeout=900)
    assert ran.returncode == 0, ran.stderr[-3000:]
    judged = tunelint("curves", folder / "out", "--format", "json", "--fail-on", "never")
    losses = [point["eval_loss"] for point in judged.json["runs"][0]["evidence"]["curve"]]
    assert losses[0] == pytest.approx(0.6931, abs=1e-3)
    assert losses[-1] < 0.5


@pytest.mark.slow
def test_trl_parses_the_configuration_itself(tunelint, data):
    pytest.importorskip("trl")
    export(tunelint, "trl", "--precision", "fp32")
    code = (
        "from train import Extra; from trl import ModelConfig, SFTConfig, TrlParser; "
        "e, a, m = TrlParser((Extra, SFTConfig, ModelConfig)).parse_args_and_config(['--config', 'config.yaml', '--use_cpu', 'true']); "
        "print(e.patience, a.max_length, a.learning_rate, a.eval_steps, a.eval_on_start, m.lora_r, m.lora_target_modules, m.use_peft)"
    )
    ran = subprocess.run([sys.executable, "-c", code], cwd=data / "for-trl", capture_output=True, text=True, check=False)
    assert ran.stdout.split("\n")[-2] == "3 700 2e-05 3 True 8 all-linear True", ran.stderr[-2000:]

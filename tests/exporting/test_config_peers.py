"""The real packages read what `export-config` writes: Axolotl's schema and masks, LLaMA-Factory's parsers and converter.

They are installed without their dependencies (which want CUDA and older libraries); only settings and data are read.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from exporting.test_export_config import ASKED, LONG, TOOLS, small_base, write
from train.train_rows import support_rows
from tunelint.train import TrainRecord

pytestmark = pytest.mark.peers
PACKAGES = ["axolotl==0.19.0", "llamafactory==0.9.5", "colorama", "addict", "pillow", "omegaconf", "antlr4-python3-runtime==4.9.3"]

AXOLOTL = """
import json, sys, yaml
from axolotl.prompt_strategies.chat_template import StrategyLoader
from axolotl.utils.dict import DictDefault
from axolotl.utils.schemas.config import AxolotlInputConfig
from transformers import AutoTokenizer
config = AxolotlInputConfig(**yaml.safe_load(open("config.yaml"))).model_dump(exclude_none=True)
rows = []
if len(sys.argv) > 1:
    dataset = yaml.safe_load(open("config.yaml"))["datasets"][0]
    strategy = StrategyLoader()(AutoTokenizer.from_pretrained(sys.argv[1]), DictDefault(config), dataset)
    for line in open("data/train.jsonl"):
        made = strategy.tokenize_prompt(json.loads(line))
        rows.append([list(made["input_ids"]), list(made["labels"])])
names = ("base_model", "sequence_len", "learning_rate", "lora_r", "eval_steps", "early_stopping_patience", "excess_length_strategy", "rl")
print(json.dumps({"config": {name: config.get(name) for name in names}, "rows": rows}, default=str))
"""
LLAMAFACTORY = """
import json, os, sys, yaml
from importlib.machinery import ModuleSpec
from types import ModuleType
os.environ["DISABLE_VERSION_CHECK"] = "1"
for missing in ("torchaudio", "librosa", "av"):
    module = ModuleType(missing)
    module.__spec__ = ModuleSpec(missing, None)
    sys.modules.setdefault(missing, module)
from llamafactory.data.converter import DATASET_CONVERTERS
from llamafactory.data.parser import get_dataset_list
from llamafactory.hparams import get_train_args
given = yaml.safe_load(open("config.yaml"))
model, data, training, finetuning, _ = get_train_args({**given, "use_cpu": True, "bf16": False})
[dataset] = get_dataset_list(data.dataset, data.dataset_dir)
convert = DATASET_CONVERTERS[dataset.formatting](dataset, data)
rows = [convert(json.loads(line)) for line in open(dataset.dataset_name)]
names = {"stage": finetuning.stage, "type": finetuning.finetuning_type, "rank": finetuning.lora_rank, "cutoff": data.cutoff_len,
         "patience": finetuning.early_stopping_steps, "eval": data.eval_dataset, "rate": training.learning_rate, "every": training.eval_steps}
print(json.dumps({"config": names, "rows": rows}, default=str))
"""


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("transformers")
    folder = tmp_path_factory.mktemp("packages")
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--target", str(folder)]
    subprocess.run([*pip, "--no-deps", *PACKAGES], check=True)
    lacking = [name for name in ("datasets", "trl", "peft") if find_spec(name) is None]
    if lacking:
        subprocess.run([*pip, *lacking], check=True)
    return folder


def ask(packages: Path, code: str, folder: Path, *arguments: str) -> Any:
    """Run `code` in `folder` beside the packages and return the JSON of its last line."""
    environment = {**os.environ, "PYTHONPATH": str(packages)}
    command = [sys.executable, "-c", code, *arguments]
    ran = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr[-3000:]
    return json.loads(ran.stdout.strip().splitlines()[-1])


def write_files(tmp_path: Path) -> None:
    from api.serving import support_jsonl

    (tmp_path / "train.jsonl").write_bytes(support_jsonl(40, 1))
    (tmp_path / "eval.jsonl").write_bytes(support_jsonl(12, 99))


def test_axolotls_schema_takes_the_configuration(tunelint, tmp_path, packages):
    write_files(tmp_path)
    assert tunelint("export-config", "train.jsonl", "eval.jsonl", "--for", "axolotl", *ASKED).code == 0
    config = ask(packages, AXOLOTL, tmp_path / "for-axolotl")["config"]
    assert config == {
        "base_model": "me/base", "sequence_len": 700, "learning_rate": 2e-5, "lora_r": 8, "eval_steps": 3, "early_stopping_patience": 3,
        "excess_length_strategy": "truncate", "rl": None,
    }  # fmt: skip


def test_axolotl_masks_our_rows_as_we_do(tunelint, tmp_path, packages):
    from tunelint.train.encode import Encoder

    base = small_base(tmp_path / "base")
    rows: tuple[TrainRecord, ...] = (*support_rows(6, 1), LONG)
    assert write(tunelint, tmp_path, "axolotl", *rows).code == 0
    made = ask(packages, AXOLOTL, tmp_path / "for-axolotl", str(base))["rows"]
    encoder = Encoder(base, 1024)
    own = [encoder.encode(row) for row in rows]
    assert made == [[row.input_ids, row.labels] for row in own]


def test_llamafactory_parses_settings_and_rows(tunelint, tmp_path, packages):
    write_files(tmp_path)
    assert tunelint("export-config", "train.jsonl", "eval.jsonl", "--for", "llamafactory", *ASKED).code == 0
    found = ask(packages, LLAMAFACTORY, tmp_path / "for-llamafactory")
    assert found["config"] == {
        "stage": "sft", "type": "lora", "rank": 8, "cutoff": 700, "patience": 3, "eval": ["tunelint_eval"], "rate": 2e-5, "every": 3
    }  # fmt: skip
    rows = [json.loads(line)["messages"] for line in Path("train.jsonl").read_text().splitlines()]
    assert [row["_response"][0]["content"] for row in found["rows"]] == [messages[-1]["content"] for messages in rows]
    assert {row["_system"] for row in found["rows"]} == {rows[0][0]["content"]}


def test_llamafactory_reads_tool_calls(tunelint, tmp_path, packages):
    assert write(tunelint, tmp_path, "llamafactory", TOOLS).code == 0
    [row] = ask(packages, LLAMAFACTORY, tmp_path / "for-llamafactory")["rows"]
    assert [turn["role"] for turn in (*row["_prompt"], *row["_response"])] == ["user", "function", "observation", "assistant"]
    assert json.loads(row["_tools"])[0]["function"]["name"] == "weather"

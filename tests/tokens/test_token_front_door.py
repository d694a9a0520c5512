"""Token counts and token rules through the command line."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

FIXTURES = Path(__file__).parent / "fixtures"
RECORD = {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello you"}]}


def lint(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tunelint", "lint", "train.jsonl", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    (tmp_path / "train.jsonl").write_text(json.dumps(RECORD) + "\n")
    return tmp_path


def test_tokens_of_a_folder_are_those_of_its_template(data: Path) -> None:
    done = lint(data, "--format", "json", "--tokenizer", str(FIXTURES / "chatml"))
    tokens = json.loads(done.stdout)["files"][0]["tokens"]
    from tunelint.tokens.huggingface import TokenizerFolder

    text = "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\nHello you<|im_end|>\n"
    assert tokens["total"] == len(TokenizerFolder(FIXTURES / "chatml").encode(text))
    assert (tokens["counter"], tokens["exact"]) == ("chatml", True)


def test_an_unknown_model_is_an_estimate(data: Path) -> None:
    done = lint(data, "--format", "json", "--tokenizer", "acme-7b")
    tokens = json.loads(done.stdout)["files"][0]["tokens"]
    assert (tokens["counter"], tokens["exact"]) == ("estimate", False)


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_a_broken_tokenizer_is_one_line_and_exit_code_2(data: Path, jobs: str) -> None:
    (data / "bad").mkdir()
    (data / "bad" / "tokenizer.json").write_text("{}")
    for tokenizer, problem in (("./bad", "not a readable tokenizer.json"), ("./none", "no such file or folder")):
        done = lint(data, "--tokenizer", tokenizer, "--jobs", jobs)
        assert done.returncode == 2
        assert done.stdout == ""
        assert problem in done.stderr
        assert done.stderr.count("\n") == 1

"""Tokenizer folders: any kind counts and round-trips, without transformers."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tunelint.errors import TunelintError
from tunelint.tokens.counters import counter_for
from tunelint.tokens.huggingface import TokenizerFolder

TEXTS = ["The parcel was shipped yesterday.", "Привет, как дела?", "今天天气很好", "hello   world\n\n  indented 🙂", "a<|im_end|>b", ""]


@pytest.mark.parametrize("kind", ["byte_level_folder", "sentencepiece_folder"])
def test_round_trip_and_count(kind: str, request: pytest.FixtureRequest) -> None:
    folder = request.getfixturevalue(kind)
    counter = counter_for(folder)
    tokenizer = TokenizerFolder(folder)
    assert counter.exact
    assert counter.name == folder.name
    encodings = [tokenizer.encode(text) for text in TEXTS]
    assert counter.count(TEXTS).tolist() == [len(encoding.ids) for encoding in encodings]
    for text, encoding in zip(TEXTS, encodings, strict=True):
        assert tokenizer.tokenizer.decode(encoding.ids, skip_special_tokens=False) == text


def test_saved_truncation_and_padding_do_not_hide_lengths(wordpiece_folder: Path) -> None:
    counts = counter_for(wordpiece_folder).count(["hello " * 50, "hello"])
    assert counts.tolist() == [50, 1]


def test_lone_surrogates_count(byte_level_folder: Path) -> None:
    assert counter_for(byte_level_folder).count(["\ud800", "ok"])[0] >= 1
    assert len(TokenizerFolder(byte_level_folder).encode("x\ud800y")) >= 3


def test_special_tokens_and_templates(byte_level_folder: Path, sentencepiece_folder: Path, tmp_path: Path) -> None:
    chat = TokenizerFolder(byte_level_folder)
    assert (chat.special("eos_token"), chat.special("bos_token")) == ("<|im_end|>", None)
    assert chat.special_texts == ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
    assert "im_start" in (chat.chat_template() or "")
    assert chat.chat_template("tool_use") is None
    assert TokenizerFolder(sentencepiece_folder).special("bos_token") == "<s>"

    shutil.copytree(byte_level_folder, tmp_path / "named")
    config = {"chat_template": [{"name": "default", "template": "D"}, {"name": "tool_use", "template": "T"}]}
    (tmp_path / "named" / "tokenizer_config.json").write_text(json.dumps(config))
    named = TokenizerFolder(tmp_path / "named")
    assert (named.chat_template(), named.chat_template("tool_use")) == ("D", "T")
    (tmp_path / "named" / "chat_template.jinja").write_text("FILE")
    assert named.chat_template() == "FILE"


def test_a_broken_config_is_one_line(byte_level_folder: Path, tmp_path: Path) -> None:
    shutil.copytree(byte_level_folder, tmp_path / "broken")
    (tmp_path / "broken" / "tokenizer_config.json").write_text("{")
    with pytest.raises(TunelintError, match="not readable as JSON"):
        TokenizerFolder(tmp_path / "broken").special("eos_token")


def test_the_hub_cache_is_used_offline(byte_level_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    snapshot = tmp_path / "models--acme--own-7b" / "snapshots" / "0123abcd"
    shutil.copytree(byte_level_folder, snapshot)
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    counter = counter_for("acme/own-7b")
    assert (counter.name, counter.exact) == ("acme/own-7b", True)
    assert counter.count(TEXTS).tolist() == counter_for(byte_level_folder).count(TEXTS).tolist()


def test_neither_transformers_nor_torch_is_imported(byte_level_folder: Path) -> None:
    program = (
        "import sys; from pathlib import Path\n"
        "from tunelint.tokens.counters import counter_for\n"
        "heavy = {'transformers', 'torch', 'tokenizers', 'tiktoken'} & set(sys.modules)\n"
        f"counter_for(Path({str(byte_level_folder)!r})).count(['x'])\n"
        "print(sorted(heavy), sorted({'transformers', 'torch'} & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[] []\n"

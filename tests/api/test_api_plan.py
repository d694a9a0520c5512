"""What would be sent, and what is refused before anything is."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests_rows import chat
from train.train_rows import support_rows
from tunelint.errors import TunelintError
from tunelint.train import Hyperparameters, Plan, TrainRecord
from tunelint.train.api.connection import address, connect
from tunelint.train.api.payload import BOM, encode, job_request, uploads
from tunelint.train.api.preflight import check, notes
from tunelint.train.records import Call, Message

SECRET = TrainRecord((Message("user", "Key?"), Message("assistant", f"key: sk-proj-{'Ab3dE6gH9j' * 5}", trained=True)), "d")
USER, ANSWER = Message("user", "Weather?"), Message("assistant", "Sunny.", trained=True)


def plan(**changes: Any) -> Plan:
    return replace(Plan(support_rows(3, 1), model="gpt-x", backend="openai", options={"base_url": "http://127.0.0.1:9/v1"}), **changes)


def one(row: TrainRecord, method: str = "supervised") -> Any:
    return json.loads(encode([row], method, "train"))


def test_a_turn_that_is_not_learnt_weighs_nothing():
    row = TrainRecord((USER, Message("assistant", "Hm."), USER, ANSWER), "d")
    assert one(row) == {
        "messages": [
            {"role": "user", "content": "Weather?"}, {"role": "assistant", "content": "Hm.", "weight": 0},
            {"role": "user", "content": "Weather?"}, {"role": "assistant", "content": "Sunny."},
        ]
    }  # fmt: skip


def test_tool_calls_have_string_arguments():
    tools = ({"type": "function", "function": {"name": "weather"}},)
    call = Message("assistant", "", trained=True, calls=(Call("weather", {"city": "Rom"}, "c1"),))
    row = TrainRecord((USER, call, Message("tool", "{}", call_id="c1"), ANSWER), "d", tools=tools)
    sent = one(row)
    assert sent["tools"] == list(tools)
    assert sent["messages"][1] == {
        "role": "assistant", "content": None,
        "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "weather", "arguments": '{"city": "Rom"}'}}],
    }  # fmt: skip
    assert sent["messages"][2] == {"role": "tool", "content": "{}", "tool_call_id": "c1"}


def test_preference_pairs():
    row = TrainRecord((USER, ANSWER), "d", rejected=(Message("assistant", "Dunno."),))
    assert one(row, "dpo") == {
        "input": {"messages": [{"role": "user", "content": "Weather?"}]},
        "preferred_output": [{"role": "assistant", "content": "Sunny."}],
        "non_preferred_output": [{"role": "assistant", "content": "Dunno."}],
    }
    request = job_request(plan(method="dpo", hyperparameters=Hyperparameters(dpo_beta=0.1)), {"train": "file-1"}, "mark")
    assert request["method"] == {"type": "dpo", "dpo": {"hyperparameters": {"beta": 0.1}}}


def test_what_the_user_left_open_stays_open():
    request = job_request(plan(), {"train": "file-1", "eval": "file-2"}, "mark")
    assert request == {
        "model": "gpt-x", "training_file": "file-1", "validation_file": "file-2", "seed": 0, "metadata": {"run": "mark"},
        "method": {"type": "supervised", "supervised": {}},
    }  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"train": (TrainRecord((Message("user", "x", trained=True),), "d", plain=True),)}, "train row 1 .record d.: a bare text"),
        ({"method": "dpo"}, "needs a chosen and a rejected answer"),
        ({"hyperparameters": Hyperparameters(learning_rate=1e-4)}, "--learning-rate is for --backend local.*--learning-rate-multiplier"),
        ({"hyperparameters": Hyperparameters(epochs=51)}, "at most 50"),
        ({"options": {"base_url": "http://127.0.0.1:9", "suffix": "x" * 65}}, "--suffix"),
        ({"train": (SECRET,)}, "1 secret .PII001.*--allow-secrets"),
    ],
)  # fmt: skip
def test_refused_before_anything_is_sent(changes, said):
    with pytest.raises(TunelintError, match=said):
        check(plan(**changes))


def test_secrets_may_be_allowed():
    assert check(plan(train=(SECRET,), options={"base_url": "http://127.0.0.1:9/v1", "allow_secrets": True})).base_url.endswith("/v1")


@pytest.mark.parametrize(
    ("given", "base"),
    [
        ("https://me.openai.azure.com", "https://me.openai.azure.com/openai/v1"),
        ("https://me.openai.azure.com/openai/v1/", "https://me.openai.azure.com/openai/v1"),
        ("my.host/v1", "https://my.host/v1"),
        ("http://127.0.0.1:8000/v1/", "http://127.0.0.1:8000/v1"),
    ],
)
def test_addresses(given, base):
    assert address(given) == base


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("https://me:pass@host/v1", "user name or password"),
        ("ftp://host", "no web address"),
        ("https://host/v1?key=1", "query"),
        ("http://host/v1", "not encrypted"),
    ],
)
def test_addresses_that_are_refused(monkeypatch, url, said):
    monkeypatch.setenv("A_KEY", "abcdefgh")
    with pytest.raises(TunelintError, match=said):
        connect({"base_url": url, "api_key_env": "A_KEY"})


def test_openais_key_goes_to_no_stranger(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-own")
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    assert connect({}).key == "sk-own"
    assert connect({"base_url": "https://stranger.example/v1"}).key is None
    assert connect({"base_url": "https://stranger.example/v1", "api_key_env": "OPENAI_API_KEY"}).key == "sk-own"
    monkeypatch.setenv("OPENAI_BASE_URL", "https://mine.example/v1")
    assert connect({}).key == "sk-own"
    assert "sk-own" not in repr(connect({}))
    monkeypatch.delenv("OPENAI_API_KEY")
    with pytest.raises(TunelintError, match="OPENAI_API_KEY is not set"):
        connect({"base_url": "https://api.openai.com/v1"})


def test_azure_gets_a_byte_order_mark():
    assert uploads(plan(), bom=True)[0].content.startswith(BOM + b"{")


def test_openais_end_is_said(monkeypatch):
    monkeypatch.setenv("A_KEY", "abcdefgh")
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1796083200")  # 2026-12-01
    said = "\n".join(notes(plan(options={"base_url": "https://api.openai.com/v1", "api_key_env": "A_KEY"})))
    assert "2027-01-06 (in 36 days" in said
    assert "2027-01-14 (in 44 days" in said
    assert "2027" not in "\n".join(notes(plan()))


def test_dry_run_prints_the_requests_and_sends_nothing(tunelint, monkeypatch):
    monkeypatch.setenv("A_KEY", "abcdefgh")
    rows = [chat(f"Question {word}, what is it?", f"The answer about {word} is long enough.") for word in "abcdefghijklmnopqrstuvwxyz"]
    Path("train.jsonl").write_text("\n".join(rows) + "\n")
    ran = tunelint(
        "train", "train.jsonl", "--no-lint", "--backend", "openai", "--base-url", "http://127.0.0.1:9/v1", "--model", "m", "--epochs", "2",
        "--header-env", "X-Org=A_KEY", "--price", "3", "--dry-run",
    )  # fmt: skip
    assert ran.code == 0, ran.err
    files, job = ran.json[:-1], ran.json[-1]
    assert [file["url"] for file in files] == ["http://127.0.0.1:9/v1/files"] * 2
    assert job["body"]["method"]["supervised"]["hyperparameters"] == {"n_epochs": 2}
    assert "about 0.00 USD" in ran.err
    assert "abcdefgh" not in ran.out.replace("abcdefghijklmnop", "") + ran.err
    assert not Path("runs").exists()


def test_nothing_is_started_unasked(tunelint, monkeypatch):
    Path("train.jsonl").write_text(chat("Where is it?", "Over there.") + "\n")
    ran = tunelint("train", "train.jsonl", "--no-lint", "--no-split", "--backend", "openai", "--base-url", "http://127.0.0.1:9/v1", "--model", "m")
    assert ran.code == 2
    assert "--yes" in ran.err

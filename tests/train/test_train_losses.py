"""Per-example losses: right to the last digit, whatever they are batched with; the mean weighs tokens."""

from __future__ import annotations

import numpy as np
import pytest
from train_rows import support_rows

from tunelint.train.encode import IGNORED, Encoded, Encoder
from tunelint.train.losses import collate, example_losses, mean_loss

torch = pytest.importorskip("torch", reason="local training is an extra")


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> tuple[object, list[Encoded], int]:
    from tunelint.train.tiny import build_model, train_tokenizer

    rows = support_rows(9, 3)
    tokenizer = train_tokenizer(rows)
    folder = tmp_path_factory.mktemp("tokenizer")
    tokenizer.save_pretrained(folder)
    encoder = Encoder(folder, 512)
    return build_model(tokenizer, 0), [encoder.encode(row) for row in rows], tokenizer.pad_token_id


def test_losses_are_those_of_each_row_alone(tiny: tuple[object, list[Encoded], int]) -> None:
    model, rows, pad = tiny
    together = example_losses(model, rows, pad, "cpu")
    for row, loss in zip(rows, together, strict=True):
        with torch.no_grad():
            logits = model(torch.tensor([row.input_ids])).logits[0].double()  # type: ignore[operator]
        log_probabilities = logits.log_softmax(-1)
        terms = [
            -log_probabilities[position - 1, label].item()
            for position, label in enumerate(row.labels)
            if label != IGNORED and position > 0
        ]
        assert len(terms) == row.trained
        assert loss == pytest.approx(np.mean(terms), rel=1e-5)


def test_small_batches_give_the_same_losses(
    tiny: tuple[object, list[Encoded], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    model, rows, pad = tiny
    together = example_losses(model, rows, pad, "cpu")
    monkeypatch.setattr("tunelint.train.losses.TOKENS_PER_PASS", 1)
    assert example_losses(model, rows, pad, "cpu") == pytest.approx(together, rel=1e-5)


def test_the_mean_weighs_tokens_and_agrees_with_the_model(tiny: tuple[object, list[Encoded], int]) -> None:
    model, rows, pad = tiny
    with torch.no_grad():
        expected = model(**collate(rows, pad)).loss.item()  # type: ignore[operator]
    losses = example_losses(model, rows, pad, "cpu")
    assert mean_loss(losses, [row.trained for row in rows]) == pytest.approx(expected, rel=1e-5)
    assert mean_loss(np.array([1.0, 3.0], dtype=np.float32), [1, 3]) == 2.5


def test_measuring_leaves_mode_and_gradients_alone(tiny: tuple[object, list[Encoded], int]) -> None:
    model, rows, pad = tiny
    model.train()  # type: ignore[attr-defined]
    example_losses(model, rows, pad, "cpu")
    assert model.training  # type: ignore[attr-defined]
    assert all(parameter.grad is None for parameter in model.parameters())  # type: ignore[attr-defined]


def test_padding_is_masked_by_length_even_where_it_is_the_end_token() -> None:
    rows = [Encoded("a", [5, 6, 2], [IGNORED, 6, 2], False), Encoded("b", [5], [IGNORED], False)]
    batch = collate(rows, 2)
    assert batch["labels"].tolist() == [[IGNORED, 6, 2], [IGNORED, IGNORED, IGNORED]]
    assert batch["attention_mask"].tolist() == [[1, 1, 1], [1, 0, 0]]

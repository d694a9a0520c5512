"""The schedule has enough evals to judge a curve, whatever the size of the run."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from train_rows import support_rows

from tunelint.train import Hyperparameters, Plan
from tunelint.train.schedule import MANY_ROWS, MOST_ROW_PASSES, make_schedule
from tunelint.train.settings import Settings, decide


@given(
    rows=st.integers(1, 20_000), batch=st.integers(1, 64), epochs=st.integers(1, 200), least=st.integers(1, 40)
)  # fmt: skip
def test_evals_are_enough_and_not_too_many(rows: int, batch: int, epochs: int, least: int) -> None:
    schedule = make_schedule(rows, batch, epochs, least)
    assert schedule.total_steps == schedule.steps_per_epoch * epochs
    assert len(schedule.evals) >= min(least, schedule.total_steps)
    assert len(schedule.evals) <= max(30, 2 * least, least + epochs)
    assert schedule.total_steps in schedule.evals
    assert min(schedule.evals) >= 1
    assert max(schedule.evals) == schedule.total_steps


@given(rows=st.integers(1, 20_000), epochs=st.integers(1, 100))
def test_train_rows_are_measured_at_epoch_ends(rows: int, epochs: int) -> None:
    schedule = make_schedule(rows, 16, epochs)
    assert schedule.row_passes <= schedule.evals
    assert all(step % schedule.steps_per_epoch == 0 for step in schedule.row_passes)
    assert schedule.total_steps in schedule.row_passes
    assert len(schedule.row_passes) <= (MOST_ROW_PASSES if rows <= MANY_ROWS else 1)


def test_every_eval_closes_an_interval_of_the_train_curve() -> None:
    schedule = make_schedule(10_000, 8, 3)
    assert all(schedule.logs_at(step) for step in schedule.evals)
    assert sum(schedule.logs_at(step) for step in range(1, schedule.total_steps + 1)) <= 220


def test_defaults_fit_model_and_data() -> None:
    rows = support_rows(60, 1)
    tiny = decide(Plan(train=rows), 60, 1024, 900_000)
    assert (tiny.epochs, tiny.batch_size, tiny.method, tiny.learning_rate) == (38, 16, "full", 3e-3)
    demo = decide(Plan(train=rows, hyperparameters=Hyperparameters(preset="demo")), 60, 1024, 900_000)
    assert demo.epochs == 50
    large = decide(Plan(train=rows, model="org/big"), 60, 32_768, 7_000_000_000)
    assert (large.epochs, large.method, large.learning_rate, large.max_length) == (3, "lora", 2e-4, 2048)
    asked = Hyperparameters(epochs=5, learning_rate_multiplier=2.0, batch_size=500, weight_decay=0.0, warmup=0.0)
    chosen = decide(Plan(train=rows, model="org/small", hyperparameters=asked), 60, 512, 100_000_000)
    assert (chosen.epochs, chosen.learning_rate, chosen.batch_size, chosen.max_length) == (5, 4e-5, 60, 512)
    assert chosen.warmup == 0.0
    assert Settings.from_json(chosen.to_json()) == chosen


def test_a_run_can_end_in_the_middle_of_an_epoch() -> None:
    whole, cut = make_schedule(100, 10, 5), make_schedule(100, 10, 5, max_steps=37)
    assert (cut.total_steps, max(cut.evals)) == (37, 37)
    assert {step for step in whole.evals if step < 37} <= cut.evals
    assert make_schedule(100, 10, 5, max_steps=50) == whole

"""The run folder survives kills: whole files, one worker at a time, curves cut back to the checkpoint."""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from train_rows import support_rows

from tunelint.errors import TunelintError
from tunelint.records.example import Example, Image, ToolCall, Turn
from tunelint.train import Hyperparameters, Plan, RunFolder, Source, files, find_run, list_runs, select_records
from tunelint.train.curves_log import LossTable, MetricsLog
from tunelint.train.files import LockedError, exclusive_lock, is_locked
from tunelint.train.records import Call, Message, TrainRecord, encode_rows, read_rows

TEXT = st.text(st.characters(codec=None), max_size=20)
MESSAGES = st.builds(
    Message,
    role=st.sampled_from(["user", "assistant", "tool"]),
    text=TEXT,
    trained=st.booleans(),
    calls=st.lists(st.builds(Call, TEXT, TEXT | st.dictionaries(TEXT, st.integers()), st.none() | TEXT)).map(tuple),
    call_id=st.none() | TEXT,
    extra=st.dictionaries(st.sampled_from(["name", "reasoning_content"]), TEXT),
)
RECORDS = st.builds(
    TrainRecord,
    messages=st.lists(MESSAGES, min_size=1, max_size=3).map(tuple),
    digest=st.text("0123456789abcdef", min_size=32, max_size=32),
    tools=st.lists(st.dictionaries(TEXT, TEXT), max_size=2).map(tuple),
    rejected=st.lists(MESSAGES, max_size=2).map(tuple),
    plain=st.booleans(),
)


@given(st.lists(RECORDS, max_size=4))
def test_rows_read_back_as_written(tmp_path_factory: pytest.TempPathFactory, records: list[TrainRecord]) -> None:
    path = tmp_path_factory.mktemp("rows") / "train.jsonl"
    path.write_bytes(encode_rows(records))
    assert list(read_rows(path)) == records


def test_a_foreign_row_is_named(tmp_path: Path) -> None:
    path = tmp_path / "train.jsonl"
    path.write_bytes(encode_rows(support_rows(1, 0)) + b'{"messages": []}\n')
    with pytest.raises(TunelintError, match=r"train\.jsonl:2 is no training row"):
        list(read_rows(path))


def turn(role: str, text: str, **more: object) -> Turn:
    return Turn(role, text, "", "", **more)  # type: ignore[arg-type]


def test_selection_says_what_it_leaves_out() -> None:
    ask, answer = turn("user", "hi"), turn("assistant", "hello")
    call = turn("assistant", "", raw={"reasoning": "look it up", "weight": 1}, calls=(ToolCall("find", '{"q": 1}', "c1", ""),))
    selection = select_records(
        [
            (Example("openai-chat", (ask, answer)), "a"),
            (Example("openai-chat", (ask, call, turn("tool", "42", call_id="c1"), answer), tools=({"n": 1},)), "b"),
            (Example("text", (turn("assistant", "once upon a time"),)), "c"),
            (Example("preference", (ask, answer), rejected=(turn("assistant", "no"),)), "d"),
            (Example("prompt-only", (ask,)), "e"),
            (Example("kto", (ask, answer), label=False), "f"),
            (Example("openai-chat", (ask, turn("assistant", "x", trained=False))), "g"),
            (Example("openai-chat", (turn("user", "see", images=(Image("http://x", ""),)), answer)), "h"),
        ]
    )
    assert [record.digest for record in selection.records] == ["a", "b", "c", "d"]
    assert selection.left_out == {
        "no answer": 1, "marked undesirable (KTO)": 1, "every answer is switched off": 1, "has images": 1,
    }  # fmt: skip
    first, tools, text, pair = selection.records
    assert [message.trained for message in first.messages] == [False, True]
    assert tools.messages[1].calls == (Call("find", '{"q": 1}', "c1"),)
    assert tools.messages[2].call_id == "c1"
    assert tools.messages[1].extra == {"reasoning": "look it up"}
    assert text.plain
    assert text.messages[0].trained
    assert pair.rejected[0].text == "no"


def make_plan(folder: Path) -> Plan:
    return Plan(
        train=support_rows(12, 1),
        eval=support_rows(4, 2),
        run_dir=folder,
        seed=7,
        hyperparameters=Hyperparameters(epochs=2, lora_target_modules=("q_proj",)),
        train_sources=(Source("train.jsonl", "ab" * 32, 12),),
        lint={"errors": 0},
        options={"base_url": "http://localhost"},
    )


def test_a_run_folder_holds_the_whole_plan(tmp_path: Path) -> None:
    plan = make_plan(tmp_path / "run")
    folder = RunFolder.create(plan)
    assert folder.plan() == plan
    assert folder.state == "created"
    with pytest.raises(TunelintError, match="exists and is not empty"):
        RunFolder.create(plan)


def test_a_folder_that_was_killed_while_it_was_made_is_made_again(tmp_path: Path) -> None:
    plan = make_plan(tmp_path / "run")
    whole = RunFolder.create(plan)
    (whole.path / "run.json").rename(whole.path / "data" / ".run.json.17.tmp")
    assert RunFolder.create(plan).plan() == plan
    (whole.path / "run.json").unlink()
    (whole.path / "checkpoints" / "mine.txt").write_text("kept")
    with pytest.raises(TunelintError, match="exists and is not empty"):
        RunFolder.create(plan)
    assert (whole.path / "checkpoints" / "mine.txt").read_text() == "kept"


def test_changed_rows_are_refused(tmp_path: Path) -> None:
    folder = RunFolder.create(make_plan(tmp_path / "run"))
    with (folder.path / "data" / "eval.jsonl").open("ab") as stream:
        stream.write(b"\n")
    with pytest.raises(TunelintError, match=r"eval\.jsonl has changed since the run started"):
        folder.plan()


def test_runs_are_found_by_id_start_path_and_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    plan = Plan(train=support_rows(2, 1))
    first, second = RunFolder.create(plan), RunFolder.create(plan)
    assert {run.id for run in list_runs()} == {first.id, second.id}
    assert find_run(first.id).path == first.path
    assert find_run(str(second.path)).id == second.id
    assert find_run("last").id in {first.id, second.id}
    with pytest.raises(TunelintError, match="fits 2 runs"):
        find_run("2")
    with pytest.raises(TunelintError, match="There is no run 'nothing'"):
        find_run("nothing")
    with pytest.raises(TunelintError, match="is no run folder"):
        RunFolder(tmp_path)


def test_a_damaged_run_json_is_one_clear_error(tmp_path: Path) -> None:
    folder = RunFolder.create(make_plan(tmp_path / "run"))
    (folder.path / "run.json").write_text('{"version": 1, ')
    with pytest.raises(TunelintError, match="not valid JSON"):
        RunFolder(folder.path)


def test_one_worker_at_a_time_and_a_dead_one_frees_the_run(tmp_path: Path) -> None:
    folder = RunFolder.create(make_plan(tmp_path / "run"))
    folder.update(state="training")
    assert folder.state == "interrupted"
    script = (
        "import sys, time; from tunelint.train import RunFolder\n"
        "with RunFolder(sys.argv[1]).working():\n    print('held', flush=True); time.sleep(60)"
    )
    holder = subprocess.Popen([sys.executable, "-c", script, str(folder.path)], stdout=subprocess.PIPE)
    assert holder.stdout is not None
    assert holder.stdout.readline() == b"held\n"
    assert folder.state == "training"
    with pytest.raises(LockedError, match=f"Process {holder.pid} is working on"), folder.working():
        pass
    holder.kill()
    holder.communicate()
    with folder.working():
        assert is_locked(folder.path / ".lock")
    assert not is_locked(folder.path / ".lock")


def test_lock_file_that_is_not_there_is_free(tmp_path: Path) -> None:
    assert not is_locked(tmp_path / ".lock")
    with exclusive_lock(tmp_path / ".lock"), pytest.raises(LockedError), exclusive_lock(tmp_path / ".lock"):
        pass


def test_a_glance_at_the_lock_turns_nobody_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`runs list` looks at every lock, and looking holds it for a moment: a worker that begins just then must not give up."""
    with ExitStack() as glance:
        glance.enter_context(exclusive_lock(tmp_path / ".lock"))
        monkeypatch.setattr(files.time, "sleep", lambda seconds: glance.close())
        with exclusive_lock(tmp_path / ".lock"):
            assert is_locked(tmp_path / ".lock")


def test_metrics_lose_a_half_line_and_what_came_after_the_checkpoint(tmp_path: Path) -> None:
    log = MetricsLog(tmp_path / "metrics.jsonl")
    for step in range(4):
        log.append({"step": step, "eval_loss": 1.0 / (step + 1)})
    with log.path.open("ab") as stream:
        stream.write(b'{"step": 4, "ev')
    assert [point["step"] for point in log.read()] == [0, 1, 2, 3]
    log.keep_up_to(2)
    assert log.path.read_bytes().endswith(b'{"step": 2, "eval_loss": 0.3333333333333333}\n')
    log.keep_up_to(-1)
    assert log.path.read_bytes() == b""


def test_metrics_keep_a_loss_that_is_no_number(tmp_path: Path) -> None:
    log = MetricsLog(tmp_path / "metrics.jsonl")
    log.append({"step": 1, "loss": float("nan")})
    assert np.isnan(log.read()[0]["loss"])


def test_loss_table_grows_and_is_cut_back(tmp_path: Path) -> None:
    table = LossTable(tmp_path / "eval_losses.npz")
    assert table.read() is None
    for step in (0, 5, 10):
        table.add(step, step / 5, np.array([step, step + 0.5], dtype=np.float32), [3, 4], ["a" * 32, "b" * 32])
    table.keep_up_to(5)
    arrays = table.read()
    assert arrays is not None
    assert arrays["steps"].tolist() == [0, 5]
    assert arrays["epochs"].tolist() == [0.0, 1.0]
    assert arrays["losses"].dtype == np.float32
    assert arrays["losses"].tolist() == [[0.0, 0.5], [5.0, 5.5]]
    assert arrays["tokens"].tolist() == [3, 4]
    assert arrays["records"].tolist() == ["a" * 32, "b" * 32]
    table.keep_up_to(-1)
    assert table.read() is None
    table.path.write_bytes(b"no zip")
    with pytest.raises(TunelintError, match="damaged"):
        table.read()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"epochs": 0}, "epochs is 0"),
        ({"learning_rate": float("nan")}, "learning-rate is nan"),
        ({"patience": -1}, "at least 1"),
    ],
)
def test_impossible_hyperparameters_are_refused(changes: dict[str, object], message: str) -> None:
    with pytest.raises(TunelintError, match=message):
        Hyperparameters(**changes)  # type: ignore[arg-type]


def test_a_plan_without_rows_is_refused() -> None:
    with pytest.raises(TunelintError, match="no rows to train on"):
        Plan(train=())


def test_importing_the_room_loads_no_heavy_library() -> None:
    script = (
        "import sys, json, tunelint.train, tunelint.train.local, tunelint.train.worker, tunelint.train.estimate\n"
        "heavy = ('torch', 'transformers', 'openai', 'peft', 'numpy')\n"
        "print(json.dumps([name for name in heavy if name in sys.modules]))"
    )
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True)
    assert json.loads(result.stdout) == []

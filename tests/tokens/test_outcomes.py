"""What becomes of records: masks of our own, windows, ledgers."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunelint.errors import TunelintError
from tunelint.records.shapes import detect
from tunelint.records.views import view
from tunelint.tokens.axolotl import axolotl_row
from tunelint.tokens.counters import counter_for
from tunelint.tokens.huggingface import TokenizerFolder
from tunelint.tokens.llamafactory import aligned_turns, infer_seqlen, llamafactory_row, parse_template
from tunelint.tokens.masks import RowMaker
from tunelint.tokens.outcomes import Outcome, pair_verdict, window_of
from tunelint.tokens.own import own_row
from tunelint.tokens.recipes import RECIPES, recipe_for
from tunelint.tokens.rows import NotTrainable, TokenRow
from tunelint.tokens.survivors import survivors
from tunelint.tokens.trl import dpo_pair, extract_prompt, sft_row
from tunelint.tokens.turn_counts import outcomes_by_count

FIXTURES = Path(__file__).parent / "fixtures"
CHATML = TokenizerFolder(FIXTURES / "chatml")
INST = TokenizerFolder(FIXTURES / "inst")


def chat(*turns: tuple[str, str], **extra: Any) -> dict[str, Any]:
    return {"messages": [{"role": role, "content": content} for role, content in turns], **extra}


def outcome(record: dict[str, Any], target: str, folder: TokenizerFolder = CHATML, **options: Any) -> Outcome:
    return RowMaker(recipe_for(target, **options), folder).outcome(record, view(record, detect(record)))


def counted(record: dict[str, Any], target: str, **options: Any) -> Outcome:
    return outcomes_by_count([view(record, detect(record))], recipe_for(target, **options), counter_for("gpt-4o"))[0]


def trained_text(row: TokenRow) -> str:
    """The characters of trained tokens; gaps between runs show as a bar."""
    pieces, last = [], None
    for (start, end), on in zip(row.offsets, row.trained, strict=True):
        if on:
            pieces.append(("|" if last not in (None, start) else "") + row.text[start:end])
            last = end
    return "".join(pieces)


def test_own_mask_is_the_answers_and_their_end(byte_level_folder: Path) -> None:
    record = chat(("system", "Be kind."), ("user", "Hi"), ("assistant", "Hello you"), ("user", "Bye"), ("assistant", "See you"))
    example = view(record, "openai-chat")
    for folder in (CHATML, TokenizerFolder(byte_level_folder)):  # with and without generation marks
        assert trained_text(own_row(example, folder)) == "Hello you<|im_end|>|See you<|im_end|>"
    # The pieces' ▁ before </s> stands for no letter of the answer; the end token is trained all the same.
    assert trained_text(own_row(example, INST)).replace(" ", "") == "Helloyou</s>|Seeyou</s>"


def test_own_mask_leaves_out_what_the_record_switches_off(byte_level_folder: Path) -> None:
    record = chat(("user", "Hi"), ("assistant", "Hello you"), ("user", "Bye"), ("assistant", "See you"))
    record["messages"][1]["weight"] = 0
    for folder in (CHATML, TokenizerFolder(byte_level_folder), INST):
        assert "Hello" not in trained_text(own_row(view(record, "openai-chat"), folder))
        assert "See" in trained_text(own_row(view(record, "openai-chat"), folder))


def test_own_row_of_text_is_trained_whole_with_an_end() -> None:
    row = own_row(view({"text": "Once upon a time"}, "text"), CHATML)
    assert all(row.trained)
    assert row.ids[-1] == CHATML.special_id("eos_token")


def test_the_run_of_trl_6025_trains_nothing() -> None:
    """https://github.com/huggingface/trl/issues/6025: a 200-token user turn, max_length 64, completion-only: zero labels."""
    record = {
        "prompt": [{"role": "user", "content": "word " * 200}],
        "completion": [{"role": "assistant", "content": "the answer"}],
    }
    made = outcome(record, "trl", window=64)
    assert (made.fate, made.trained, made.kept) == ("dropped", 0, 64)
    assert made.wanted > 0
    assert "every trained token" in made.reason
    assert outcome(record, "llamafactory", window=64).fate == "dropped"  # it knows no such format
    kept = outcome(record, "trl", window=2048)
    assert (kept.fate, kept.trained_cut, kept.ends) == ("trained", 0, True)


def test_an_answer_cut_in_the_middle_loses_its_end() -> None:
    """https://github.com/huggingface/trl/issues/3449: the model learns unfinished answers."""
    record = {"prompt": "Count.", "completion": " one two three four five six seven eight"}
    made = outcome(record, "trl", window=10)
    assert (made.fate, made.ends, made.kept) == ("trained", False, 10)
    assert made.trained_cut == made.cut > 0


def test_axolotl_drops_what_trl_cuts() -> None:
    record = chat(("user", "word " * 30), ("assistant", "answer " * 30))
    assert outcome(record, "axolotl", window=40).fate == "dropped"
    assert "longer than 40" in outcome(record, "axolotl", window=40).reason
    assert outcome(record, "trl", window=40).fate == "trained"


def test_llamafactory_skips_what_does_not_alternate_and_cuts_in_proportion() -> None:
    odd = chat(("user", "a"), ("user", "b"), ("assistant", "c"))
    assert outcome(odd, "llamafactory").fate == "dropped"
    assert "alternate" in outcome(odd, "llamafactory").reason
    assert "answer" in outcome(chat(("user", "a"), ("assistant", "b"), ("user", "c")), "llamafactory").reason
    long = chat(("user", "word " * 60), ("assistant", "answer " * 60))
    made = outcome(long, "llamafactory", window=50)
    assert (made.fate, made.kept, made.ends) == ("trained", 50, False)
    assert 0 < made.trained < made.wanted


def test_llamafactory_reads_other_formats_and_tools() -> None:
    turns = [{"from": "system", "value": "s"}, {"from": "human", "value": "q"}, {"from": "gpt", "value": "a"}]
    assert aligned_turns({"conversations": turns}) == ([("user", "q"), ("assistant", "a")], "s")
    record = {"instruction": "i", "input": "x", "output": "o", "history": [["q", "a"]], "system": "s"}
    assert aligned_turns(record) == ([("user", "q"), ("assistant", "a"), ("user", "i\nx"), ("assistant", "o")], "s")
    call = {"id": "c", "type": "function", "function": {"name": "track", "arguments": {"id": 7}}}
    tools = {"messages": [
        {"role": "user", "content": "Where?"}, {"role": "assistant", "tool_calls": [call]}, {"role": "tool", "content": "here"},
        {"role": "assistant", "content": "There."},
    ]}  # fmt: skip
    turns_of_tools, system = aligned_turns(tools)
    assert [role for role, _ in turns_of_tools] == ["user", "function", "observation", "assistant"]
    assert system == "detailed thinking off"  # llamafactory 0.9.5 adds it to every row of `formatting: openai`
    row = llamafactory_row(tools, CHATML, parse_template(CHATML))
    assert 'Action: track\nAction Input: {"id": 7}' in row.text
    tools["messages"].pop()
    with pytest.raises(NotTrainable):  # a tool result at the end is never flushed, and the row ends on a call: even
        llamafactory_row({"messages": [*tools["messages"], {"role": "user", "content": "?"}]}, CHATML, parse_template(CHATML))


@given(source=st.integers(0, 400), target=st.integers(0, 400), room=st.integers(1, 300))
def test_infer_seqlen_never_exceeds_the_room(source: int, target: int, room: int) -> None:
    kept_source, kept_target = infer_seqlen(source, target, room)
    assert 0 <= kept_source <= source
    assert 0 <= kept_target <= target
    assert kept_source + kept_target <= room
    if source + target <= room:
        assert (kept_source, kept_target) == (source, target)


def test_axolotl_reads_weights_only_where_the_key_is_named() -> None:
    record = chat(("user", "Hi"), ("assistant", "Hello you"))
    record["messages"][1]["weight"] = 0
    assert axolotl_row(record, CHATML).trained_count > 0


@pytest.mark.parametrize(
    ("record", "why"),
    [
        ({"instruction": "a", "output": "b"}, "takes messages"),
        ({"messages": ["x"]}, "no object"),
        ({"messages": [], "tools": "{"}, "tools is no valid JSON"),
    ],
)
def test_trl_stops_on(record: dict[str, Any], why: str) -> None:
    with pytest.raises(NotTrainable, match=why) as refusal:
        sft_row(record, CHATML)
    assert refusal.value.stops


def test_trl_assistant_only_needs_marks(byte_level_folder: Path) -> None:
    """https://github.com/huggingface/trl/issues/4201: stock templates mark nothing."""
    record = chat(("user", "Hi"), ("assistant", "Hello"))
    assert sft_row(record, CHATML, assistant_only=True).trained_count > 0
    for folder in (TokenizerFolder(byte_level_folder), INST):
        with pytest.raises(NotTrainable, match="marks none"):
            sft_row(record, folder, assistant_only=True)
    with pytest.raises(NotTrainable, match="conversations only"):
        sft_row({"text": "x"}, CHATML, assistant_only=True)


def test_pairs_and_their_window() -> None:
    record = {"prompt": "Q:", "chosen": " same beginning, then this", "rejected": " same beginning, then that"}
    pair = dpo_pair(record, CHATML)
    whole = pair.cut(10**6)
    assert whole.chosen != whole.rejected
    short = pair.cut(len(pair.prompt) + 3)
    assert short.chosen == short.rejected
    assert pair.cut(1).chosen == []
    assert extract_prompt({"chosen": "Q: yes", "rejected": "Q: no"})["prompt"] == "Q:"
    with pytest.raises(NotTrainable):
        extract_prompt({"chosen": "a", "rejected": ["b"]})
    made = outcome(record, "trl", window=1)
    assert made.fate == "dropped"
    assert outcome(record, "trl").fate == "trained"


def test_pair_verdict_counts_both_sides() -> None:
    made = pair_verdict(recipe_for("trl", window=10), prompt=6, chosen=8, rejected=3, exact=True)
    assert (made.tokens, made.wanted, made.kept, made.trained, made.ends) == (14, 11, 10, 7, False)


def test_counting_agrees_with_the_rows_it_stands_for() -> None:
    """On plain text pairs an estimate with the row's own counter is the row itself, the end token aside."""
    record = {"prompt": "Where is my parcel?\n", "completion": "On its way to you."}
    made = outcome(record, "trl")
    counted_row = outcomes_by_count([view(record, detect(record))], recipe_for("trl"), counter_for(FIXTURES / "chatml"))[0]
    assert (counted_row.tokens, counted_row.wanted) == (made.tokens - 1, made.wanted - 1)
    assert not counted_row.exact


def test_openai_cuts_the_end_and_trains_on_nothing() -> None:
    record = chat(("user", "word " * 100), ("assistant", "the answer"))
    made = counted(record, "openai", window=60)
    assert (made.fate, made.kept, made.trained, made.ends) == ("untrained", 60, 0, False)
    assert counted(record, "openai").fate == "trained"
    assert counted(record, "openai").exact
    record["messages"][1]["weight"] = 0
    assert counted(record, "openai").reason == "no token is trained"


def test_counted_pairs_know_their_sides() -> None:
    record = {
        "input": {"messages": [{"role": "user", "content": "word " * 50}]},
        "preferred_output": [{"role": "assistant", "content": "yes"}],
        "non_preferred_output": [{"role": "assistant", "content": "no " * 20}],
    }
    made = counted(record, "openai")
    assert made.wanted == counted(record, "openai").trained
    prompt = counter_for("gpt-4o").count(["user", "word " * 50]).sum() + 3
    assert made.tokens == prompt + 3 + counter_for("gpt-4o").count(["assistant", "no " * 20]).sum()


@given(length=st.integers(0, 50), window=st.integers(1, 50), target=st.sampled_from(sorted(RECIPES)))
def test_windows(length: int, window: int, target: str) -> None:
    part = window_of(length, recipe_for(target, window=window))
    kept = part.stop - part.start
    assert kept == length if length <= window else kept in (0, window)


def test_keep_end_and_refusal() -> None:
    recipe = replace(recipe_for("trl", window=5), overlong="keep-end")
    assert window_of(8, recipe) == slice(3, 8)
    record = {"prompt": "a b c d e f g", "completion": " h"}
    made = RowMaker(recipe, CHATML).outcome(record, view(record, detect(record)))
    assert (made.fate, made.ends) == ("trained", True)
    refusing = replace(recipe, overlong="refuse")
    assert RowMaker(refusing, CHATML).outcome(record, view(record, detect(record))).fate == "stops"


def test_ledger() -> None:
    records = [
        {"prompt": "Q", "completion": " a"}, {"prompt": "p " * 40, "completion": " b"}, {"prompt": "Q", "completion": " a" * 40},
        {"instruction": "x", "output": "y"},
    ]  # fmt: skip
    maker = RowMaker(recipe_for("trl", window=32), CHATML)
    made = [maker.outcome(record, view(record, detect(record))) for record in records]
    ledger = survivors("trl", made)
    assert (ledger.rows, ledger.trained, ledger.left_out, ledger.answers_cut, ledger.unended) == (4, 2, 2, 1, 1)
    assert dict(ledger.dropped) == {"the window cuts off every trained token": 1}
    assert ledger.stopping.total() == 1
    assert ledger.tokens_kept == sum(item.kept for item in made if item.fate == "trained")
    assert ledger.steps_per_epoch(8) == 1
    assert ledger.steps_per_epoch(1) == 2
    assert ledger.exact
    assert survivors("openai", [counted({"prompt": "a", "completion": "b"}, "openai")]).estimated == 1


def test_unknown_target_has_no_recipe() -> None:
    with pytest.raises(TunelintError, match="axolotl"):
        recipe_for("nobody")

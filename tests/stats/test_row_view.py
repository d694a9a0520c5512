"""`tunelint tokens`: one row with what is trained and what is cut marked, in the terminal and as a page."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

FIXTURES = Path(__file__).parents[1] / "tokens/fixtures"
CHAT = {
    "messages": [
        {"role": "user", "content": "Where is my order?"},
        {"role": "assistant", "content": "On its way."},
        {"role": "user", "content": "When will it come?"},
        {"role": "assistant", "content": "It will come on Monday, early."},
    ]
}


@pytest.fixture
def shown(tunelint):
    def run(record: dict, *arguments) -> str:
        Path("train.jsonl").write_text('{"text": "first"}\n' + json.dumps(record) + "\n", encoding="utf-8")
        ran = tunelint("tokens", "train.jsonl", "--row", "2", *arguments)
        assert ran.code == 0, ran.err
        return ran.out

    return run


def test_rendered_text_is_marked_to_the_token(shown) -> None:
    out = shown(CHAT, "--target", "axolotl", "--tokenizer", FIXTURES / "chatml")
    assert "train.jsonl:2  row 2, openai-chat, for axolotl (window 512)" in out
    assert "<|im_start|>assistant\n⟦On its way.<|im_end|>⟧\n<|im_start|>user\nWhen will it come?<|im_end|>" in out
    assert "⟦It will come on Monday, early.<|im_end|>⟧" in out
    assert out.count("⟦") == 2 + 1  # and the legend


def test_trl_trains_all_and_cuts_the_end(shown) -> None:
    out = shown(CHAT, "--target", "trl", "--max-tokens", "30", "--tokenizer", FIXTURES / "chatml")
    text = out.split("\n\n", 1)[1]
    whole = "".join(f"<|im_start|>{m['role']}\n{m['content']}<|im_end|>\n" for m in CHAT["messages"])
    assert re.sub("[⟦⟧⟪⟫]", "", text).rstrip("\n") == whole.rstrip("\n")
    from tunelint.tokens.huggingface import TokenizerFolder

    folder = TokenizerFolder(FIXTURES / "chatml")
    end = folder.encode(whole).offsets[29][1]
    assert text.startswith("⟦" + whole[:end] + "⟧⟪⟦")
    assert f"{len(folder.encode(whole))} tokens (chatml), 30 kept, 30 trained" in out
    assert "the model does not see the answer end" in out


def test_without_a_folder_turns_are_counted_as_openai_counts_them(shown) -> None:
    out = shown(CHAT, "--target", "openai")
    assert "-- user, 9 tokens" not in out
    assert "user, 9 tokens\nWhere is my order?\n" in out  # 3 + 1 + 5
    assert "assistant, 8 tokens\n⟦On its way.⟧" in out
    assert "⟪" not in out.split("\n\n", 1)[1]


def test_a_cut_inside_a_counted_answer_falls_between_its_tokens(shown) -> None:
    out = shown(CHAT, "--target", "openai", "--max-tokens", "34")
    # 9 + 8 + 9 tokens before the last turn, 4 around it, 4 of its 8 tokens are left.
    assert "⟦It will come on⟧⟪⟦ Monday, early.⟧⟫" in out
    weight = {"messages": [*CHAT["messages"][:3], {**CHAT["messages"][3], "weight": 0}]}
    assert "It will come on⟪ Monday, early.⟫" in shown(weight, "--target", "openai", "--max-tokens", "34")


def test_a_pair_shows_both_answers_behind_the_prompt(shown) -> None:
    pair = {"prompt": "one two three", "chosen": "four five six", "rejected": "seven eight nine"}
    out = shown(pair, "--target", "trl", "--max-tokens", "15")
    # 8 tokens of prompt and 8 of each answer, 5 of them around it: the window takes the last word of both.
    assert "chosen assistant, 8 tokens\n⟦four five⟧⟪⟦ six⟧⟫" in out
    assert "rejected assistant, 8 tokens\n⟦seven eight⟧⟪⟦ nine⟧⟫" in out


def test_a_row_that_the_target_cannot_use_says_why(shown) -> None:
    out = shown({"instruction": "Say it.", "output": "It."}, "--target", "trl", "--tokenizer", FIXTURES / "chatml")
    assert "the run stops on it, because TRL takes messages" in out


def test_colours_end_with_each_line(shown) -> None:
    record = {"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "one\ntwo"}]}
    out = shown(record, "--target", "openai", "--color", "always")
    assert "\033[32mone\033[0m\n\033[32mtwo\033[0m" in out


def test_the_page_is_offline_and_escaped(shown) -> None:
    record = {"messages": [{"role": "user", "content": "<script>alert(1)</script>"}, {"role": "assistant", "content": "</pre><b>&"}]}
    shown(record, "--target", "openai", "--format", "html:row.html")
    page = Path("row.html").read_text(encoding="utf-8")
    assert "<script" not in page
    assert "<mark>&lt;/pre&gt;&lt;b&gt;&amp;</mark>" in page
    assert "default-src 'none'" in page
    assert not re.search(r'(src|href)="', page)


def test_controls_are_shown_and_secrets_are_masked(shown) -> None:
    key = "sk-proj-" + "aB3dE5fG7hJ9kL1mN3pQ5rS7tU9vW1xY3zA5bC7dE9fG1hJ3"
    out = shown({"messages": [{"role": "user", "content": f"\x1b[2J {key}"}, {"role": "assistant", "content": "no"}]}, "--target", "openai")
    assert "\x1b" not in out
    assert "\\u001b[2J" in out
    assert key not in out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["train.jsonl", "--row", "9"], "train.jsonl has no row 9: it holds 1 records"),
        (["none.jsonl", "--row", "1"], "no such file"),
        (["train.jsonl", "--row", "0"], "0 is not in the range"),
        (["train.jsonl", "--row", "1", "--target", "opanai"], "did you mean 'openai'"),
        ([".", "--row", "1"], "holds 2 data files"),
    ],
)
def test_wrong_arguments_are_exit_code_2(tunelint, arguments: list[str], said: str) -> None:
    for name in ("train.jsonl", "other.jsonl"):
        Path(name).write_text('{"text": "one"}\n', encoding="utf-8")
    ran = tunelint("tokens", *arguments)
    assert ran.code == 2
    assert said in ran.err
    assert "Traceback" not in ran.err


text = st.text(alphabet=st.sampled_from("aé日🙂 \n<|x"), max_size=12)


@pytest.mark.parametrize("tokenizer", [None, str(FIXTURES / "chatml"), str(FIXTURES / "inst")])
@pytest.mark.parametrize("target", ["openai", "trl", "axolotl"])
@given(st.lists(text, min_size=1, max_size=5), st.integers(1, 60))
@settings(max_examples=25, deadline=None)
def test_segments_are_the_whole_row_and_agree_with_the_outcome(tokenizer: str | None, target: str, said: list[str], window: int) -> None:
    from tunelint.records.record import Record
    from tunelint.stats.row import view_row
    from tunelint.tokens.context import token_context

    messages = [{"role": ("user", "assistant")[at % 2], "content": content} for at, content in enumerate(said)]
    record = Record(1, 1, 0, b"", {"messages": messages}, shape="openai-chat")
    context = token_context(tokenizer, target).with_window(window)
    view = view_row(record, context)
    if not view.segments:
        return
    assert sum(segment.tokens for segment in view.segments) == view.outcome.tokens
    kept = [segment for segment in view.segments if not segment.cut]
    assert sum(segment.tokens for segment in kept) == view.outcome.kept
    assert sum(segment.tokens for segment in kept if segment.trained) == view.outcome.trained
    shown = "".join(segment.text for segment in view.segments)
    if view.rendered:
        assert shown == context.maker.row(record.value, record.example).text
    else:
        assert shown == "".join(said)

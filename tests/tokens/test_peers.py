"""Our rows against what TRL, Axolotl and LLaMA-Factory themselves made of the same rows (`peers/make_fixtures.py`)."""

from __future__ import annotations

import gzip
import hashlib
import json
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest

from tunelint.records.shapes import detect
from tunelint.records.views import view
from tunelint.tokens.axolotl import AxolotlMask, axolotl_row
from tunelint.tokens.huggingface import TokenizerFolder
from tunelint.tokens.llamafactory import llamafactory_row, parse_template
from tunelint.tokens.masks import RowMaker
from tunelint.tokens.recipes import recipe_for
from tunelint.tokens.rows import NotTrainable, TokenRow
from tunelint.tokens.trl import dpo_pair

FIXTURES = Path(__file__).parent / "fixtures"
FOLDERS = ("chatml", "inst")
WINDOWS = (128, 512, 1024)


@cache
def fixture(name: str) -> Any:
    return json.loads(gzip.decompress((FIXTURES / f"{name}.json.gz").read_bytes()))


@cache
def folder(name: str) -> TokenizerFolder:
    return TokenizerFolder(FIXTURES / name)


def digest(ids: list[int]) -> str:
    return hashlib.sha256(json.dumps(ids).encode()).hexdigest()[:16]


def runs(mask: list[bool]) -> list[int]:
    lengths = [len(list(group)) for _, group in groupby(mask)]
    return lengths if not mask or not mask[0] else [0, *lengths]


def summary(row: TokenRow, length: int | None = None) -> list[Any]:
    return [len(row.ids[:length]), digest(row.ids[:length]), runs(row.trained[:length])]


@pytest.mark.parametrize("name", FOLDERS)
@pytest.mark.parametrize("kind", ["messages", "pairs-text", "pairs-chat", "text"])
@pytest.mark.parametrize("window", [None, *WINDOWS])
@pytest.mark.parametrize("assistant_only", [False, True])
def test_sft_rows_are_trls(name: str, kind: str, window: int | None, assistant_only: bool) -> None:
    """Ids, mask, cut and the choice of rows equal SFTTrainer's, bit for bit."""
    key = f"{name} {kind} assistant {window}" if assistant_only else f"{name} {kind} {window}"
    theirs = fixture("trl")["verdicts"].get(key)
    if theirs is None:
        assert assistant_only
        assert not (name == "chatml" and kind == "messages")
        return
    maker = RowMaker(recipe_for("trl", window=window or 10**9, assistant_only=assistant_only), folder(name))
    ours = {}
    for index, record in enumerate(fixture("rows")[kind]):
        example = view(record, detect(record))
        outcome = maker.outcome(record, example)
        assert outcome.fate in ("trained", "dropped"), outcome.reason
        if outcome.fate == "trained":
            row = maker.row(record, example)
            ours[str(index)] = summary(row, window)
            assert outcome.kept == ours[str(index)][0]
            assert outcome.trained == sum(ours[str(index)][2][1::2])
    assert ours == theirs


@pytest.mark.parametrize("name", FOLDERS)
@pytest.mark.parametrize("window", WINDOWS)
def test_preference_pairs_are_trls(name: str, window: int) -> None:
    """Prompt, chosen and rejected equal DPOTrainer's, and so does the choice of pairs."""
    ours = {}
    for index, record in enumerate(fixture("rows")["preference"]):
        pair = dpo_pair(record, folder(name))
        if len(pair.prompt) < window:
            ours[str(index)] = [digest(pair.prompt), digest(pair.chosen), digest(pair.rejected)]
    assert ours == fixture("trl")["verdicts"][f"{name} preference {window}"]


AXOLOTL = {
    "": AxolotlMask(), " eos-all": AxolotlMask(train_on_eos="all"), " eos-last": AxolotlMask(train_on_eos="last"),
    " users": AxolotlMask(roles_to_train=("user",)), " weights": AxolotlMask(training_key="weight"),
}  # fmt: skip


@pytest.mark.parametrize("name", FOLDERS)
@pytest.mark.parametrize("variant", AXOLOTL)
def test_rows_are_axolotls(name: str, variant: str) -> None:
    """Ids, mask and the rows that the length filter drops equal Axolotl's."""
    theirs = fixture("axolotl")["verdicts"][f"{name}{variant}"]
    for index, record in enumerate(fixture("rows")["messages"]):
        if variant == " weights":
            record = {"messages": [{**turn, "weight": place % 4 > 1} for place, turn in enumerate(record["messages"])]}
        row = axolotl_row(record, folder(name), AXOLOTL[variant])
        dropped = [window for window in WINDOWS if not 2 <= len(row.ids) <= window]
        assert [*summary(row), dropped] == theirs[str(index)], record


@pytest.mark.parametrize("kind", ["sharegpt", "openai", "alpaca"])
@pytest.mark.parametrize("window", [*WINDOWS, 10**6])
@pytest.mark.parametrize("mask_history", [False, True])
def test_rows_are_llamafactorys(kind: str, window: int, mask_history: bool) -> None:
    """Ids, mask, the proportional cut and the skipped rows equal LLaMA-Factory's."""
    theirs = fixture("llamafactory")["verdicts"][f"chatml {kind} {window} {mask_history}"]
    slots = parse_template(folder("chatml"))
    formatting = None if kind == "alpaca" else kind
    for index, record in enumerate(fixture("rows")["messages" if formatting else kind]):
        made: list[Any] | None
        try:
            made = summary(llamafactory_row(record, folder("chatml"), slots, window, mask_history=mask_history, formatting=formatting))
        except NotTrainable:
            made = None
        assert made == theirs[str(index)]


def test_llamafactory_cannot_read_a_template_without_a_system_slot() -> None:
    """LLaMA-Factory itself stops on this template ("A placeholder is required in the string formatter")."""
    assert "placeholder" in fixture("llamafactory")["verdicts"]["inst stops"]["error"]
    with pytest.raises(NotTrainable, match="no place for a system message"):
        parse_template(folder("inst"))


@pytest.mark.peers
@pytest.mark.parametrize("peer", ["trl", "axolotl", "llamafactory"])
def test_the_trainers_say_the_same_today(peer: str) -> None:
    """The trainer itself, in an environment of its own, makes of the rows what was frozen."""
    from peers.make_fixtures import RegistryUnreachable, ask  # the folder beside this file

    try:
        verdicts = ask(peer, fixture("rows"))
    except RegistryUnreachable as error:
        pytest.skip(f"the package registry cannot be reached: {error}")
    assert verdicts == fixture(peer)["verdicts"]

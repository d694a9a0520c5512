"""No record, however odd, makes a content check raise, and what they point at is there."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tunelint.checks.screen import Screened, has_images, has_tools
from tunelint.checks.texts import resolve
from tunelint.engine.features import FeaturePlan, Scanned, compute
from tunelint.engine.plan import check_name, check_options
from tunelint.engine.scan import load_check
from tunelint.records.chunks import Chunk
from tunelint.records.outline import is_blank
from tunelint.records.reader import records_of
from tunelint.records.record import Record, read_signs
from tunelint.rulebook import ActiveRule, load_rulebook, parse_cases, select_rules
from tunelint.similarity.columns import Ragged

FAMILIES = ("TOOL", "TEXT", "PII", "PREF", "IMG")
RULES = [active for active in select_rules(load_rulebook(), pack="strict") if active.rule.family in FAMILIES]
RECORD_RULES = [active for active in RULES if active.rule.scope == "record"]
FEATURES = sorted({name for active in RULES for name in getattr(load_check(active.rule.check), "features", ())})

TEXTS = st.one_of(
    st.text(max_size=60),
    st.sampled_from(
        ["", "<image>", "{{name}}", "```python\nx = (", "As an AI language model, I", "a@b.co", "data:image/png;base64,AAAA", "data:", "{\"a\": 1}",
         "\x00\x1b[31m", "\u200b\ufeff", "Ã©", "ha " * 90, "I'm sorry, but I can't", "see the attached file", "<p>a</p><p>b</p>", "+7 916 234-56-78",
         "sk-proj-Vq7Zt2Lw9XbR4mNc8Hs1Kd5Jf3Gp6Ty0AeUo", "\n\nHuman: a\n\nAssistant: b", "[{\"name\": \"f\"}]", "Ignore all previous instructions"]
    ),
)  # fmt: skip
SCALARS = st.one_of(st.none(), st.booleans(), st.integers(-5, 5), st.floats(allow_nan=False, allow_infinity=False), TEXTS)
KEYS = st.sampled_from(
    ["role", "content", "tool_calls", "tool_call_id", "function", "name", "arguments", "id", "type", "text", "image_url", "url", "from", "value",
     "function_call", "parameters", "properties", "required", "strict", "enum", "weight"]
)  # fmt: skip
JUNK = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4), max_leaves=12)
ROLES = st.sampled_from(["user", "assistant", "system", "tool", "function", "human", "gpt", "function_call", "observation", "x", None])
CALLS = st.lists(
    st.one_of(JUNK, st.fixed_dictionaries({"function": st.fixed_dictionaries({"name": TEXTS, "arguments": JUNK}), "id": SCALARS})), max_size=2
)
MESSAGES = st.lists(
    st.one_of(
        JUNK,
        st.fixed_dictionaries(
            {"role": ROLES, "content": st.one_of(TEXTS, JUNK)}, optional={"tool_calls": CALLS, "tool_call_id": SCALARS, "name": JUNK}
        ),
        st.fixed_dictionaries({"from": ROLES, "value": st.one_of(TEXTS, JUNK)}),
    ),
    max_size=5,
)
ROWS = st.fixed_dictionaries(
    {},
    optional={
        "messages": MESSAGES, "conversations": MESSAGES, "prompt": st.one_of(TEXTS, MESSAGES), "completion": TEXTS,
        "chosen": st.one_of(TEXTS, MESSAGES, JUNK),
        "rejected": st.one_of(TEXTS, MESSAGES, JUNK), "instruction": TEXTS, "input": JUNK, "output": TEXTS, "text": TEXTS, "label": SCALARS,
        "tools": st.one_of(JUNK, st.lists(JUNK, max_size=3)), "functions": JUNK, "images": JUNK, "image": JUNK, "videos": JUNK,
        "preferred_output": MESSAGES, "non_preferred_output": MESSAGES,
    },
)  # fmt: skip


def records(rows: list[dict[str, Any]]) -> list[Record]:
    """Read rows the way the scan does."""
    return read(b"\n".join(orjson.dumps(row) for row in rows))


def read(data: bytes) -> list[Record]:
    return [record for record in records_of(Chunk(data=data, first_line=1, first_offset=0)) if record.value is not None]


@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(row=ROWS)
def test_record_checks_answer_any_record(row: dict[str, Any]) -> None:
    for record in records([row]):
        for active in RECORD_RULES:
            check = load_check(check_name(active))
            for hit in check(record, check_options(active)):
                assert hit.message.endswith((".", "?")), hit.message
                _points_at_something(active, record, hit)


def _points_at_something(active: ActiveRule, record: Record, hit: Any) -> None:
    if hit.pointer is None:
        return
    if hit.span is not None:
        found = resolve(record.value, hit.pointer)
        assert isinstance(found, str), (active.rule.name, hit.pointer)
        assert 0 <= hit.span[0] <= hit.span[1] <= len(found), (active.rule.name, hit)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(rows=st.lists(ROWS, min_size=1, max_size=4))
def test_columns_answer_any_record(rows: list[dict[str, Any]]) -> None:
    read = records(rows)
    for column in compute(Scanned(read, FeaturePlan(tuple(FEATURES)))).values():
        assert len(column) == len(read)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(rows=st.lists(ROWS, min_size=1, max_size=4))
def test_columns_are_those_of_each_record_by_itself(rows: list[dict[str, Any]]) -> None:
    """What is asked once per kind of record is what is asked of every record that has none."""
    read = [record for row in rows for record in records([row, reworded(row)])]
    plan = FeaturePlan(("record", "copy", "system", "think", "seam", "facts", "pair-lengths", "verdict", "label", "image-paths", "groups"))
    together = compute(Scanned(read, plan))
    for record in read:
        record.kind = 0
    alone = compute(Scanned(read, plan))
    for name, column in together.items():
        other = alone[name]
        if isinstance(column, Ragged):
            assert isinstance(other, Ragged)
            assert (column.values.tolist(), column.offsets.tolist()) == (other.values.tolist(), other.offsets.tolist()), name
        else:
            assert np.array_equal(column, np.asarray(other)), name


@pytest.mark.parametrize("active", RULES, ids=lambda active: active.rule.code)
def test_every_rule_cites_its_evidence(active: ActiveRule) -> None:
    assert active.rule.evidence
    assert active.rule.help
    assert active.rule.why


SCREENED = [
    (check, check_options(active))
    for active in select_rules(load_rulebook(), pack="strict")
    if active.rule.scope == "record" and isinstance(check := load_check(check_name(active)), Screened)
]
BY_OUTLINE = [(check, options) for check, options in SCREENED if check.need.by_outline]
BY_SIGNS = [(check, options) for check, options in SCREENED if check.need.signs and check.need.fact is None]


def reworded(value: Any, key: str = "") -> Any:
    """The same record with other words in its texts."""
    if isinstance(value, dict):
        return {key: reworded(item, key) for key, item in value.items()}
    if isinstance(value, list):
        return [reworded(item) for item in value]
    return "other words" if isinstance(value, str) and key not in ("role", "from", "type") and not is_blank(value) else value


@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(row=ROWS)
def test_an_outline_decides_what_it_is_said_to(row: dict[str, Any]) -> None:
    for record, twin in zip(records([row]), records([reworded(row)]), strict=True):
        if record.outline is None:
            continue
        twin.shape = record.shape
        assert twin.outline == record.outline
        for check, options in BY_OUTLINE:
            assert bool(list(check(record, options))) == bool(list(check(twin, options))), check
        assert (has_tools(record), has_images(record)) == (has_tools(twin), has_images(twin))


@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(row=ROWS)
def test_what_a_check_finds_has_its_signs(row: dict[str, Any]) -> None:
    for record in records([row]):
        for check, options in BY_SIGNS:
            assert list(check(record, options)) == list(check.check(record, options)), check


ASCII = {ord(mark): 0xE000 + ord(mark) for mark in "<>&'@/`{}[]=|-+0aeiou"}


def needlessly_escaped(row: dict[str, Any]) -> bytes:
    """The row as JSON in which ASCII characters of its texts are escaped, as Go's encoder does with <, > and &."""

    def marked(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: marked(item) for key, item in value.items()}
        return [marked(item) for item in value] if isinstance(value, list) else value.translate(ASCII) if isinstance(value, str) else value

    spelled = orjson.dumps(marked(row)).decode()
    return re.sub("[\ue000-\ue07f]", lambda match: f"\\u{ord(match[0]) - 0xE000:04x}", spelled).encode()


@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(row=ROWS)
def test_spelling_changes_no_finding(row: dict[str, Any]) -> None:
    for record, twin in zip(records([row]), read(needlessly_escaped(row)), strict=True):
        assert twin.value == record.value
        for active in RECORD_RULES:
            if active.rule.check == "pattern":
                continue  # of a pattern for lines the line itself is the text
            check, options = load_check(check_name(active)), check_options(active)
            assert list(check(twin, options)) == list(check(record, options)), active.rule.name


@pytest.mark.parametrize("active", RECORD_RULES, ids=lambda active: active.rule.code)
def test_the_cases_of_the_pages_have_the_signs(active: ActiveRule) -> None:
    for case in parse_cases(active.rule.text, active.rule.source):
        for content in case.files.values():
            found = [record for record in records_of(Chunk(data=content, first_line=1, first_offset=0)) if record.value is not None]
            singly = [record.signs for record in found]
            read_signs(found)
            assert [record.signs for record in found] == singly
            for record in found:
                for check, options in BY_SIGNS:
                    assert list(check(record, options)) == list(check.check(record, options)), check

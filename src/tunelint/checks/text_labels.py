"""TEXT015: answers in which the other side speaks, or that name their own speaker."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from tunelint.checks.hit import Hit
from tunelint.checks.screen import only_where
from tunelint.checks.text_code import prose
from tunelint.checks.texts import place, taught
from tunelint.records.example import Turn
from tunelint.records.record import Record
from tunelint.records.signs import ESCAPE, OTHER_SCRIPT, SPEAKER

_ASKER, _ANSWERER = "Human|User|USER|Пользователь|用户|用戶|ユーザー", "Assistant|ASSISTANT|Ассистент|助手|アシスタント"
_LABEL = re.compile(rf"(?:\A|(?<=\n))[ \t]*(?:#{{2,3}} ?)?(?P<who>{_ASKER}|{_ANSWERER}) ?[:：](?!//)")
_FOREIGN = tuple(word.encode() for word in _ANSWERER.split("|") if not word.isascii())
_ESCAPED = tuple(word.encode("ascii", "backslashreplace") for word in _ANSWERER.split("|") if not word.isascii())
_ANSWERERS = frozenset(_ANSWERER.split("|"))
# Prompts whose answer may well be a dialogue with labelled speakers.
_DIALOGUE = re.compile(
    r"dialog|conversation|\bchat|transcript|script|role.?play|interview|scene|\bplay\b|few-?shot|prompt|example|template|format|simulat|log\b|"
    r"диалог|разговор|беседа|чат|пример|对话|對話|聊天|剧本|示例|会話|対話|チャット|대화|gespräch|conversación|diálogo",
    re.IGNORECASE,
)


@only_where(signs=ESCAPE | OTHER_SCRIPT | SPEAKER)
def role_label_in_answer(record: Record, options: dict[str, Any]) -> Iterable[Hit]:
    """TEXT015: "Human:" or "Assistant:" at the start of a line of an answer."""
    raw = record.spelled
    # Without one of these words nothing is found, whoever asks.
    if b"Human" in raw or b"Assistant" in raw or b"ASSISTANT" in raw or _may_be_foreign(raw):
        return _labels(record) if record.shape != "text" else ()
    return ()


def _may_be_foreign(raw: bytes) -> bool:
    if raw.isascii():
        return b"\\u" in raw and any(word in raw for word in _ESCAPED)
    return any(word in raw for word in _FOREIGN)


def _labels(record: Record) -> Iterator[Hit]:
    labelled = [turn for turn in taught(record) if _LABEL.search(turn.content)]
    if not labelled:
        return
    asked = "\n".join(turn.content for turn in record.example.turns if turn.role in ("user", "system", "developer"))
    if _DIALOGUE.search(asked) or _LABEL.search(asked):
        return
    hit = next((hit for hit in (_of(record, turn) for turn in labelled) if hit is not None), None)
    if hit is not None:
        yield hit  # one a record: what split it wrongly did so more than once


def _of(record: Record, turn: Turn) -> Hit | None:
    found = list(_LABEL.finditer(prose(turn.content)))
    who = {match["who"] for match in found}
    opens = bool(found) and not turn.content[: found[0].start()].strip()
    # "User: root" may be a line of an account's data; a person is called "Human" in such files alone.
    if not found or not ("Human" in who or (who & _ANSWERERS and (opens or who - _ANSWERERS))):
        return None
    label = found[0]["who"]
    pointer, span = place(record, turn, found[0].span("who"))
    what = "begins with" if opens else "has a line that begins with"
    return Hit(f"Answer {what} '{label}:', the name of a speaker.", pointer=pointer, span=span)

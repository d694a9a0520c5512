"""Control tokens of chat formats that stand in the text of a conversation."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from tunelint.checks.hit import Hit
from tunelint.checks.screen import only_where
from tunelint.records.example import Turn
from tunelint.records.record import Record
from tunelint.records.signs import BRACKET, ESCAPE, TAG

# ChatML and OpenAI's harmony, Llama 3, Llama 2 and Mistral, Gemma, DeepSeek, Phi, Command R, GLM, Falcon.
_NAMES = (
    "im_start|im_end|im_sep|endoftext|endofprompt|startoftext|fim_prefix|fim_middle|fim_suffix|fim_pad|start|end|message|channel"
    "|constrain|call|return|begin_of_text|end_of_text|start_header_id|end_header_id|eot_id|eom_id|python_tag|header_start"
    "|header_end|eot|user|assistant|system|tool|observation|endofuser|endofassistant|endofsystem|pad|bos|eos"
    "|START_OF_TURN_TOKEN|END_OF_TURN_TOKEN|USER_TOKEN|CHATBOT_TOKEN|SYSTEM_TOKEN"
)
CONTROL = re.compile(
    rf"<\|(?:{_NAMES})\|>|<｜(?:User|Assistant|begin▁of▁sentence|end▁of▁sentence)｜>|</?(?:start|end)_of_turn>"
    r"|\[/?(?:INST|AVAILABLE_TOOLS|TOOL_CALLS|TOOL_RESULTS|SYSTEM_PROMPT)\]|<</?SYS>>|\[gMASK\]|^<s>(?!.*</s>)|(?<!<s>)</s>\s*\Z",
    re.DOTALL,
)
_HTML_STRIKE = re.compile(r"<s>.*</s>", re.DOTALL)
_RAW = re.compile(rb"<\||<\xef\xbd\x9c|\\u003c|\\uff5c|_of_turn>|\[/?[A-Z_]{4,16}\]|SYS>>|\[gMASK\]|</?s>")
_RENDERED = frozenset({"text"})


@only_where(signs=BRACKET | ESCAPE | TAG)
def special_token_in_content(record: Record, options: dict[str, Any]) -> Iterable[Hit]:
    """TOK008: a text holds a control token, which a tokenizer reads as a command and not as text."""
    if record.shape in _RENDERED or not _RAW.search(record.spelled):
        return ()
    return _special_tokens(record)


def _special_tokens(record: Record) -> Iterator[Hit]:
    example = record.example
    turns = (*example.turns, *example.rejected)
    if not any(isinstance(turn.raw, dict) for turn in turns) and turns and CONTROL.search(turns[0].content):
        return  # plain fields whose prompt is already in a chat format: that is the format of the file
    for turn in turns:
        for match in CONTROL.finditer(turn.content):
            if match.group().strip() in ("<s>", "</s>") and _HTML_STRIKE.search(turn.content):
                continue
            yield Hit(_message(turn, match.group().strip()), pointer=_pointer(turn), span=_span(turn, match))
            break


def _message(turn: Turn, token: str) -> str:
    return f"The {turn.role or 'unnamed'} turn holds the control token '{token}': a tokenizer reads it as one, not as text."


def _pointer(turn: Turn) -> str:
    return turn.content_pointer


def _span(turn: Turn, match: re.Match[str]) -> tuple[int, int] | None:
    """The place in the string, where the content is one string (parts are joined in a turn's text)."""
    content = turn.raw.get("content", turn.raw.get("value")) if isinstance(turn.raw, dict) else turn.raw
    return match.span() if content == turn.content else None

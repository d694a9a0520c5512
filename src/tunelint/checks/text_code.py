"""Code inside a text: where it stands, and whether it is whole."""

from __future__ import annotations

import ast
import json
import re
import textwrap
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tunelint.checks.hit import Hit
from tunelint.checks.screen import only_where
from tunelint.checks.texts import place, taught
from tunelint.records.record import Record
from tunelint.records.signs import FENCE

_FENCE = re.compile(r"^[ \t>]*(?:[-*+] |\d+\. )?[ \t]*(`{3,}|~{3,})[ \t]*([^\n`]*)$", re.MULTILINE)
_INLINE = re.compile(r"(`{1,2})(?!`)[^`\n]+\1")
_LONGEST = 30_000


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block: text[start:end] is its code, `language` the word behind the fence, `closed` False where it never ends."""

    language: str
    start: int
    end: int
    closed: bool


def blocks(text: str) -> list[Block]:
    """Return the fenced code blocks of a text (CommonMark section 4.5, list markers and quotes in front allowed)."""
    found: list[Block] = []
    opened: re.Match[str] | None = None
    for match in _FENCE.finditer(text):
        if opened is None:
            opened = match
        elif match.group(1)[0] == opened.group(1)[0] and len(match.group(1)) >= len(opened.group(1)) and not match.group(2).strip():
            found.append(Block(_language(opened), opened.end() + 1, match.start(), True))
            opened = None
    if opened is not None:
        found.append(Block(_language(opened), min(opened.end() + 1, len(text)), len(text), False))
    return found


def _language(fence: re.Match[str]) -> str:
    words = fence.group(2).split()
    return words[0].lower().strip("{}.") if words else ""


def prose(text: str) -> str:
    """Return the text with its code blanked out, every other character at its place."""
    if "`" not in text and "~~~" not in text:
        return text
    pieces, position = [], 0
    for block in blocks(text):
        pieces += [text[position : block.start], " " * (block.end - block.start)]
        position = block.end
    joined = "".join([*pieces, text[position:]])
    return _INLINE.sub(lambda match: " " * len(match.group()), joined)


@only_where(signs=FENCE)
def broken_block(record: Record, options: dict[str, Any]) -> Iterator[Hit]:
    """TEXT012: a code block in an answer that never ends, or whose JSON or Python cannot be parsed."""
    before = ""
    for turn in taught(record):
        text, last = turn.content, before
        before = text
        if "```" not in text or len(text) > _LONGEST:
            continue
        found = blocks(text)
        if found and not found[-1].closed and not found[0].language and last.rstrip().endswith("```"):
            continue  # the user asked to go on with a block that was cut: it is closed here
        for block in found:
            problem = "is never closed" if not block.closed else _problem(block.language, text[block.start : block.end], options["languages"])
            if problem:
                pointer, span = place(record, turn, (max(0, block.start - 1), min(block.end, block.start + 60)))
                name = f"{block.language} block" if block.language.isalnum() else "code block"
                yield Hit(f"{name[0].upper()}{name[1:]} {problem}.", pointer=pointer, span=span)


def _problem(language: str, code: str, wanted: list[str]) -> str:
    if language in ("json", "jsonl") and "json" in wanted:
        return _json_problem(code)
    if language in ("python", "python3", "py") and "python" in wanted:
        return _python_problem(code)
    return ""


# What people write into an example of JSON that is not meant to be complete.
_SKETCH = re.compile(r"\.\.\.|…|//|/\*|#|<[^<>\n]{1,60}>|\{\{|\$\{|\bundefined\b|ObjectId\(|ISODate\(|省略")


def _json_problem(code: str) -> str:
    text = code.strip()
    if not text or _SKETCH.search(text):
        return ""
    try:
        json.loads(text)
        return ""
    except RecursionError:
        return ""
    except ValueError as error:
        first = error
    lines = [line for line in text.splitlines() if line.strip()]
    if len(lines) > 1 and all(_is_json(line) for line in lines):
        return ""  # JSONL
    if _follow_one_another(text) or text[0] not in "[{":
        return ""
    reason = getattr(first, "msg", "it is no JSON")
    line = getattr(first, "lineno", 1)
    return f"holds no JSON: {reason[0].lower()}{reason[1:]} in its line {line}"


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _follow_one_another(text: str) -> bool:
    """Tell whether a text is several JSON values one after the other."""
    decoder, position = json.JSONDecoder(), 0
    try:
        while position < len(text):
            _, position = decoder.raw_decode(text, position)
            while position < len(text) and text[position] in " \t\r\n,":
                position += 1
    except (ValueError, RecursionError):
        return False
    return True


# A session, a notebook, a sketch, Python 2: no fault of the block.
_NO_MODULE = re.compile(
    r"^\s*(?:>>>|In \[|[!%]\w|\$ |print\s+[\"'\w]|exec\s+[\"']|raise \w+, |except \w[\w.]*, \w)|\.\.\.|…|<[a-z_ ]+>|\{\{|\{%|\bprint >>|`",
    re.MULTILINE | re.IGNORECASE,
)


def _python_problem(code: str) -> str:
    text = textwrap.dedent(code).strip("\n")
    if not text.strip() or _NO_MODULE.search(text):
        return ""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ast.parse(text)
        return ""
    except SyntaxError as error:
        # A method without its class, a branch without its if: pieces of a program that is shown in part.
        if "indent" in (error.msg or "") or error.lineno == 1:
            return ""
        return f"holds no Python: {error.msg} in its line {error.lineno}"
    except (ValueError, RecursionError, MemoryError):
        return ""

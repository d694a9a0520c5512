"""Where things stand in the text of a JSON value: a walk over its tokens with their pointers.

Slow next to a parser, so it runs only over lines that have something to report. It expects text that the standard
library's `json` accepts.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from json.decoder import JSONDecoder, scanstring  # type: ignore[attr-defined]
from typing import Any

_skip = JSONDecoder(parse_int=str, parse_float=str, parse_constant=str, strict=False).scan_once  # type: ignore[attr-defined]
_SPACE = re.compile(r"[ \t\r\n]*")
_SCALAR = re.compile(r"-?Infinity|NaN|true|false|null|-?[0-9][0-9.eE+-]*")


@dataclass(frozen=True, slots=True)
class Token:
    """A key or a value: `kind` is key, string, number, literal, object or array; text[start:end] is its spelling."""

    kind: str
    pointer: str
    start: int
    end: int
    value: Any = None
    duplicate: bool = False


def escape(step: str) -> str:
    """Return one reference token of an RFC 6901 pointer."""
    return step.replace("~", "~0").replace("/", "~1")


def resolve(value: Any, pointer: str) -> Any:
    """Return what an RFC 6901 pointer names in a parsed value, None where there is nothing."""
    for step in pointer.split("/")[1:]:
        step = step.replace("~1", "/").replace("~0", "~")
        if isinstance(value, dict):
            value = value.get(step)
        elif isinstance(value, list) and step.isdigit() and int(step) < len(value):
            value = value[int(step)]
        else:
            return None
    return value


def walk(text: str) -> Iterator[Token]:
    """Yield the tokens of the JSON value in `text` in order; an object's or array's own token comes at its start."""
    position = _SPACE.match(text, 0).end()  # type: ignore[union-attr]
    # One frame per open container: [pointer, keys seen or None for an array, next index]
    stack: list[list[Any]] = []
    pointer = ""
    while True:
        char = text[position]
        if char in "{[":
            yield Token("object" if char == "{" else "array", pointer, position, position + 1)
            stack.append([pointer, set() if char == "{" else None, 0])
            position = _SPACE.match(text, position + 1).end()  # type: ignore[union-attr]
            if text[position] in "}]":
                stack.pop()
                position += 1
            else:
                position, pointer = yield from _enter(text, position, stack[-1])
                continue
        elif char == '"':
            value, end = scanstring(text, position + 1, False)
            yield Token("string", pointer, position, end, value)
            position = end
        else:
            match = _SCALAR.match(text, position)
            if match is None:
                return
            kind = "literal" if match.group() in ("true", "false", "null") else "number"
            yield Token(kind, pointer, position, match.end())
            position = match.end()
        # A value has ended: close what closes, then go on to the next member.
        while True:
            if not stack:
                return
            position = _SPACE.match(text, position).end()  # type: ignore[union-attr]
            if text[position] == ",":
                position = _SPACE.match(text, position + 1).end()  # type: ignore[union-attr]
                position, pointer = yield from _enter(text, position, stack[-1])
                break
            stack.pop()
            position += 1


def _enter(text: str, position: int, frame: list[Any]) -> Generator[Token, None, tuple[int, str]]:
    """Step to the next member of the open container; the generator's return value is (position, pointer) of its value."""
    base, keys, index = frame
    if keys is None:
        frame[2] += 1
        return position, f"{base}/{index}"
    key, end = scanstring(text, position + 1, False)
    pointer = f"{base}/{escape(key)}"
    yield Token("key", pointer, position, end, key, duplicate=key in keys)
    keys.add(key)
    position = _SPACE.match(text, end).end()  # type: ignore[union-attr]
    position = _SPACE.match(text, position + 1).end()  # type: ignore[union-attr]
    return position, pointer


def find(text: str, pointer: str) -> tuple[int, int] | None:
    """Return start and end of the value that `pointer` names (the last one, where keys repeat), None if there is none.

    Where the value is missing, its closest present parent is returned: that is where a missing key should stand.
    """
    try:
        (_, start, end), _ = _closest(text, _SPACE.match(text, 0).end(), pointer.split("/")[1:], 0)  # type: ignore[union-attr]
    except (RecursionError, StopIteration):  # nested too deep for the parser, or nothing that it accepts
        return _find_by_walk(text, pointer)
    return start, end


def _closest(text: str, position: int, steps: Sequence[str], depth: int) -> tuple[tuple[int, int, int], int]:
    """Return the place of the value that `steps` lead to from the one at `position`, or of the last one on the way to it, as
    (depth, start, end), and where the value at `position` ends.

    What lies beside the way is left to the parser: a walk would look at every token of a long record.
    """
    char = text[position]
    if char not in "{[":
        end: int = _skip(text, position)[1]
        return (depth, position, end), end
    best = (depth, position, position + 1)
    if depth == len(steps):
        return best, _skip(text, position)[1]
    index = 0
    position = _SPACE.match(text, position + 1).end()  # type: ignore[union-attr]
    while text[position] not in "}]":
        step = str(index)
        if char == "{":
            key, position = scanstring(text, position + 1, False)
            step = escape(key)
            position = _SPACE.match(text, position).end()  # type: ignore[union-attr]
            position = _SPACE.match(text, position + 1).end()  # type: ignore[union-attr]
        if step == steps[depth]:
            found, position = _closest(text, position, steps, depth + 1)
            best = found if found[0] >= best[0] else best
        else:
            position = _skip(text, position)[1]
        index += 1
        position = _SPACE.match(text, position).end()  # type: ignore[union-attr]
        if text[position] == ",":
            position = _SPACE.match(text, position + 1).end()  # type: ignore[union-attr]
    return best, position + 1


def _find_by_walk(text: str, pointer: str) -> tuple[int, int] | None:
    best: tuple[int, int] | None = None
    best_length = -1
    for token in walk(text):
        if token.kind == "key":
            continue
        is_on_the_way = pointer == token.pointer or pointer.startswith(token.pointer + "/")
        if is_on_the_way and len(token.pointer) >= best_length:
            best, best_length = (token.start, token.end), len(token.pointer)
    return best

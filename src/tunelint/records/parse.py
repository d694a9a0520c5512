"""One line of bytes to one value, with every fault of the line named.

The fast path is orjson (strict, UTF-8, no NaN, no lone surrogates). Whatever it refuses goes to the standard library's
parser, which accepts more and so can tell *what* was wrong; positions come from our own walk over the text.
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from typing import Any

import orjson

from tunelint.records import outline
from tunelint.records.locate import walk
from tunelint.records.outline import Outline
from tunelint.records.record import Fault

# A key is a string followed by a colon. `":` counts keys (and strings that hold one, which only costs time);
# white space before the colon would hide a key from that count, so such lines take the slow path.
_SPACED_COLON = re.compile(rb'"[ \t\r\n]+:')
_LINE_SEPARATORS = re.compile("[\u2028\u2029\u0085]")
_SEPARATORS = tuple(char.encode("utf-8") for char in "\u2028\u2029\u0085")
_SURROGATE_ESCAPE = re.compile(rb"\\u[dD][89a-fA-F]")


@dataclass(slots=True)
class Parsed:
    """What a line holds. `ok` is False where no JSON value could be read at all."""

    value: Any
    ok: bool
    faults: tuple[Fault, ...] = ()
    has_floats: bool = False
    outline: Outline | None = None


def parse_line(raw: bytes) -> Parsed:
    """Parse the bytes of one record (no line feed). Never raises."""
    try:
        value = orjson.loads(raw)
        walked = outline.walk(value)
    except (orjson.JSONDecodeError, RecursionError):
        return _parse_slowly(raw)
    if walked.big or raw.count(b'":') != walked.keys or _SPACED_COLON.search(raw):
        return _parse_slowly(raw)
    faults: tuple[Fault, ...] = ()
    if type(value) is not dict:
        faults = (_not_an_object(value),)
    if not raw.isascii() and any(mark in raw for mark in _SEPARATORS):
        faults += _line_separators(raw.decode("utf-8"))
    return Parsed(value, True, faults, walked.floats, walked.outline)


def _parse_slowly(raw: bytes) -> Parsed:
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        return Parsed(None, False, (_not_utf8(raw, error),))
    duplicates = non_finite = False

    def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
        nonlocal duplicates
        result = dict(items)
        duplicates = duplicates or len(result) != len(items)
        return result

    def constant(name: str) -> float:
        nonlocal non_finite
        non_finite = True
        return float(name.replace("Infinity", "inf"))

    def number(digits: str) -> float:
        nonlocal non_finite
        result = float(digits)
        non_finite = non_finite or math.isinf(result)
        return result

    try:
        value = json.loads(text, object_pairs_hook=pairs, parse_constant=constant, parse_float=number)
        outline.walk(value)
    except json.JSONDecodeError as error:
        return Parsed(None, False, (_invalid(text, error),))
    except RecursionError:
        message = f"Line is nested too deeply to be read (more than {outline.MOST_LEVELS} levels)."
        return Parsed(None, False, (Fault("invalid-json", message, 1, 0),))
    except ValueError as error:  # an integer of more digits than Python converts
        return Parsed(None, False, (Fault("invalid-json", f"Line is not readable: {error}.", 1, 0),))
    faults: list[Fault] = []
    if type(value) is not dict:
        faults.append(_not_an_object(value))
    if duplicates or non_finite or _SURROGATE_ESCAPE.search(raw):
        faults += _inner_faults(text)
    faults += _line_separators(text)
    return Parsed(value, True, tuple(faults), True)  # surrogates and big integers are not for orjson


def _inner_faults(text: str) -> list[Fault]:
    """Locate what a lenient parser lets through: the first of each kind, as each is one thing to mend."""
    found: dict[str, Fault] = {}
    for token in walk(text):
        column, byte = token.start + 1, len(text[: token.start].encode("utf-8", "surrogatepass"))
        if token.kind == "key" and token.duplicate:
            message = f"Key {json.dumps(token.value, ensure_ascii=False)} stands twice in one object; readers keep only the last."
            found.setdefault("duplicate-key", Fault("duplicate-key", message, column, byte, token.pointer))
        elif token.kind == "number" and _non_finite(text[token.start : token.end]):
            message = f"{text[token.start : token.end]} is not a JSON number; strict readers refuse the line."
            found.setdefault("non-finite-number", Fault("non-finite-number", message, column, byte, token.pointer))
        if token.kind in ("key", "string") and isinstance(token.value, str):
            for char in token.value:
                if "\ud800" <= char <= "\udfff":
                    message = f"String holds half a character (\\u{ord(char):04x} without its partner); it cannot be encoded as UTF-8."
                    found.setdefault("lone-surrogate", Fault("lone-surrogate", message, column, byte, token.pointer))
                    break
    return list(found.values())


def _non_finite(text: str) -> bool:
    return text in ("NaN", "Infinity", "-Infinity") or math.isinf(float(text)) if text else False


def _not_an_object(value: Any) -> Fault:
    names = {list: "a list", str: "a string", bool: "true or false", type(None): "null", int: "a number", float: "a number"}
    return Fault("not-an-object", f"Line is {names.get(type(value), 'no object')}, not a JSON object.", 1, 0)


def _line_separators(text: str) -> tuple[Fault, ...]:
    match = _LINE_SEPARATORS.search(text)
    if match is None:
        return ()
    count = len(_LINE_SEPARATORS.findall(text))
    char = f"U+{ord(match.group()):04X}"
    more = f" ({count} such characters)" if count > 1 else ""
    escaped = _LINE_SEPARATORS.sub(lambda m: f"\\u{ord(m.group()):04x}", text).encode("utf-8", "surrogatepass")
    message = f"{char} stands unescaped in a string{more}; readers that split on it see half a record."
    byte = len(text[: match.start()].encode("utf-8", "surrogatepass"))
    return (Fault("unescaped-line-separator", message, match.start() + 1, byte, safe_bytes=escaped),)


def _not_utf8(raw: bytes, error: UnicodeDecodeError) -> Fault:
    column = len(raw[: error.start].decode("utf-8")) + 1
    message = f"Byte 0x{raw[error.start]:02X} is not UTF-8{_guess(raw)}."
    return Fault("not-utf8", message, column, error.start)


def _guess(raw: bytes) -> str:
    """Name the likeliest old encoding: the one that decodes the bytes to letters. A guess, and worded as one."""
    high_share = sum(byte > 0x7F for byte in raw) / max(1, sum(byte > 0x7F or chr(byte).isalpha() for byte in raw))
    western, others = [("cp1252", "LATIN")], [("cp1251", "CYRILLIC"), ("gb18030", "CJK")]
    # A few odd bytes among ASCII letters are Western accents; whole words of them are another script.
    for name, wanted in western + others if high_share < 0.3 else others + western:
        try:
            text = raw.decode(name)
        except UnicodeDecodeError:
            continue
        high = [char for char in text if char > "\x7f"]
        if sum(char.isalpha() and _script(char) == wanted for char in high) > 0.8 * len(high):
            return f"; the line looks like {name}"
    return ""


def _script(char: str) -> str:
    import unicodedata

    return unicodedata.name(char, "").split(" ", 1)[0]


def _invalid(text: str, error: json.JSONDecodeError) -> Fault:
    position = min(error.pos, len(text))
    byte = len(text[:position].encode("utf-8", "surrogatepass"))
    return Fault("invalid-json", f"Line is not JSON: {_explain(text, error)}.", position + 1, byte)


def _explain(text: str, error: json.JSONDecodeError) -> str:
    """Say in plain words what usually lies behind the parser's message."""
    rest = text[error.pos :].lstrip()
    before = text[: error.pos].rstrip()
    if error.msg.startswith("Unterminated string") or not rest:
        return "it ends before the object is closed (cut off, or a record that runs over several lines)"
    if error.msg.startswith("Extra data"):
        return "a second value follows the first" if rest[0] in "{[" else f"text follows the object: {rest[:20]!r}"
    if rest.startswith("'") or (before.endswith(("{", ",")) and rest.startswith("'")):
        return "strings must stand in double quotes, not single ones"
    if rest[0] in "}]" and before.endswith(","):
        return "a comma stands before the closing bracket"
    if rest.startswith(("//", "/*", "#")):
        return "JSON has no comments"
    if rest.startswith(("True", "False", "None")):
        return f"{rest[:5].rstrip(',}] ')} is Python, not JSON"
    if error.msg.startswith("Invalid control character"):
        return f"control character U+{ord(text[error.pos]):04X} stands unescaped in a string"
    if error.msg.startswith("Expecting ',' delimiter"):
        return "expected a comma or the end here (often an unescaped quote in a string)"
    return error.msg[0].lower() + error.msg[1:]

"""What goes wrong with lines and files: bytes that are no JSON, encodings, and records that do not fit together."""

from __future__ import annotations

from row_kit import Row, chat, group, lines, reply, user

_GOOD = lines(chat(user(), reply()))
_OTHER = chat(user("How many moons has Venus?"), reply("None."))


def _with(old: bytes, new: bytes) -> bytes:
    """Return the good row with a piece replaced."""
    assert old in _GOOD
    return _GOOD.replace(old, new)


_VALID = {
    "two records": (_GOOD, _OTHER),
    "spaces around the record": b"  " + _GOOD + b"  ",
    "no space after colons": _GOOD.replace(b": ", b":"),
    "escaped letters": _with(b"Two", b"\\u0422wo"),
    "tools in one record only": (_GOOD, chat(user("Hello"), reply("Hello!"), tools=[])),
}

_FAULTY = {
    "empty file": b"",
    "only line breaks": b"\n\n",
    "blank line between": (_GOOD, b"", _OTHER),
    "blank line at the end": (_GOOD, _OTHER, b"", b""),
    "brace missing": _GOOD[:-1],
    "comma at the end": _with(b"}]}", b"}],}"),
    "single quotes": _GOOD.replace(b'"', b"'"),
    "two records on a line": _GOOD + b" " + _GOOD,
    "text behind the record": _GOOD + b" # checked",
    "plain text": b"How many moons has Mars?",
    "a list": b"[" + _GOOD + b"]",
    "a string": b'"How many moons has Mars?"',
    "a number": b"42",
    "null": b"null",
    "NaN": _with(b'{"messages"', b'{"weight": NaN, "messages"'),
    "duplicate key": _with(b'"role": "user"', b'"role": "system", "role": "user"'),
    "byte-order mark": b"\xef\xbb\xbf" + _GOOD,
    "Latin-1": _with(b"Deimos", b"D\xe9imos"),
    "UTF-16": _GOOD.decode().encode("utf-16"),
    "lone surrogate": _with(b"Deimos", b"Deimos \\ud83d"),
    "raw control character": _with(b"Two", b"T\x01wo"),
    "raw tab": _with(b"Two", b"T\two"),
    "spread over several lines": _GOOD.replace(b"[{", b"[\n  {"),
    "a file pointer of Git LFS": b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"4d" * 32 + b"\nsize 12345",
    "chat and pairs": (_GOOD, {"prompt": "Name a moon of Mars ->", "completion": " Phobos\n"}),
    "chat and text": (_GOOD, {"text": "Mars has two moons."}),
    "content changes its type": (_GOOD, chat(user([{"type": "text", "text": "How many?"}]), reply("None."))),
    "a key changes its type": ({**_OTHER, "id": 1}, {**chat(user(), reply()), "id": "row-2"}),
    "text and number under one name": ({"text": "Mars has two moons."}, {"text": 2}),
}  # fmt: skip

FILES: dict[str, Row] = group("files", _VALID, _FAULTY)

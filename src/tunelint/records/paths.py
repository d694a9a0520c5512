"""Which types and which keys stand at which path of a record, as numbers that can be compared over a whole file.

A path has `.key` for an object's member and `[]` for every item of a list: `messages[].content`. Each fact (a type at a
path, or the set of keys of an object at a path) is one 64-bit number, the same in every process: 40 bits of the path's
digest, one bit that tells objects, 23 bits of the fact. So a file's facts are joined by sorting numbers, and only what
differs is ever named, from the record it stands in.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from tunelint.records.locate import escape

PATH_SHIFT = 24  # a fact shifted right by this is its path's digest
_OBJECT = 1 << (PATH_SHIFT - 1)
_TYPE_CODES: dict[type, int] = {str: 0, int: 1, float: 1, bool: 2, list: 3}


def facts_of(value: dict[str, Any]) -> set[int]:
    """Return the facts of a record. Null is no fact: it fits every type."""
    found: set[int] = set()
    stack: list[tuple[str, Any]] = [("", value)]
    while stack:
        path, item = stack.pop()
        kind = type(item)
        if kind is dict:
            found.add(_object_fact(path, tuple(item)))
            stack += [(f"{path}.{key}" if path else key, inner) for key, inner in item.items() if inner is not None]
        elif kind is list:
            found.add(_type_fact(path, 3))
            inside = path + "[]"
            kinds = set(map(type, item))  # a list of ten thousand token ids is one fact
            for scalar in kinds - {dict, list, type(None)}:
                found.add(_type_fact(inside, _TYPE_CODES[scalar]))
            if dict in kinds or list in kinds:
                stack += [(inside, inner) for inner in item if type(inner) is dict or type(inner) is list]
        else:
            found.add(_type_fact(path, _TYPE_CODES[kind]))
    return found


def is_object(fact: int) -> bool:
    """Tell whether a fact is about an object (then it stands for its set of keys)."""
    return bool(fact & _OBJECT)


def type_name(fact: int) -> str:
    """Return the type that a fact stands for, in plain words."""
    return "an object" if is_object(fact) else {0: "text", 1: "a number", 2: "true or false", 3: "a list"}[fact & (_OBJECT - 1)]


def places(value: Any) -> Iterator[tuple[str, str, Any, int]]:
    """Yield (path, JSON pointer, value, fact) of everything in a record that has a fact, in its order."""
    stack: list[tuple[str, str, Any]] = [("", "", value)]
    while stack:
        path, pointer, item = stack.pop()
        kind = type(item)
        if kind is dict:
            yield path, pointer, item, _object_fact(path, tuple(item))
            inner = [(f"{path}.{key}" if path else key, f"{pointer}/{escape(key)}", value) for key, value in item.items()]
            stack += reversed(inner)
        elif kind is list:
            yield path, pointer, item, _type_fact(path, 3)
            stack += [(path + "[]", f"{pointer}/{index}", item[index]) for index in range(len(item) - 1, -1, -1)]
        elif item is not None:
            yield path, pointer, item, _type_fact(path, _TYPE_CODES[kind])


@lru_cache(maxsize=1 << 16)
def _path_bits(path: str) -> int:
    digest = hashlib.blake2b(path.encode("utf-8", "surrogatepass"), digest_size=5).digest()
    return int.from_bytes(digest, "big") << PATH_SHIFT


@lru_cache(maxsize=1 << 16)
def _type_fact(path: str, code: int) -> int:
    return _path_bits(path) | code


@lru_cache(maxsize=1 << 16)
def _object_fact(path: str, keys: tuple[str, ...]) -> int:
    joined = "\0".join(sorted(keys)).encode("utf-8", "surrogatepass")
    digest = int.from_bytes(hashlib.blake2b(joined, digest_size=4).digest(), "big")
    return _path_bits(path) | _OBJECT | (digest & (_OBJECT - 1))

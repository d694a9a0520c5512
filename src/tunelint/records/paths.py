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
            facts, inner_paths = _object_plan(path, tuple(item), tuple(map(type, item.values())))
            found.update(facts)
            for key, inside in inner_paths:
                stack.append((inside, item[key]))
        elif kind is list:
            found.add(_type_fact(path, 3))
            inside = path + "[]"
            kinds = set(map(type, item))  # a list of ten thousand token ids is one fact
            for scalar in kinds - {dict, list, type(None)}:
                found.add(_type_fact(inside, _TYPE_CODES[scalar]))
            if dict in kinds or list in kinds:
                stack += [(inside, inner) for inner in item if type(inner) is dict or type(inner) is list]
    return found


@lru_cache(maxsize=1 << 14)
def _object_plan(path: str, keys: tuple[str, ...], kinds: tuple[type, ...]) -> tuple[tuple[int, ...], tuple[tuple[str, str], ...]]:
    """Return the facts of an object and its scalar members, and key and path of the members to look into.

    The records of a file have few kinds of objects, so this is asked again and again for the same.
    """
    facts, inner = [_object_fact(path, keys)], []
    for key, kind in zip(keys, kinds, strict=True):
        inside = f"{path}.{key}" if path else key
        if kind is dict or kind is list:
            inner.append((key, inside))
        elif kind is not type(None):
            facts.append(_type_fact(inside, _TYPE_CODES[kind]))
    return tuple(facts), tuple(inner)


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

"""The small language of `expression` rules: Python's syntax for comparisons and arithmetic, nothing of Python's reach.

The text is parsed, every node is checked against a whitelist, and our own interpreter walks it: no names but the record's
variables and the functions below, no attributes, no calls of anything else.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping
from typing import Any

from tunelint.errors import TunelintError
from tunelint.records.record import Record

VARIABLES = ("prompt", "answer", "system", "shape", "turns", "record", "roles", "label")
_MAX_TEXT = 2_000


def _len(value: Any) -> int:
    return len(value) if isinstance(value, str | list | dict | tuple) else 0


def _words(text: Any) -> int:
    return len(str(text).split())


def _has(container: Any, item: Any) -> bool:
    return item in container if isinstance(container, str | list | dict | tuple) else False


def _get(record: Any, *path: Any) -> Any:
    for step in path:
        if isinstance(record, dict):
            record = record.get(step)
        elif isinstance(record, list | tuple) and isinstance(step, int) and -len(record) <= step < len(record):
            record = record[step]
        else:
            return None
    return record


def _text(value: Any) -> str:
    return value if isinstance(value, str) else "" if value is None else str(value)


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "len": _len,
    "words": _words,
    "lines": lambda text: _text(text).count("\n") + 1 if text else 0,
    "lower": lambda text: _text(text).lower(),
    "strip": lambda text: _text(text).strip(),
    "startswith": lambda text, prefix: _text(text).startswith(prefix),
    "endswith": lambda text, suffix: _text(text).endswith(suffix),
    "contains": _has,
    "count": lambda text, part: _text(text).count(part) if part else 0,
    "get": _get,
    "min": min,
    "max": max,
    "abs": abs,
}
_BINARY: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv, ast.Mod: operator.mod,
}  # fmt: skip
_COMPARE: dict[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Eq: operator.eq, ast.NotEq: operator.ne, ast.Lt: operator.lt, ast.LtE: operator.le, ast.Gt: operator.gt,
    ast.GtE: operator.ge, ast.In: lambda a, b: _has(b, a), ast.NotIn: lambda a, b: not _has(b, a),
}  # fmt: skip


def variables(record: Record) -> dict[str, Any]:
    """Return what an expression can name."""
    example = record.example
    return {
        "prompt": example.prompt_text, "answer": example.answer_text, "system": example.system_text,
        "shape": record.shape, "turns": len(example.turns), "record": record.value,
        "roles": [turn.role for turn in example.turns], "label": example.label,
    }  # fmt: skip


class Expression:
    """A parsed expression. Raises TunelintError when it uses anything outside the language."""

    def __init__(self, text: str, source: str) -> None:
        self._source = source
        if len(text) > _MAX_TEXT:
            raise TunelintError(f"{source}: expression is longer than {_MAX_TEXT} characters")
        try:
            self._tree = ast.parse(text, mode="eval").body
        except (SyntaxError, ValueError, RecursionError) as error:
            raise TunelintError(f"{source}: expression cannot be read: {getattr(error, 'msg', error)}") from error
        self._names = set(self._validate(self._tree))

    def check_names(self, options: Mapping[str, Any]) -> None:
        """Raise TunelintError for a name that is neither a variable nor an option of the page."""
        for name in sorted(self._names - set(VARIABLES) - set(options)):
            raise TunelintError(f"{self._source}: expression names '{name}'; it may name {', '.join((*VARIABLES, *options))}")

    def _validate(self, node: ast.AST) -> list[str]:
        if isinstance(node, ast.Constant) and isinstance(node.value, str | int | float | bool | type(None)):
            return []
        if isinstance(node, ast.Name):
            return [node.id]
        if isinstance(node, ast.Call):
            if not isinstance(node.func, ast.Name) or node.func.id not in FUNCTIONS or node.keywords:
                raise TunelintError(f"{self._source}: expression may call only {', '.join(FUNCTIONS)}")
            children: list[ast.AST] = list(node.args)
        elif isinstance(node, ast.BoolOp):
            children = list(node.values)
        elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not | ast.USub):
            children = [node.operand]
        elif isinstance(node, ast.BinOp) and type(node.op) in _BINARY:
            children = [node.left, node.right]
        elif isinstance(node, ast.Compare) and all(type(op) in _COMPARE for op in node.ops):
            children = [node.left, *node.comparators]
        elif isinstance(node, ast.List | ast.Tuple):
            children = list(node.elts)
        else:
            raise TunelintError(f"{self._source}: expression uses {type(node).__name__}, which the language does not have")
        return [name for child in children for name in self._validate(child)]

    def evaluate(self, names: Mapping[str, Any]) -> bool:
        """Return whether the expression holds; values that cannot be compared make it false."""
        try:
            return bool(self._value(self._tree, names))
        except (TypeError, ValueError, ZeroDivisionError, OverflowError):
            return False

    def _value(self, node: ast.AST, names: Mapping[str, Any]) -> Any:
        if isinstance(node, ast.Constant):
            return node.value
        if isinstance(node, ast.Name):
            return names[node.id]
        if isinstance(node, ast.Call):
            assert isinstance(node.func, ast.Name)
            function = FUNCTIONS[node.func.id]
            return function(*(self._value(argument, names) for argument in node.args))
        if isinstance(node, ast.BoolOp):
            result: Any = None
            for value in node.values:
                result = self._value(value, names)
                if bool(result) is isinstance(node.op, ast.Or):
                    break
            return result
        if isinstance(node, ast.UnaryOp):
            value = self._value(node.operand, names)
            return not value if isinstance(node.op, ast.Not) else -value
        if isinstance(node, ast.BinOp):
            left, right = self._value(node.left, names), self._value(node.right, names)
            if isinstance(node.op, ast.Mult | ast.Mod) and not (isinstance(left, int | float) and isinstance(right, int | float)):
                raise TypeError("only numbers multiply")  # text times a number, or formatting, would fill the memory
            return _BINARY[type(node.op)](left, right)
        if isinstance(node, ast.Compare):
            left = self._value(node.left, names)
            for op, comparator in zip(node.ops, node.comparators, strict=True):
                right = self._value(comparator, names)
                if not _COMPARE[type(op)](left, right):
                    return False
                left = right
            return True
        assert isinstance(node, ast.List | ast.Tuple)
        return [self._value(item, names) for item in node.elts]

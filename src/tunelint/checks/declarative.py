"""Rules without Python: a pattern or an expression on a page of the user's.

`field` says where to look: record (the raw JSON), prompt, answer, system, user, assistant, tool, or any (every turn).
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from tunelint.checks.expression import Expression, variables
from tunelint.checks.hit import Hit
from tunelint.errors import TunelintError
from tunelint.records.record import Record

FIELDS = ("any", "prompt", "answer", "system", "user", "assistant", "tool", "record")
TIME_LIMIT = 0.5  # seconds per text: a pattern that backtracks for longer is the pattern's fault
_FLAGS = {"ignore-case": "IGNORECASE", "multiline": "MULTILINE", "dot-all": "DOTALL"}


@lru_cache(maxsize=512)
def compile_pattern(pattern: str, flags: tuple[str, ...], source: str) -> Any:
    """Compile a page's pattern. Raises TunelintError that names the page."""
    import regex

    value = 0
    for flag in flags:
        if flag not in _FLAGS:
            raise TunelintError(f"{source}: flag '{flag}' is none of {', '.join(_FLAGS)}")
        value |= getattr(regex, _FLAGS[flag])
    try:
        return regex.compile(pattern, value)
    except regex.error as error:
        raise TunelintError(f"{source}: pattern is not a regular expression: {error}") from error


def texts_of(record: Record, field: str) -> Iterator[tuple[str, str | None]]:
    """Yield the texts that a field names, each with its pointer."""
    if field == "record":
        yield record.raw.decode("utf-8", "replace"), None
        return
    example = record.example
    answer = example.answer
    for index, turn in enumerate(example.turns):
        before = example.answer_index is None or index < example.answer_index
        chosen = (
            field == "any" or field == turn.role or (field == "answer" and turn is answer)
            or (field == "system" and turn.role == "developer")
            or (field == "prompt" and before and turn.role not in ("system", "developer"))
        )  # fmt: skip
        if chosen and turn.content:
            yield turn.content, turn.content_pointer


def pattern(record: Record, options: dict[str, Any]) -> Iterator[Hit]:
    """Report the first match of the page's pattern in each text."""
    page = options["_declaration"]
    compiled = compile_pattern(page["pattern"], tuple(page.get("flags") or ()), options["_source"])
    for text, pointer in texts_of(record, page.get("field", "any")):
        try:
            match = compiled.search(text, timeout=TIME_LIMIT)
        except TimeoutError:
            yield Hit(f"Pattern of rule '{options['_name']}' took longer than {TIME_LIMIT} s here and was given up.", pointer=pointer)
            continue
        if match is not None:
            message = page.get("message") or f"Text matches the pattern of rule '{options['_name']}'."
            yield Hit(message.replace("{match}", match.group()[:60]), pointer=pointer, span=match.span() if pointer else None)


def expression(record: Record, options: dict[str, Any]) -> Iterator[Hit]:
    """Report a record for which the page's expression is true."""
    page = options["_declaration"]
    parsed = _parsed(page["expression"], options["_source"])
    own = {key: value for key, value in options.items() if not key.startswith("_")}
    if parsed.evaluate({**variables(record), **own}):
        yield Hit(page.get("message") or f"Record fits '{page['expression']}'.")


@lru_cache(maxsize=512)
def _parsed(text: str, source: str) -> Expression:
    return Expression(text, source)


def check_page(declaration: dict[str, Any], options: dict[str, Any], source: str) -> None:
    """Check a declarative page before anything runs. Raises TunelintError that names the page."""
    field = declaration.get("field", "any")
    if field not in FIELDS:
        raise TunelintError(f"{source}: field '{field}' is none of {', '.join(FIELDS)}")
    if "pattern" in declaration:
        compile_pattern(str(declaration["pattern"]), tuple(declaration.get("flags") or ()), source)
    if "expression" in declaration:
        _parsed(str(declaration["expression"]), source).check_names(options)

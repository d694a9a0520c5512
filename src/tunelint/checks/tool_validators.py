"""JSON Schemas of tools, compiled once each, and their errors in words."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

from tunelint.checks.tool_declarations import key_of
from tunelint.checks.wording import kind_of, listed, short, spelled

_MOST_SCHEMAS = 2_000

# Compiled schemas by their JSON: the rows of a file declare the same few tools over and over.
_validators: OrderedDict[bytes, Any] = OrderedDict()


def validator_of(schema: dict[str, Any]) -> Any:
    """Return the compiled schema, None for one that is wrong (bad-tool-schema says so) or points outside itself."""
    key = key_of(schema)
    if key in _validators:
        _validators.move_to_end(key)
        return _validators[key]
    import jsonschema_rs

    try:
        validator = jsonschema_rs.validator_for(schema, retriever=refuse)
    except (jsonschema_rs.ValidationError, jsonschema_rs.ReferencingError, ValueError, RecursionError):
        validator = None
    _validators[key] = validator
    if len(_validators) > _MOST_SCHEMAS:
        _validators.popitem(last=False)
    return validator


def refuse(uri: str) -> Any:
    """A linter does not fetch what the data tells it to."""
    raise ValueError(f"{uri} is not fetched")


def worded(error: Any) -> str:
    """Say what is wrong without quoting a long value."""
    kind = error.kind
    name = ".".join(map(str, error.instance_path))
    where = f"'{short(name)}' " if name else ""
    match kind.name:
        case "required":
            return f"{where and where + 'lacks '}'{kind.property}'{'' if where else ' is missing'}"
        case "type":
            return f"{where}is {kind_of(error.instance)}, not {' or '.join(kind.types)}"
        case "enum":
            return f"{where}is {spelled(error.instance)}, none of {listed([spelled(option) for option in kind.options], quoted=False)}"
        case "additionalProperties":
            return f"{where}has {listed(kind.unexpected)}, which its schema does not have"
        case "minimum" | "maximum" | "exclusiveMinimum" | "exclusiveMaximum":
            return f"{where}is {spelled(error.instance)}, outside the {kind.name} of {kind.limit}"
        case "pattern":
            return f"{where}does not match the pattern {spelled(kind.pattern)}"
    return f"{where}fails '{kind.name}'"


def schema_error(schema: dict[str, Any]) -> str:
    """Return why a schema cannot be compiled."""
    import jsonschema_rs

    try:
        jsonschema_rs.validator_for(schema, retriever=refuse)
    except jsonschema_rs.ValidationError as error:
        where = ".".join(map(str, error.instance_path))
        return f"'{short(where)}' is {spelled(error.instance)}" if where else str(error.message)[:80]
    except (jsonschema_rs.ReferencingError, ValueError, RecursionError) as error:
        return str(error)[:80]
    return "it cannot be compiled"

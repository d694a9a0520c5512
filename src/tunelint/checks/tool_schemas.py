"""Declared tools themselves: names, descriptions, schemas."""

from __future__ import annotations

import json
import re
from collections import OrderedDict
from collections.abc import Iterator
from typing import Any

from tunelint.checks.hit import Hit
from tunelint.checks.screen import has_tools, only_where
from tunelint.checks.tool_declarations import PYTHON_TYPES, Declared, declarations, function_of, key_of
from tunelint.checks.tool_validators import schema_error, validator_of
from tunelint.checks.wording import kind_of, listed, short, spelled
from tunelint.findings import Severity
from tunelint.records.record import Record

_MOST_TOOLS = 2_000
_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_NAMESPACED = re.compile(r"[A-Za-z0-9_.:/-]{1,64}")
_Fault = tuple[str, Severity | None, bool]  # message, own severity, whether a strict target refuses the tool for it
_verdicts: OrderedDict[tuple[bytes, bool, bool], list[_Fault]] = OrderedDict()


@only_where(has_tools)
def bad_tool_schema(record: Record, options: dict[str, Any]) -> Iterator[Hit]:
    """TOOL007: a declared tool that has no usable name or schema."""
    declared = declarations(record)
    if declared is None:
        return
    if declared.broken:
        yield Hit(f"The declared tools are no JSON: {declared.broken}.", pointer=declared.pointer, severity=Severity.ERROR)
        return
    if options["refused"] and isinstance((record.value or {}).get("tools"), str):
        yield Hit("The declared tools are a text; the target reads a list.", pointer=declared.pointer, severity=Severity.ERROR)
    seen: set[str] = set()
    for item, pointer in declared.items:
        spec = function_of(item)
        name = spec.get("name") if spec is not None else None
        if isinstance(name, str) and name in seen:
            yield Hit(f"Tool '{short(name)}' is declared twice.", pointer=pointer)
            continue
        if isinstance(name, str):
            seen.add(name)
        if options["refused"] and isinstance(item, dict) and not isinstance(item.get("function"), dict):
            yield Hit("Declared tool has no 'function'; the target refuses that.", pointer=pointer, severity=Severity.ERROR)
            continue
        for message, severity, breaks in _verdict(item, options["require_description"], options["require_parameters"]):
            yield Hit(message, pointer=pointer, severity=Severity.ERROR if options["refused"] and breaks else severity)
            break


def _verdict(item: Any, description: bool, parameters: bool) -> list[_Fault]:
    key = (key_of(item), description, parameters)
    if key not in _verdicts:
        _verdicts[key] = list(_faults(item, description, parameters))
        if len(_verdicts) > _MOST_TOOLS:
            _verdicts.popitem(last=False)
    return _verdicts[key]


def _faults(item: Any, description: bool, parameters: bool) -> Iterator[_Fault]:
    spec = function_of(item)
    if spec is None:
        yield f"Declared tool is {kind_of(item)}, not an object.", None, True
        return
    name = spec.get("name")
    if not isinstance(name, str) or not name:
        if "type" not in item or item["type"] == "function":  # others are the provider's own tools, which have no name
            yield "Declared tool has no name.", None, True
        return
    if not _NAME.fullmatch(name):
        # Dots and slashes are namespaces elsewhere; services of OpenAI's form refuse them.
        severity = Severity.NOTE if _NAMESPACED.fullmatch(name) else None
        yield f"Tool name '{short(name)}' is not 1 to 64 letters, digits, _ and -.", severity, True
    yield from ((message, None, breaks) for message, breaks in _schema_faults(Declared(name, spec, "")))
    if description and not spec.get("description"):
        yield f"Tool '{short(name)}' has no description.", None, False
    if parameters and not isinstance(spec.get("parameters"), dict):
        yield f"Tool '{short(name)}' has no parameters.", None, False


def _schema_faults(tool: Declared) -> Iterator[tuple[str, bool]]:
    parameters = tool.parameters
    if parameters is None:
        return
    name = short(tool.name)
    if not isinstance(parameters, dict):
        yield f"Parameters of tool '{name}' are {kind_of(parameters)}, not a schema.", True
        return
    foreign = sorted(_foreign_types(parameters))
    if foreign:
        meant = PYTHON_TYPES.get(foreign[0])
        yield (
            f"Parameters of tool '{name}' have the type '{foreign[0]}', which JSON Schema does not know{f': write {meant!r}' if meant else ''}.",
            True,
        )
    elif validator_of(parameters) is None and "$ref" not in json.dumps(parameters):
        yield f"Parameters of tool '{name}' are no JSON Schema: {schema_error(parameters)}.", True
    elif parameters.get("type", "object") != "object":
        yield f"Parameters of tool '{name}' are of type {spelled(parameters['type'])}; arguments are an object.", False
    required, properties = parameters.get("required"), parameters.get("properties")
    if isinstance(required, list) and isinstance(properties, dict):
        lost = [key for key in required if isinstance(key, str) and key not in properties]
        if lost:
            yield f"Tool '{name}' requires {listed(lost)}, which it does not describe.", False
    if tool.spec.get("strict") is True:
        yield from ((f"Tool '{name}' is strict, but {reason}.", False) for reason in _not_strict(parameters))


def _foreign_types(schema: Any) -> set[str]:
    """Return the type words that JSON Schema does not have."""
    if isinstance(schema, list):
        return set().union(*map(_foreign_types, schema)) if schema else set()
    if not isinstance(schema, dict):
        return set()
    found: set[str] = set()
    known = {"object", "array", "string", "integer", "number", "boolean", "null"}
    for key, item in schema.items():
        if key == "type" and isinstance(item, str) and item not in known:
            found.add(item)
        elif key == "properties" and isinstance(item, dict):
            found |= set().union(*map(_foreign_types, item.values())) if item else set()
        elif key not in ("enum", "const", "default", "examples", "required"):
            found |= _foreign_types(item)
    return found


def _not_strict(schema: Any) -> Iterator[str]:
    """Structured outputs want every object closed and every property required (OpenAI's function calling guide)."""
    if not isinstance(schema, dict):
        return
    properties = schema.get("properties")
    if isinstance(properties, dict):
        if schema.get("additionalProperties") is not False:
            yield "an object of it lets other properties in (additionalProperties must be false)"
        required = schema.get("required")
        left = [key for key in properties if not isinstance(required, list) or key not in required]
        if left:
            yield f"{listed(left)} {'is' if len(left) == 1 else 'are'} not required"
        for inner in properties.values():
            yield from _not_strict(inner)
    yield from _not_strict(schema.get("items"))

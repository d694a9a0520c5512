"""The tools that a record declares, whichever way they are written down."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import orjson

from tunelint.records.record import Record

# Python's words for types, as BFCL, xLAM and others put them where JSON Schema has its own.
PYTHON_TYPES = {
    "dict": "object", "list": "array", "tuple": "array", "set": "array", "str": "string", "int": "integer", "float": "number",
    "double": "number", "long": "integer", "bool": "boolean", "none": "null", "NoneType": "null", "String": "string", "Integer": "integer",
    "Boolean": "boolean", "Float": "number", "Number": "number", "Array": "array", "Object": "object", "STRING": "string",
    "INTEGER": "integer", "BOOLEAN": "boolean", "NUMBER": "number", "ARRAY": "array", "OBJECT": "object",
}  # fmt: skip
_KEYS = ("tools", "functions", "available_tools")


@dataclass(frozen=True, slots=True)
class Declared:
    """A declared tool: `pointer` is its place, `spec` the object with its name (inside `function`, where there is one)."""

    name: str
    spec: dict[str, Any]
    pointer: str

    @property
    def parameters(self) -> Any:
        """The schema of its arguments, None where it has none."""
        for key in ("parameters", "input_schema", "inputSchema", "arguments"):
            if key in self.spec:
                found = self.spec[key]
                wrapped = key == "inputSchema" and isinstance(found, dict) and set(found) == {"json"}
                return found["json"] if wrapped else found
        return None


@dataclass(frozen=True, slots=True)
class Declarations:
    """`items` as they stand in the record, with their pointers; `broken` says why a text of JSON is none."""

    items: tuple[tuple[Any, str], ...]
    pointer: str
    broken: str = ""

    def tools(self) -> Iterator[Declared]:
        """Yield the tools that have a name."""
        for item, pointer in self.items:
            spec = function_of(item)
            if spec is not None and isinstance(spec.get("name"), str):
                yield Declared(spec["name"], spec, pointer)


def function_of(item: Any) -> dict[str, Any] | None:
    """Return the object that holds a tool's name and parameters, None for what is no tool that is called by a name."""
    if not isinstance(item, dict):
        return None
    function = item.get("function", item.get("toolSpec"))
    return function if isinstance(function, dict) else item


def declarations(record: Record) -> Declarations | None:
    """Return what a record declares as its tools, None where it has no key for them."""
    value = record.value or {}
    base = ""
    given = value.get("input")
    if record.shape == "openai-preference" and isinstance(given, dict):
        value, base = given, "/input"
    if isinstance(value.get("toolConfig"), dict) and isinstance(value["toolConfig"].get("tools"), list):  # Bedrock
        value, base = value["toolConfig"], "/toolConfig"
    key = next((key for key in _KEYS if value.get(key) is not None), None)
    if key is None:
        return None
    listed, pointer = value[key], f"{base}/{key}"
    if isinstance(listed, str):
        return _of_text(listed, pointer)
    if not isinstance(listed, list):
        return None  # wrong-type says so
    return Declarations(tuple(_flat(listed, pointer, True)), pointer)


@lru_cache(maxsize=256)
def _of_text(text: str, pointer: str) -> Declarations:
    if not text.strip():
        return Declarations((), pointer)
    try:
        listed = json.loads(text)
    except (ValueError, RecursionError) as error:
        return Declarations((), pointer, str(getattr(error, "msg", "nested too deeply")))
    return Declarations(tuple(_flat(listed if isinstance(listed, list) else [listed], pointer, False)), pointer)


def _flat(listed: list[Any], pointer: str, inside: bool) -> Iterator[tuple[Any, str]]:
    """Yield the declarations one by one; Gemini's `function_declarations` holds several in one tool."""
    for index, item in enumerate(listed):
        where = f"{pointer}/{index}" if inside else pointer
        several = item.get("function_declarations", item.get("functionDeclarations")) if isinstance(item, dict) else None
        if isinstance(several, list):
            yield from ((_gemini_tool(inner), where) for inner in several)
        elif isinstance(item, str) and item.lstrip().startswith("{"):
            yield _parsed(item), where  # a list of JSON texts: what Arrow keeps without padding
        else:
            yield item, where


def _gemini_tool(tool: Any) -> Any:
    """Return a declaration with JSON Schema's words for types, which Gemini writes in capitals."""
    if not isinstance(tool, dict) or not isinstance(tool.get("parameters"), dict):
        return tool
    return {**tool, "parameters": _in_json_words(tool["parameters"])}


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def schema_of(tool: Declared) -> dict[str, Any] | None:
    """Return the schema of a tool's arguments in JSON Schema's own words, None where there is none to hold them against."""
    parameters = tool.parameters
    if not isinstance(parameters, dict) or not parameters:
        return None
    if (
        "properties" not in parameters
        and "type" not in parameters
        and "$ref" not in parameters
        and all(isinstance(item, dict) and ("type" in item or "description" in item) for item in parameters.values())
    ):
        parameters = {"type": "object", "properties": parameters}  # xLAM: the properties alone
    words: dict[str, Any] = _in_json_words(parameters)
    return words


def _in_json_words(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_in_json_words(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    changed: dict[str, Any] = {}
    for key, item in schema.items():
        if key == "type" and isinstance(item, str):
            if item not in ("any", "Any"):
                changed[key] = PYTHON_TYPES.get(item, item)
        elif key in ("enum", "const", "default", "examples", "required"):
            changed[key] = item
        elif key == "properties" and isinstance(item, dict):
            changed[key] = {name: _in_json_words(inner) for name, inner in item.items()}
        else:
            changed[key] = _in_json_words(item)
    return changed


def key_of(value: Any) -> bytes:
    """Return bytes that are equal for equal values: the key under which a schema is compiled once."""
    try:
        return orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS)
    except (orjson.JSONEncodeError, TypeError):
        return repr(value).encode("utf-8", "surrogatepass")

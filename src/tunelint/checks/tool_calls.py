"""What is called, and with which arguments: held against the tools that the record declares."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from typing import Any

from tunelint.checks.hit import Hit
from tunelint.checks.screen import has_tools, only_where
from tunelint.checks.texts import all_turns
from tunelint.checks.tool_declarations import Declared, declarations, schema_of
from tunelint.checks.tool_validators import validator_of, worded
from tunelint.checks.wording import listed, short
from tunelint.findings import Severity
from tunelint.records.example import ToolCall
from tunelint.records.lenient import parse_or_none
from tunelint.records.record import Record


@only_where(has_tools)
def undeclared_tool(record: Record, options: dict[str, Any]) -> Iterator[Hit]:
    """TOOL002: a call of a tool that the record does not declare."""
    calls = [call for turn in all_turns(record) for call in turn.calls]
    if not calls:
        return
    declared = declarations(record)
    if declared is not None and declared.broken:
        return
    names = [tool.name for tool in declared.tools()] if declared is not None else []
    if not names:
        # Many records describe their tools in the system prompt, in words.
        spoken = record.example.system_text + record.example.prompt_text
        missing = [call for call in calls if call.name not in spoken]
        if missing:
            yield Hit(f"Record calls '{short(missing[0].name)}' but declares no tools.", pointer=missing[0].pointer, severity=Severity.NOTE)
        return
    reported: set[str] = set()
    for call in calls:
        if call.name in names or call.name in reported:
            continue
        reported.add(call.name)
        near = difflib.get_close_matches(call.name, names, n=1, cutoff=0.75)
        hint = f"; did you mean '{near[0]}'?" if near else f"; declared {'is' if len(names) == 1 else 'are'} {listed(names)}."
        yield Hit(f"Tool '{short(call.name)}' is called but not declared{hint}", pointer=_name_pointer(call))


@only_where(has_tools)
def arguments_break_schema(record: Record, options: dict[str, Any]) -> Iterator[Hit]:
    """TOOL004: arguments that the tool's own schema does not allow."""
    declared = declarations(record)
    if declared is None:
        return
    tools: dict[str, Declared] | None = None
    for turn in all_turns(record):
        for call in turn.calls:
            if tools is None:
                tools = {tool.name: tool for tool in declared.tools()}
            tool = tools.get(call.name)
            arguments = parse_or_none(call.arguments) if isinstance(call.arguments, str) else call.arguments
            if tool is None or not isinstance(arguments, dict):
                continue
            problems = _problems(tool, arguments, options["undeclared_arguments"])
            if problems:
                more = f" ({len(problems)} faults in all)" if len(problems) > 1 else ""
                pointer = call.pointer if call.in_text else f"{call.pointer}/arguments"
                yield Hit(f"Arguments of '{short(call.name)}' break its schema: {problems[0]}{more}.", pointer=pointer)


def _problems(tool: Declared, arguments: dict[str, Any], undeclared: bool) -> list[str]:
    schema = schema_of(tool)
    validator = validator_of(schema) if schema is not None else None
    if schema is None or validator is None:
        return []
    problems = [] if validator.is_valid(arguments) else [worded(error) for error in validator.iter_errors(arguments)]
    properties = schema.get("properties")
    open_ended = {"additionalProperties", "patternProperties", "$ref", "anyOf", "allOf", "oneOf"}
    if undeclared and isinstance(properties, dict) and open_ended.isdisjoint(schema):
        problems += [f"'{short(name)}' is no parameter of it" for name in arguments if name not in properties]
    return problems


def _name_pointer(call: ToolCall) -> str:
    return f"{call.pointer}/name" if call.pointer.endswith(("/function", "/function_call")) else call.pointer

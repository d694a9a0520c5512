"""Make openai_subset.json from OpenAI's description of its API: `python make_openai_subset.py openapi.yaml`.

The whole description is 3 MB, and Prism is not up with it within minutes. The subset has the calls that we make or answer
and every schema that they lead to, without prose. What is asked of chat is left out: its schemas are most of the rest.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

CALLS = re.compile(r"/(files|uploads|models)(/.*)?|/fine_tuning/jobs(/.*)?|/chat/completions")
VERBS = ("get", "post", "delete")
PROSE = ("description", "summary", "tags", "x-oaiMeta", "example", "examples", "x-oaiExpandable", "x-oaiTypeLabel", "title")


def plain(value: Any, names: bool = False) -> Any:
    """The value without prose. `names` says that the keys are names of properties, which may be such words too."""
    if isinstance(value, list):
        return [plain(item) for item in value]
    if not isinstance(value, dict):
        return value
    kept = {key: plain(item, key == "properties") for key, item in value.items() if names or key not in PROSE}
    # OpenAPI 3.1 has JSON Schema 2020-12, in which these are numbers; the description has OpenAPI 3.0's booleans in places.
    for edge in ("Minimum", "Maximum"):
        if kept.get(f"exclusive{edge}") is True:
            kept[f"exclusive{edge}"] = kept.pop(edge.lower())
        elif kept.get(f"exclusive{edge}") is False:
            del kept[f"exclusive{edge}"]
    return kept


def references(value: Any) -> Iterator[str]:
    """The names of the schemas that a value leads to."""
    if isinstance(value, list):
        for item in value:
            yield from references(item)
    elif isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"].removeprefix("#/components/schemas/")
        for item in value.values():
            yield from references(item)


def call(path: str, operation: dict[str, Any]) -> dict[str, Any]:
    """An operation as the subset has it: every path answers errors in one form, which the description says in prose only."""
    kept = {key: operation[key] for key in ("operationId", "parameters", "requestBody", "responses") if key in operation}
    if path == "/chat/completions":
        anything = {"required": True, "content": {"application/json": {"schema": {"type": "object"}}}}
        kept = {"operationId": kept["operationId"], "requestBody": anything, "responses": {"200": kept["responses"]["200"]}}
    result: dict[str, Any] = plain(kept)
    for answer in result["responses"].values():
        answer["description"] = ""
        if path == "/chat/completions":
            answer.get("content", {}).pop("text/event-stream", None)
    error = {"$ref": "#/components/schemas/ErrorResponse"}
    result["responses"].setdefault("default", {"description": "", "content": {"application/json": {"schema": error}}})
    return result


def subset(whole: dict[str, Any]) -> dict[str, Any]:
    """The description of the calls above alone."""
    paths = {
        path: {verb: call(path, operations[verb]) for verb in VERBS if verb in operations and (verb, path) != ("get", "/chat/completions")}
        for path, operations in whole["paths"].items() if CALLS.fullmatch(path)
    }  # fmt: skip
    schemas: dict[str, Any] = {}
    waiting = list(references(paths))
    while waiting:
        name = waiting.pop()
        if name not in schemas:
            schemas[name] = plain(whole["components"]["schemas"][name])
            waiting += references(schemas[name])
    # The description's own example of a paused job has a status that its list of statuses lacks.
    schemas["FineTuningJob"]["properties"]["status"]["enum"].append("paused")
    notice = (
        f"From https://github.com/openai/openai-openapi, version {whole['info']['version']} (MIT License, Copyright (c) OpenAI): files, uploads, "
        "fine-tuning jobs, models, and the answers of chat, without prose; made by make_openai_subset.py."
    )
    info = {"title": "OpenAI API, a subset", "version": whole["info"]["version"], "description": notice}
    license_ = {"name": "MIT", "url": "https://github.com/openai/openai-openapi/blob/master/LICENSE"}
    return {
        "openapi": whole["openapi"], "info": {**info, "license": license_}, "servers": whole["servers"], "paths": paths,
        "components": {"schemas": dict(sorted(schemas.items()))},
    }  # fmt: skip


if __name__ == "__main__":
    import yaml

    text = Path(sys.argv[1]).read_text(encoding="utf-8")
    made = json.dumps(subset(yaml.safe_load(text)), separators=(",", ":"), ensure_ascii=False)
    (Path(__file__).parent / "openai_subset.json").write_text(made + "\n", encoding="utf-8")

"""Rows for tunelint's own trainers, and for any target that trains the assistant's turns: one mask for every template.

Where the template marks what the assistant generated, that is the mask; else each assistant turn is found by rendering
the conversation with other content in its place, and the end token after it is trained too. A turn that the record
switches off (`weight: 0`, `train: false`) is not trained.
"""

from __future__ import annotations

import json
from typing import Any

from tunelint.records.example import Example, Turn
from tunelint.tokens.axolotl import AxolotlMask, axolotl_row
from tunelint.tokens.huggingface import TokenizerFolder
from tunelint.tokens.rows import NotTrainable, TokenRow, row_of
from tunelint.tokens.templates import ChatTemplate, Rendering, TemplateRefusal
from tunelint.tokens.trl import generation_mask

TRAINED_KEY = "tunelint_trained"


def own_row(example: Example, folder: TokenizerFolder) -> TokenRow:
    """Return a record as tokens with the assistant's turns trained (all of a plain text record, its end token too).

    Raises NotTrainable where there is no chat template or it refuses the conversation.
    """
    if example.shape == "text":
        end = folder.special("eos_token") or ""
        content = example.turns[0].content if example.turns else ""
        text = content if content.endswith(end) else content + end
        encoding = folder.encode(text, add_special_tokens=True)
        return row_of(encoding, text, [True] * len(encoding))
    messages = [message_of(turn) for turn in example.turns]
    tools = list(example.tools) or None
    template = ChatTemplate.of(folder, tools=bool(tools))
    if template is not None and template.marks_generation:
        try:
            rendering = template.render(messages, tools=tools)
        except TemplateRefusal as refusal:
            raise NotTrainable(f"the chat template refuses the conversation: {refusal}") from refusal
        spans = rendering.generation
        answers = [turn for turn in example.turns if turn.role == "assistant"]
        if len(spans) == len(answers):
            spans = tuple(span for span, turn in zip(spans, answers, strict=True) if turn.trained)
        encoding = folder.encode(rendering.text)
        return row_of(encoding, rendering.text, generation_mask(Rendering(rendering.text, spans), encoding))
    flagged = [
        {**message, TRAINED_KEY: turn.role == "assistant" and turn.trained}
        for message, turn in zip(messages, example.turns, strict=True)
    ]
    return axolotl_row({"messages": flagged, "tools": tools}, folder, AxolotlMask(training_key=TRAINED_KEY))


def message_of(turn: Turn) -> dict[str, Any]:
    """Return a turn as a message for a chat template: tool arguments as objects where they are valid JSON."""
    message: dict[str, Any] = {"role": turn.role, "content": turn.content}
    if turn.calls:
        message["tool_calls"] = [
            {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": _as_object(call.arguments)}}
            for call in turn.calls
        ]
    if turn.call_id is not None:
        message["tool_call_id"] = turn.call_id
    if isinstance(turn.raw, dict):
        for key in ("name", "reasoning_content", "thinking", "reasoning"):
            if isinstance(turn.raw.get(key), str):
                message[key] = turn.raw[key]
    return message


def _as_object(arguments: Any) -> Any:
    if not isinstance(arguments, str):
        return arguments
    try:
        return json.loads(arguments)
    except (ValueError, RecursionError):
        return arguments

"""Chat templates: Jinja in a sandbox, as transformers renders them, with the spans of `{% generation %}` blocks.

The environment is that of `transformers/utils/chat_template_utils.py` (5.23, Apache-2.0): immutable sandbox, trimmed
blocks, loop controls, `tojson` without HTML escapes, `raise_exception`, `strftime_now`, and the `generation` tag whose
blocks mark what assistant-only loss trains on (https://huggingface.co/docs/transformers/chat_templating_writing).
Templates come from strangers, so they see plain JSON values only.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any

from tunelint.errors import MissingExtraError, TunelintError
from tunelint.tokens.huggingface import TokenizerFolder

if TYPE_CHECKING:
    import jinja2

GENERATION_TAG = re.compile(r"\{%-?\s*generation\s*-?%\}")
SPECIAL_NAMES = ("bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token")
REASONING_KEYS = ("reasoning_content", "thinking", "reasoning")


class TemplateRefusal(Exception):
    """The template cannot render this conversation; the text is the template's own complaint."""


@dataclass(frozen=True, slots=True)
class Rendering:
    """A rendered conversation and the character spans that stand in `{% generation %}` blocks."""

    text: str
    generation: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True)
class ChatTemplate:
    """A chat template's source and the special tokens that it may name (`bos_token` and so on)."""

    source: str
    specials: Mapping[str, str]

    @classmethod
    def of(cls, folder: TokenizerFolder, *, tools: bool = False) -> ChatTemplate | None:
        """Return the template of a tokenizer folder, None where it has none.

        With `tools` a template named `tool_use` wins, as in transformers.
        """
        source = (folder.chat_template("tool_use") if tools else None) or folder.chat_template()
        if source is None:
            return None
        named = {name: folder.special(name) for name in SPECIAL_NAMES}
        return cls(source, {name: text for name, text in named.items() if text is not None})

    @property
    def marks_generation(self) -> bool:
        """Whether the template says what the assistant generated (`{% generation %}`)."""
        return GENERATION_TAG.search(self.source) is not None

    @cached_property
    def _compiled(self) -> tuple[jinja2.Template, _Tracker]:
        return _compile(self.source)

    def render(
        self, messages: Sequence[Mapping[str, Any]], *, tools: Sequence[Any] | None = None, add_generation_prompt: bool = False
    ) -> Rendering:
        """Render a conversation.

        Raises TemplateRefusal where the template rejects it or fails on it, TunelintError where the template itself is
        no valid Jinja, MissingExtraError without jinja2.
        """
        template, tracker = self._compiled
        values = dict(self.specials) | {
            "messages": [with_reasoning(message) for message in messages],
            "tools": tools or None,
            "documents": None,
            "add_generation_prompt": add_generation_prompt,
        }
        tracker.length, tracker.spans = 0, []
        blocks: list[str] = []
        try:
            for block in template.generate(values):
                blocks.append(block)
                tracker.length += len(block)
        except Exception as error:  # whatever a stranger's template raises is its verdict on this record
            raise TemplateRefusal(str(error) or type(error).__name__) from error
        return Rendering("".join(blocks), tuple(tracker.spans))


def with_reasoning(message: Mapping[str, Any]) -> dict[str, Any]:
    """Return a message with its reasoning under the names that templates read, as transformers does before it renders."""
    reasoning = next((message[key] for key in REASONING_KEYS if message.get(key) is not None), None)
    if reasoning is None:
        return dict(message)
    return {"thinking": reasoning, **message, "reasoning_content": reasoning}


@dataclass
class _Tracker:
    """How far the rendering has come, and the spans of the generation blocks met so far."""

    length: int = 0
    spans: list[tuple[int, int]] | None = None


def _refuse(message: str) -> None:
    import jinja2

    raise jinja2.exceptions.TemplateError(message)


def _tojson(value: Any, ensure_ascii: bool = False, indent: int | None = None, separators: Any = None, sort_keys: bool = False) -> str:
    return json.dumps(value, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)


def _strftime_now(form: str) -> str:
    from datetime import datetime

    return datetime.now().strftime(form)


@lru_cache(maxsize=32)
def _compile(source: str) -> tuple[jinja2.Template, _Tracker]:
    try:
        import jinja2
        import jinja2.ext
        import jinja2.nodes
        import jinja2.parser
        from jinja2.sandbox import ImmutableSandboxedEnvironment
    except ImportError as error:
        raise MissingExtraError("a chat template", "local") from error
    tracker = _Tracker()

    class GenerationTag(jinja2.ext.Extension):
        """`{% generation %} ... {% endgeneration %}`: renders its body and notes where it stands."""

        tags = {"generation"}  # noqa: RUF012 (the base class's own attribute)

        def parse(self, parser: jinja2.parser.Parser) -> jinja2.nodes.Node:
            line = next(parser.stream).lineno
            body = parser.parse_statements(("name:endgeneration",), drop_needle=True)
            return jinja2.nodes.CallBlock(self.call_method("_note"), [], [], body).set_lineno(line)

        def _note(self, caller: Any) -> str:
            body: str = caller()
            if tracker.spans is not None:
                tracker.spans.append((tracker.length, tracker.length + len(body)))
            return body

    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[GenerationTag, jinja2.ext.loopcontrols]
    )
    environment.filters["tojson"] = _tojson
    environment.globals["raise_exception"] = _refuse
    environment.globals["strftime_now"] = _strftime_now
    try:
        return environment.from_string(source), tracker
    except jinja2.TemplateSyntaxError as error:
        raise TunelintError(f"chat template, line {error.lineno}: {error.message}; fix the tokenizer's chat_template") from error

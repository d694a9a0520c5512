"""From a row to token ids and labels: the chat template of the model, and a mask that learns the answers only.

This is the seam to the rest of the house: `Encoder.encode` is all that the trainers ask. The mask is our own, because
the templates' `{% generation %}` markers are rare and libraries that need them refuse other templates
(https://github.com/huggingface/trl/issues/3781).

How an answer's characters are found in the rendered text: the conversation up to the answer (with the generation
prompt) and through the answer are rendered; where each is a prefix of the whole, the answer is what lies between, end
token included. Templates that rewrite earlier turns (they drop old reasoning, for instance) break that; there the whole
is rendered once more with a marker in the answer's place, and the answer is what stands where the marker stood.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tunelint.errors import TunelintError
from tunelint.records.lenient import parse_or_none
from tunelint.train.records import Message, TrainRecord

IGNORED = -100
MARKER = "tunelintanswerstandshere"
TAIL = 20
Span = tuple[int, int]

# For base models without a chat template of their own. It is saved with the result, so that asking the model uses it.
PLAIN_TEMPLATE = (
    "{{- bos_token or '' -}}"
    "{%- for message in messages -%}"
    "{{- '### ' + message['role'].capitalize() + ':\n' + message['content'] -}}"
    "{%- for call in message.get('tool_calls') or [] -%}"
    "{{- '\n' + ({'name': call.function.name, 'arguments': call.function.arguments} | tojson) -}}"
    "{%- endfor -%}"
    "{{- (eos_token or '') + '\n\n' if message['role'] == 'assistant' else '\n\n' -}}"
    "{%- endfor -%}"
    "{%- if add_generation_prompt -%}{{- '### Assistant:\n' -}}{%- endif -%}"
)


@dataclass(frozen=True, slots=True)
class Encoded:
    """A row as the model sees it: `labels` is `input_ids` where the token is learnt and -100 elsewhere.

    `cut` tells that the row was longer than the limit and lost its end.
    """

    digest: str
    input_ids: list[int]
    labels: list[int]
    cut: bool

    @property
    def trained(self) -> int:
        """The number of tokens that count in the loss (the first token of a row is never predicted)."""
        return sum(label != IGNORED for label in self.labels[1:])


class Encoder:
    """Encodes rows for one tokenizer. `max_length` is in tokens; what is longer loses its end."""

    def __init__(self, tokenizer: Any, max_length: int) -> None:
        self.tokenizer = tokenizer
        self.max_length = max_length
        special = {*map(str, tokenizer.get_added_vocab()), *map(str, tokenizer.all_special_tokens)} - {""}
        self._special = sorted(special, key=lambda token: (-len(token), token))

    def encode(self, record: TrainRecord) -> Encoded:
        """Encode one row. Raises TunelintError, naming it, where template or tokenizer cannot take it."""
        try:
            text, spans = self._plain(record) if record.plain else self._chat(record)
            text.encode("utf-8")
            ids, labels = self._tokens(text, spans)
        except UnicodeEncodeError as error:
            raise TunelintError(
                f"Record {record.digest} holds a character that is no text ({error.object[error.start]!a}); "
                "`tunelint clean` removes such records."
            ) from error
        if record.plain:
            ids, labels = self._with_ends(ids, labels)
        return Encoded(record.digest, ids[: self.max_length], labels[: self.max_length], len(ids) > self.max_length)

    def _plain(self, record: TrainRecord) -> tuple[str, list[Span]]:
        text = "\n".join(message.text for message in record.messages)
        return text, [(0, len(text))]

    def _with_ends(self, ids: list[int], labels: list[int]) -> tuple[list[int], list[int]]:
        bos, eos = self.tokenizer.bos_token_id, self.tokenizer.eos_token_id
        if bos is not None:
            ids, labels = [bos, *ids], [IGNORED, *labels]
        if eos is not None:
            ids, labels = [*ids, eos], [*labels, eos]
        return ids, labels

    def _chat(self, record: TrainRecord) -> tuple[str, list[Span]]:
        turns = [as_chat_turn(message) for message in record.messages]
        text = self._render(record, turns, False)
        spans = []
        for index, message in enumerate(record.messages):
            if not message.trained:
                continue
            span = self._span_by_prefix(record, turns, index, text) or self._span_by_marker(record, turns, index, text)
            if span is None:
                raise TunelintError(
                    f"Record {record.digest}: the model's chat template does not show turn {index + 1} "
                    f"({message.role}) as it stands, so it cannot be learnt; use another model or mend the turn."
                )
            spans.append(self._with_end_token(text, span))
        return text, spans

    def _render(self, record: TrainRecord, turns: list[dict[str, Any]], generation: bool) -> str:
        from jinja2 import TemplateError

        try:
            return str(
                self.tokenizer.apply_chat_template(
                    turns, tools=list(record.tools) or None, tokenize=False, add_generation_prompt=generation
                )
            )
        except (TemplateError, TypeError, KeyError, ValueError) as error:
            reason = " ".join(str(error).split())
            raise TunelintError(
                f"Record {record.digest}: the model's chat template refuses this conversation ({reason[:200]})."
            ) from error

    def _span_by_prefix(self, record: TrainRecord, turns: list[dict[str, Any]], index: int, text: str) -> Span | None:
        if index == 0:
            return None
        try:
            before = self._render(record, turns[:index], True)
            through = text if index == len(turns) - 1 else self._render(record, turns[: index + 1], False)
        except TunelintError:
            # Many templates refuse to render a part of a conversation; the marker does not need them to.
            return None
        if not (text.startswith(through) and through.startswith(before)):
            return None
        # A template that leaves the content out shows the role at most: that must not pass for the answer.
        shown = record.messages[index].text.strip()[-TAIL:] in through[len(before) :]
        return (len(before), len(through)) if shown and through != before else None

    def _span_by_marker(self, record: TrainRecord, turns: list[dict[str, Any]], index: int, text: str) -> Span | None:
        marked = [*turns[:index], {"role": turns[index]["role"], "content": MARKER}, *turns[index + 1 :]]
        try:
            before, found, after = self._render(record, marked, False).partition(MARKER)
        except TunelintError:
            return None
        start, end = len(before), len(text) - len(after)
        if not found or start >= end or not (text.startswith(before) and text.endswith(after)):
            return None
        return start, end

    def _with_end_token(self, text: str, span: Span) -> Span:
        """Take the end-of-turn token along, and leave the white space after it out: nobody generates that."""
        start, end = span
        shown = text[start:end].rstrip()
        if any(shown.endswith(token) for token in self._special):
            return start, start + len(shown)
        following = text[end:]
        for token in self._special:
            if following.lstrip().startswith(token):
                return (start, end + following.index(token) + len(token)) if self._ends_turn(token) else span
        return span

    def _ends_turn(self, token: str) -> bool:
        return token == self.tokenizer.eos_token or any(mark in token.lower() for mark in ("end", "eot", "eos", "</s>"))

    def _tokens(self, text: str, spans: list[Span]) -> tuple[list[int], list[int]]:
        if not self.tokenizer.is_fast:
            return self._tokens_by_piece(text, spans)
        encoding = self.tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
        ids = list(encoding["input_ids"])
        labels = []
        following = iter([*spans, (len(text) + 1, len(text) + 1)])
        start, end = next(following)
        for token, (first, last) in zip(ids, encoding["offset_mapping"], strict=True):
            while first >= end:
                start, end = next(following)
            # A token that straddles the border belongs to the answer only if it begins in it.
            labels.append(token if start <= first and last > first else IGNORED)
        return ids, labels

    def _tokens_by_piece(self, text: str, spans: list[Span]) -> tuple[list[int], list[int]]:
        """For tokenizers that do not tell where a token came from: encode what is learnt and what is not apart."""
        ids: list[int] = []
        labels: list[int] = []
        position = 0
        for start, end in [*spans, (len(text), len(text))]:
            for piece, trained in ((text[position:start], False), (text[start:end], True)):
                tokens = self.tokenizer.encode(piece, add_special_tokens=False) if piece else []
                ids += tokens
                labels += tokens if trained else [IGNORED] * len(tokens)
            position = end
        return ids, labels


def as_chat_turn(message: Message) -> dict[str, Any]:
    """Return the turn in the form that chat templates know: OpenAI's, with the arguments of calls as objects."""
    turn: dict[str, Any] = {"role": message.role, "content": message.text}
    if message.calls:
        calls = []
        for call in message.calls:
            arguments = parse_or_none(call.arguments) if isinstance(call.arguments, str) else call.arguments
            function = {"name": call.name, "arguments": call.arguments if arguments is None else arguments}
            calls.append({"type": "function", "function": function, **({"id": call.id} if call.id else {})})
        turn["tool_calls"] = calls
    if message.call_id is not None:
        turn["tool_call_id"] = message.call_id
    return turn

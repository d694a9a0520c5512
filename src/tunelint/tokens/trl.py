"""Rows as TRL's SFTTrainer and DPOTrainer build them (trl 1.16, `trainer/sft_trainer.py`, `trainer/dpo_trainer.py`).

By default every token of a `messages` or `text` row is trained and only the completion of a prompt/completion row;
`assistant_only_loss` trains what the template marks with `{% generation %}`
(https://huggingface.co/docs/trl/sft_trainer). Tests hold these rows against TRL's own, bit for bit.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tunelint.tokens.huggingface import TokenizerFolder
from tunelint.tokens.rows import NO_TEMPLATE, NotTrainable, TokenRow, common_prefix, row_of
from tunelint.tokens.templates import ChatTemplate, Rendering, TemplateRefusal

if TYPE_CHECKING:
    from tokenizers import Encoding


def sft_row(
    record: dict[str, Any],
    folder: TokenizerFolder,
    *,
    assistant_only: bool = False,
    completion_only: bool = True,
    text_field: str = "text",
) -> TokenRow:
    """Return a record as SFTTrainer tokenizes and masks it, before truncation.

    Raises NotTrainable where TRL stops on the record: keys that it does not take, a template that refuses the
    conversation, `assistant_only` with nothing marked.
    """
    tools = _tools(record)
    if isinstance(record.get("prompt"), list) and isinstance(record.get("completion"), list):
        return _conversational_pair(record, folder, tools, assistant_only, completion_only)
    messages = _messages(record)
    if messages is not None:
        text, encoding, mask = _chat(messages, folder, tools)
        if assistant_only and not any(mask):
            raise NotTrainable("assistant_only_loss finds no assistant tokens: the template marks none", stops=True)
        return row_of(encoding, text, mask if assistant_only else [True] * len(encoding))
    if assistant_only:
        raise NotTrainable("assistant_only_loss takes conversations only", stops=True)
    if isinstance(record.get("prompt"), str) and isinstance(record.get("completion"), str):
        return _text_pair(record["prompt"], record["completion"], folder, completion_only)
    if isinstance(record.get(text_field), str):
        text = _with_end(record[text_field], folder)
        encoding = folder.encode(text, add_special_tokens=True)
        return row_of(encoding, text, [True] * len(encoding))
    raise NotTrainable("TRL takes messages, prompt and completion, or text; this record has none of them", stops=True)


@dataclass(slots=True)
class Pair:
    """A preference pair as DPOTrainer tokenizes it: the shared prompt and both answers, as token ids."""

    prompt: list[int]
    chosen: list[int]
    rejected: list[int]

    def cut(self, window: int) -> Pair:
        """Return the pair with each sequence (prompt + answer) cut on the right to `window` tokens."""
        left = max(window - len(self.prompt), 0)
        return Pair(self.prompt[:window], self.chosen[:left], self.rejected[:left])


def dpo_pair(record: dict[str, Any], folder: TokenizerFolder) -> Pair:
    """Return a record with chosen and rejected as DPOTrainer tokenizes it, before truncation.

    Raises NotTrainable where TRL stops on the record.
    """
    record = record if "prompt" in record else extract_prompt(record)
    prompt, chosen, rejected = (record.get(key) for key in ("prompt", "chosen", "rejected"))
    if isinstance(prompt, list) and isinstance(chosen, list) and isinstance(rejected, list):
        tools = _tools(record)
        prompt_ids = _chat(prompt, folder, tools, add_generation_prompt=True)[1].ids
        chosen_ids, rejected_ids = (_chat(prompt + side, folder, tools)[1].ids for side in (chosen, rejected))
    elif isinstance(prompt, str) and isinstance(chosen, str) and isinstance(rejected, str):
        prompt_ids = folder.encode(prompt, add_special_tokens=True).ids
        chosen_ids, rejected_ids = (
            folder.encode(prompt + _with_end(side, folder), add_special_tokens=True).ids for side in (chosen, rejected)
        )
    else:
        raise NotTrainable("TRL takes prompt, chosen and rejected, all texts or all lists of messages", stops=True)
    shared = min(common_prefix(prompt_ids, chosen_ids), common_prefix(prompt_ids, rejected_ids))
    return Pair(prompt_ids[:shared], chosen_ids[shared:], rejected_ids[shared:])


def extract_prompt(record: dict[str, Any]) -> dict[str, Any]:
    """Return the record with the part that chosen and rejected share as `prompt` (TRL's implicit prompt).

    Raises NotTrainable where they are neither two texts nor two lists of messages.
    """
    chosen, rejected = record.get("chosen"), record.get("rejected")
    if not any(isinstance(chosen, kind) and isinstance(rejected, kind) for kind in (list, str)):
        raise NotTrainable("TRL takes chosen and rejected as two texts or two lists of messages", stops=True)
    assert isinstance(chosen, list | str)
    assert isinstance(rejected, list | str)
    shortest = min(len(chosen), len(rejected))
    index = next((place for place in range(shortest) if chosen[place] != rejected[place]), max(shortest - 1, 0))
    if isinstance(chosen, str) and index > 0 and chosen[index - 1] == " ":
        index -= 1  # the space belongs to the answer
    return {**record, "prompt": chosen[:index], "chosen": chosen[index:], "rejected": rejected[index:]}


def _conversational_pair(
    record: dict[str, Any], folder: TokenizerFolder, tools: list[Any] | None, assistant_only: bool, completion_only: bool
) -> TokenRow:
    prompt_ids = _chat(record["prompt"], folder, tools, add_generation_prompt=True)[1].ids
    text, encoding, marked = _chat(record["prompt"] + record["completion"], folder, tools)
    shared = common_prefix(prompt_ids, encoding.ids) if completion_only else 0
    mask = [False] * shared + [True] * (len(encoding) - shared)
    if assistant_only:
        if not any(marked):
            raise NotTrainable("assistant_only_loss finds no assistant tokens: the template marks none", stops=True)
        mask = [one and other for one, other in zip(mask, marked, strict=True)]
    return row_of(encoding, text, mask)


def _text_pair(prompt: str, completion: str, folder: TokenizerFolder, completion_only: bool) -> TokenRow:
    prompt_ids = folder.encode(prompt, add_special_tokens=True).ids
    text = prompt + _with_end(completion, folder)
    encoding = folder.encode(text, add_special_tokens=True)
    shared = common_prefix(prompt_ids, encoding.ids) if completion_only else 0
    return row_of(encoding, text, [False] * shared + [True] * (len(encoding) - shared))


def _chat(
    messages: Sequence[Any], folder: TokenizerFolder, tools: list[Any] | None, *, add_generation_prompt: bool = False
) -> tuple[str, Encoding, list[bool]]:
    """Render and tokenize a conversation; the mask is what the template marks as generated."""
    template = ChatTemplate.of(folder, tools=bool(tools))
    if template is None:
        raise NotTrainable(NO_TEMPLATE, stops=True)
    if not all(isinstance(message, dict) for message in messages):
        raise NotTrainable("a message is no object", stops=True)
    try:
        rendering = template.render(messages, tools=tools, add_generation_prompt=add_generation_prompt)
    except TemplateRefusal as refusal:
        raise NotTrainable(f"the chat template refuses the conversation: {refusal}", stops=True) from refusal
    encoding = folder.encode(rendering.text)
    return rendering.text, encoding, generation_mask(rendering, encoding)


def generation_mask(rendering: Rendering, encoding: Encoding) -> list[bool]:
    """Return the tokens of the marked spans, with the rounding of transformers' `return_assistant_tokens_mask`."""
    mask = [False] * len(encoding)
    for start, end in rendering.generation:
        first = encoding.char_to_token(start)
        last = encoding.char_to_token(end - 1) if end > 0 else None
        if first is None:
            break
        for index in range(first, last + 1 if last else len(mask)):
            mask[index] = True
    return mask


def _messages(record: dict[str, Any]) -> list[Any] | None:
    """Return the conversation under `messages`, or under `conversations` with from/value renamed as TRL renames them."""
    listed = record.get("messages")
    if isinstance(listed, list):
        return listed
    listed = record.get("conversations")
    if not isinstance(listed, list):
        return None
    renamed = {"from": "role", "value": "content"}
    return [{renamed.get(key, key): item for key, item in turn.items()} if isinstance(turn, dict) else turn for turn in listed]


def _tools(record: dict[str, Any]) -> list[Any] | None:
    tools = record.get("tools")
    if isinstance(tools, str):
        try:
            tools = json.loads(tools)
        except ValueError as error:
            raise NotTrainable(f"tools is no valid JSON: {error}", stops=True) from error
    return tools if isinstance(tools, list) else None


def _with_end(text: str, folder: TokenizerFolder) -> str:
    end = folder.special("eos_token") or ""
    return text if text.endswith(end) else text + end

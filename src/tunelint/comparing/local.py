"""A model on this machine: its loss on every row, and its answers, greedy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tunelint.comparing.cases import Case
from tunelint.comparing.shots import with_shots
from tunelint.errors import TunelintError
from tunelint.tokens.own import message_of
from tunelint.train import TrainRecord
from tunelint.train.encode import Encoded, Encoder, as_turns
from tunelint.train.losses import summed_losses
from tunelint.train.records import Message

ROWS_AT_ONCE = 8


@dataclass(frozen=True)
class Prompts:
    """What all models of a comparison are asked, so that only the models differ.

    `plain` and `shown` are the rows without and with examples (None where not even one fits or there is none), encoded
    with the same trained tokens; `used` the number of examples in each.
    """

    plain: tuple[Encoded, ...]
    shown: tuple[Encoded | None, ...]
    records: tuple[TrainRecord | None, ...]
    used: tuple[int, ...]


def prepare(
    cases: Sequence[Case], shots: Sequence[Sequence[Case]], tokenizer_folder: Path, max_length: int, context: int, answer_room: int
) -> Prompts:
    """Encode the cases with as many of their examples as fit: the prompt, the answer and `answer_room` into `context`."""
    own, wide = Encoder(tokenizer_folder, max_length), Encoder(tokenizer_folder, context)
    plain = tuple(own.encode(case.record) for case in cases)
    shown: list[Encoded | None] = []
    records: list[TrainRecord | None] = []
    used = []
    for case, row, examples in zip(cases, plain, shots, strict=True):
        found: tuple[Encoded | None, TrainRecord | None, int] = (None, None, 0)
        for count in range(len(examples), 0, -1):
            record = with_shots(case, examples[len(examples) - count :])
            encoded = wide.encode(record)
            # A template that treats a long conversation otherwise would train other tokens: those are not compared.
            if len(encoded.input_ids) + answer_room <= context and encoded.trained == row.trained:
                found = (encoded, record, count)
                break
        shown.append(found[0])
        records.append(found[1])
        used.append(found[2])
    return Prompts(plain, tuple(shown), tuple(records), tuple(used))


def losses(model: Any, rows: Sequence[Encoded | None], pad: int, device: str) -> list[float | None]:
    """Return the mean NLL per trained token of each row in nats; None for no row and for one without trained tokens."""
    there = [row for row in rows if row is not None and row.trained]
    sums = iter(summed_losses(model, there, pad, device).tolist() if there else [])
    return [next(sums) / row.trained if row is not None and row.trained else None for row in rows]


def answers(model: Any, tokenizer: Any, prompts: Sequence[tuple[Message, ...]], tools: Sequence[tuple[Any, ...]], most: int) -> list[str]:
    """Return the greedy answer to each prompt, of at most `most` new tokens.

    Rows of like length are made together, padded on the left. Raises TunelintError where a template refuses a prompt.
    """
    import torch

    texts = [_render(tokenizer, turns, declared) for turns, declared in zip(prompts, tools, strict=True)]
    encoded = [tokenizer(text, add_special_tokens=False)["input_ids"] for text in texts]
    order = sorted(range(len(encoded)), key=lambda place: (len(encoded[place]), place))
    made = [""] * len(encoded)
    for start in range(0, len(order), ROWS_AT_ONCE):
        batch = order[start : start + ROWS_AT_ONCE]
        longest = max(len(encoded[place]) for place in batch)
        pads = [longest - len(encoded[place]) for place in batch]
        ids = torch.tensor([[tokenizer.pad_token_id] * pad + encoded[place] for place, pad in zip(batch, pads, strict=True)])
        mask = torch.tensor([[0] * pad + [1] * (longest - pad) for pad in pads])
        with torch.inference_mode():
            out = model.generate(
                input_ids=ids.to(model.device), attention_mask=mask.to(model.device), max_new_tokens=most, do_sample=False, num_beams=1,
                pad_token_id=tokenizer.pad_token_id, temperature=None, top_p=None, top_k=None,
            )  # fmt: skip
        for place, row in zip(batch, out[:, longest:], strict=True):
            made[place] = str(tokenizer.decode(row, skip_special_tokens=True))
    return made


def wanted_text(tokenizer: Any, case: Case) -> str:
    """Return the wanted answer as this model would write it: a tool call has the form of its chat template."""
    if case.answer is None or not case.answer.calls:
        return case.wanted
    prompt = _render(tokenizer, case.prompt, case.record.tools)
    whole = _render(tokenizer, (*case.prompt, case.answer), case.record.tools, ask=False)
    if not whole.startswith(prompt):
        return case.wanted
    ids = tokenizer(whole[len(prompt) :], add_special_tokens=False)["input_ids"]
    return str(tokenizer.decode(ids, skip_special_tokens=True)).strip()


def _render(tokenizer: Any, turns: tuple[Message, ...], tools: tuple[Any, ...], ask: bool = True) -> str:
    messages = [message_of(turn) for turn in as_turns(turns)]
    try:
        return str(tokenizer.apply_chat_template(messages, tools=list(tools) or None, add_generation_prompt=ask, tokenize=False))
    except Exception as error:  # templates are programs of the model's makers and raise what they like
        raise TunelintError(f"The chat template refuses a prompt: {' '.join(str(error).split())[:200]}; try --shots 0.") from error

"""/v1/chat/completions: talk to a base model or to what was made of it.

Answers are made one at a time on the device that training would use; this is for trying a model, not for serving it to many.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse

from tunelint.errors import TunelintError
from tunelint.train.plan import SMOLLM2, TINY
from tunelint.train.records import Message, TrainRecord
from tunelint.train.server.models import find_model
from tunelint.train.server.problems import Problem
from tunelint.train.server.state import state_of
from tunelint.train.server.store import new_id

LONGEST = 4096
DEFAULT_TOKENS = 256


@dataclass(frozen=True)
class Asked:
    """A chat request, checked."""

    model: str
    messages: list[dict[str, Any]]
    tools: list[Any] | None
    max_tokens: int
    temperature: float
    top_p: float
    stop: tuple[str, ...]
    seed: int | None
    stream: bool


class Talker:
    """Holds the model that was asked last."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._name = ""
        self._loaded: tuple[Any, Any] | None = None

    def answer(self, place: str, asked: Asked) -> dict[str, Any]:
        """Return `text`, `finish` ("stop" or "length"), and the numbers of tokens `prompt` and `completion`."""
        from tunelint.train.libraries import require_packages

        require_packages()
        import torch

        with self._lock:
            if self._loaded is None or self._name != place:
                self._loaded = None
                self._loaded, self._name = _load(place), place
            model, tokenizer = self._loaded
            try:
                ids = tokenizer.apply_chat_template(
                    asked.messages, tools=asked.tools, add_generation_prompt=True, return_tensors="pt", return_dict=True
                ).to(model.device)
            except Exception as error:  # templates are programs of the model's makers and raise what they like
                raise Problem(400, f"The chat template of {asked.model} refuses these messages: {error}", "messages") from error
            prompt = int(ids["input_ids"].shape[1])
            context = getattr(model.config, "max_position_embeddings", None) or LONGEST
            room = min(asked.max_tokens, context - prompt)
            if room < 1:
                raise Problem(400, f"The messages have {prompt:,} tokens; the model takes {context:,}.", "messages", "context_length_exceeded")
            sampled = asked.temperature > 0
            if asked.seed is not None:
                torch.manual_seed(asked.seed)
            with torch.inference_mode():
                made = model.generate(
                    **ids, max_new_tokens=room, do_sample=sampled, pad_token_id=tokenizer.pad_token_id,
                    **({"temperature": asked.temperature, "top_p": asked.top_p} if sampled else {}),
                )[0][prompt:]  # fmt: skip
            text = str(tokenizer.decode(made, skip_special_tokens=True))
            cut = min((found for word in asked.stop if (found := text.find(word)) >= 0), default=None)
            finish = "length" if len(made) >= room and cut is None else "stop"
            return {"text": text[:cut], "finish": finish, "prompt": prompt, "completion": len(made)}


def _load(place: str) -> tuple[Any, Any]:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from tunelint.train import tiny
    from tunelint.train.smollm2 import smollm2_folder

    if place == TINY:
        # The base model is untrained weights, and its vocabulary comes from the data: a few words stand in for it here.
        words = TrainRecord((Message("user", "The quick brown fox jumps over the lazy dog."),), "")
        tokenizer = tiny.train_tokenizer([words])
        return tiny.build_model(tokenizer, 0).eval(), tokenizer
    place = str(smollm2_folder()) if place == SMOLLM2 else place
    tokenizer = AutoTokenizer.from_pretrained(place, trust_remote_code=False)
    model: Any = AutoModelForCausalLM.from_pretrained(place, trust_remote_code=False, use_safetensors=True)
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    return model.to("cuda" if torch.cuda.is_available() else "cpu").eval(), tokenizer


async def complete(request: Request) -> Response:
    """Answer a chat."""
    asked = read_chat(await request.body())
    state = state_of(request)
    place = find_model(state, asked.model)
    try:
        made = await run_in_threadpool(state.talker.answer, place, asked)
    except TunelintError as error:
        raise Problem(400, str(error), "model") from error
    if asked.stream:
        return StreamingResponse(_stream(asked.model, made), media_type="text/event-stream")
    usage = {"prompt_tokens": made["prompt"], "completion_tokens": made["completion"], "total_tokens": made["prompt"] + made["completion"]}
    choice = {
        "index": 0, "message": {"role": "assistant", "content": made["text"], "refusal": None}, "logprobs": None, "finish_reason": made["finish"],
    }  # fmt: skip
    return JSONResponse({**_head("chat.completion", asked.model), "choices": [choice], "usage": usage})


def _head(kind: str, model: str) -> dict[str, Any]:
    return {"id": new_id("chatcmpl"), "object": kind, "created": round(time.time()), "model": model}


def _stream(model: str, made: dict[str, Any]) -> Iterator[bytes]:
    """Send the answer as events; it is made whole before, so there are only two."""
    head = _head("chat.completion.chunk", model)
    for delta, finish in (({"role": "assistant", "content": made["text"]}, None), ({}, made["finish"])):
        chunk = {**head, "choices": [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}]}
        yield f"data: {json.dumps(chunk)}\n\n".encode()
    yield b"data: [DONE]\n\n"


def read_chat(body: bytes) -> Asked:
    """Read the body of a chat request. Raises Problem, naming the parameter at fault."""
    try:
        value = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise Problem(400, f"The body is no JSON: {error}.") from error
    if not isinstance(value, dict) or not isinstance(value.get("model"), str):
        raise Problem(400, "model is missing.", "model")
    messages = value.get("messages")
    turns = messages if isinstance(messages, list) else []
    if not turns or any(not isinstance(turn, dict) or not isinstance(turn.get("role"), str) for turn in turns):
        raise Problem(400, "messages must be a list of objects with a role.", "messages")
    if value.get("n") not in (None, 1):
        raise Problem(400, "One answer at a time: n must be 1.", "n")
    stop = value.get("stop") or []
    stop = [stop] if isinstance(stop, str) else stop
    if not isinstance(stop, list) or any(not isinstance(word, str) for word in stop):
        raise Problem(400, "stop must be a text or a list of texts.", "stop")
    most = value.get("max_completion_tokens") or value.get("max_tokens") or DEFAULT_TOKENS
    return Asked(
        value["model"], [_plain(turn) for turn in turns], value.get("tools") or None, round(_between(most, 1, LONGEST, "max_tokens")),
        _between(value.get("temperature", 1), 0, 2, "temperature"), _between(value.get("top_p", 1), 0, 1, "top_p"), tuple(filter(None, stop)),
        round(_between(value["seed"], -(2**63), 2**63 - 1, "seed")) if value.get("seed") is not None else None, bool(value.get("stream")),
    )  # fmt: skip


def _between(value: Any, least: float, most: float, name: str) -> float:
    if value is None:
        return 1.0
    if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
        raise Problem(400, f"{name} must be between {least} and {most}.", name)
    return value


def _plain(turn: dict[str, Any]) -> dict[str, Any]:
    """Return the message with one text as content, as chat templates want it. Raises Problem for images."""
    content = turn.get("content")
    if isinstance(content, list):
        if any(not isinstance(part, dict) or part.get("type") != "text" or not isinstance(part.get("text"), str) for part in content):
            raise Problem(400, "The models here read text only.", "messages")
        content = "".join(part["text"] for part in content)
    if content is not None and not isinstance(content, str):
        raise Problem(400, "content must be a text.", "messages")
    return {**turn, "content": content or ""}

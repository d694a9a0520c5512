"""A model behind an OpenAI-compatible chat endpoint: its answers. There are no losses to be had there."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from tunelint.comparing.cases import answer_text
from tunelint.errors import TunelintError
from tunelint.train import TrainRecord
from tunelint.train.api.connection import Connection
from tunelint.train.api.fitting import refuse_secrets
from tunelint.train.api.payload import message
from tunelint.train.records import Message

AT_ONCE = 4
RETRIES = 5


def request(model: str, prompt: Sequence[Message], tools: Sequence[Any], most: int, seed: int) -> dict[str, Any]:
    """Return the arguments of a chat completion: temperature 0, at most `most` tokens."""
    turns = [{key: value for key, value in message(turn).items() if key != "weight"} for turn in prompt]
    asked: dict[str, Any] = {"model": model, "messages": turns, "temperature": 0, "max_tokens": most, "seed": seed}
    return {**asked, "tools": list(tools)} if tools else asked


def ask(connection: Connection, requests: Sequence[dict[str, Any]], done: Callable[[int, int], None]) -> list[str]:
    """Send the requests, a few at a time, and return the answers in their order; `done` is told how many are there.

    The client tries again what a network or a busy service lost. Raises TunelintError, without the key, where a request
    fails for good.
    """
    client = connection.client().with_options(max_retries=RETRIES)
    answers: list[str] = []
    pool = ThreadPoolExecutor(AT_ONCE)
    try:
        for answer in pool.map(lambda body: _one(client, connection, body), requests):
            answers.append(answer)
            done(len(answers), len(requests))
    finally:
        pool.shutdown(cancel_futures=True)
    return answers


def _one(client: Any, connection: Connection, body: dict[str, Any]) -> str:
    import openai

    try:
        completion = client.chat.completions.create(**body)
        said = completion.choices[0].message
    except openai.APIStatusError as error:
        words = " ".join(str(error.message).split())[:300]
        raise TunelintError(connection.redact(f"{connection.base_url} refuses a chat with {body['model']} ({error.status_code}): {words}")) from error
    except openai.OpenAIError as error:
        raise TunelintError(connection.redact(f"No answer from {connection.base_url} ({str(error).rstrip('.')}); run the command again.")) from error
    except (AttributeError, IndexError, TypeError, ValueError) as error:
        raise TunelintError(f"{connection.base_url} answered with something that is no chat completion.") from error
    calls = [(call.function.name, call.function.arguments) for call in said.tool_calls or [] if getattr(call, "function", None)]
    return answer_text(said.content or "", calls)


def refuse_secret_rows(records: Sequence[TrainRecord]) -> None:
    """Refuse to send rows with keys or passwords. Raises TunelintError that says how many there are."""
    lines = [json.dumps({"messages": [message(turn) for turn in record.messages]}).encode() + b"\n" for record in records]
    refuse_secrets([("rows", b"".join(lines))])

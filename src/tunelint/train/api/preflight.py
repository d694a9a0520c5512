"""What is said, and refused, before a remote job: closing services, secrets in the data, tokens and cost."""

from __future__ import annotations

import json
from typing import Any

from tunelint.errors import TunelintError
from tunelint.prices import price_of
from tunelint.targets import load_target, today
from tunelint.train.api import payload
from tunelint.train.api.connection import Connection, connect
from tunelint.train.api.fitting import fit_or_refuse
from tunelint.train.api.parts import MIME_TYPE, parts
from tunelint.train.api.payload import Upload, check_request, job_request, message, rows_with_reasoning, uploads
from tunelint.train.backend import Estimate
from tunelint.train.plan import Plan


def notes(plan: Plan) -> list[str]:
    """Return what the user should know before the job: where it goes, what is closing, what becomes of the rows there.

    Raises TunelintError as `fit_or_refuse` does.
    """
    connection = connect(plan.options)
    said = [f"the rows are sent to {connection.base_url}"]
    if connection.is_openai:
        for fact in load_target("openai").endings:
            days = (fact.value - today()).days
            when = f"in {days} days" if days > 0 else "over"
            said.append(f"{fact.says} {fact.value} ({when}; {fact.source}, read {fact.read})")
    reasoning = rows_with_reasoning([*plan.train, *plan.eval])
    if reasoning:
        said.append(f"{reasoning:,} rows hold reasoning, which OpenAI's form cannot carry; it is left out")
    return said + fit_or_refuse(plan, connection)


def requests(plan: Plan) -> list[dict[str, Any]]:
    """Return the requests of a run as they would be sent, file ids and the run's mark apart. Secrets are not in them."""
    connection = connect(plan.options)
    files = uploads(plan, connection.is_azure)
    sent = [request for file in files for request in _file_requests(connection.base_url, file)]
    ids = {file.split: f"<id of the {file.split} file>" for file in files}
    body = job_request(plan, ids, "<mark of the run>")
    sent.append({"method": "POST", "url": f"{connection.base_url}/fine_tuning/jobs", "body": body})
    return sent


def _file_requests(base_url: str, file: Upload) -> list[dict[str, Any]]:
    first_line = file.content.split(b"\n", 1)[0].decode("utf-8-sig")
    named = {"name": file.filename, "bytes": len(file.content), "first_line": first_line}
    if len(file.content) <= payload.LARGEST:
        return [{"method": "POST", "url": f"{base_url}/files", "form": {"purpose": "fine-tune"}, "file": named}]
    begin = {"filename": file.filename, "bytes": len(file.content), "mime_type": MIME_TYPE, "purpose": "fine-tune"}
    place, pieces = f"{base_url}/uploads/<id of the upload>", parts(file.content)
    return [
        {"method": "POST", "url": f"{base_url}/uploads", "body": begin},
        {"method": "POST", "url": f"{place}/parts", "times": len(pieces), "file": named},
        {"method": "POST", "url": f"{place}/complete", "body": {"part_ids": ["<id of each part>"], "md5": "<of the file>"}},
    ]


def estimate(plan: Plan) -> Estimate:
    """Count the tokens that are billed; the cost is known where the price is: `--price` (USD per million tokens), else the
    dated one among OpenAI's facts."""
    from tunelint.tokens.counters import counter_for

    connection = connect(plan.options)
    check_request(plan)
    counter = counter_for(plan.model if connection.is_openai else None)
    texts = [json.dumps(message(turn), ensure_ascii=False) if turn.calls else turn.text for row in plan.train for turn in row.messages]
    tokens = int(counter.count(texts).sum()) + 4 * len(texts)
    epochs, price, dated = plan.hyperparameters.epochs, plan.options.get("price"), ""
    known = price_of("openai", plan.model) if connection.is_openai and price is None else None
    if known is not None:
        price, dated = known.usd_per_million, f"; {known.usd_per_million:g} USD per million tokens, read {known.read}"
    size = plan.hyperparameters.batch_size
    steps = -(-len(plan.train) // size) * epochs if size and epochs else None
    cost = tokens * epochs * float(price) / 1e6 if price and epochs else None
    lacking = " and ".join(name for name, value in (("--price", price), ("--epochs", epochs)) if not value)
    unknown = "" if cost is not None else f"; the cost is unknown without {lacking}"
    exact = "" if counter.exact and connection.is_openai else ", an estimate for this model"
    return Estimate(
        tokens=tokens, steps=steps, seconds=None, memory_bytes=None, cost_usd=cost, parameters=None, trained_parameters=None,
        flops=None, basis=f"tokens by {counter.name}{exact}{dated}{unknown}",
    )  # fmt: skip


def model_notes(client: Any, model: str) -> list[str]:
    """Ask the service about the model: unknown, or about to be shut down. A service without this endpoint says nothing.

    Raises openai.APIConnectionError where nobody answers.
    """
    import openai

    try:
        found = client.models.retrieve(model)
    except openai.NotFoundError:
        return [f"the service does not list the model {model}; it may still train it"]
    except (openai.APIStatusError, openai.APIResponseValidationError, json.JSONDecodeError):
        return []
    end = getattr(found, "shutdown_date", None)
    return [f"the service shuts {model} down on {end}"] if end else []


def check(plan: Plan) -> Connection:
    """Return the connection of a plan that may be started. Raises TunelintError for one that may not."""
    if plan.model == "tiny" and connect(plan.options).is_openai:
        raise TunelintError("tiny is tunelint's own demonstration model; name one of the service's with --model.")
    connection = connect(plan.options)
    fit_or_refuse(plan, connection)
    return connection

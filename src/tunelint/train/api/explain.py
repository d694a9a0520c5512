"""What a service's refusal means and what to do about it, in plain words.

Codes and texts as seen at OpenAI and Azure: https://platform.openai.com/docs/guides/error-codes,
https://github.com/johny-b/llmcomp/issues/59 (file errors), https://platform.openai.com/docs/deprecations.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from tunelint.errors import TunelintError
from tunelint.train.api.connection import Connection
from tunelint.train.plan import Plan
from tunelint.train.runs import RunFolder

NO_MONEY = frozenset({"insufficient_quota", "exceeded_quota", "billing_hard_limit_reached", "billing_not_active"})
FILE_CODES = frozenset({"invalid_training_file", "invalid_validation_file", "invalid_file_format", "invalid_n_examples", "unsafe_file"})
SHUT_OUT = (
    "OpenAI lets this organisation create no fine-tuning job any more (training_not_available): it closes the service, and "
    "organisations without a recently used tuned model are shut out already. The same data trains with --backend local, or at "
    "another service with --base-url URL (see https://platform.openai.com/docs/deprecations)."
)
_EXAMPLE = re.compile(r"\b(?:[Ee]xample|[Ll]ine) (\d+)\b")
_FLAGGED = re.compile(r"[Ff]lagged lines?: ([\d, ]+)")
_MOST = 5


def explain_call(error: Any, connection: Connection, doing: str) -> TunelintError:
    """Return the error of a refused call: `doing` says what was tried."""
    code = str(getattr(error, "code", None) or "")
    status = getattr(error, "status_code", None)
    words = connection.redact(_words(error))
    if code == "training_not_available":
        return TunelintError(SHUT_OUT)
    if code in NO_MONEY:
        return TunelintError(
            f"{doing}: the account at {connection.host} has no credit or has used up its limit ({code}). Nothing was started; "
            "add credit, then `tunelint runs resume`."
        )
    if status == 401:
        where = f"the key in {connection.key_name}" if connection.key else "a call without a key; name its variable with --api-key-env"
        return TunelintError(f"{doing}: {connection.host} does not accept {where} ({words}).")
    if status == 404:
        return TunelintError(f"{doing}: {connection.base_url} does not know it ({words}). Check --base-url and --model.")
    return TunelintError(f"{doing}: {connection.host} refused it{f' ({status})' if status else ''}: {words}")


def explain_job(error: Any, folder: RunFolder, connection: Connection) -> str:
    """Return why a job has failed, with the rows that the service's words name."""
    code = str(getattr(error, "code", None) or "")
    said = connection.redact(" ".join(str(getattr(error, "message", None) or "").split()))
    split = "eval" if "validation" in f"{code} {getattr(error, 'param', '')}" else "train"
    parts = [f"{code}: {said}" if code and said else said or code or "the service gives no reason"]
    if code in NO_MONEY:
        parts.append("The account has no credit or has used up its limit: add credit and start the run again.")
    if "moderation" in said.lower() or code == "unsafe_file":
        parts.append("The service's moderation has flagged examples; take them out of the data.")
    if code in FILE_CODES or _FLAGGED.search(said) or _EXAMPLE.search(said):
        parts += [place for number in _numbers(said)[:_MOST] if (place := row_place(folder.plan(), split, number))]
    return " ".join(part if part.endswith((".", "!")) else part + "." for part in parts)


def row_place(plan: Plan, split: str, number: int) -> str:
    """Say which record example `number` (from 1) of the uploaded file is: its digest, and file and line where unchanged."""
    rows = plan.train if split == "train" else plan.eval
    if not 1 <= number <= len(rows):
        return ""
    digest = rows[number - 1].digest
    found = place_of(plan, split, number)
    return f"Example {number} is {found or f'row {number} of data/{split}.jsonl in the run folder'} (record {digest})"


def place_of(plan: Plan, split: str, number: int) -> str:
    """Return the file and line that row `number` (from 1) of a split comes from, "" where it was changed on the way."""
    rows = plan.train if split == "train" else plan.eval
    if not 1 <= number <= len(rows):
        return ""
    sources = plan.train_sources if split == "train" else plan.eval_sources
    return next((place for source in (*sources, *plan.train_sources) if (place := _line_of(source.path, rows[number - 1].digest))), "")


def _line_of(path: str, digest: str) -> str:
    from tunelint.records.reader import read_records

    if not Path(path).is_file():
        return ""
    line = next((record.line for record in read_records(path) if record.digest == digest), None)
    return f"{path}:{line}" if line is not None else ""


def _numbers(text: str) -> list[int]:
    found = [int(number) for group in _FLAGGED.findall(text) for number in re.findall(r"\d+", group)]
    return list(dict.fromkeys(found + [int(number) for number in _EXAMPLE.findall(text)]))


def _words(error: Any) -> str:
    """The service's own sentence, or what the client makes of it, in one line."""
    body = getattr(error, "body", None)
    said = body.get("message") if isinstance(body, dict) else None
    return " ".join(str(said or error).split())[:500]

"""What would be sent, linted as the service reads it: secrets, rows that it refuses, rows that it would not train on.

The files that the user has were linted before. What is sent is another form of them, so it is linted itself, with the
facts of the service (its target) where the address tells which one it is.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from tunelint.api import lint
from tunelint.errors import TunelintError
from tunelint.findings import Finding, Severity
from tunelint.train.api.connection import Connection
from tunelint.train.api.explain import place_of
from tunelint.train.api.payload import check_request, uploads
from tunelint.train.plan import Plan

if TYPE_CHECKING:
    from tunelint.engine.result import Report

SECRETS = "PII001"
TARGETS = {
    "api.openai.com": "openai", "api.together.ai": "together", "api.together.xyz": "together",
    "api.fireworks.ai": "fireworks", "api.mistral.ai": "mistral",
}  # fmt: skip
ALREADY = ("DUP", "LEAK", "PII")
"""Findings about rows side by side, which were looked for in the user's own files; and secrets, which are looked for apart."""
AZURE_SUFFIX = 18
"""Characters: https://learn.microsoft.com/azure/ai-foundry/openai/how-to/fine-tuning."""
MOST = 5


def target_of(plan: Plan, connection: Connection) -> str | None:
    """Return the target whose facts the service at this address has, else the one that the user named."""
    known = "azure" if connection.is_azure else TARGETS.get(connection.host)
    named = plan.options.get("target")
    return known or (str(named) if named else None)


def fit_or_refuse(plan: Plan, connection: Connection) -> list[str]:
    """Return what becomes of the rows at the service, in sentences, none where nothing is known about it.

    Raises TunelintError for a setting that the API does not have, for rows that cannot be sent, for secrets, and for rows
    that the service refuses or would never train on: the first of them are named. `--no-lint` leaves out the last.
    """
    check_request(plan)
    suffix = str(plan.options.get("suffix") or "")
    if connection.is_azure and (len(suffix) > AZURE_SUFFIX or "." in suffix):
        raise TunelintError(f"--suffix {suffix!r}: Azure takes at most {AZURE_SUFFIX} characters and no dot.")
    files = uploads(plan, connection.is_azure)
    sent = [(file.split, file.content) for file in files]
    if not plan.options.get("allow_secrets"):
        refuse_secrets(sent)
    target = target_of(plan, connection)
    if target is None or plan.options.get("no_lint"):
        return []
    with _written(sent) as paths:
        by_split = {path.stem: [str(path)] for path in paths}
        report = lint(train=by_split["train"], eval=by_split.get("eval", ()), target=target, ignore=ALREADY)
    errors = [finding for finding in report.findings if finding.severity is Severity.ERROR]
    if errors:
        raise TunelintError(
            f"{len(errors):,} error{'s' * (len(errors) > 1)} in what would be sent to {connection.host} (target {target}): "
            f"{_named(plan, errors)}. Mend them (tunelint lint --target {target} shows more), or send them all the same: tunelint train --no-lint."
        )
    return list(_notes(plan, report))


def refuse_secrets(files: Sequence[tuple[str, bytes]]) -> None:
    """Look for keys and passwords in the very bytes that would be sent, whatever was linted or ignored before.

    `files` are names and contents. Raises TunelintError that says how many there are and where the first lies.
    """
    with _written(files) as paths:
        report = lint(paths, select=(SECRETS,), scope="record", jobs=1)
    found = [finding for finding in report.findings if finding.code == SECRETS]
    if found:
        first = found[0]
        raise TunelintError(
            f"The rows hold {len(found):,} secret{'s' * (len(found) > 1)} ({SECRETS}), the first in {Path(first.path or '').stem} "
            f"row {first.line}: {first.message} "
            "They would leave this machine: remove them (tunelint clean --unsafe-fixes), or say --allow-secrets."
        )


def _notes(plan: Plan, report: Report) -> Iterator[str]:
    for file in report.files:
        yield from (f"{file.split} file: {ledger.sentence()}" for ledger in file.ledgers if ledger.rows)
    cut = [finding for finding in report.findings if finding.code.startswith("TOK") and finding.line]
    if cut:
        yield f"rows that do not fit: {_named(plan, cut)}"


def _named(plan: Plan, findings: Sequence[Finding]) -> str:
    """The first findings, each with the place of its row in the user's files where it can be told."""
    said = []
    for finding in findings[:MOST]:
        split = Path(finding.path or "").stem
        place = place_of(plan, split, finding.line) if finding.line else ""
        where = place or (f"{split} file" if split else "the data")
        said.append(f"{where}: {finding.code} {finding.message.rstrip('.')}")
    return "; ".join(said) + (f"; and {len(findings) - MOST:,} more" if len(findings) > MOST else "")


@contextmanager
def _written(files: Sequence[tuple[str, bytes]]) -> Iterator[list[Path]]:
    with tempfile.TemporaryDirectory(prefix="tunelint-") as room:
        paths = [Path(room, f"{name}.jsonl") for name, _ in files]
        for path, (_, content) in zip(paths, files, strict=True):
            path.write_bytes(content)
        yield paths

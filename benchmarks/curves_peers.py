"""Runs other people's training-log tools on many logs, in one process of their own environment. Standard library only.

Usage: python curves_peers.py LOGS.json OUT.json; LOGS.json is a list of trainer_state.json paths. Writes, per tool and
log: {"overfit": severity or null, "step": the checkpoint that the tool would keep or null, "crash": text or null}.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import json
import sys
import traceback
from typing import Any

ARGUMENTS = {
    "finetune_doctor": ["diagnose", "{path}", "--format", "json", "--fail-on", "never"],
    "runmedic": ["diagnose", "{path}", "--json"],
    "trainspotter": ["analyze", "{path}", "--format", "hf", "--output", "json"],
    "losslint": ["check", "{path}", "--format", "json"],
}


def ask(tool: str, path: str) -> dict[str, Any]:
    """Return what a tool says about one log."""
    main = importlib.import_module(f"{tool}.cli").main
    arguments = [part.format(path=path) for part in ARGUMENTS[tool]]
    out, errors = io.StringIO(), io.StringIO()
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(errors):
            with contextlib.suppress(SystemExit):
                main(arguments)
        return {**read(tool, json.loads(out.getvalue())), "crash": None}
    except Exception:  # a crash is a result of this benchmark
        return {"overfit": None, "step": None, "crash": traceback.format_exc(limit=-1).strip().splitlines()[-1]}


def read(tool: str, said: Any) -> dict[str, Any]:
    """Return the severity of the tool's overfitting finding and the checkpoint it points at."""
    findings = said[0]["findings"] if tool == "runmedic" else said["findings"]
    key = "detector" if tool == "trainspotter" else "check"
    found = next((finding for finding in findings if "overfit" in str(finding[key]).lower()), None)
    step = None
    if tool == "finetune_doctor":
        step = (said.get("pick") or {}).get("best_step")
    elif found is not None:
        places = {**found, **(found.get("details") or {}), **(found["evidence"] if isinstance(found.get("evidence"), dict) else {})}
        step = next((places[key] for key in ("best_step", "since_step", "step") if key in places), None)
    return {"overfit": str(found["severity"]).lower() if found else None, "step": step}


def main() -> None:
    """Ask every tool about every log."""
    with open(sys.argv[1]) as file:
        logs = json.load(file)
    answers = {tool: {path: ask(tool, path) for path in logs} for tool in ARGUMENTS}
    with open(sys.argv[2], "w") as file:
        json.dump(answers, file)


if __name__ == "__main__":
    main()

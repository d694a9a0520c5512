"""The validators that we are held against: what is installed, which rows each is asked about, what it says today and what was frozen."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from environments import peer_python
from peer_rows import ROWS

HERE = Path(__file__).parent
TOKENIZER = HERE.parent / "tokens" / "fixtures" / "chatml"


@dataclass(frozen=True)
class Peer:
    """A validator. `installs`: pip arguments, a call each. `groups`: the rows it is asked about. `target`: ours for the same data."""

    package: str
    installs: tuple[tuple[str, ...], ...]
    groups: tuple[str, ...]
    target: str | None


PEERS = {
    "openai": Peer("openai==2.0.0", (("openai==2.0.0", "pandas==2.3.3"),), ("pairs",), None),
    "together": Peer(
        "together==2.12.0", (("together==2.12.0",),), ("chat", "parts", "tools", "pairs", "preference", "other", "files"), "together"
    ),
    "mistral": Peer("mistral-common==1.13.1", (("mistral-common==1.13.1", "pydantic==2.14.3"),), ("chat", "parts", "tools"), "mistral"),
    # Without its dependencies: the data utilities need neither torch nor accelerate.
    "trl": Peer(
        "trl==1.16.0", (("datasets==5.0.0", "transformers==5.14.1", "jinja2==3.1.6"), ("--no-deps", "trl==1.16.0")),
        ("chat", "tools", "pairs", "preference", "other", "files"), "trl",
    ),
}  # fmt: skip


def rows_of(peer: str) -> dict[str, bytes]:
    """Return the rows that a peer is asked about: name -> bytes of the file."""
    return {name: row.data for name, row in ROWS.items() if name.split("/")[0] in PEERS[peer].groups and peer not in row.not_for}


def digest(data: bytes) -> str:
    """Return a short name of a row's bytes."""
    return hashlib.sha256(data).hexdigest()[:12]


def one_line(error: str | None) -> str | None:
    """Return an error in one line, without what changes from run to run (addresses, numbers of releases in links)."""
    if error is None:
        return None
    text = re.sub(r"For further information visit \S+", "", error)
    return " ".join(re.sub(r"0x[0-9a-f]{6,}", "0x", text).split())[:240]


def ask(name: str) -> dict[str, dict[str, Any]]:
    """Run a peer on its rows in its own environment. Returns row -> digest of its bytes, verdict, error.

    Raises RegistryUnreachable, and RuntimeError with the end of the peer's own output where it fails as a whole.
    """
    peer, rows = PEERS[name], rows_of(name)
    python = peer_python(name, *peer.installs)
    job = {"tokenizer": str(TOKENIZER), "rows": {row: base64.b64encode(data).decode() for row, data in rows.items()}}
    done = subprocess.run([str(python), str(HERE / f"peer_{name}.py")], input=json.dumps(job), capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"peer_{name}.py failed:\n{done.stderr[-4000:]}")
    errors = json.loads(done.stdout.splitlines()[-1])
    return {
        row: {"bytes": digest(data), "verdict": "reject" if errors[row] else "accept"} | ({"error": one_line(errors[row])} if errors[row] else {})
        for row, data in rows.items()
    }


def frozen(name: str) -> dict[str, Any]:
    """Return a peer's frozen file: peer, command, verdicts."""
    return json.loads((HERE / f"{name}.json").read_text(encoding="utf-8"))


def freeze(name: str) -> dict[str, Any]:
    """Ask a peer anew and write its frozen file."""
    stored = {"peer": PEERS[name].package, "command": f"python tests/peers/freeze.py {name}", "verdicts": ask(name)}
    lines = ",\n  ".join(f"{json.dumps(row)}: {json.dumps(verdict, ensure_ascii=False)}" for row, verdict in stored["verdicts"].items())
    head = ",\n ".join(f"{json.dumps(key)}: {json.dumps(stored[key])}" for key in ("peer", "command"))
    (HERE / f"{name}.json").write_text(f'{{{head},\n "verdicts": {{\n  {lines}\n }}\n}}\n', encoding="utf-8")
    return stored

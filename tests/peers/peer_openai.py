"""The verdicts of openai 2.0.0's own validators (`openai.lib._validators`) on prompt/completion rows.

Job on stdin, verdicts on stdout. A row is refused where a validator stops with an error or has a *necessary* remediation
(a row or a column is removed, a column renamed); its suggestions of style are left out. Each row stands among clean ones,
because the reader takes a file of one row for a JSON array.
"""

from __future__ import annotations

import base64
import json
import sys
import tempfile
from pathlib import Path

from openai.lib._validators import get_validators, read_any_format

CLEAN = [
    (f"Name a colour that begins with {letter} ->", f" {colour}\n")
    for letter, colour in zip("bgory", ("blue", "green", "orange", "red", "yellow"), strict=True)
]


def verdict(path: Path) -> str | None:
    """Return what is refused about a file, None if nothing is."""
    frame, read = read_any_format(str(path))
    for found in (read, *()):
        if found.error_msg or found.necessary_msg:
            return found.error_msg or found.necessary_msg
    for validator in get_validators():
        found = validator(frame)
        if found is None:
            continue
        if found.error_msg or found.necessary_msg:
            return found.error_msg or f"{found.necessary_msg}: {(found.immediate_msg or '').strip()}"
    return None


def main() -> None:
    """Answer the job."""
    clean = b"".join(json.dumps({"prompt": prompt, "completion": completion}).encode() + b"\n" for prompt, completion in CLEAN)
    verdicts: dict[str, str | None] = {}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.jsonl"
        for name, rows in json.load(sys.stdin)["rows"].items():
            path.write_bytes(base64.b64decode(rows) + b"\n" + clean)
            try:
                error = verdict(path)
            except Exception as crash:  # what their validators do not expect ends them: the user sees a traceback
                error = f"crash: {type(crash).__name__}: {crash}"
            verdicts[name] = error and error.replace(str(path), "FILE")
    print(json.dumps(verdicts))


if __name__ == "__main__":
    main()

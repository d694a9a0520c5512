"""The verdicts of together 2.12.0's file check (`together files check`, `together.lib.check_file`) on rows.

Job on stdin, verdicts on stdout; each row is a file of its own.
"""

from __future__ import annotations

import base64
import json
import os
import sys
import tempfile
from pathlib import Path

os.environ["TOGETHER_DISABLE_TQDM"] = "true"

from together.lib import check_file


def verdict(path: Path) -> str | None:
    """Return what is refused about a file, None if nothing is."""
    try:
        report = check_file(path, purpose="fine-tune")
    except Exception as crash:  # what the check does not expect ends it: the user sees a traceback
        return f"crash: {type(crash).__name__}: {crash}"
    return None if report["is_check_passed"] else str(report["message"])


def main() -> None:
    """Answer the job."""
    verdicts: dict[str, str | None] = {}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.jsonl"
        for name, rows in json.load(sys.stdin)["rows"].items():
            path.write_bytes(base64.b64decode(rows))
            error = verdict(path)
            verdicts[name] = error and error.replace(str(path), "FILE")
    print(json.dumps(verdicts))


if __name__ == "__main__":
    main()

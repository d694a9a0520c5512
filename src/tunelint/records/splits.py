"""Which files are training data and which evaluation data, and how that was decided."""

from __future__ import annotations

import re
from pathlib import PurePath

from tunelint.records.record import Split

EVAL_WORDS = frozenset({"val", "valid", "validation", "dev", "eval", "test", "heldout"})
_WORDS = re.compile(r"[^a-z0-9]+")


def split_of_name(path: str) -> tuple[Split, str]:
    """Return the split that a path's name stands for, and the reason in plain words.

    An evaluation word counts only as a whole word of the file name, else of the folder's name: `contest.jsonl` and
    `latest/` are training data.
    """
    pure = PurePath(path)
    folder = "" if pure.parent == PurePath("/dev") else pure.parent.name  # /dev/stdin is no development data
    for text, what in ((pure.name, "file name"), (folder, "folder name")):
        for word in _WORDS.split(text.lower()):
            if word in EVAL_WORDS:
                return "eval", f"'{word}' in the {what}"
    return "train", "no evaluation word in the name"

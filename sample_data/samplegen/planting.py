"""Lines with what was planted in them, and where they come to stand."""

from __future__ import annotations

import json
import random
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any


@dataclass(eq=False)
class Line:
    """One line of a file without its line feed. `planted` maps a rule's name to what was done; `twin` is its other record."""

    raw: bytes
    planted: dict[str, str] = field(default_factory=dict)
    twin: Line | None = None


@dataclass(frozen=True)
class Planted:
    """A defect and where it stands: `file` is None for a set as a whole, `line` for a file as a whole."""

    rule: str
    file: str | None
    line: int | None
    what: str


@dataclass
class DataSet:
    """The lines of the two files of a set, and what holds for the files or the set as a whole."""

    name: str
    train: list[Line]
    eval: list[Line]
    rng: random.Random
    whole: list[Planted] = field(default_factory=list)

    def lines_of(self, split: str) -> list[Line]:
        """Return the lines of train or eval."""
        return self.train if split == "train" else self.eval

    def clean_line(self, number: int, split: str = "train") -> Line:
        """Return a line in which nothing was planted, counted from 0."""
        return [line for line in self.lines_of(split) if not line.planted and line.raw][number]

    def insert(self, line: Line, split: str = "train", after: Line | None = None) -> Line:
        """Put a line at a random place of a split, below `after`; never first or last, where others have their places."""
        lines = self.lines_of(split)
        first = lines.index(after) + 1 if after is not None else 1
        lines.insert(self.rng.randint(first, max(first, len(lines) - 1)), line)
        return line

    def plant(self, raw: bytes, split: str = "train", twin: Line | None = None, **rules: str) -> Line:
        """Insert a line, below its twin if any, with its planted rules: `exact_duplicate="..."` is the rule exact-duplicate."""
        return self.insert(Line(raw, _named(rules), twin), split, twin)

    def leak(self, line: Line, raw: bytes | None = None, **rules: str) -> None:
        """Put `raw` (default: the very bytes) into train for an eval line; the finding stands at the eval line."""
        line.planted |= _named(rules)
        line.twin = self.insert(Line(line.raw if raw is None else raw))

    def plant_whole(self, file: str | None, **rules: str) -> None:
        """Note what holds for a file, or for the set (None)."""
        self.whole += [Planted(rule, file, None, what) for rule, what in _named(rules).items()]

    def planted(self) -> list[Planted]:
        """Return all that was planted, with the lines where it stands now."""
        found = list(self.whole)
        places = {id(line): f"{split}.jsonl:{number}" for split in ("train", "eval") for number, line in enumerate(self.lines_of(split), 1)}
        for split in ("train", "eval"):
            for number, line in enumerate(self.lines_of(split), 1):
                twin = f" ({places[id(line.twin)]})" if line.twin is not None else ""
                found += [Planted(rule, f"{split}.jsonl", number, what + twin) for rule, what in line.planted.items()]
        return found

    def file_bytes(self, split: str) -> bytes:
        """Return a file's bytes. A file whose last line is broken off has no line feed at its end."""
        lines = self.lines_of(split)
        return b"\n".join(line.raw for line in lines) + (b"" if "invalid-json" in lines[-1].planted else b"\n")


def _named(rules: dict[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): what for name, what in rules.items()}


def dump(value: Any) -> bytes:
    """One line of JSON as people write it: UTF-8, letters as they are."""
    return json.dumps(value, ensure_ascii=False).encode()


def lines(rows: Iterable[Any]) -> list[Line]:
    """Return a clean line per row."""
    return [Line(dump(row)) for row in rows]

"""A seeded mix of real, edited and spliced chat rows, to measure near-duplicate search on.

    TUNELINT_CORPORA=... python benchmarks/make_mix.py 50000 mix.jsonl

Real rows first: every distinct row of the public corpora (a seeded sample where that is too many). Two thirds of the
rest are copies of a row with 0.5 to 30 % of the words substituted, deleted or inserted, or cut short; one third
are spliced: the sentences of two rows in turn. All rows are shuffled. It prints how many are real.
"""

from __future__ import annotations

import json
import random
import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from corpora import Row, distinct_rows, folder


def mix(rows: int, seed: int = 0, real: list[Row] | None = None, most_real: int | None = None) -> tuple[list[Row], int]:
    """The mix and how many of its rows are real (`most_real` at most)."""
    chance = random.Random(seed)
    real = distinct_rows(folder()) if real is None else real
    real = chance.sample(real, min(len(real), rows if most_real is None else most_real))
    vocabulary = [word for row in chance.sample(real, min(len(real), 2000)) for word in row[0].split()]
    made = list(real)
    while len(made) < rows:
        base = chance.choice(real)
        if chance.random() < 2 / 3:
            made.append(edited(base, chance, vocabulary))
        else:
            made.append(spliced(base, chance.choice(real), chance))
    chance.shuffle(made)
    return made, len(real)


def edited(row: Row, chance: random.Random, vocabulary: list[str], share: float | None = None) -> Row:
    """A copy with this share of its words (default: 0.5 to 30 %) substituted, deleted or inserted, or its answer cut."""
    if share is None and chance.random() < 0.15:
        return row[0], row[1][: int(len(row[1]) * chance.uniform(0.5, 0.95))]
    share = 0.005 + 0.295 * chance.random() if share is None else share
    return edit(row[0], share, chance, vocabulary), edit(row[1], share, chance, vocabulary)


def edit(text: str, share: float, chance: random.Random, vocabulary: list[str]) -> str:
    """Substitute, delete or insert a share of the words, each kind equally often; white space is kept."""
    pieces = re.split(r"(\s+)", text)
    words = [place for place in range(0, len(pieces), 2) if pieces[place]]
    count = round(share * len(words))
    if share and not count and chance.random() < share * len(words):
        count = 1
    for place in chance.sample(words, min(count, len(words))):
        kind = chance.randrange(3)
        new = chance.choice(vocabulary)
        pieces[place] = new if kind == 0 else "" if kind == 1 else f"{pieces[place]} {new}"
    return "".join(pieces)


def spliced(a: Row, b: Row, chance: random.Random) -> Row:
    """A new row from the sentences of two."""
    return _in_turn(a[0], b[0], chance), _in_turn(a[1], b[1], chance)


def _in_turn(a: str, b: str, chance: random.Random) -> str:
    sentences = [re.split(r"(?<=[.!?\n。])", text) for text in (a, b)]
    chosen = []
    for place in range(max(map(len, sentences))):
        there = [text[place] for text in sentences if place < len(text)]
        chosen.append(chance.choice(there))
    return " ".join(chosen)


def write(rows: list[Row], path: Path) -> None:
    """One chat record per line."""
    with path.open("w", encoding="utf-8", errors="surrogatepass") as stream:
        for prompt, answer in rows:
            turns = [{"role": "user", "content": prompt}, {"role": "assistant", "content": answer}]
            stream.write(json.dumps({"messages": turns}, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    if len(sys.argv) != 3 or not sys.argv[1].isdigit():
        sys.exit(__doc__)
    made, real_rows = mix(int(sys.argv[1]))
    write(made, Path(sys.argv[2]))
    print(f"{len(made)} rows, {real_rows} of them real")

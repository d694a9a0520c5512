"""What else finds near duplicates on one machine: datasketch and rensa, each as its own manual has it."""

from __future__ import annotations

import re

from corpora import Row

WORD = re.compile(r"\w+")


def word_trigrams(row: Row) -> list[str]:
    """Every three words of prompt and answer, each once; a shorter row as a whole."""
    sequence = WORD.findall(f"{row[0]} {row[1]}".lower())
    return list({" ".join(sequence[i : i + 3]) for i in range(max(len(sequence) - 2, 1))})


def datasketch_pairs(rows: list[Row], threshold: float) -> set[tuple[int, int]]:
    """Bulk MinHash of 128 permutations, LSH, then the exact similarity of every candidate."""
    from datasketch import MinHash, MinHashLSH

    documents = [word_trigrams(row) for row in rows]
    sketches = MinHash.bulk([[shingle.encode("utf-8", "surrogatepass") for shingle in document] for document in documents], num_perm=128)
    index = MinHashLSH(threshold=threshold, num_perm=128)
    with index.insertion_session() as session:
        for row, sketch in enumerate(sketches):
            session.insert(row, sketch, check_duplication=False)
    sets = [frozenset(document) for document in documents]
    found = set()
    for row, sketch in enumerate(sketches):
        for other in index.query(sketch):
            if other < row and len(sets[row] & sets[other]) / len(sets[row] | sets[other]) >= threshold:
                found.add((other, row))
    return found


def rensa_flags(rows: list[Row], threshold: float) -> list[bool]:
    """rensa's deduplicator of 128 permutations in 32 bands: which rows repeat an earlier one that it kept."""
    from rensa import RMinHashDeduplicator

    deduplicator = RMinHashDeduplicator(threshold=threshold, num_perm=128, use_lsh=True, num_bands=32)
    added = deduplicator.add_pairs([(str(place), word_trigrams(row)) for place, row in enumerate(rows)])
    return [not new for new in added]

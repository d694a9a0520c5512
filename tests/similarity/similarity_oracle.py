"""The definitions in plain Python, for the tests to compare against: slow, short, obviously right."""

from __future__ import annotations

from tunelint.similarity.words import words

Shingles = frozenset[tuple[str, ...]]


def shingles(*texts: str) -> Shingles:
    """The shingles of a record whose parts stand in order."""
    sequence = [word for text in texts for word in words(text)]
    if len(sequence) < 3:
        return frozenset([tuple(sequence)]) if sequence else frozenset()
    return frozenset(tuple(sequence[i : i + 3]) for i in range(len(sequence) - 2))


def jaccard(a: frozenset, b: frozenset) -> float:
    return len(a & b) / len(a | b) if a | b else 0.0


def template(records: list[Shingles]) -> frozenset:
    """Shingles in more than 20 % of at least 50 records."""
    records = [record for record in records if record]
    if len(records) < 50:
        return frozenset()
    everything = frozenset().union(*records)
    return frozenset(s for s in everything if sum(s in record for record in records) > 0.2 * len(records))


def similarity(a: tuple[str, str], b: tuple[str, str], boilerplate: frozenset, threshold: float) -> float:
    """The similarity of two (prompt, answer) records by the design's definition."""
    whole_a, whole_b = shingles(*a), shingles(*b)
    score = jaccard(whole_a - boilerplate or whole_a, whole_b - boilerplate or whole_b)
    if score < threshold and len(words(a[1])) >= 8 and len(words(b[1])) >= 8:
        whole = jaccard(whole_a, whole_b)
        if whole >= threshold and jaccard(shingles(a[1]), shingles(b[1])) >= threshold:
            return whole
    return score


def clusters(records: list[tuple[str, str]], threshold: float) -> list[tuple[int, int, float]]:
    """(cluster's first, most similar earlier record or -1, its similarity) of each record."""
    boilerplate = template([shingles(*record) for record in records])
    first = list(range(len(records)))
    best: list[tuple[int, float]] = [(-1, 0.0)] * len(records)
    for b in range(len(records)):
        for a in range(b):
            score = similarity(records[a], records[b], boilerplate, threshold)
            if score < threshold:
                continue
            if score > best[b][1]:
                best[b] = (a, score)
            low, high = sorted((first[a], first[b]))
            first = [low if f == high else f for f in first]
    return [(first[i], *best[i]) for i in range(len(records))]

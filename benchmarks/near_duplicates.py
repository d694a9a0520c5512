# ruff: noqa: E402  (threads are limited before numpy is imported)
"""Near-duplicate search: recall and precision against brute force, CPU time beside datasketch and rensa, growth.

    TUNELINT_CORPORA=... python benchmarks/near_duplicates.py [rows]

Brute force is the definition and nothing else: plain Python words, shingles as tuples, every pair of rows that shares a
shingle counted by a sparse product. One core; shingling is included in every time; times are CPU seconds, the median of
three runs, after a first run that loads compiled code. Growth is measured with each set in a process of its own, as a
lint is, so that all sets pay alike for memory that the system has to hand out. In one process small sets would take over
the memory of the set before, and a large one could not; that figure stands beside it.
"""

from __future__ import annotations

import os
import pickle
import random
import subprocess

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "RAYON_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))

from corpora import Row, distinct_rows, folder
from make_mix import mix
from rivals import datasketch_pairs, rensa_flags

from tunelint.similarity.batches import Batches
from tunelint.similarity.near import Engine, Texts, near_duplicates, similar_pairs
from tunelint.similarity.shingles import shingles
from tunelint.similarity.templates import template_values
from tunelint.similarity.words import word_hashes, words

BATCH = 4096
OF_ITS_OWN = "one-search"
Keys = np.ndarray[tuple[int], np.dtype[np.int64]]


def texts_of(rows: list[Row], compiled: bool) -> Texts:
    """Columns of chat rows; words by batches, as the linter reads records."""
    batches = [rows[begin : begin + BATCH] for begin in range(0, len(rows), BATCH)]
    prompts, answers = (Batches(tuple(word_hashes([row[side] for row in batch], compiled=compiled) for batch in batches)) for side in (0, 1))
    whole = shingles(prompts, answers, compiled=compiled)
    template = template_values(whole)
    if not len(template):  # nothing can be discounted, so answers on their own are never asked for
        return Texts.of(whole, template)
    return Texts.of(whole, template, shingles(answers, compiled=compiled), answers.lengths)


def brute_force(rows: list[Row], lowest: float) -> dict[tuple[int, int], float]:
    """Every pair at or above `lowest` and its similarity, by the definition."""
    from scipy import sparse

    sequences = [[[*words(prompt)], [*words(answer)]] for prompt, answer in rows]
    whole = [_shingle_set(prompt + answer) for prompt, answer in sequences]
    answers = [_shingle_set(answer) for _, answer in sequences]
    count: dict[Any, int] = {}
    for record in whole:
        for shingle in record:
            count[shingle] = count.get(shingle, 0) + 1
    compared = sum(1 for record in whole if record)
    template = {s for s, n in count.items() if compared >= 50 and n > 0.2 * compared}
    core = [record - template or record for record in whole]
    names: dict[Any, int] = {}
    indices = [names.setdefault(s, len(names)) for record in core for s in record]
    offsets = np.cumsum([0] + [len(record) for record in core])
    matrix = sparse.csr_matrix((np.ones(len(indices), np.int32), indices, offsets), (len(core), len(names)))
    other = matrix.T.tocsr()
    sizes = np.diff(offsets)
    found: dict[tuple[int, int], float] = {}
    for begin in range(0, len(rows), 500):
        product = (matrix[begin : begin + 500] @ other).tocoo()
        left, right = product.row + begin, product.col
        score = product.data / (sizes[left] + sizes[right] - product.data)
        good = (score >= lowest) & (left < right)
        found.update(zip(zip(left[good].tolist(), right[good].tolist(), strict=True), score[good].tolist(), strict=True))
    if template:  # whole texts may match where cores do not: look among the rows that lost something
        lost = [i for i, record in enumerate(core) if len(record) < len(whole[i])]
        long = {i for i, (_, answer) in enumerate(sequences) if len(answer) >= 8}
        for i in lost:
            for j in range(len(rows)):
                pair = (min(i, j), max(i, j))
                if i != j and found.get(pair, 0) < lowest and i in long and j in long:
                    score = len(whole[i] & whole[j]) / len(whole[i] | whole[j])
                    if score >= lowest and len(answers[i] & answers[j]) / len(answers[i] | answers[j]) >= lowest:
                        found[pair] = score
    return found


def _shingle_set(sequence: list[str]) -> set[tuple[str, ...]]:
    if len(sequence) < 3:
        return {tuple(sequence)} if sequence else set()
    return {tuple(sequence[i : i + 3]) for i in range(len(sequence) - 2)}


def keys_of(left: Keys, right: Keys, rows: int) -> Keys:
    """One number per pair."""
    return np.asarray(left, dtype=np.int64) * rows + right


def cpu(action: Callable[[], Any], runs: int = 3) -> tuple[Any, float]:
    """The result and the median CPU seconds of a few runs after a first."""
    action()
    seconds = []
    for _ in range(runs):
        start = time.process_time()
        result = action()
        seconds.append(time.process_time() - start)
    return result, statistics.median(seconds)


def cpu_of_its_own(rows: list[Row], threshold: float, compiled: bool) -> float:
    """CPU seconds of one search in a process of its own, which has loaded all code before."""
    command = [sys.executable, __file__, OF_ITS_OWN]
    done = subprocess.run(command, input=pickle.dumps((rows, threshold, compiled)), stdout=subprocess.PIPE, check=True)
    return float(done.stdout)


def search_of_its_own() -> None:
    """The other end of this: print the CPU seconds."""
    rows, threshold, compiled = pickle.load(sys.stdin.buffer)
    search(rows[:100], threshold, compiled)
    start = time.process_time()
    search(rows, threshold, compiled)
    print(time.process_time() - start)


def quality(found: np.ndarray, wanted: np.ndarray) -> str:
    """Recall and precision of found keys."""
    good = np.isin(found, wanted).sum()
    return f"recall {good / max(len(wanted), 1):.4f}  precision {good / max(len(found), 1):.4f}"


def accuracy(rows: list[Row], thresholds: tuple[float, ...]) -> None:
    """Pairs of every engine against brute force."""
    start = time.process_time()
    truth = brute_force(rows, min(thresholds))
    pairs, score = np.array(list(truth), dtype=np.int64).reshape(-1, 2), np.array(list(truth.values()))
    print(f"brute force: {len(truth)} pairs at {min(thresholds)} and above ({time.process_time() - start:.0f} s)")
    texts = texts_of(rows, True)
    for threshold in thresholds:
        wanted = keys_of(pairs[score >= threshold, 0], pairs[score >= threshold, 1], len(rows))
        print(f"\nthreshold {threshold}: {len(wanted)} true pairs")
        engines: list[tuple[str, Engine, bool]] = [
            ("exact join, numba", "exact", True), ("exact join, numpy", "exact", False), ("sketch", "sketch", True),
        ]  # fmt: skip
        for name, engine, compiled in engines:
            found, _ = similar_pairs(texts, None, threshold, engine, compiled)
            print(f"  {name:20} {quality(keys_of(found.left, found.right, len(rows)), wanted)}")
        sketched = np.array(sorted(datasketch_pairs(rows, threshold)), dtype=np.int64).reshape(-1, 2)
        print(f"  {'datasketch, verified':20} {quality(keys_of(*sketched.T, len(rows)), wanted)}")
        later = np.unique(wanted % len(rows))
        flagged = np.flatnonzero(rensa_flags(rows, threshold))
        print(f"  {'rensa deduplicator':20} {quality(flagged, later)}  (rows, not pairs)")
        ours = near_duplicates(texts, threshold, compiled=True).partner
        print(f"  {'ours':20} {quality(np.flatnonzero(ours >= 0), later)}  (rows, not pairs)")


def search(rows: list[Row], threshold: float, compiled: bool, engine: Engine = "auto") -> int:
    """From texts to clusters: the number of rows that repeat an earlier one."""
    return len(near_duplicates(texts_of(rows, compiled), threshold, engine=engine, compiled=compiled).later)


def speed(rows: list[Row], threshold: float) -> None:
    """CPU time beside datasketch and rensa, shingling included."""
    print(f"\nCPU seconds for {len(rows)} rows at {threshold}")
    _, reference = cpu(lambda: datasketch_pairs(rows, threshold), 1)
    print(f"  {'datasketch, bulk + LSH + verification':40} {reference:7.2f}")
    _, deduplicator = cpu(lambda: rensa_flags(rows, threshold))
    print(f"  {'rensa deduplicator':40} {deduplicator:7.2f}  ({deduplicator / reference:.2f} of datasketch)")
    for name, compiled, engine in (("numba", True, "auto"), ("numpy", False, "auto"), ("sketch, numba", True, "sketch")):
        _, seconds = cpu(lambda c=compiled, e=engine: search(rows, threshold, c, e))
        print(f"  {'ours, ' + name:40} {seconds:7.2f}  ({seconds / reference:.2f} of datasketch)")


def tenths(rows: int, real: list[Row]) -> list[list[Row]]:
    """Ten mixes of `rows` rows from ten disjoint parts of the real rows.

    Rows that hang together by a similarity of 0.5 or more come to one part: all rows at once then have the pairs of the
    ten sets and no others, so that what grows is the rows, not the share of them that is alike.
    """
    first = near_duplicates(texts_of(real, False), 0.5).first
    together: dict[int, list[Row]] = {}
    for row, lead in zip(real, first.tolist(), strict=True):
        together.setdefault(lead, []).append(row)
    clusters = list(together.values())
    random.Random(3).shuffle(clusters)
    parts: list[list[Row]] = [[] for _ in range(10)]
    for cluster in sorted(clusters, key=len, reverse=True):
        min(parts, key=len).extend(cluster)
    for part in parts:
        random.Random(4).shuffle(part)
    return [mix(rows, number, part[: rows // 11])[0] for number, part in enumerate(parts)]


def growth(rows: int, real: list[Row], threshold: float) -> None:
    """Ten times the rows, and the same rows with one template around 90 % of them."""
    parts = tenths(rows, real)
    everything = [row for part in parts for row in part]
    plain, _ = mix(rows, 2, real)
    framed = [(f"{TEMPLATE} {row[0]}", row[1]) if i % 10 else row for i, row in enumerate(plain)]
    for compiled in (True, False):
        name = "numba" if compiled else "numpy"
        runs = [(sum(cpu_of_its_own(part, threshold, compiled) for part in parts), cpu_of_its_own(everything, threshold, compiled)) for _ in range(3)]
        ten, large = (statistics.median(column) for column in zip(*runs, strict=True))
        # The ten sets one after the other, so that none finds its texts in the cache from the run before.
        _, ten_here = cpu(lambda c=compiled: [search(part, threshold, c) for part in parts])
        _, large_here = cpu(lambda c=compiled: search(everything, threshold, c))
        print(f"\n{name}: ten sets of {rows} rows {ten:.2f} s, all {10 * rows} rows at once {large:.2f} s: {10 * large / ten:.1f} times one set "
              f"(in one process {ten_here:.2f} s, {large_here:.2f} s: {10 * large_here / ten_here:.1f})")  # fmt: skip
        _, without = cpu(lambda c=compiled: search(plain, threshold, c))
        _, within = cpu(lambda c=compiled: search(framed, threshold, c))
        print(f"{name}: one template around 90 % of {rows} rows {within:.2f} s, none {without:.2f} s: {within / without:.2f} times")


TEMPLATE = (
    "Below is an instruction that describes a task, paired with an input that provides further context. Write a response "
    "that appropriately completes the request. Think step by step, answer in full sentences, and do not mention that you "
    "are a language model."
)

if __name__ == "__main__":
    if OF_ITS_OWN in sys.argv:
        search_of_its_own()
        sys.exit()
    size = int(sys.argv[1]) if len(sys.argv) > 1 else 50_000
    everything = distinct_rows(folder())
    made, really = mix(size, 0, everything)
    print(f"{size} rows, {really} of them real")
    accuracy(made, (0.7, 0.8, 0.9))
    speed(made, 0.8)
    growth(size // 10, everything, 0.8)
    growth(size, everything, 0.8)

"""The map of a run with a cache: chunks in, results out, as the plain scan gives them, at the price of the new rows."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path

from tunelint.engine.cache.identity import foreign_parts, settings_key
from tunelint.engine.cache.lookup import Lookup, columns_of, look_up
from tunelint.engine.cache.merge import Kept, merged, unlike_whole
from tunelint.engine.cache.store import MOST_BYTES, Store
from tunelint.engine.collector import collector_paused
from tunelint.engine.scan import ChunkResult, ScanPlan, scan
from tunelint.records.chunks import Chunk

Run = Callable[[Iterable[Chunk], ScanPlan], Iterator[ChunkResult]]


@dataclass
class RowCache:
    """What one run over about `size` bytes reads from the cache and adds to it.

    `known` and `records` count the rows that were known and all rows.
    """

    plan: ScanPlan
    store: Store
    size: int = 0
    known: int = 0
    records: int = 0
    _read: int = 0
    _new: list[Kept] = field(default_factory=list)
    _used: set[int] = field(default_factory=set)

    @property
    def features(self) -> Sequence[str]:
        """The columns that the run computes."""
        return self.plan.features.names if self.plan.features is not None else ()

    @property
    def targets(self) -> Sequence[str]:
        """The targets that the run keeps ledgers of."""
        return self.plan.features.parameters.get("ledgers", ()) if self.plan.features is not None else ()

    def open(self) -> None:
        """Read what is there."""
        self.store.open(columns_of(self.features, self.targets))

    def results(self, chunks: Iterable[Chunk], run: Run) -> Iterator[ChunkResult]:
        """Scan the chunks; only what is not known goes to `run` (inline, or to other processes)."""
        waiting: deque[Lookup] = deque()
        missing = self._missing(chunks, waiting)
        first = next(missing, None)
        if first is not None:
            for fresh in run(chain([first], missing), self._plan_for(first)):
                while waiting[0].missing is None:
                    yield self._merged(waiting.popleft(), None)
                yield self._merged(waiting.popleft(), fresh)
        while waiting:
            yield self._merged(waiting.popleft(), None)

    def _missing(self, chunks: Iterable[Chunk], waiting: deque[Lookup]) -> Iterator[Chunk]:
        for chunk in chunks:
            with collector_paused():
                looked = look_up(chunk, self.store.tables, self.plan)
            waiting.append(looked)
            self._read += int(looked.lengths.sum())
            if looked.missing is not None:
                yield looked.missing

    def _plan_for(self, first: Chunk) -> ScanPlan:
        """Return the plan for what is missing, which may be little text: then another counter is the quicker one."""
        plan = replace(self.plan, detailed=True)
        if plan.features is None:
            return plan
        missing = sum(len(piece.raw) for piece in first.pieces or ())
        expected = missing * (1 + max(self.size - self._read, 0) // self._read)
        parameters = {**plan.features.parameters, "expected_chars": 1 << expected.bit_length()}
        return replace(plan, features=replace(plan.features, parameters=parameters))

    def _merged(self, looked: Lookup, fresh: ChunkResult | None) -> ChunkResult:
        if looked.chunk is not None and (fresh is None or unlike_whole(looked, fresh)):
            result = scan(looked.chunk, self.plan)
            self.records += result.records
            return result
        with collector_paused():
            result, kept = merged(looked, fresh, self.store.tables, self.features, self.targets)
        if kept is not None:
            self._new.append(kept)
        self._used.update(looked.table[looked.table >= 0].tolist())
        self.records += result.records
        self.known += len(looked.known)
        return result

    def save(self) -> None:
        """Keep the new rows, and note what the cache was good for.

        What cannot be written is not kept: the run goes on without, and a note says so.
        """
        self.store.used(sorted(self._used))
        if self._new:
            self.store.add([kept.table(self.features) for kept in self._new])
        self.store.notes.append(f"cache: {self.known:,} of {self.records:,} records were known ({self.store.root})")


def open_cache(root: str, plan: ScanPlan, size: int, notes: list[str]) -> RowCache | None:
    """Return the cache of a run over about `size` bytes, None where it may not be used.

    `root` is the cache's folder. What is wrong with it, now or when it is written, goes to `notes`, a sentence each.
    """
    outside = foreign_parts(plan)
    if outside:
        notes.append(f"cache: not used: what {', '.join(outside)} depends on is not known")
        return None
    counter = None
    if plan.features is not None:
        from tunelint.engine.tokens import run_counter

        counter = run_counter(plan.features.parameters)
    cache = RowCache(plan, Store(Path(root), settings_key(plan, counter), MOST_BYTES, notes=notes), size)
    cache.open()
    return cache

"""A table of rows by key: what the cache holds in memory, on disk, and while it grows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tunelint.checks.survey import Column
from tunelint.similarity.columns import Ragged, offsets_of

Keys = NDArray[np.uint64]


@dataclass(frozen=True)
class Rows:
    """`keys` (N, 2) uint64, each once, in any order; `columns` one entry (or one ragged row) per key."""

    keys: Keys
    columns: dict[str, Column]

    def __len__(self) -> int:
        return len(self.keys)

    def find(self, keys: Keys) -> NDArray[np.int64]:
        """Return the row of each key, -1 where there is none. `keys` is (M, 2)."""
        if not len(self.keys):
            return np.full(len(keys), -1, dtype=np.int64)
        order, firsts = self._index
        at = order[np.minimum(np.searchsorted(firsts, keys[:, 0]), len(order) - 1)]
        return np.where((self.keys[at] == keys).all(axis=1), at, -1)

    @cached_property
    def _index(self) -> tuple[NDArray[np.int64], NDArray[np.uint64]]:
        """The rows in the order of their keys' first number, and those numbers. Two keys that share it would hide one
        of them, which is then only unknown."""
        order = np.argsort(self.keys[:, 0], kind="stable")
        return order, self.keys[order, 0]

    @property
    def nbytes(self) -> int:
        """Bytes of all arrays."""
        return self.keys.nbytes + sum(array.nbytes for column in self.columns.values() for array in arrays_of(column))


def arrays_of(column: Column) -> list[NDArray[Any]]:
    """Return the arrays that a column is made of."""
    return [column.values, column.offsets] if isinstance(column, Ragged) else [column]


def taken(column: Column, rows: NDArray[np.int64]) -> Column:
    """Return the given rows of a column, in the given order."""
    return column.take(rows) if isinstance(column, Ragged) else column[rows]


def joined(parts: Sequence[Column]) -> Column:
    """Return the rows of several parts of one column, one part after the other. There is at least one part."""
    if len(parts) == 1:
        return parts[0]
    if isinstance(parts[0], Ragged):
        return Ragged.concatenate([part for part in parts if isinstance(part, Ragged)])
    return np.concatenate([part for part in parts if not isinstance(part, Ragged)])


def united(tables: Sequence[Rows]) -> tuple[Keys, Iterator[tuple[str, Column]]]:
    """Return one table of all rows, each key once (the first table's row): rows stay in order, so they are read in order.

    Its columns come one after the other, made as they are asked for: all of them at once may be as large as the data.
    """
    keys = np.concatenate([table.keys for table in tables])
    order = np.lexsort((keys[:, 1], keys[:, 0]))  # stable: of equal keys the first table's comes first
    ordered = keys[order]
    fresh = np.ones(len(keys), dtype=bool)
    fresh[1:] = (ordered[1:] != ordered[:-1]).any(axis=1)
    chosen = np.sort(order[fresh])

    def column(name: str) -> Column:
        whole = joined([table.columns[name] for table in tables])
        return whole if len(chosen) == len(keys) else taken(whole, chosen)

    return keys[chosen], ((name, column(name)) for name in list(tables[0].columns))


def texts(items: Sequence[bytes]) -> Ragged:
    """Return byte strings as a ragged column of uint8."""
    values: NDArray[Any] = np.frombuffer(b"".join(items), dtype=np.uint8)
    return Ragged(values, offsets_of(np.array([len(item) for item in items], dtype=np.int64)))


def text_at(column: Column, row: int) -> bytes:
    """Return one byte string of such a column."""
    assert isinstance(column, Ragged)
    return column.row(row).tobytes()

"""A split of records in memory, for a run that has no eval file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from tunelint.records.record import Record
from tunelint.splitting.draw import draw
from tunelint.splitting.material import AUTO, material_of
from tunelint.splitting.together import Limits, clusters_of


def carve(records: Iterable[Record], wanted: int, seed: int) -> frozenset[str]:
    """Return the digests of the records for the eval side, `wanted` of them as near as whole clusters allow.

    Clusters, strata and draw are those of `split_files` at default settings. Empty when all records hang together.
    """
    digests: list[str] = []

    def noted() -> Iterator[Record]:
        for record in records:
            digests.append(record.digest)
            yield record

    material = material_of(noted())
    cluster = clusters_of(material, material.groups((AUTO,)).values(), Limits())
    mask = draw(cluster, material.strata(AUTO)[0], material.name, wanted, seed)
    return frozenset(digests[index] for index in np.flatnonzero(mask).tolist())

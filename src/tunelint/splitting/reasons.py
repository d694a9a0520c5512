"""Why no leak-proof split exists, and what to do about it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from tunelint.similarity.columns import Hashes, Indices
from tunelint.splitting.draw import draw
from tunelint.splitting.material import Material
from tunelint.splitting.together import Limits, joined, text_ties


def why_not(material: Material, groups: Mapping[str, Hashes], limits: Limits, strata: Indices, wanted: int, seed: int) -> str:
    """Return what ties the records together, and the advice that goes with it, as the end of a sentence.

    `--group-by none` is the advice only where there is a split without the group ids (groups: key -> (N,)).
    """
    ties = text_ties(material, limits)
    records = len(material)
    if groups:
        mask = draw(joined(records, (pair for _, pair in ties)), strata, material.name, wanted, seed)
        if mask.any() and not mask.all():
            return f"by their group ids ({', '.join(groups)}); give --group-by with other keys, or --group-by none"
    sizes: dict[str, int] = {}
    for kind in dict.fromkeys(kind for kind, _ in ties):
        sizes[kind] = int(np.bincount(joined(records, (pair for other, pair in ties if other == kind))).max())
    named = sorted((kind for kind, size in sizes.items() if size > 1), key=lambda kind: -sizes[kind])
    if not named:
        return "by what lint finds between the sides of every draw; lint the data and clean it first"
    if sizes[named[0]] == records:  # the others add nothing
        named = named[:1]
    return f"({', '.join(f'{sizes[kind]:,} by {kind}' for kind in named)}); clean the data first"

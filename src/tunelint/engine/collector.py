"""Python's cyclic garbage collector, held back while a chunk is worked on.

A scan makes millions of short-lived objects, none of them in cycles; the collector would walk all parsed records again and
again for nothing (a seventh of the lint's CPU). It runs as ever between the chunks.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def collector_paused() -> Iterator[None]:
    """Hold the collector back inside the block; leave it off where the caller had it off."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()

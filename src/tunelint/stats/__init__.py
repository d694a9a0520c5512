"""How long the records are, and what each target makes of them: `tunelint stats`."""

from tunelint.stats.measure import FileLengths, LongRow, Stats, measure

__all__ = ["FileLengths", "LongRow", "Stats", "measure"]

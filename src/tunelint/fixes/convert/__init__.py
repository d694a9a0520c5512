"""Records in another format: loss-free where the formats allow it, and where they do not, counted and said."""

from tunelint.fixes.convert.neutral import KINDS, Unconvertible
from tunelint.fixes.convert.run import Conversion, convert, convert_record, convert_to_stream, shape_for

__all__ = ["KINDS", "Conversion", "Unconvertible", "convert", "convert_record", "convert_to_stream", "shape_for"]

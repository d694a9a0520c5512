"""Bytes to records: reading, parsing, shapes, and the one view of every format."""

from tunelint.records.discover import Input, discover
from tunelint.records.example import Example, Image, ToolCall, Turn
from tunelint.records.reader import read_records
from tunelint.records.record import Fault, Record, Split

__all__ = ["Example", "Fault", "Image", "Input", "Record", "Split", "ToolCall", "Turn", "discover", "read_records"]

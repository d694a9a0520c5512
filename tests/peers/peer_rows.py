"""The rows that other people's validators and we are asked about: what each shape may look like, and each way to get it wrong.

A row is the bytes of a small file, mostly of one line. Its name is `group/what it is`; groups are chat, parts (content as a
list), tools, pairs, preference, other (formats) and files (several lines, or bytes that are no JSON).
"""

from __future__ import annotations

from row_kit import Row
from rows_chat import CHAT, PARTS
from rows_files import FILES
from rows_pairs import OTHER, PAIRS, PREFERENCE
from rows_tools import TOOLS

ROWS: dict[str, Row] = {**CHAT, **PARTS, **TOOLS, **PAIRS, **PREFERENCE, **OTHER, **FILES}

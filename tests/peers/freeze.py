"""Asks the peers anew and writes `tests/peers/<peer>.json`: `python tests/peers/freeze.py [PEER ...]`."""

from __future__ import annotations

import sys
from collections import Counter

from validators import PEERS, freeze

for name in sys.argv[1:] or PEERS:
    verdicts = freeze(name)["verdicts"]
    print(PEERS[name].package, dict(Counter(verdict["verdict"] for verdict in verdicts.values())))

"""The name of a run's settings: everything besides a row's bytes that decides what is found out about the row."""

from __future__ import annotations

import hashlib
import os
import re
import sys
import unicodedata
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from tunelint.engine.scan import ScanPlan, load_check

if TYPE_CHECKING:
    from tunelint.tokens.counters import Counter
    from tunelint.tokens.huggingface import TokenizerFolder

_TELLS_TIME = re.compile(rb"""strftime_now\(\s*\\?["']([^"'\\]*)\\?["']\s*\)""")


def settings_key(plan: ScanPlan, counter: Counter | None) -> str:
    """Return the name of the settings, 32 hex digits.

    Into it go the program's own files, the versions of Python, Unicode and of all installed packages, the checks with their
    options, the columns with their parameters, and the tokenizer: its folder's files, or the name of its vocabulary (whose
    bytes are fixed). A chat template that tells the time adds what the time says.
    """
    digest = hashlib.sha256()
    for part in _parts(plan, counter):
        digest.update(len(part).to_bytes(8, "little"))
        digest.update(part)
    return digest.hexdigest()[:32]


def foreign_parts(plan: ScanPlan) -> list[str]:
    """Return the rules and columns whose code is another package's: what it depends on is unknown."""
    origins = {planned.rule: load_check(planned.check).__module__ for planned in plan.records}
    if plan.features is not None:
        from tunelint.engine.features import origin

        origins.update((name, origin(name)) for name in plan.features.names)
    return [name for name, module in origins.items() if not module.startswith("tunelint.")]


def _parts(plan: ScanPlan, counter: Counter | None) -> Iterator[bytes]:
    yield _own_files()
    yield repr((sys.version_info, unicodedata.unidata_version, _packages())).encode()
    yield repr(sorted(plan.faults)).encode()
    for planned in plan.records:
        yield repr((planned.rule, planned.check, planned.options)).encode("utf-8", "surrogatepass")
    if plan.features is not None:
        # How much text there is decides which counter is quicker, not what it counts.
        parameters = {key: value for key, value in plan.features.parameters.items() if key != "expected_chars"}
        yield repr((plan.features.names, plan.features.ignore_fields, sorted(parameters.items()))).encode("utf-8", "surrogatepass")
    if counter is not None:
        yield repr((counter.name, counter.exact)).encode("utf-8", "surrogatepass")
        yield from _folder_files(getattr(counter, "folder", None))


def _package() -> Path:
    return Path(__file__).parents[2]


def _own_files() -> bytes:
    """The program itself: a checkout changes without changing its version."""
    digest = hashlib.sha256()
    for path in sorted(_package().rglob("*.py")):
        digest.update(str(path.relative_to(_package())).encode())
        digest.update(path.read_bytes())
    return digest.digest()


def _packages() -> list[str]:
    """Names and versions of all that is installed, as the names of its folders of metadata have them."""
    found: set[str] = set()
    for folder in sys.path:
        try:
            found.update(name for name in os.listdir(folder or ".") if name.endswith((".dist-info", ".egg-info")))
        except OSError:
            continue
    return sorted(found)


def _folder_files(folder: TokenizerFolder | None) -> Iterator[bytes]:
    if folder is None:
        return
    for path in folder.files:
        data = path.read_bytes()
        yield os.path.relpath(path, folder.path).encode("utf-8", "surrogateescape")
        yield hashlib.sha256(data).digest()
        forms = _TELLS_TIME.findall(data)
        if data.count(b"strftime_now") > len(forms):  # a form that only rendering knows
            yield datetime.now().isoformat().encode()
        for form in forms:
            yield datetime.now().strftime(form.decode("utf-8", "replace")).encode("utf-8", "surrogatepass")

"""The one exception for what the user can mend: bad usage, bad settings, a missing file or extra, a failed backend."""

from __future__ import annotations


class TunelintError(Exception):
    """Could not do what was asked. The text says what, where and what to do, in one line; the CLI exits 2."""


class MissingExtraError(TunelintError):
    """An optional package is not installed; the text gives the install line."""

    def __init__(self, feature: str, extra: str) -> None:
        super().__init__(f"{feature} needs an optional package: pip install 'tunelint[{extra}]'")

"""tunelint: the linter and one-step trainer for fine-tuning data.

The public API is `lint`, `Settings`, `Report`, `Finding` and what they hold; everything else may change.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"
__all__ = ["Finding", "Report", "Settings", "Severity", "TunelintError", "lint"]

if TYPE_CHECKING:
    from tunelint.api import Settings, lint
    from tunelint.engine.result import Report
    from tunelint.errors import TunelintError
    from tunelint.findings import Finding, Severity

_HOMES = {
    "lint": "tunelint.api", "Settings": "tunelint.api", "Report": "tunelint.engine.result",
    "Finding": "tunelint.findings", "Severity": "tunelint.findings", "TunelintError": "tunelint.errors",
}  # fmt: skip


def __getattr__(name: str) -> Any:
    """Import on first use, so that `tunelint --version` stays quick."""
    if name not in _HOMES:
        raise AttributeError(f"module 'tunelint' has no attribute '{name}'")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)

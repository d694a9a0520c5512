"""Mending data: which records go and why, which are edited, and the files that come of it."""

from tunelint.fixes.clean import CleanResult, clean

__all__ = ["CleanResult", "clean"]

"""Mending data: which records go and why, which are edited, and the files that come of it."""

from tunelint.fixes.clean import CleanResult, clean
from tunelint.fixes.inplace import FixedFile, fix_in_place
from tunelint.fixes.preview import preview
from tunelint.fixes.work import Choice, work_on

__all__ = ["Choice", "CleanResult", "FixedFile", "clean", "fix_in_place", "preview", "work_on"]

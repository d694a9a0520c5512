"""Where text goes: findings to stdout or to files, summaries and progress to stderr."""

from __future__ import annotations

import contextlib
import io
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tunelint.errors import TunelintError
from tunelint.writing import replace_file

if TYPE_CHECKING:
    from tunelint.engine.result import Report


def parse_formats(formats: Sequence[str], known: Sequence[str] | None = None) -> list[tuple[str, str | None]]:
    """Read `FORMAT[:FILE]` options. Raises UsageError for two formats on stdout or an unknown one."""
    if known is None:
        from tunelint.report import FORMATS

        known = FORMATS
    parsed: list[tuple[str, str | None]] = []
    for item in formats or ("full",):
        name, _, path = item.partition(":")
        if name not in known:
            raise click.UsageError(f"no format '{name}'; there are {', '.join(known)}")
        parsed.append((name, path or None))
    if sum(path is None for _, path in parsed) > 1:
        raise click.UsageError("only one format can go to stdout; give the others a file: --format json:report.json")
    return parsed


def write_report(report: Report, formats: Sequence[tuple[str, str | None]], max_per_rule: int, color: bool) -> None:
    """Write the report in every format asked for; files are replaced in one step."""
    from tunelint.report import render

    for name, path in formats:
        if path is None:
            for line in render(report, name, max_per_rule=max_per_rule, color=color):
                say(line)
        else:
            lines = render(report, name, max_per_rule=max_per_rule, color=False)
            write_text(Path(path), "".join(line + "\n" for line in lines))
        if name == "sarif":
            _tell_capped(report)


def _tell_capped(report: Report) -> None:
    from tunelint.report.sarif import capped
    from tunelint.report.text import plural

    left = capped(report.findings)[1]
    if left:
        tell(f"sarif: {plural(left.total(), 'finding')} left out, code scanning takes so many and no more ({', '.join(sorted(left))}); json has all")


def say(line: str = "") -> None:
    """Print a line to stdout; a character that the terminal's encoding lacks is escaped, never fatal."""
    try:
        sys.stdout.write(line + "\n")
    except UnicodeEncodeError:
        encoding = sys.stdout.encoding or "ascii"
        sys.stdout.write(line.encode(encoding, "backslashreplace").decode(encoding) + "\n")
    except BrokenPipeError:  # the reader has had enough (`| head`); the exit code shall still be true
        silence()


def tell(line: str = "") -> None:
    """Print a line to stderr. Where that is full or closed the run goes on: there is nowhere left to say so."""
    encoding = sys.stderr.encoding or "ascii"
    with contextlib.suppress(OSError):
        sys.stderr.write(line.encode(encoding, "backslashreplace").decode(encoding) + "\n")
        sys.stderr.flush()


def open_streams() -> None:
    """Where the run was started with standard input, output or error closed (`>&-`), read nothing and write to nowhere."""
    for name, flag, mode in (("stdin", os.O_RDONLY, "r"), ("stdout", os.O_WRONLY, "w"), ("stderr", os.O_WRONLY, "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(os.open(os.devnull, flag), mode, encoding="utf-8"))


def flush() -> None:
    """Write out what `say` has kept back."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        silence()


def silence() -> None:
    """Send standard output nowhere from now on: nobody reads it, and Python would complain when it flushes at exit."""
    with contextlib.suppress(io.UnsupportedOperation):  # a stream in memory has no descriptor, and is never full
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def write_text(path: Path, text: str) -> None:
    """Replace a file in one step; a pipe or a device (/dev/stdout) is written to. Raises TunelintError when that fails."""
    try:
        replace_file(path, text.encode("utf-8", "surrogatepass"))
    except OSError as error:
        raise TunelintError(f"cannot write {path}: {error.strerror}") from error


def tell_files(report: Report) -> None:
    """Say how each file was taken."""
    from tunelint.report.text import plural, visible

    for file in report.files[:20]:
        lost = f", {plural(file.faulty_lines, 'faulty line')}" if file.faulty_lines else ""
        tell(f"{file.split:5}  {visible(file.path)}  {file.shape}, {plural(file.records, 'record')}{lost}  ({visible(file.reason)})")
    if len(report.files) > 20:
        tell(f"... and {len(report.files) - 20:,} more files")


def tell_unread(unread: Sequence[tuple[str, str]]) -> None:
    """Say what of the inputs could not be read, so that it is missing from what was written: path and sentence each."""
    from tunelint.report.text import plural, visible

    for path, what in unread[:20]:
        tell(f"not read, so not in the output: {visible(path)}: {visible(what)}")
    if len(unread) > 20:
        tell(f"... and {plural(len(unread) - 20, 'more place')}")


class Progress:
    """A bar on stderr while work takes longer than a second, on a terminal only."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._start = time.monotonic()
        self._on = sys.stderr.isatty() and not os.environ.get("CI")
        self._bar: Any = None
        self._task: Any = None

    def __call__(self, done: int, total: int) -> None:
        """Show `done` of `total` bytes."""
        if not self._on or time.monotonic() - self._start < 1:
            return
        if self._bar is None:
            from rich.console import Console
            from rich.progress import BarColumn, DownloadColumn, TextColumn, TimeRemainingColumn
            from rich.progress import Progress as Bar

            columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
            self._bar = Bar(*columns, console=Console(stderr=True), transient=True)
            self._task = self._bar.add_task(self._what, total=total or None)
            self._bar.start()
        self._bar.update(self._task, completed=done)

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *_: Any) -> None:
        if self._bar is not None:
            self._bar.stop()

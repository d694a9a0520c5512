"""The length report as text: the same characters piped or not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from tunelint.engine.tokens import histogram
from tunelint.records.record import Split
from tunelint.report.text import plural, visible
from tunelint.stats.cost import Bill
from tunelint.stats.measure import PERCENTILES, SPLITS, FileLengths, LongRow, Stats, windows_for
from tunelint.stats.plan import Plan
from tunelint.tokens.recipes import recipe_for
from tunelint.tokens.survivors import Ledger

BAR = 40
_BLOCKS = " ▏▎▍▌▋▊▉█"
_OVERLONG = {
    "cut": "cut at its end", "keep-end": "cut at its start", "drop": "dropped", "proportional": "cut in proportion",
    "refuse": "stops the run",
}  # fmt: skip


def render_text(stats: Stats, bills: Sequence[Bill], plans: Sequence[Plan], batch_size: int | None) -> Iterator[str]:
    """Yield the lines of the report."""
    yield f"Tokens: {stats.counter}" + ("" if stats.exact else f"; {stats.note}" if stats.note else ", estimated")
    yield ""
    yield from table([FILE_HEAD, *(file_cells(file) for file in stats.files)], left=3)
    for split in SPLITS:
        if stats.counts(split).size:
            yield ""
            yield from _lengths(stats, split)
    for split in SPLITS:
        ledgers = [ledger for ledger in stats.ledgers(split) if ledger.rows]
        if ledgers:
            yield ""
            yield f"What the targets train on, of {plural(ledgers[0].rows, f'{split} record')}"
            yield from table([LEDGER_HEAD, *(ledger_cells(ledger, stats.window, batch_size) for ledger in ledgers)], left=2)
            yield from _reasons(ledgers)
    if bills:
        yield ""
        yield from (bill.sentence() for bill in bills)
    for plan in plans:
        yield ""
        yield from plan.lines()


FILE_HEAD = ("split", "file", "shape", "records", "faulty", "tokens", "median", "95 %", "longest")
LEDGER_HEAD = ("target", "over the window", "rows in", "trained", "left out", "answers cut", "tokens trained", "tokens cut", "steps per epoch")


def file_cells(file: FileLengths) -> tuple[str, ...]:
    """Return a file's row of the table under `FILE_HEAD`."""
    counts = file.counts
    middle, high = np.percentile(counts, [50, 95]) if counts.size else (0, 0)
    numbers = (file.records, file.faulty_lines, int(counts.sum()), round(float(middle)), round(float(high)), int(counts.max(initial=0)))
    return (file.split, visible(file.path), file.shape, *(f"{number:,}" for number in numbers))


def ledger_cells(ledger: Ledger, window: int | None, batch_size: int | None) -> tuple[str, ...]:
    """Return a target's row of the table under `LEDGER_HEAD`; "unknown" where the target or the user names no number."""
    recipe = recipe_for(ledger.target, window=window)
    limit = "unknown window" if recipe.window is None else f"{recipe.window:,}: {_OVERLONG[recipe.overlong]}"
    size = batch_size or recipe.batch_size
    steps = "unknown" if size is None else f"{ledger.steps_per_epoch(size):,} (of {size})"
    numbers = (ledger.rows, ledger.trained, ledger.left_out, ledger.answers_cut, ledger.tokens_trained, ledger.tokens_cut)
    about = "" if ledger.exact else "~"
    return (ledger.target, limit, *(f"{about if at else ''}{number:,}" for at, number in enumerate(numbers)), steps)


def percentiles(stats: Stats, split: Split) -> list[tuple[str, int]]:
    """Return the shortest, the percentiles and the longest of a split's records, with their names."""
    counts = stats.counts(split)
    values = np.percentile(counts, PERCENTILES, method="inverted_cdf")
    named = [(f"{percent} %", int(value)) for percent, value in zip(PERCENTILES, values, strict=True)]
    return [("shortest", int(counts.min())), *named, ("longest", int(counts.max()))]


def shares(stats: Stats, split: Split) -> list[tuple[int, int, int]]:
    """Return for each common window the records within it, and the tokens of the records that are not."""
    counts = stats.counts(split)
    return [(window, int((counts <= window).sum()), int(counts[counts > window].sum())) for window in windows_for(int(counts.max()))]


def where(row: LongRow) -> str:
    """Return the place of a record: file:line, or the row of a table."""
    return f"{visible(row.path)}:{row.line}" if row.line else f"{visible(row.path)} row {row.row}"


def _lengths(stats: Stats, split: Split) -> Iterator[str]:
    counts = stats.counts(split)
    yield f"Lengths of {plural(counts.size, f'{split} record')}, {int(counts.sum()):,} tokens"
    named = percentiles(stats, split)
    yield from table([[name for name, _ in named], [f"{value:,}" for _, value in named]], left=0)
    yield ""
    bins = histogram(counts)
    most, width = max(count for _, count in bins), len(f"{bins[-1][0]:,}")
    for edge, count in bins:
        yield f"  to {edge:>{width},} {_bar(count / most):{BAR}} {count:>9,} {100 * count / counts.size:5.1f} %"
    yield ""
    yield "  within a window of"
    for window, inside, over in shares(stats, split):
        beyond = f"  ({counts.size - inside:,} longer ones hold {over:,} tokens)" if inside < counts.size else ""
        yield f"  {window:>9,}  {_percent(inside, counts.size)} of the records{beyond}"
    yield ""
    yield "  longest"
    for row in stats.longest(split):
        yield f"  {row.tokens:>9,}  {where(row)}"


def _percent(part: int, whole: int) -> str:
    """Return a share; all and nothing are said only where they are meant to the last record."""
    share = 100 * part / whole
    return f"{min(share, 99.9) if part < whole else share:5.1f} %"


def _bar(share: float) -> str:
    eighths = max(round(share * BAR * 8), 1 if share else 0)
    return _BLOCKS[8] * (eighths // 8) + (_BLOCKS[eighths % 8] if eighths % 8 else "")


def _reasons(ledgers: Sequence[Ledger]) -> Iterator[str]:
    for ledger in ledgers:
        kinds = (("left out", ledger.dropped), ("trained on nothing", ledger.untrained), ("stops the run", ledger.stopping))
        for what, reasons in kinds:
            for reason, count in reasons.most_common():
                yield f"  {ledger.target}: {plural(count, 'record')} {what}: {reason}"
        if ledger.unended:
            yield f"  {ledger.target}: {plural(ledger.unended, 'record')} without the end of the last answer"


def table(rows: Sequence[Sequence[str]], left: int) -> Iterator[str]:
    """Yield rows with their columns aligned: the first `left` to the left, numbers to the right."""
    widths = [max(len(row[at]) for row in rows) for at in range(len(rows[0]))]
    for row in rows:
        cells = [f"{cell:<{width}}" if at < left else f"{cell:>{width}}" for at, (cell, width) in enumerate(zip(row, widths, strict=True))]
        yield ("  " + "  ".join(cells)).rstrip()

"""The length report as one HTML page that works offline: no script, and a policy that forbids every request."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape

from tunelint.engine.tokens import histogram
from tunelint.records.record import Split
from tunelint.report.text import plural
from tunelint.stats.cost import Bill
from tunelint.stats.measure import SPLITS, Stats
from tunelint.stats.plan import Plan
from tunelint.stats.text import FILE_HEAD, LEDGER_HEAD, file_cells, ledger_cells, percentiles, shares, where

STYLE = (
    ":root{--bg:#fff;--fg:#1b1b1f;--dim:#62626c;--line:#dedee5;--bar:#1d4ed8;--cut:#b91c1c;--train:#bbf7d0;--trainfg:#14532d}"
    "@media (prefers-color-scheme:dark){:root{--bg:#131316;--fg:#ececf1;--dim:#a0a0ac;--line:#2f2f37;--bar:#8ab4ff;--cut:#f87171;"
    "--train:#14532d;--trainfg:#dcfce7}}"
    "body{background:var(--bg);color:var(--fg);font:15px/1.5 system-ui,sans-serif;max-width:1100px;margin:2rem auto;padding:0 1rem}"
    "h1{font-size:1.3rem}h2{font-size:1.05rem;margin-top:2rem}.dim{color:var(--dim);font-size:.85rem}"
    "table{border-collapse:collapse;font-size:.85rem;font-variant-numeric:tabular-nums}.scroll{overflow-x:auto;margin:.7rem 0}"
    "th,td{padding:.2rem 1rem .2rem 0;border-bottom:1px solid var(--line);text-align:right;white-space:nowrap}th{color:var(--dim);font-weight:500}"
    "th.left,td.left{text-align:left}svg rect{fill:var(--bar)}svg text{fill:var(--dim);font-size:11px}"
    "code,pre{font:13px/1.6 ui-monospace,monospace;white-space:pre-wrap;overflow-wrap:anywhere;unicode-bidi:isolate}"
)


def page(title: str, body: str) -> Iterator[str]:
    """Yield a whole page; `body` is markup, its maker has escaped the data in it."""
    policy = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
    yield '<!doctype html><html lang="en"><head><meta charset="utf-8">'
    yield f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
    yield '<meta name="viewport" content="width=device-width,initial-scale=1"><meta name="color-scheme" content="light dark">'
    yield f"<title>{escape(title)}</title><style>{STYLE}</style></head><body><h1>{escape(title)}</h1>{body}</body></html>"


def render_page(stats: Stats, bills: Sequence[Bill], plans: Sequence[Plan], batch_size: int | None) -> Iterator[str]:
    """Yield the page."""
    counted = stats.counter + ("" if stats.exact else f"; {stats.note}")
    body = f'<p class="dim">Tokens: {escape(counted)}</p>' + grid(FILE_HEAD, [file_cells(file) for file in stats.files], 3)
    for split in SPLITS:
        if stats.counts(split).size:
            body += _lengths(stats, split)
    for split in SPLITS:
        ledgers = [ledger for ledger in stats.ledgers(split) if ledger.rows]
        if ledgers:
            body += f"<h2>What the targets train on, of {plural(ledgers[0].rows, f'{split} record')}</h2>"
            body += grid(LEDGER_HEAD, [ledger_cells(ledger, stats.window, batch_size) for ledger in ledgers], 2)
            reasons = [(ledger.target, reason, f"{count:,}") for ledger in ledgers for reason, count in ledger.reasons]
            body += grid(("target", "why they are not trained", "records"), reasons, 2) if reasons else ""
    body += "".join(f"<p>{escape(bill.sentence())}</p>" for bill in bills)
    body += "".join("<pre>" + escape("\n".join(plan.lines())) + "</pre>" for plan in plans)
    yield from page("tunelint stats", body)


def _lengths(stats: Stats, split: Split) -> str:
    counts = stats.counts(split)
    named = percentiles(stats, split)
    windows = [(f"{window:,}", f"{inside:,}", f"{100 * inside / counts.size:.1f} %") for window, inside, _ in shares(stats, split)]
    longest = [(where(row), f"{row.tokens:,}") for row in stats.longest(split)]
    return (
        f"<h2>Lengths of {plural(int(counts.size), f'{split} record')}, {int(counts.sum()):,} tokens</h2>"
        + grid([name for name, _ in named], [[f"{value:,}" for _, value in named]], 0)
        + chart(histogram(counts))
        + grid(("window", "records within", "share"), windows, 0)
        + grid(("longest", "tokens"), longest, 1)
    )


def chart(bins: Sequence[tuple[int, int]]) -> str:
    """Draw a histogram of lengths: one bar for each half doubling, its upper end below it."""
    wide, high, most = 46, 150, max(count for _, count in bins)
    parts = []
    for number, (edge, count) in enumerate(bins):
        height = max(1.0, high * count / most) if count else 0.0
        middle = number * wide + wide / 2
        parts.append(
            f'<rect x="{number * wide + 2}" y="{high - height + 14:.1f}" width="{wide - 4}" height="{height:.1f}">'
            f"<title>up to {edge:,} tokens: {plural(count, 'record')}</title></rect>"
            f'<text x="{middle}" y="{high - height + 11:.1f}" text-anchor="middle">{count:,}</text>'
            f'<text x="{middle}" y="{high + 28}" text-anchor="middle">{edge:,}</text>'
        )
    size = f'width="{wide * len(bins)}" height="{high + 34}"'
    return f'<div class="scroll"><svg {size} role="img" aria-label="records by length in tokens">{"".join(parts)}</svg></div>'


def grid(head: Sequence[str], rows: Sequence[Sequence[str]], left: int) -> str:
    """Return a table; the first `left` columns are aligned to the left. All cells are escaped."""

    def cells(tag: str, row: Sequence[str]) -> str:
        return "".join(f"<{tag}{' class=left' if at < left else ''}>{escape(cell)}</{tag}>" for at, cell in enumerate(row))

    body = "".join(f"<tr>{cells('td', row)}</tr>" for row in rows)
    return f'<div class="scroll"><table><thead><tr>{cells("th", head)}</tr></thead><tbody>{body}</tbody></table></div>'

"""One row for a reader: trained and cut text marked, in a terminal and as an HTML page."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from tunelint.checks.privacy import mask
from tunelint.report.text import visible
from tunelint.stats.page import page
from tunelint.stats.row import RowView, Segment

# Brackets that hardly a text holds: the marks must not be taken for the text.
_TRAINED, _CUT = ("⟦", "⟧"), ("⟪", "⟫")
_GREEN, _RED, _DIM, _END = "\033[32m", "\033[9;31m", "\033[2m", "\033[0m"
_CSS = (
    "mark{background:var(--train);color:var(--trainfg)}del,del mark{text-decoration:line-through;color:var(--cut)}"
    ".turn{color:var(--dim);font-size:.8rem}"
)


def render_row(view: RowView, title: str, color: bool) -> Iterator[str]:
    """Yield the lines of a row; control characters and commands to a CI log are shown, not sent."""
    yield visible(title)
    yield f"  {visible(view.sentence())}"
    if not view.segments:
        return
    how = "" if view.rendered else "; counted turn by turn, without the template"
    if color:
        yield f"  {_GREEN}trained{_END}, {_RED}cut{_END}, the rest is only read{how}"
    else:
        yield f"  {_TRAINED[0]}trained{_TRAINED[1]} {_CUT[0]}cut{_CUT[1]}, the rest is only read{how}"
    yield ""
    yield from "".join(_terminal(segment, color) for segment in view.segments).removeprefix("\n").split("\n")


def _terminal(segment: Segment, color: bool) -> str:
    label = visible(segment.label)
    head = f"\n{_DIM}{label}{_END}\n" if label and color else f"\n{label}\n" if label else ""
    if not segment.text:
        return head
    before, after = "", ""
    for on, (opening, closing), paint in ((segment.trained, _TRAINED, _GREEN), (segment.cut, _CUT, _RED)):
        if on:
            before, after = (before + paint, _END) if color else (opening + before, after + closing)
    lines = [visible(line) for line in mask(segment.text).split("\n")]
    # Colours end with each line, so that a pager or a log that shows one line shows it rightly.
    body = "\n".join(f"{before}{line}{after}" if line else line for line in lines) if color else before + "\n".join(lines) + after
    return head + body


def row_page(view: RowView, title: str) -> Iterator[str]:
    """Yield the row as a page that works offline."""
    legend = "<mark>trained</mark> <del>cut</del>, the rest is only read"
    how = "" if view.rendered else "; counted turn by turn, without the template"
    body = f'<style>{_CSS}</style><p>{escape(view.sentence())}</p><p class="dim">{legend}{how}</p>'
    yield from page(title, body + "<pre>" + "".join(_markup(segment) for segment in view.segments) + "</pre>")


def _markup(segment: Segment) -> str:
    label = visible(segment.label)
    head = f'<span class="turn">\n{escape(label)}\n</span>' if label else ""
    text = escape("\n".join(visible(line) for line in mask(segment.text).split("\n")))
    if text and segment.trained:
        text = f"<mark>{text}</mark>"
    return head + (f"<del>{text}</del>" if text and segment.cut else text)

"""A comparison as text, Markdown or an HTML page. All three read the JSON object, so a saved one prints the same."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from typing import Any

from tunelint.comparing.verdict import NAMES, difference_words, shown
from tunelint.curves.page import STYLE
from tunelint.report.text import plural, visible

TITLES = {"base": "base", "few_shot": "few-shot", "tuned": "tuned"}
DIFFERENCES = {"tuned_minus_few_shot": "tuned - few-shot", "tuned_minus_base": "tuned - base"}
CLIPPED = 400
_WORDS = "table.words th,table.words td{text-align:left;vertical-align:top;overflow-wrap:anywhere}"
Table = list[list[str]]


def render_text(report: dict[str, Any]) -> str:
    """Return the comparison for a terminal."""
    lines = [f"compare {report['run']}: {_rows(report)}", *_facts(report), ""]
    table = _numbers(report)
    widths = [max(len(row[column]) for row in table) for column in range(len(table[0]))]
    lines += ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in table]
    for title, rows in _differences(report):
        lines += ["", f"{title} (95 % interval, paired by row)", *(f"  {name:12}  {words}" for name, words in rows)]
    lines += ["", report["says"]]
    for sample in _samples(report):
        lines += ["", f"record {sample['record']}"]
        lines += [f"  {name:9} {line}" for name, text in _said(sample) for line in [visible(_clip(text))]]
    return "\n".join(lines) + "\n"


def render_markdown(report: dict[str, Any]) -> str:
    """Return the comparison as Markdown, for a pull request."""
    parts = [
        f"### Compared: {_cell(report['run'])}",
        f"**{_cell(report['says'])}**",
        _rows(report) + ".",
        " ".join(f"{line}." for line in _facts(report)),
    ]
    head, *body = _numbers(report)
    parts.append(markdown_table(head, body))
    for title, rows in _differences(report):
        parts.append(markdown_table([title, "95 % interval, paired by row"], [list(row) for row in rows]))
    for sample in _samples(report):
        parts.append(markdown_table(["record", sample["record"]], [[name, _clip(text)] for name, text in _said(sample)]))
    return "\n\n".join(parts) + "\n"


def render_html(report: dict[str, Any]) -> str:
    """Return the comparison as a page that asks for nothing outside itself."""
    head, *body = _numbers(report)
    parts = [f'<p class="verdict">{escape(report["says"])}</p><p>{escape(_rows(report))}</p>']
    parts += [f"<p>{escape(line)}</p>" for line in _facts(report)]
    parts.append(_html_table(head, body))
    for title, rows in _differences(report):
        parts.append(_html_table([title, "95 % interval, paired by row"], [list(row) for row in rows], words=True))
    parts.append("<h2>Side by side</h2>")
    for sample in _samples(report):
        parts.append(_html_table(["record", sample["record"]], [[name, _clip(text)] for name, text in _said(sample)], words=True))
    title = escape(f"tunelint compare: {report['run']}")
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'\">"
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{title}</title><style>{STYLE}{_WORDS}</style></head>"
        f"<body><h1>{title}</h1>{''.join(parts)}</body></html>\n"
    )


def _rows(report: dict[str, Any]) -> str:
    left = f", {plural(report['left_out'], 'row')} too long to be answered" if report["left_out"] else ""
    return f"{plural(report['eval_rows'], 'eval row')}, {report['answered_rows']:,} answered (seed {report['seed']}){left}"


def _facts(report: dict[str, Any]) -> Iterator[str]:
    step = f", step {report['step']}" if report["step"] is not None else ""
    where = "on this machine" if report["where"] == "local" else f"at {report['where']}"
    yield visible(f"base {report['base']}, tuned {report['tuned']}{step}, {where}; temperature 0, at most {report['most_tokens']:,} tokens an answer")
    shots = report["shots"]
    if shots["rows"]:
        average = f"{shots['mean_used']:.1f} on average in {plural(shots['rows'], 'prompt')}"
        yield f"few-shot: up to {shots['most']} train rows in the prompt, {shots['how']}; {average}"
    else:
        yield "few-shot: no examples were shown (none asked for, none in train, or none fits)"
    yield f"similarity: {report['similarity']}"
    if report["note"]:
        yield report["note"]


def _numbers(report: dict[str, Any]) -> Table:
    arms = report["arms"]
    table = [["", *(TITLES[arm] for arm in arms)]]
    for name in NAMES:
        values = [arms[arm][name] for arm in arms]
        if any(value is not None for value in values):
            table.append([NAMES[name], *(shown(name, value) for value in values)])
    return table


def _differences(report: dict[str, Any]) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    for key, title in DIFFERENCES.items():
        items = {name: item for name, item in report["differences"].get(key, {}).items() if item is not None}
        if items:
            yield title, [(NAMES[name], difference_words(name, item)) for name, item in items.items()]


def _samples(report: dict[str, Any]) -> Iterator[dict[str, Any]]:
    return (report["rows"][place] for place in report["samples"])


def _said(row: dict[str, Any]) -> Iterator[tuple[str, str]]:
    yield "asked", row["asked"]
    yield "wanted", row["wanted"]
    for arm, found in row["arms"].items():
        if found["answer"] is not None:
            yield TITLES[arm], found["answer"]


def _clip(text: str) -> str:
    return text if len(text) <= CLIPPED else f"{text[:CLIPPED]} ... ({len(text):,} characters)"


def _cell(text: str) -> str:
    """Return a text for a Markdown table: one line, and nothing in it is markup."""
    for char in "\\`*_[]|~#":
        text = text.replace(char, "\\" + char)
    return escape(text, quote=False).replace("\r", "").replace("\n", "<br>")


def markdown_table(head: list[str], body: Table) -> str:
    """Return a table in which nothing of the cells is markup."""
    rows = [head, ["---"] * len(head), *body]
    return "\n".join("| " + " | ".join(cell if cell == "---" else _cell(cell) for cell in row) + " |" for row in rows)


def _html_table(head: list[str], body: Table, words: bool = False) -> str:
    top = "".join(f"<th>{escape(cell)}</th>" for cell in head)
    rows = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in body)
    return f'<div class="scroll"><table{" class=words" if words else ""}><thead><tr>{top}</tr></thead><tbody>{rows}</tbody></table></div>'

"""What a template, a scraper or an exporter left behind in a text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from tunelint.checks.hit import Hit
from tunelint.checks.screen import only_where
from tunelint.checks.text_code import prose
from tunelint.checks.texts import place, taught
from tunelint.records.example import Turn
from tunelint.records.record import Record
from tunelint.records.signs import BRACE, BRACKET, LOREM, TAG

_MAY_HOLD_PLACEHOLDER = re.compile(
    rb"\{\{|\[(?:INSERT|[Ii]nsert)\b|\{(?:question|context|input|instruction|query|user_input|document)\}|<no(?:in|out)put>"
)
_PLACEHOLDER = re.compile(
    r"(?<![\w$\\{}^])\{\{ ?[A-Za-z_][\w-]*(?: [\w-]+){0,3} ?\}\}(?!\})"
    r"|\[(?:INSERT|[Ii]nsert) [^\]\n]{2,60}\]"
    r"|(?<![\\$#{\w^])\{(?:question|context|input|instruction|query|user_input|document)\}(?!\})"
    r"|<no(?:in|out)put>"
)
_LOREM = re.compile(r"lorem ipsum", re.IGNORECASE)
# An answer that is nothing else. "None" and "N/A" are not here: they are right answers of many labelling tasks.
_EMPTY_WORDS = frozenset(
    {"nooutput", "no output", "noinput", "no input", "todo", "tbd", "fixme", "placeholder", "your answer here", "insert answer here",
     "answer goes here", "response goes here", "nan", "null", "lorem ipsum", "<pad>", "[pad]", "<unk>", "[answer]", "<answer>", "待补充", "暂无"}
)  # fmt: skip
_EMPTY_INPUTS = _EMPTY_WORDS | {"n/a", "na", "none", "-", "无", "нет данных"}
_ABOUT_TEMPLATES = re.compile(
    r"template|placeholder|jinja|handlebars|mustache|\bvue\b|angular|liquid|django|helm|ansible|github actions|f-string|format string|prompt|"
    r"lorem|dummy text|latex|шаблон|заглушк|模板|占位|テンプレート|템플릿|vorlage|plantilla|modèle de|fill[- ]in|\bform\b|html|css|web ?page|"
    r"mail merge|variable",
    re.IGNORECASE,
)


def unfilled_placeholder(record: Record, options: dict[str, Any]) -> Iterable[Hit]:
    """TEXT002: a slot of a template that nobody filled."""
    answer, signs = record.example.answer, record.signs
    short = answer is not None and len(answer.content) <= 24 and _bare(answer.content) in _EMPTY_WORDS
    marked = signs & (BRACE | BRACKET | TAG) and _MAY_HOLD_PLACEHOLDER.search(record.spelled)
    if short or marked or (signs & LOREM and b"orem ipsum" in record.spelled):
        return _placeholders(record, options)
    given = record.value.get("input") if record.value is not None and record.shape == "instruction" else None
    if isinstance(given, str) and len(given) <= 24 and _bare(given) in _EMPTY_INPUTS:
        return (Hit(f"Input is the placeholder '{given.strip()}'; a record without input has none.", pointer="/input"),)
    return ()


def _bare(text: str) -> str:
    return text.strip().strip(".!<>[]\"'").lower()


def _placeholders(record: Record, options: dict[str, Any]) -> Iterator[Hit]:
    allowed = frozenset(options["allow"])
    example = record.example
    asked = any(_ABOUT_TEMPLATES.search(turn.content) for turn in example.turns if turn.role in ("user", "system", "developer"))
    answers = taught(record) if record.shape != "text" else list(example.turns)
    for turn in example.turns:
        if turn.role == "tool" or (turn.role == "assistant" and turn not in answers):
            continue
        if turn is example.answer and _bare(turn.content) in _EMPTY_WORDS and turn.content.strip():
            yield Hit(f"Answer is the placeholder '{turn.content.strip()}'.", pointer=turn.content_pointer)
            continue
        if asked:
            continue
        text = prose(turn.content)
        match = next((match for match in _PLACEHOLDER.finditer(text) if match.group() not in allowed), None)
        if match is None and "lorem ipsum" not in allowed and "</" not in text:
            match = _LOREM.search(text)
        if match is not None:
            pointer, span = place(record, turn, match.span())
            yield Hit(f"Text holds the unfilled placeholder '{match.group()}'.", pointer=pointer, span=span)


_TAGS = (
    r"(?:p|div|span|br|hr|ul|ol|li|table|tbody|thead|tr|td|th|a|img|b|i|u|em|strong|font|center|h[1-6]|blockquote|script|style|iframe|"
    r"figure|section|article|sup|sub)"
)
_MAY_HOLD_MARKUP = re.compile(
    rb"<\\?/?[A-Za-z][A-Za-z1-6]{0,9}[ >/]|&(?:[a-z]{2,6}|#\d{2,5});|\[/(?:b|i|u|url|quote|code|img|size|color)\]|\[edit\]|\[citation needed\]"
)
_MARKUP = re.compile(rf"</?{_TAGS}(?: [^<>\n]{{0,200}})?/?>", re.IGNORECASE)
_ENTITY = re.compile(r"&(?:amp|nbsp|lt|gt|quot|apos|ldquo|rdquo|lsquo|rsquo|mdash|ndash|hellip|#(?:x[0-9a-fA-F]{2,5}|\d{2,5}));")
_OTHER = re.compile(r"\[/(?:b|i|u|url|quote|code|img|size|color)\]|\[edit\]|\[citation needed\]", re.IGNORECASE)
_ABOUT_MARKUP = re.compile(
    r"html|xml|\btag|markup|css|javascript|\bjs\b|react|vue|angular|jsp|php|svg|web ?(?:page|site)|website|bbcode|wiki|entity|entities|escape|scrap|"
    r"\bcode\b|script|markdown|bold|italic|\blink|<[a-z]|jsx|template|xslt|rss|e-?mail|"
    r"сайт|страниц|разметк|тег|网页|网站|代码|标签|ページ|コード|웹|코드|seite|página|page web",
    re.IGNORECASE,
)


@only_where(signs=BRACKET | TAG)
def markup_remnants(record: Record, options: dict[str, Any]) -> Iterable[Hit]:
    """TEXT010: HTML tags, entities and wiki marks in the prose of an answer."""
    return _markup(record, options) if _MAY_HOLD_MARKUP.search(record.spelled) else ()


def _markup(record: Record, options: dict[str, Any]) -> Iterator[Hit]:
    asked = ""
    answers = taught(record)
    for turn in record.example.turns:
        if turn.role in ("user", "system", "developer"):
            asked += turn.content + "\n"
        elif turn in answers and not turn.calls and not _ABOUT_MARKUP.search(asked):
            hit = _markup_hit(record, turn, options)
            if hit is not None:
                yield hit


def _markup_hit(record: Record, turn: Turn, options: dict[str, Any]) -> Hit | None:
    text = prose(turn.content)
    tags = [match for match in _MARKUP.finditer(text) if not _in_table(text, match)]
    entities, others = list(_ENTITY.finditer(text)), list(_OTHER.finditer(text))
    found = [*entities, *others, *(tags if len(tags) >= options["least_tags"] else ())]
    if not found:
        return None
    first = min(found, key=lambda match: match.start())
    more = f" and {len(found) - 1} more" if len(found) > 1 else ""
    pointer, span = place(record, turn, first.span())
    return Hit(f"Answer holds '{first.group()[:40]}'{more}: markup of the page that it comes from.", pointer=pointer, span=span)


def _in_table(text: str, match: re.Match[str]) -> bool:
    """A line break inside a cell is the one tag that Markdown tables cannot do without."""
    if not match.group().lower().startswith(("<br", "<sup", "<sub", "</su")):
        return False
    start = text.rfind("\n", 0, match.start()) + 1
    end = text.find("\n", match.end())
    return "|" in text[start : end if end >= 0 else len(text)] or match.group().lower().startswith(("<su", "</su"))

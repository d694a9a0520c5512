"""Prompts that speak of something that is not there: an image, a file, a text below."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from tunelint.checks.hit import Hit
from tunelint.checks.screen import has_images, only_where
from tunelint.checks.texts import place
from tunelint.records.example import Turn
from tunelint.records.record import Record
from tunelint.records.signs import ATTACHMENT, ESCAPE, LATIN, OTHER_SCRIPT

# One of these stands in every text that the pattern matches; plain searches are ten times as fast as a pattern of them.
_MARKS = ("ttach", "mage", "icture", "hoto", "creenshot", "nclosed", "ploaded", "Bild", "nhang", "joint", "djunt")
_LATIN_MARKS = ("ngehäng",)
_OTHER_MARKS = (
    "картинк", "рисунк", "фото", "влож", "прил", "прикр", "скриншот", "изображ", "图", "照", "附件", "画像", "写真", "添付", "下の",
    "이미지", "사진", "그림", "첨부",
)  # fmt: skip
_THING = r"(?:image|picture|photo|photograph|screenshot)"
_FILE = r"(?:file|document|pdf|spreadsheet|image|picture|photo|screenshot|csv|report|dataset|excel|resume|attachment)"
_MISSING = re.compile(
    rf"\b(?:in|of|from|at|see|describe|analy[sz]e|identify|classify|caption|look at|based on|using|check|review|open|read|summari[sz]e) "
    rf"(?:the |this |that |my |these )?(?:attached|enclosed|uploaded) {_FILE}s?\b"
    rf"|\b(?:I(?:'ve| have| am|'m)?|we(?:'ve| have)?) (?:just )?(?:attach(?:ed|ing)|enclosed|uploaded) (?:the|a|an|my|this) {_FILE}"
    rf"|\b(?:see|find) (?:the )?attached\b(?! to)"
    rf"|\b(?:in|of|from|at|describe|identify|classify) (?:this|the (?:following|above|below|given|provided)) {_THING}\b(?! of\b)"
    rf"|\b(?:in|of|from|at|describe) the {_THING} (?:below|above|shown|provided|attached|given)\b"
    rf"|\bwhat (?:is|'s|do you see) (?:shown |happening |depicted )?in (?:this|the) {_THING}\?"
    r"|на (?:этой |этом |приложенн\w+ |прикрепл[её]нн\w+ )?(?:картинке|рисунке|фотографии|изображении|скриншоте) "
    r"(?:ниже|выше|изображ|показан|вид)"
    r"|(?:во вложении|в приложенном файле|(?:прикреплённ|прикрепленн|приложенн)\w+ (?:файл|изображени|документ|фото)\w*|прикрепляю|см\. вложение)"
    r"|(?:(?:这张|此|以下|上面的|下面的)(?:图片|照片|图像)|附件(?:中|里|是)|见附件)"
    r"|(?:この(?:画像|写真)|添付(?:した|の|ファイル)|下の図)"
    r"|(?:이 (?:이미지|사진)|첨부(?:된|한|파일)|아래 (?:그림|사진|이미지))"
    r"|\b(?:im Anhang|(?:auf|in) (?:diesem|dem angehängten) Bild|angehängte\w? (?:Datei|Bild|Dokument))"
    r"|\b(?:ci-joint\w*|pièce jointe|(?:sur|dans) cette image)"
    r"|\b(?:(?:archivo|documento|imagen) adjunt[oa]|en (?:esta imagen|la imagen adjunta)|adjunto (?:el|la|un))",
    re.IGNORECASE,
)
_THERE = re.compile(
    r"https?://|www\.|data:image|<(?:image|img|video|audio)|!\[|\.(?:png|jpe?g|gif|webp|pdf|csv|xlsx?|docx?|txt)\b|\[(?:image|img)|```|图片链接",
    re.IGNORECASE,
)
# The answer says that there is nothing to see: then the record teaches just what it should.
_NOTICED = re.compile(
    r"\b(?:can(?:'t|not|’t)|unable|not able|don'?t|do not|didn'?t|did not|no|not|without|please (?:provide|share|upload|attach))\b[^.!?\n]{0,60}"
    r"\b(?:see|view|open|access|image|picture|photo|attach\w*|file|provided|upload\w*|screenshot)|"
    r"не (?:вижу|могу|прикрепл|получил)|无法|没有|不能|看不到|未提供|"
    r"できません|見えません|ありません|없습니다|수 없|nicht|ne peux|pas |no puedo|no hay|no veo",
    re.IGNORECASE,
)
_MEDIA_KEYS = frozenset({"videos", "audios", "video", "audio", "files"})
_AROUND = 60
_INSTEAD = 200  # characters behind the words: a description, a table or the text itself stands there


@only_where(signs=ATTACHMENT | ESCAPE | LATIN | OTHER_SCRIPT)
def missing_attachment(record: Record, options: dict[str, Any]) -> Iterable[Hit]:
    """TEXT011: a prompt that speaks of an image or a file which the record does not hold."""
    if record.shape == "text" or has_images(record):
        return ()
    for turn in record.example.turns:
        if turn.role == "user" and len(turn.content) <= options["longest_prompt"] and _may_hold(turn.content, record.signs):
            return _missing(record, options)
    return ()


def _may_hold(text: str, signs: int) -> bool:
    wide = not text.isascii()
    if (wide or signs & (ATTACHMENT | ESCAPE)) and any(mark in text for mark in _MARKS):
        return True
    others = _OTHER_MARKS if signs & (ESCAPE | OTHER_SCRIPT) else ()
    return wide and any(mark in text for mark in (*_LATIN_MARKS, *others))


def _missing(record: Record, options: dict[str, Any]) -> Iterator[Hit]:
    turns = record.example.turns
    if any(_has_part(turn) or turn.role == "tool" for turn in turns) or not _MEDIA_KEYS.isdisjoint(record.value or {}):
        return
    for index, turn in enumerate(turns):
        if turn.role != "user" or len(turn.content) > options["longest_prompt"]:
            continue
        match = _search(turn.content)
        if match is None or _THERE.search(turn.content) or len(turn.content) - match.end() > _INSTEAD:
            continue
        answer = next((other for other in turns[index + 1 :] if other.role == "assistant"), None)
        if answer is None or _NOTICED.search(answer.content[:400]):
            continue
        pointer, span = place(record, turn, match.span())
        yield Hit(f"Prompt speaks of '{match.group()}', but the record holds no image or file.", pointer=pointer, span=span)
        return


def _search(text: str) -> re.Match[str] | None:
    """Search close to the words that every match holds: the pattern itself is slow, as it begins with anything."""
    end = -1
    for start, length in sorted(_places(text)):
        if start < end:
            continue
        end = start + length + _AROUND
        match = _MISSING.search(text, max(0, start - _AROUND), end)
        if match is not None:
            return match
    return None


def _places(text: str) -> Iterator[tuple[int, int]]:
    """Yield start and length of every mark."""
    for mark in _MARKS if text.isascii() else (*_MARKS, *_LATIN_MARKS, *_OTHER_MARKS):
        start = text.find(mark)
        while start >= 0:
            yield start, len(mark)
            start = text.find(mark, start + 1)


def _has_part(turn: Turn) -> bool:
    """Tell whether a turn has content of other kinds than text."""
    content = turn.raw.get("content", turn.raw.get("value")) if isinstance(turn.raw, dict) else None
    return isinstance(content, list) and any(isinstance(part, dict) and part.get("type") not in ("text", None) for part in content)

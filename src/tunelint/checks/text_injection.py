"""Sentences that try to take over a model: OWASP's list of prompt injections (LLM01), in the languages of the sets."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from tunelint.checks.hit import Hit
from tunelint.checks.texts import place
from tunelint.records.record import Record

_INJECTION = re.compile(
    r"\b(?:ignore|disregard|forget|override|bypass)\s+(?:all\s+|any\s+|everything\s+)?(?:of\s+)?(?:the\s+|your\s+|my\s+|these\s+|those\s+)?"
    r"(?:previous|prior|above|preceding|earlier|existing|initial|original|system)\s+(?:\w+\s+)?"
    r"(?:instructions?|prompts?|rules?|guidelines?|directives?|commands?|messages?)"
    r"|\b(?:ignore|forget|disregard) (?:everything|all) (?:above|before|you (?:were|have been) told|I said)"
    r"|\byou are (?:now )?(?:DAN\b|in (?:developer|debug|god|jailbreak) mode|an? unrestricted (?:AI|model))"
    r"|\b(?:enable|enter|activate) (?:developer|DAN|jailbreak|god) mode|\bdo anything now\b"
    r"|\b(?:reveal|print|show|repeat|output|leak) (?:me )?(?:your|the) (?:system|hidden|initial|secret) (?:prompt|instructions?|message)"
    r"|(?:игнорируй|забудь|проигнорируй|не обращай внимания на)(?:те)? (?:все )?(?:свои |мои )?"
    r"(?:предыдущие|прежние|прошлые|вышестоящие|системные) (?:инструкции|указания|правила|команды)"
    r"|(?:忽略|无视|忘记|忘掉)(?:掉)?(?:之前|以上|上面|前面|先前|所有)(?:的)?(?:所有|全部|一切)?(?:的)?(?:指令|指示|说明|提示|规则|要求)"
    r"|(?:これまで|以前|上記|前)の(?:すべての)?(?:指示|命令|ルール)を(?:無視|忘れ)"
    r"|(?:이전|위|앞)(?:의)? ?(?:모든 )?(?:지시|명령|지침|규칙)(?:사항)?[을를]? ?(?:무시|잊)"
    r"|\b(?:ignoriere?|vergiss|missachte)n? (?:Sie )?(?:alle )?(?:vorherigen|bisherigen|obigen|früheren) (?:Anweisungen|Instruktionen|Regeln)"
    r"|\b(?:ignore[zr]?|oublie[zr]?) (?:toutes )?(?:les|tes|vos) (?:instructions|consignes|règles) (?:précédentes|ci-dessus|antérieures)"
    r"|\b(?:ignora|olvida|ignore)d? (?:todas )?(?:las|tus) (?:instrucciones|reglas|órdenes) (?:anteriores|previas)",
    re.IGNORECASE,
)


# One of these stands in every text that the pattern matches.
_MARKS = (b"gnore", b"ignor", b"disregard", b"forget", b"overrid", b"bypass", b"are dan", b"are now dan", b"oper mode", b"dan mode", b"ak mode",
          b"god mode", b"debug mode", b"unrestricted", b"anything now", b"system prompt", b"system ins", b"system mes", b"hidden prompt",
          b"hidden ins", b"secret prompt", b"secret ins", b"initial prompt", b"initial ins", b"missacht", b"vergiss", b"oubli", b"olvid")  # fmt: skip
_MARKS_ELSEWHERE = tuple(word.encode() for word in ("нструкц", "указани", "правила", "команды", "忽略", "无视", "忘", "無視", "무시", "잊"))


def prompt_injection(record: Record, options: dict[str, Any]) -> Iterable[Hit]:
    """TEXT013: a sentence that tries to replace the model's instructions."""
    raw = record.spelled.lower()  # ASCII letters only, as the words are
    marks = _MARKS if raw.isascii() else (*_MARKS, *_MARKS_ELSEWHERE)
    return _hits(record) if any(mark in raw for mark in marks) else ()


def _hits(record: Record) -> Iterator[Hit]:
    for turn in record.example.turns:
        match = _INJECTION.search(turn.content)
        if match is not None:
            pointer, span = place(record, turn, match.span())
            who = turn.own_role.capitalize() or "A"
            yield Hit(f"{who} turn holds '{match.group()[:60]}', a sentence of prompt injections.", pointer=pointer, span=span)

"""Refusals and a teacher model's stock phrases, in the languages that fine-tuning sets are written in.

The English lists follow what threads count by hand (WizardLM issue 4, h2ogpt issue 103) and the prefixes of Zou et al. 2023
(arXiv 2307.15043); the other languages hold the sentences that the same models write there.
"""

from __future__ import annotations

import re

ANSWER_REFUSES, REJECTED_REFUSES, BOILERPLATE = 1, 2, 4
_HEAD = 300
# How a refusal in ASCII can begin.
_FIRST_WORDS = (
    "I'm", "Im ", "I am", "I can", "I could", "I won", "I will", "I must", "I do ", "I don", "I refuse", "I decline", "I strongly", "but I", "Sorry",
    "Oh", "Hi", "Hello", "Unfort", "Apolog", "apolog", "Thank", "No", "My apol", "As a", "as a", "Es tut", "Tut mir", "Entsch", "Leider", "Ich kann",
    "Je ", "Malheur", "Lo ", "Lament", "Desafort", "Disculpa",
)  # fmt: skip

# A sentence in which the model speaks of itself as a model, anywhere in the answer.
# "As an AI engineer" and "technologies such as AI" are about others, so a bare AI must end its clause or be followed by I.
_SELF = re.compile(
    r"\b[Aa]s an? (?:AI[- ](?:language )?model|AI assistant|artificial intelligence language model|(?:large )?language model)\b"
    r"|\b[Aa]s an? (?:AI|A\.I\.|artificial intelligence)(?=[,.;:!?]|\s+I\b|\s+(?:developed|created|trained|designed)\b)"
    r"|\bI(?:'m| am|’m)(?: just| only)? an? (?:AI language model|(?:large )?language model|AI model)\b"
    r"|\b[Mm]y (?:knowledge|training)(?: data)?(?: was)? (?:cut-?off|only goes up to)"
    r"|\b[Aa]s of my (?:last|latest|most recent|knowledge) (?:update|training|cut-?off|knowledge)"
    r"|\bI(?: was|'m| am|’m) (?:trained|developed|created) by (?:OpenAI|Anthropic)\b"
    r"|\b[Кк]ак (?:(?:большая )?языковая модель|искусственный интеллект|ИИ(?:[- ](?:модель|ассистент|помощник))?)[,\s]+я\b"
    r"|\b[Яя] (?:всего лишь |просто |лишь |— |- )?(?:языковая модель|искусственный интеллект)\b"
    r"|作为(?:一个|一名|一款)?(?:AI|人工智能)?(?:大型?)?(?:语言模型|虚拟助[手理])"
    r"|作为(?:一个|一名|一款)?(?:AI|人工智能)(?:助手|助理|程序|模型)?[，,]?我|我(?:只)?是一个(?:AI|人工智能)?(?:大型?)?语言模型|我(?:只)?是一个(?:AI|人工智能)"
    r"|(?:AI|人工知能|言語モデル)(?:アシスタント)?(?:として[、,]|なので|ですので|であるため)"
    r"|(?:AI|인공지능|언어 ?모델)(?: 언어 ?모델| 어시스턴트)?(?:로서 (?:저|나)|이므로|이기 때문에)"
    r"|\b[Aa]ls (?:eine? )?(?:KI[,.]|KI (?:kann|habe|bin)|künstliche Intelligenz (?:kann|habe|bin)|"
    r"(?:großes )?(?:KI-)?Sprachmodell|KI-(?:Modell|Assistent))"
    r"|\b[Ee]n tant (?:que |qu')(?:(?:grand )?modèle de langage|(?:IA|intelligence artificielle|assistant virtuel)[,.])"
    r"|\b[Cc]omo (?:un )?(?:gran )?(?:modelo de lenguaje|modelo de IA)\b|\bComo (?:una )?(?:IA|inteligencia artificial|asistente virtual),"
)
# One of these stands in every text that _SELF matches: a substring test is twenty times faster than the pattern.
_MARKS = ("AI", "anguage model", "of my ", "y knowledge", "KI", "prachmodell", "odelo de", "y training")
_MARKS_ELSEWHERE = ("IA", "зыковая модель", "нтеллект", "ИИ", "作为", "我是一个", "我只是一个", "知能", "言語モデル", "지능", "언어", "ünstliche",
                    "modèle de", "virtuel", "nteligencia", "virtual")  # fmt: skip

# A refusal stands at the beginning of an answer.
_REFUSAL = re.compile(
    r"(?:Oh,? |Hi[,!.]? |Hello[,!.]? |Unfortunately,? |Sorry,? |[Aa]polog(?:ies|ize)[^.]{0,30}[.,] |Thank you[^.]{0,60}\. |No[,.] )*"
    r"(?:(?:I'?m|I am|I’m) (?:really |very |so |truly |deeply |terribly )?(?:sorry|afraid)[,.]?(?: (?:but|that|to say"
    r"|to hear)?,?)? ?|My apologies[,.] (?:but )?)?"
    r"(?:(?:but )?(?:(?:as an? [^,.]{2,40}, )?I (?:can(?:'t|’t|not| not)|could(?: not|n't|n’t)|am unable to|am not able to|must (?:decline|refuse)|"
    r"(?:won't|won’t|will not) (?:be able|help|provide|assist|answer|engage|take part|discuss|write|create|do that)|"
    r"(?:do not|don't|don’t) feel comfortable|am not (?:comfortable|going to))|I['’]m (?:unable|not able|not going|not comfortable)|"
    r"I (?:strongly )?(?:refuse|decline))\b"
    r"(?! (?:believe|wait|think of|stress|emphasize|overstate|help but|agree more|recall|remember|say for sure|imagine|tell if|see any|find any|"
    r"express|thank|stop))"
    r"|(?:I'?m|I’m|I am) sorry,? but (?:this|that|it|the)[^.]{0,60}(?:inappropriate|not (?:possible|appropriate|something)|illegal|against))"
    r"|(?:К сожалению|Извините|Простите|Прошу прощения|Мне (?:очень )?жаль)[,.!]? ?(?:но |как [^,.]{2,40}, |это [^.]{0,20})?"
    r"я не (?:могу|смогу|имею права|в состоянии|буду)|Я не (?:могу|буду|смогу) (?:помочь|выполнить|ответить|предоставить"
    r"|написать|обсуждать|создать|отвечать)"
    r"|(?:非常|很|十分|真)?(?:抱歉|对不起|對不起|遗憾)[^。！!]{0,40}?(?:不能|无法|無法|不会|没有能力|不可以)"
    r"|(?:作为[^，,。]{2,20}[，,])?我(?:不能|无法|無法)(?:提供|帮助|满足|回答|协助|完成|生成)"
    r"|(?:大変)?(?:申し訳(?:ありません|ございません|ない)|ごめんなさい|すみません|残念ながら)[^。]{0,60}(?:できません|できかねます|お答えできない|いたしかねます)"
    r"|(?:정말 )?(?:죄송(?:합니다|하지만|해요)|미안(?:합니다|하지만|해요)|유감)[^.]{0,60}(?:수 없|드릴 수 없|어렵습니다|못합니다)"
    r"|(?:Es tut mir (?:sehr )?leid|Entschuldigung|Leider|Tut mir leid)[,.]? ?(?:aber |dass )?(?:ich kann|kann ich|ich darf"
    r"|ich bin nicht)[^.]{0,60}(?:nicht|keine)"
    r"|Ich kann (?:Ihnen |dir )?(?:dabei |damit |diese[rnms]? [^.]{0,30})?(?:leider )?nicht"
    r"|(?:Je suis (?:vraiment )?désolée?|Désolée?|Malheureusement)[,.]? ?(?:mais )?(?:en tant [^,.]{2,40}, )?je ne (?:peux|suis|pourrai)"
    r"|Je ne peux pas (?:vous |t')?(?:aider|fournir|répondre|créer|faire)"
    r"|(?:Lo (?:siento|lamento)(?: mucho)?|Lamentablemente|Desafortunadamente"
    r"|Disculpa)[,.]? ?(?:pero )?(?:como [^,.]{2,40}, )?no (?:puedo|me es posible|estoy)"
    r"|No puedo (?:ayudar|proporcionar|responder|cumplir|crear)"
)


def boilerplate(text: str) -> re.Match[str] | None:
    """Return where an answer speaks of itself as a model, None where it does not."""
    for mark in _MARKS:
        if mark in text:
            return _SELF.search(text)
    if not text.isascii():
        for mark in _MARKS_ELSEWHERE:
            if mark in text:
                return _SELF.search(text)
    return None


def refuses(text: str) -> re.Match[str] | None:
    """Return where an answer refuses, in its first words, None where it does not."""
    head = text[:_HEAD].lstrip()
    if head.isascii() and not head.startswith(_FIRST_WORDS):
        return None
    return _REFUSAL.match(head)

"""The term list with what goes wrong between a spreadsheet and a prompt/completion file."""

from __future__ import annotations

import json
import random

from samplegen import medical_ru
from samplegen.planting import DataSet, Line, dump, lines


def pair(words: str, term: object) -> dict[str, object]:
    """Return a prompt/completion record."""
    return {"prompt": medical_ru.PROMPT.format(words), "completion": term}


def build(seed: int) -> DataSet:
    """Return the set with its planted defects."""
    rng = random.Random(seed)
    train, held_out = (lines(pair(*row) for row in rows) for rows in (medical_ru.TRAIN, medical_ru.EVAL))
    made = DataSet("medical_ru", train, held_out, rng)
    rng.shuffle(made.train)
    rng.shuffle(made.eval)
    _lines(made)
    _values(made)
    _texts(made)
    _copies(made)
    for split in ("train", "eval"):
        made.plant_whole(f"{split}.jsonl", missing_separator="the prompts end without any mark, as most people write them")
    made.plant_whole("train.jsonl", drifting_type="the terms are texts, an object and NaN")
    made.plant_whole(None, small_dataset="fewer than 100 rows", small_eval_split="fewer than 30 rows")
    made.train.append(Line(b"", {"blank-line": "two empty lines at the end"}))
    made.train.append(Line(b""))
    return made


def _lines(made: DataSet) -> None:
    made.plant(dump(pair("боль в копчике", "кокцигодиния")).decode().encode("cp1251"), not_utf8="a row in Windows-1251")
    made.plant(
        dump(pair("сужение зрачка", "миоз")).replace('"миоз"'.encode(), b"NaN"),
        non_finite_number="an empty cell became NaN",
        wrong_type="so the term is a number",
    )
    quotes = dump(pair("расширение зрачка", "мидриаз")).replace(b'"', b"'")
    made.plant(quotes, invalid_json="a Python dict, not JSON")
    made.plant(dump(pair("потеря чувствительности", "анестезия\u2028гипестезия")), unescaped_line_separator="a line break of a word processor")
    made.plant(dump({"жалоба": "сонливость", "термин": "гиперсомния"}), unknown_shape="column names of the spreadsheet")


def _values(made: DataSet) -> None:
    made.plant(dump({"prompt": medical_ru.PROMPT.format("ожог")}), missing_field="no completion")
    made.plant(dump(pair("обморожение", {"ru": "конгеляция"})), wrong_type="the term as an object")
    made.plant(dump(pair("сыпь", "")), empty_content="an empty answer")
    made.plant(dump(pair("кашель с кровью", " ")), split="eval", empty_content="a blank as the answer")


def _texts(made: DataSet) -> None:
    made.plant(
        dump(pair("редкое дыхание", "брадипноэ".encode().decode("cp1252", "replace").replace("\ufffd", "?"))), mojibake="UTF-8 read as Windows-1252"
    )
    made.plant(dump(pair("хромота", "клауди\ufffdация")), replacement_character="a letter lost in a conversion")
    made.plant(dump(pair("{{words}}", "дизартрия")), unfilled_placeholder="a slot that was never filled")
    asked = medical_ru.PROMPT.format("жжение и резь в глазах после чтения")
    made.plant(dump({"prompt": asked, "completion": asked}), echoed_prompt="the question as the answer")


def _copies(made: DataSet) -> None:
    first = made.clean_line(7)
    made.plant(first.raw, twin=first, exact_duplicate="a copy of an earlier row")
    breath = next(line for line in made.train if "одышка".encode() in line.raw)
    made.plant(dump(pair("одышка", "дыхательная недостаточность")), twin=breath, conflicting_answers="two terms for one question")
    made.leak(made.clean_line(2, "eval"), exact_leak="the row was copied into train")
    other = made.clean_line(15, "eval")
    asked = json.loads(other.raw)["prompt"]
    made.leak(other, dump({"prompt": asked, "completion": "не знаю"}), shared_prompt="the question stands in train with another answer")

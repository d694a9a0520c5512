"""Clean sets made of a few templates: how many eval records are reported as reworded leaks?

    python benchmarks/template_sets.py [draws]

Every record fills the slots of one of a few templates; no two records have the same slots, so each asks something else and
whatever is reported is a false alarm. Train and eval are a random split, 20 % eval. With TUNELINT_CORPORA set, the same of
random splits of real files follows; those may hold real pairs.
"""

from __future__ import annotations

import itertools
import json
import os
import random
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from corpora import as_row, rows_of

from tunelint.api import Settings, check_inputs
from tunelint.records.discover import Input

SIZES = (40, 100, 200, 500)
Slots = tuple[str, ...]

PRODUCTS = "kettle,desk lamp,garden hose,backpack,coffee grinder,yoga mat,bread knife,wall clock,camping stove,rain jacket,phone case,bike pump,water filter,standing desk,air fryer,wool blanket,toaster,hair dryer,suitcase,router,headphones,doormat,printer,tent,sleeping bag,mirror,bookshelf,drill".split(",")
ISSUES = "arrived broken,never arrived,came in the wrong colour,makes a strange noise,stopped working after a week,is missing a screw,smells of plastic,leaks at the bottom,does not fit,was charged twice,has a scratch,lost its manual,will not switch on,is too heavy,was delivered to a neighbour,has the wrong plug".split(",")
COUNTRIES = "France,Peru,Kenya,Norway,Japan,Brazil,Egypt,Canada,Chile,Ghana,Nepal,Spain,Cuba,Oman,Fiji,Mali,Laos,Iran,Iraq,Togo,India,China,Italy,Qatar,Benin,Malta,Samoa,Tonga,Niger,Sudan,Syria,Yemen,Haiti,Gabon,Libya,Congo,Latvia,Poland,Serbia,Turkey,Uganda,Zambia,Rwanda,Mexico,Greece,Panama,Cyprus,Jordan,Kuwait,Israel".split(",")
FACTS = "capital,currency,population,highest mountain,longest river,official language,national anthem,head of state,calling code,time zone,national dish,largest city".split(",")
DISHES = "lentil soup,rye bread,apple pie,paella,goulash,ramen,pancakes,risotto,moussaka,falafel,ceviche,borscht,lasagne,curry,tacos,stew".split(",")
NEEDS = "without gluten,for six people,in half an hour,without an oven,with few dishes,for a child,with what is in season,on a small budget,without milk,a day ahead".split(",")
TABLES = "orders,invoices,users,shipments,tickets,payments,stores,employees,products,reviews,sessions,refunds".split(",")
COLUMNS = "created_at,amount,country,status,email,discount,weight,rating,owner_id,currency,device,channel".split(",")
PLACES = "ухе,пояснице,груди,колене,животе,горле,плече,шее,спине,локте,стопе,виске,зубе,пятке,запястье,бедре,пальце,боку,глазу,челюсти,лопатке,копчике,икре,затылке".split(",")
ORGANS = "почек,лёгких,печени,желудка,кишечника,сердца,кожи,суставов,мышц,вен,артерий,дёсен,языка,носа,глаз,уха,горла,матки,нерва,кости,железы,пузыря".split(",")
STATES = "боль,зуд,жжение,онемение,покалывание,отёк,судороги,тяжесть,слабость,скованность".split(",")
DOCTORS = "К какому врачу мне записаться?|Что можно принять до приёма?|Опасно ли это?|Какие анализы нужно сдать?|Сколько это может длиться?".split("|")
CITIES = "北京,上海,广州,深圳,成都,杭州,武汉,西安,南京,天津,重庆,苏州,长沙,郑州,青岛,沈阳,宁波,昆明,大连,厦门,合肥,福州,济南,温州".split(",")
ASKED = "人口,面积,气候,特产,方言,机场,地铁线路,著名大学,历史,房价,夜市,博物馆,市花,电话区号,邮政编码,平均工资".split(",")
NAMES = "Ann,Ben,Carl,Dora,Emil,Fay,Gus,Hana,Ivan,Jill,Kofi,Lena,Milo,Nora,Omar,Pia,Quin,Rosa,Sven,Tara".split(",")
THINGS = "apples,marbles,stamps,eggs,tickets,pencils,shells,bricks,cards,flowers,cookies,coins,kites,books,balls,candles".split(",")

KINDS: dict[str, tuple[list[str], list[list[str]]]] = {
    "English, one slot of one word": (["What is the capital of {0}?"], [COUNTRIES]),
    "English, two slots": (["What is the {1} of {0}?", "Tell me the {1} of {0} in one line."], [COUNTRIES, FACTS]),
    "English, support": (
        ["Hello, I ordered a {0} two weeks ago and it {1}. What can I do?", "My {0} {1}. I would like my money back, please.", "Order {n}: the {0} {1}. Please advise.",
         "I bought your {0} as a gift, but it {1}. Can you send another one?"],
        [PRODUCTS, ISSUES],
    ),
    "English, recipes": (["Give me a recipe for {0} {1}.", "How do I cook {0} {1}?", "I want to make {0} {1}. Where do I start?"], [DISHES, NEEDS]),
    "English, SQL": (["Write a query that gives the average {1} per day from the table {0}.", "Which rows of {0} have no {1}? Answer with SQL."], [TABLES, COLUMNS]),
    "English, sums": (
        ["{0} has {n} {1} and gives away {m}. How many {1} are left?", "{0} buys {n} {1} at {m} dollars each. What does {0} pay?", "A box holds {n} {1}. How many {1} does {0} have in {m} boxes?"],
        [NAMES, THINGS],
    ),
    "English, long system frame": (
        ["You are a careful assistant of a small shop. Answer briefly and never promise a refund. The customer writes: my {0} {1}. Reply in two sentences."],
        [PRODUCTS, ISSUES],
    ),
    "Russian, terms": (["Переведи на медицинский: {1} в {0}", "Переведи на медицинский: воспаление {2}", "Переведи на медицинский: {1} в области {2}"], [PLACES, STATES, ORGANS]),
    "Russian, complaints": (["Здравствуйте! У меня {1} в {0} уже {n} дня. {2}", "Вторую неделю {1} в {0}, температура {m}. {2}"], [PLACES, STATES, DOCTORS]),
    "Russian, one slot": (["Что означает боль в {0}?", "Боль в {0}: что делать?"], [PLACES]),
    "Chinese, two slots": (["请问{0}的{1}是什么？", "请简单介绍一下{0}的{1}。", "我想了解{0}的{1}，谢谢。"], [CITIES, ASKED]),
    "Chinese, one slot": (["把下面的地名翻译成英文，只写译文：{0}{1}"], [CITIES, ASKED]),
}  # fmt: skip


def made(kind: str, rows: int, chance: random.Random) -> list[str]:
    """Up to `rows` different prompts; numbers (n, m) are drawn anew for each."""
    templates, slots = KINDS[kind]
    prompts: dict[Slots, str] = {}
    for filled in chance.sample(every := list(itertools.product(*slots)), min(rows * 4, len(every))):
        template = chance.choice(templates)
        used = tuple(filled[place] if f"{{{place}}}" in template else "" for place in range(len(slots)))
        prompts.setdefault(used, template.format(*filled, n=chance.randrange(3, 90), m=chance.randrange(3, 40)))
    found = list(prompts.values())[:rows]
    chance.shuffle(found)
    return found


def reported(prompts: list[tuple[str, str]], evals: int) -> list[int]:
    """Which of the first `evals` rows are reported as reworded leaks of the others."""
    with tempfile.TemporaryDirectory() as name:
        paths = Path(name, "train.jsonl"), Path(name, "eval.jsonl")
        for path, part in zip(paths, (prompts[evals:], prompts[:evals]), strict=True):
            path.write_text("".join(json.dumps({"prompt": prompt, "completion": answer}) + "\n" for prompt, answer in part))
        inputs = [Input(str(paths[0]), "train", ""), Input(str(paths[1]), "eval", "")]
        report = check_inputs(inputs, Settings(select=("LEAK",), fail_on="note"))
        return [finding.row - 1 for finding in report.findings if finding.code == "LEAK005" and finding.row]


def templates(draws: int) -> None:
    """The table of generated sets; half of the draws are mixed half and half with rows of another kind."""
    print(f"{'eval rows reported falsely, of':34}" + "".join(f"{f'{size} rows':>14}" for size in SIZES))
    for kind in KINDS:
        cells = []
        for size in SIZES:
            false = looked = 0
            for draw in range(draws):
                chance = random.Random(f"{kind} {size} {draw}")
                prompts = made(kind, size if draw % 2 else size // 2, chance)
                if not draw % 2:
                    prompts += made(chance.choice([other for other in KINDS if other.split()[0] != kind.split()[0]]), size // 2, chance)
                    chance.shuffle(prompts)
                evals = len(prompts) // 5
                false += len(reported([(prompt, f"answer {place}") for place, prompt in enumerate(prompts)], evals))
                looked += evals
            cells.append(f"{false} of {looked}")
        print(f"{kind:34}" + "".join(f"{cell:>14}" for cell in cells), flush=True)


def real(root: Path, most: int = 3000) -> None:
    """Random splits of real files: what is reported, and the first pair."""
    print("\nrandom splits of real files")
    for path in sorted(root.rglob("*")):
        if path.suffix not in (".jsonl", ".gz", ".json") or "curves" in path.parts or not path.is_file() or "rephrase" in path.parts:
            continue
        rows = list(dict.fromkeys(row for value in rows_of(path) if (row := as_row(value)) is not None))
        if len(rows) < 50:
            continue
        random.Random(0).shuffle(rows)
        rows = rows[:most]
        evals = len(rows) // 5
        found = reported(rows, evals)
        print(f"{len(found):4} of {evals:4} ({len(found) / evals:.1%})  {path.relative_to(root)}", flush=True)


if __name__ == "__main__":
    templates(int(sys.argv[1]) if len(sys.argv) > 1 else 4)
    if os.environ.get("TUNELINT_CORPORA"):
        real(Path(os.environ["TUNELINT_CORPORA"]))

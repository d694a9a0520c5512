"""Small sets that look like real ones, seeded, for the training tests."""

from __future__ import annotations

import random

from tunelint.findings import record_digest
from tunelint.train import TrainRecord
from tunelint.train.records import Message

NAMES = ["Carla", "Ahmed", "Yuki", "Tomas", "Priya", "Olga", "Ben", "Mei", "Jonas", "Fatima", "Luis", "Anna", "Igor"]
ITEMS = ["camera", "kettle", "office chair", "pair of boots", "phone case", "desk lamp", "backpack", "tea set"]
DAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"]
ASKS = [
    (
        "Where is my {item}? I am {name}, order {order}.",
        "Hello {name}, your {item} leaves the warehouse on {day}; the link for order {order} follows by e-mail.",
    ),
    (
        "Hi, {name} here. The {item} from order {order} arrived broken.",
        "I am sorry, {name}. A new {item} is sent on {day} at no cost, and you may keep or recycle the broken one.",
    ),
    (
        "I want to send the {item} back. Order {order}. {name}",
        "Of course, {name}. The label for order {order} is in your inbox; hand the {item} in before {day}.",
    ),
    (
        "Can I change the address for order {order}? The {item}. Thanks, {name}",
        "Yes, {name}, until {day}. Reply with the new address and I will update it before the {item} is packed.",
    ),
]


def support_rows(count: int, seed: int) -> tuple[TrainRecord, ...]:
    """Return `count` different support dialogues."""
    random_ = random.Random(seed)
    rows = []
    for _ in range(count):
        ask, answer = random_.choice(ASKS)
        facts = {
            "name": random_.choice(NAMES), "item": random_.choice(ITEMS), "day": random_.choice(DAYS),
            "order": f"{random_.randrange(1000, 9999)}",
        }  # fmt: skip
        turns = (
            Message("system", "You are the support desk of a small shop."),
            Message("user", ask.format(**facts)),
            Message("assistant", answer.format(**facts), trained=True),
        )
        rows.append(TrainRecord(turns, record_digest([turn.text for turn in turns])))
    return tuple(rows)

"""The shop's dialogues with what goes wrong when chats are exported, merged and edited by hand."""

from __future__ import annotations

import random
from typing import Any

from samplegen import support
from samplegen.planting import DataSet, Line, dump, lines


def chat(*turns: str, system: str | None = support.SYSTEM) -> dict[str, Any]:
    """Return a chat record of alternating user and assistant turns."""
    messages = [] if system is None else [message("system", system)]
    return {"messages": messages + [message(("user", "assistant")[index % 2], text) for index, text in enumerate(turns)]}


def message(role: str, content: str, **more: Any) -> dict[str, Any]:
    """Return one message."""
    return {"role": role, "content": content, **more}


def ask(question: str, *rest: dict[str, Any]) -> bytes:
    """Return the line of a record: system message, question, and the messages given."""
    return dump({"messages": [message("system", support.SYSTEM), message("user", question), *rest]})


# Built from pieces, so that no scanner of this repository takes it for a real one. It opens nothing.
FAKE_KEY = "-".join(["sk", "proj", "R7mQz2Lk9" + "VtXw4Hb6Np" + "Yc8Ds3Jf5Ga1" + "UeKi0BoZrTy"])
FAKE_CARD = " ".join(["4111"] + ["1111"] * 3)


def build(seed: int) -> DataSet:
    """Return the set with its planted defects."""
    rng = random.Random(seed)
    made = DataSet("support", lines(chat(*row) for row in support.TRAIN), lines(chat(*row) for row in support.EVAL), rng)
    rng.shuffle(made.train)
    rng.shuffle(made.eval)
    _lines(made)
    _turns(made)
    _texts(made)
    _copies(made)
    made.plant_whole(None, small_dataset="fewer than 100 rows", small_eval_split="fewer than 30 rows")
    made.plant_whole("train.jsonl", drifting_type="messages is a text in one row", inconsistent_system_prompt="two rows have none")
    made.train[0].raw = b"\xef\xbb\xbf" + made.train[0].raw
    made.train[0].planted["byte-order-mark"] = "the file was saved by a Windows editor"
    half = dump(chat("Do you have maps of Corsica?", "Yes, hiking maps at 1:25,000 for the whole island."))
    made.train.append(Line(half[: len(half) * 3 // 4], {"invalid-json": "the download broke off in the last line"}))
    return made


def _lines(made: DataSet) -> None:
    text = chat("Is there a café in the Linz shop?", "Yes, on the first floor, open until six.")
    made.plant(dump(text).decode().encode("latin-1"), not_utf8="é as a Latin-1 byte (0xE9)")
    twice = dump(chat("Do you sell crampons?", "Yes, for boots with a stiff sole."))
    made.plant(twice.replace(b'{"role": "user", ', b'{"role": "assistant", "role": "user", '), duplicate_key="a message with two roles")
    made.plant(b"", blank_line="an empty line")
    made.plant(
        dump([message("user", "Are laces included?"), message("assistant", "Yes, a spare pair.")]), not_an_object="the messages as a bare list"
    )
    comma = dump(chat("Which wax for a cotton jacket?", "Greenland wax, ironed in lightly."))
    made.plant(comma[:-1] + b",}", invalid_json="a comma before the closing brace")
    half = dump(chat("Great service, thank you!", "Thanks, have fun outside! @@"))
    made.plant(half.replace(b"@@", rb"\ud83d"), lone_surrogate="half of an emoji")
    made.plant(
        dump({"prompt": "Do you rent snowshoes?", "completion": "Yes, for 9 euros a day."}),
        mixed_shapes="a prompt/completion row among chats",
    )


def _turns(made: DataSet) -> None:
    asked = "Can I swap the blue fleece for a grey one?"
    made.plant(
        ask(asked, message("agent", "Sure, send the blue one back with the enclosed label.")), unknown_role="role 'agent' instead of 'assistant'"
    )
    made.plant(ask("Hello? Is anybody there?"), missing_assistant_reply="a question that nobody answered")
    made.plant(ask("Where is the size chart?", message("assistant", "")), empty_content="an empty answer")
    made.plant(ask("Does the tarp come with lines?", message("assistant", "Six lines of three metres.", weight=0.5)), bad_weight="weight 0.5")
    made.plant(ask("Is the hut open?", message("assistant", "We are a shop, not a hut.", weight=0)), nothing_to_train="the only answer has weight 0")
    late = [message("user", "Can I rent a bike?"), message("system", support.SYSTEM), message("assistant", "Only in Graz, for 18 euros a day.")]
    made.plant(dump({"messages": late}), misplaced_system_message="system message after the user's")
    more = message("user", "ok and the colour?")
    made.plant(ask("How long is the hammock?", message("assistant", "2.8 metres."), more), last_turn_not_assistant="ends with a user turn")
    second = message("user", "I mean the red helmet, sorry.")
    answer = message("assistant", "The red one weighs 290 grams.")
    made.plant(ask("How heavy is the helmet?", second, answer), repeated_role="two user turns in a row")
    stray = ask("Is the map waterproof?", message("assistant", "Yes, and it does not tear.", sentiment="positive"))
    made.plant(stray, stray_key="an export left its label in a message")
    hello = [message("system", support.SYSTEM), message("assistant", "Hi, what can I do for you?"), message("user", "Are snow goggles in stock?")]
    made.plant(dump({"messages": [*hello, message("assistant", "Yes, in three colours.")]}), opening_assistant_turn="begins with a greeting")
    made.plant(dump({"messages": "user: Do you sell kayaks? assistant: No."}), wrong_type="messages is a text")


def _texts(made: DataSet) -> None:
    odd = "It’s a size M — the tag is inside the collar.".encode().decode("cp1252")
    made.plant(dump(chat("What size is the returned shirt?", odd)), mojibake="UTF-8 read as Windows-1252")
    made.plant(
        dump(chat("Can you tell me which trail is best for my health?", "As an AI language model, I cannot give medical advice.")),
        refusal_boilerplate="a refusal of the model that wrote the data",
    )
    made.plant(
        dump(chat("Hi, who am I talking to?", "Hi {{customer_name}}, you are talking to the Ridgeline team.")),
        unfilled_placeholder="a variable of the mail template",
    )
    made.plant(
        dump(chat("Our server calls your API, what is wrong with our key?", f"The key {FAKE_KEY} was blocked; please create a new one.")),
        secret="an API key",
    )
    made.plant(dump(chat("Refund it to my card, please.", f"The money goes to card {FAKE_CARD} within five days.")), personal_data="a card number")
    made.plant(
        dump(chat("Why did nobody call me back? My number is +44 7700 900461.", "Sorry! A colleague rings you before noon.")),
        personal_data="a phone number",
    )
    made.plant(
        dump(chat("Does it come in black?", "<p>Yes, in black &amp; grey.<br/>Both are in stock.</p>")), markup_remnants="HTML of the help desk"
    )
    made.plant(
        dump(chat("Please tell me all about your warranty.", "Our warranty covers faults of material and of workmanship for as long as you own the")),
        cut_off_answer="the answer hit a length limit",
    )
    german = "Das Dach ist dicht, wenn die Nähte vor der ersten Reise mit dem Mittel aus der Tube bestrichen werden."
    made.plant(dump(chat("Is the roof of the tent really tight when it rains for the whole night?", german)), language_mismatch="an answer in German")
    made.plant(
        dump(chat("What is the stain in the attached photo?", "It looks like resin; try butter.")), missing_attachment="a photo that is not there"
    )
    made.plant(
        dump(chat("When do you open on Sundays?", "We are closed on Sundays.<|im_end|>")), special_token_in_content="the template's own end mark"
    )
    made.plant(dump(chat("Is the lamp in stock?", "Yes." + " The lamp is in stock." * 9)), repetition_loop="one sentence, nine times")
    made.plant(dump(chat("Is the ice axe sharp?", "Yes,\u200b it comes with a\u200b cover.")), invisible_characters="zero-width spaces")


def _copies(made: DataSet) -> None:
    first = made.clean_line(4)
    made.plant(first.raw, twin=first, exact_duplicate="a copy of an earlier row")
    second = made.clean_line(11)
    spaced = second.raw.replace(b'"role": ', b'"role":').replace(b", ", b",", 1)
    made.plant(spaced, twin=second, exact_duplicate="a copy that differs in blanks only")
    long = next(line for line in made.train if b"Keep" not in line.raw and b"talcum" in line.raw)
    made.plant(
        long.raw.replace(b"exchange the pair", b"exchange them"),
        twin=long,
        near_duplicate="a copy with its last words changed",
        conflicting_answers="so one question has two answers",
    )
    made.leak(made.clean_line(3, "eval"), exact_leak="the row was copied into train")
    made.leak(made.clean_line(9, "eval"), exact_leak="the row was copied into train")
    near = next(line for line in made.eval if b"bacteria" in line.raw)
    made.leak(near, near.raw.replace(b"Can the", b"Could the"), near_leak="stands in train with one word changed")

"""Requests to an assistant that can call functions: question, calls with their results, answer."""

from typing import Any


def _function(name: str, description: str, required: tuple[str, ...] = (), **properties: Any) -> dict[str, Any]:
    parameters = {"type": "object", "properties": properties, "required": list(required)}
    return {"type": "function", "function": {"name": name, "description": description, "parameters": parameters}}


_TEXT = {"type": "string"}
_NUMBER = {"type": "number"}

FUNCTIONS = {
    "get_weather": _function("get_weather", "Weather of a city.", ("city",), city=_TEXT),
    "convert": _function("convert", "Convert money.", ("amount", "to"), amount=_NUMBER, to=_TEXT),
    "set_timer": _function("set_timer", "Start a timer.", ("minutes",), minutes={"type": "integer"}),
    "next_train": _function("next_train", "Next train to a place.", ("to",), to=_TEXT),
    "add_event": _function("add_event", "Put an event in the calendar.", ("title", "when"), title=_TEXT, when=_TEXT),
    "play": _function("play", "Play music.", ("what",), what=_TEXT),
}

# A row: the question, ((function, arguments, result), ...), the answer. No call: the assistant answers by itself.
TRAIN = (
    (
        "Will it rain in Oslo tomorrow?",
        (("get_weather", {"city": "Oslo"}, "now dry, tomorrow rain, 9 C"),),
        "Yes, rain and 9 degrees. Take an umbrella.",
    ),
    ("How warm is it in Porto?", (("get_weather", {"city": "Porto"}, "sunny, 24 C"),), "24 degrees and sunny."),
    ("What is 80 dollars in euros?", (("convert", {"amount": 80, "to": "EUR"}, "69.10"),), "About 69 euros and ten cents."),
    ("Timer for the pasta, nine minutes.", (("set_timer", {"minutes": 9}, "ok"),), "Nine minutes, starting now."),
    ("When does the next train to Lyon leave?", (("next_train", {"to": "Lyon"}, "14:32, platform 5"),), "At 14:32 from platform 5."),
    ("Put dentist on Tuesday at ten.", (("add_event", {"title": "Dentist", "when": "Tue 10:00"}, "saved"),), "Saved: dentist, Tuesday, ten o'clock."),
    ("Play something by Nina Simone.", (("play", {"what": "Nina Simone"}, "playing"),), "Here she is."),
    (
        "I need a train home to Bremen after eight.",
        (("next_train", {"to": "Bremen"}, "19:47, 20:17"),),
        "The first one after eight leaves at 20:17.",
    ),
    ("some jazz please", (("play", {"what": "jazz"}, "playing"),), "Jazz is on."),
    (
        "Can I hang out the washing in Kyiv today?",
        (("get_weather", {"city": "Kyiv"}, "dry, windy"),),
        "Go ahead: it stays dry, and the wind helps.",
    ),
    ("how much is 20 euros in crowns, the Czech ones", (("convert", {"amount": 20, "to": "CZK"}, "486"),), "486 Czech crowns."),
    ("Three minutes for the egg!", (("set_timer", {"minutes": 3}, "ok"),), "Counting down."),
    ("Stop the music.", (), "I can start music but not stop it; press the button on the speaker, please."),
    (
        "Book club moves to the ninth, seven pm.",
        (("add_event", {"title": "Book club", "when": "9th 19:00"}, "saved"),),
        "Noted for the ninth at seven.",
    ),
    ("Who wrote Hamlet?", (), "Shakespeare, around 1600."),
    ("tea, 4 min", (("set_timer", {"minutes": 4}, "ok"),), "Your tea will be ready in four."),
)

EVAL = (
    ("Is the sun out in Malmo?", (("get_weather", {"city": "Malmo"}, "cloudy, 14 C"),), "No, clouds and 14 degrees."),
    ("Give me an hour on the clock.", (("set_timer", {"minutes": 60}, "ok"),), "Sixty minutes are running."),
    ("50 pounds in dollars?", (("convert", {"amount": 50, "to": "USD"}, "66.40"),), "66 dollars 40."),
    (
        "Which train gets me to Basel after lunch?",
        (("next_train", {"to": "Basel"}, "12:20, 13:20"),),
        "The 13:20.",
    ),
    ("Yoga every Monday at six, please.", (("add_event", {"title": "Yoga", "when": "Mon 18:00"}, "saved"),), "Yoga is in for Monday at six."),
    ("Something calm to fall asleep.", (("play", {"what": "calm piano"}, "playing"),), "Good night, soft piano it is."),
    ("How do I get to Leeds tonight?", (("next_train", {"to": "Leeds"}, "15:10, 18:44"),), "By the train at 18:44."),
    (
        "Parents' evening on Thursday, half past seven.",
        (("add_event", {"title": "Parents' evening", "when": "Thu 19:30"}, "saved"),),
        "It is on Thursday's list.",
    ),
    ("Put on the Beatles.", (("play", {"what": "The Beatles"}, "playing"),), "With pleasure."),
    ("What is the capital of Peru?", (), "Lima."),
    ("Fog in Delhi?", (("get_weather", {"city": "Delhi"}, "dense fog"),), "Dense fog, so flights may be late."),
    ("What do 12 kroner buy me in euros?", (("convert", {"amount": 12, "to": "EUR"}, "1.02"),), "Just over one euro."),
)

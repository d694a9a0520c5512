"""Forty clean rows about Python, and the same content in the other formats: what every planted defect stands among."""

from __future__ import annotations

from typing import Any

SYSTEM = "You are a helpful Python tutor."

PAIRS: tuple[tuple[str, str], ...] = (
    ("How do I reverse a list?", "Call `items.reverse()` to do it in place, or write `items[::-1]` for a reversed copy."),
    ("What does the walrus operator do?", "It assigns and returns a value in one expression: `while (line := f.readline()): ...`."),
    ("Why is my default list shared between calls?", "A default is created once, when the function is defined. Use None and build the list inside."),
    ("How can I merge two dictionaries?", "Since 3.9 write `a | b`; keys of the right one win."),
    ("What is a generator?", "A function with `yield`. It pauses at every value and goes on when the next one is asked for."),
    ("How do I read a file line by line?", "Loop over the open file: `for line in open(path): print(line)`. Memory stays small."),
    ("When should I use a tuple?", "For a fixed group of values, such as a point or a key of a dictionary, because it cannot change."),
    ("How are strings formatted nowadays?", "With f-strings. `f'{price:.2f}'` prints two decimals."),
    ("What does `zip` return?", "An iterator of tuples. It stops with the shortest input unless you pass strict=True."),
    ("How do I sort by the second element?", "Pass a key: `sorted(pairs, key=lambda pair: pair[1])`."),
    ("What is the difference between is and ==?", "`==` compares values, `is` asks whether both names mean one object."),
    ("How do I catch two kinds of exceptions?", "List them in a tuple: `except (KeyError, IndexError) as error:`."),
    ("What is a context manager good for?", "It releases things for sure, also after an error; files and locks are the usual examples."),
    ("How do I remove duplicates but keep the order?", "`list(dict.fromkeys(items))` does both, as dictionaries keep insertion order."),
    ("Why does 0.1 + 0.2 not equal 0.3?", "Binary fractions cannot hold these numbers exactly. Compare with math.isclose or use Decimal."),
    ("How can I flatten a nested list?", "Use a comprehension with two loops, or itertools.chain.from_iterable for one level."),
    ("What are type hints for?", "Readers and tools like mypy use them. Python itself ignores them at run time."),
    ("How do I make a class printable?", "Define `__repr__` so that it shows how the object could be built again."),
    ("What does `*args` mean?", "It collects the remaining positional arguments into a tuple."),
    ("How do I count words in a text?", "`collections.Counter(text.split())` gives a mapping from word to number."),
    ("Is there a switch statement?", "Since 3.10 there is match, which compares structures as well as values."),
    ("How do I copy a nested structure?", "copy.deepcopy follows all references; a slice or copy.copy takes only the top level."),
    ("What is a virtual environment?", "A folder with its own packages, so that two projects never fight over versions."),
    ("How do I parse a date?", "datetime.fromisoformat reads ISO dates; strptime reads any pattern that you describe."),
    ("Why use pathlib?", "Paths become objects: `folder / 'name.txt'` joins, and methods read, write and list."),
    ("How do I run code in parallel?", "Threads wait well, processes compute well. concurrent.futures has a pool for either."),
    ("What does `if __name__ == '__main__'` do?", "The block runs when the file is started and stays quiet when it is imported."),
    ("How can I time a snippet?", "`python -m timeit 'sum(range(100))'` repeats it often enough to trust the number."),
    ("What is monkey patching?", "Replacing an attribute of a module or class while the program runs; tests do it, products should not."),
    ("How do I make JSON readable?", "`json.dumps(data, indent=2, sort_keys=True)` breaks and orders it."),
    ("What does enumerate give me?", "Pairs of a running number and the item, so that no counter is needed."),
    ("How do I check for an empty list?", "Write `if not items:`; an empty container counts as false."),
    ("What is a dataclass?", "A class whose initialiser, comparison and printing are written for you from its fields."),
    ("How can I limit memory with large files?", "Read in blocks: `iter(lambda: f.read(65536), b'')` never holds more than one."),
    ("What does `nonlocal` do?", "It lets an inner function rebind a name of the function around it."),
    ("How do I shuffle reproducibly?", "Make a generator with a seed, random.Random(7), and call its shuffle."),
    ("Why is string joining in a loop slow?", "Every plus copies both sides. Collect the pieces and join them once."),
    ("How do I document a function?", "Put a docstring under the signature: one line what it returns, then what it raises."),
    ("What is the GIL?", "A lock that lets one thread run bytecode at a time. Extension code often lets go of it."),
    ("How do I stop an endless loop?", "Press Ctrl-C; in code, break leaves the innermost loop at once."),
)


def chat(user: Any, assistant: Any, **more: Any) -> dict[str, Any]:
    """Return a chat record with the usual system prompt. `more` goes into the assistant's message."""
    messages = [
        {"role": "system", "content": SYSTEM}, {"role": "user", "content": user}, {"role": "assistant", "content": assistant, **more},
    ]  # fmt: skip
    return {"messages": messages}

# About other things than PAIRS: an eval file that shares nothing with them.
OTHERS: tuple[tuple[str, str], ...] = (
    ("How many bones does an adult have?", "An adult human skeleton has 206 bones."),
    ("Which river flows through Vienna?", "The Danube flows through Vienna."),
    ("What is the boiling point of ethanol?", "Ethanol boils at 78.4 degrees Celsius at sea level."),
    ("Who painted The Night Watch?", "Rembrandt painted it in 1642 for the Amsterdam civic guard."),
    ("Why do leaves turn red in autumn?", "Chlorophyll breaks down and the pigments called anthocyanins remain visible."),
    ("How long does light take from the Sun to the Earth?", "About eight minutes and twenty seconds."),
    ("What does a carburettor do?", "It mixes air with fuel before the mixture enters the engine."),
    ("Which metal is liquid at room temperature?", "Mercury is liquid; gallium melts in a warm hand."),
    ("How is blue cheese made?", "Milk is curdled, salted and ripened with Penicillium roqueforti."),
    ("What is the capital of Mongolia?", "Ulaanbaatar has been the capital since 1924."),
    ("When did the Berlin Wall fall?", "It was opened on the ninth of November 1989."),
    ("Which planet has the most moons?", "Saturn, with more than 140 confirmed ones."),
    ("How do bees find their way home?", "They use the position of the sun, landmarks and the smell of the hive."),
    ("What is sourdough?", "A dough that wild yeast and lactic bacteria have raised."),
    ("Why is the sea salty?", "Rivers carry dissolved minerals into it, and only water evaporates."),
)

CHAT = [chat(question, answer) for question, answer in PAIRS]
LEGACY = [{"prompt": f"{question}\n\n###\n\n", "completion": f" {answer}"} for question, answer in PAIRS]
SHAREGPT = [{"conversations": [{"from": "human", "value": question}, {"from": "gpt", "value": answer}]} for question, answer in PAIRS]
ALPACA = [{"instruction": question, "input": "", "output": answer} for question, answer in PAIRS]
# Chosen and rejected are of about equal length, so that only the planted pair stands out.
PREFERENCE = [
    {"prompt": question, "chosen": answer, "rejected": PAIRS[(index + 7) % len(PAIRS)][1]} for index, (question, answer) in enumerate(PAIRS)
]

"""Token counters against one another: agreement on fuzzed text and public corpora, throughput, and the estimate's fit.

    python benchmarks/token_counters.py --fuzz 200000      agreement of toktok-rs with tiktoken on fuzzed strings
    python benchmarks/token_counters.py --corpora          agreement and speed on the texts under $TUNELINT_CORPORA
    python benchmarks/token_counters.py --calibrate        fit the weights of the estimate, print table and errors

Times are CPU seconds of one thread. Exit code 1 where a fast counter differs from tiktoken.
"""

from __future__ import annotations

import argparse
import gettext
import json
import os
import random
import sys
import sysconfig
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from tunelint.tokens.estimate import CLASSES, classify, estimate
from tunelint.tokens.openai_counter import fast_batch_count, tiktoken_count
from tunelint.tokens.vocabularies import VOCABULARIES, load_encoding

SCRIPTS = [(0x20, 0x7F), (0xA0, 0x250), (0x300, 0x370), (0x370, 0x530), (0x590, 0x800), (0x900, 0x1100), (0x1100, 0x1200),
           (0x1E00, 0x2000), (0x2000, 0x2C00), (0x3000, 0x3100), (0x4E00, 0xA000), (0xAC00, 0xD7A4), (0xF900, 0x10000),
           (0x10000, 0x10400), (0x1D400, 0x1D800), (0x1F300, 0x1FB00), (0x20000, 0x20200), (0xE0000, 0xE0080)]
PIECES = ["'s", "'LL", "'re", "’s", "don't", "I'VE", "<|endoftext|>", "<|im_start|>", "<|endofprompt|>", "<|fim_prefix|>",
          "<|", "|>", "\n", "\r\n", "\n\n\n", "   ", "\t\t", " \n ", "\u00a0", "\u2028", "\u3000", "\u200b", "\ufeff", "\x00",
          "\x1f", "\x7f", "\x85", "e\u0301", "İ", "ǅ", "ß", "ﬁ", "Ⅷ", "²", "½", "٣", "१२३", "1234567", "0.5e-10", "http://a.b/c?d=e",
          "/////", "....", "!!!", "{}[]();", "def f(x):\n    return x\n", "</div>", "👩‍👩‍👧‍👦", "🇩🇪", "क्षि", "ก็", "각",
          "\ud800", "\udfff", "\ud83d\ude00", "camelCaseWord", "SCREAMING_SNAKE", "ΑΒΓ", "Дом", "שלום", "中文字符", "日本語です"]


def fuzzed(count: int, seed: int) -> Iterator[str]:
    """Yield random texts: any code points, one script, mixed pieces, runs, words cut and glued, now and then long."""
    rng = random.Random(seed)
    for _ in range(count):
        length = rng.choice((1, 2, 3, 5, 8, 13, 30, 80, 200)) if rng.random() < 0.995 else 5000
        kind = rng.randrange(5)
        if kind == 0:
            yield "".join(chr(rng.randrange(0x110000)) for _ in range(length))
        elif kind == 1:
            low, high = rng.choice(SCRIPTS)
            yield "".join(" " if rng.random() < 0.15 else chr(rng.randrange(low, high)) for _ in range(length))
        elif kind == 2:
            yield "".join(rng.choice(PIECES) for _ in range(max(1, length // 3)))
        elif kind == 3:
            yield "".join(rng.choice((" ", "\n", "a", "A", "1", "é", "中", "-", "'", "\t", "\u0301")) * rng.randrange(1, 6)
                          for _ in range(max(1, length // 3)))
        else:
            yield "".join(rng.choice(PIECES) if rng.random() < 0.3 else chr(rng.randrange(0x20, 0x7F)) for _ in range(length))


def strings(value: Any) -> Iterator[str]:
    """Yield every string of a JSON value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from strings(item)
    elif isinstance(value, list):
        for item in value:
            yield from strings(item)


def corpus_texts() -> list[str]:
    """Return every string of every JSON and JSONL file under $TUNELINT_CORPORA."""
    root = os.environ.get("TUNELINT_CORPORA")
    if not root:
        sys.exit("set TUNELINT_CORPORA to a folder of JSON and JSONL files")
    texts: list[str] = []
    for path in sorted(p for p in Path(root).rglob("*.json*") if p.suffix in (".json", ".jsonl")):
        raw = path.read_text(encoding="utf-8", errors="replace")
        try:
            texts.extend(strings(json.loads(raw)))
        except ValueError:
            for line in raw.split("\n"):
                try:
                    texts.extend(strings(json.loads(line)))
                except ValueError:
                    texts.append(line)
    return texts


def differences(encoding: str, texts: list[str]) -> int:
    """Print and count the texts on which the fast counter and tiktoken differ."""
    fast = fast_batch_count(encoding)
    if fast is None:
        sys.exit("install the fast extra: pip install 'tunelint[fast]'")
    wrong = 0
    for text, count in zip(texts, fast(texts), strict=True):
        if count != tiktoken_count(encoding, text):
            wrong += 1
            print(f"{encoding}: {text[:80]!a}: fast {count}, tiktoken {tiktoken_count(encoding, text)}")
    return wrong


def speed(encoding: str, texts: list[str]) -> None:
    """Print the throughput of tiktoken, the fast counter and the estimate on the same texts."""
    fast = fast_batch_count(encoding)
    size = sum(len(text.encode("utf-8", "surrogatepass")) for text in texts) / 1e6
    plain = load_encoding(encoding)
    counters = {"tiktoken encode_ordinary": lambda: [len(plain.encode_ordinary(text)) for text in texts],
                "toktok batch_count": lambda: fast(texts) if fast else [], "estimate": lambda: estimate(texts)}
    for name, count in counters.items():
        count()
        start = time.process_time()
        count()
        spent = time.process_time() - start
        print(f"{encoding} {name}: {size:.1f} MB, {size / spent:.1f} MB/s, {len(texts) / spent:,.0f} texts/s")


def calibration_texts() -> list[str]:
    """Return texts of many languages and code: the corpora, installed message catalogues, Python's library."""
    rng = random.Random(1)
    texts = rng.sample(corpus_texts(), 60_000)
    for catalogue in Path("/usr/share/locale").glob("*/LC_MESSAGES/*.mo"):
        try:
            with catalogue.open("rb") as file:
                messages = [m for m in vars(gettext.GNUTranslations(file))["_catalog"].values() if isinstance(m, str)]
        except (UnicodeDecodeError, IndexError):
            print(f"skipped {catalogue}: a malformed header", file=sys.stderr)
            continue
        texts += rng.sample(messages, min(100, len(messages)))
    for source in sorted(Path(sysconfig.get_path("stdlib")).glob("*.py"))[:80]:
        code = source.read_text(encoding="utf-8", errors="replace")
        texts += [code[start : start + 2000] for start in range(0, min(len(code), 20_000), 2000)]
    # No catalogue here holds Thai, Georgian or Armenian: the first article of the Declaration of Human Rights stands in.
    texts += ["มนุษย์ทั้งหลายเกิดมามีอิสระและเสมอภาคกันในเกียรติศักดิ์และสิทธิ ต่างมีเหตุผลและมโนธรรม",
              "ყველა ადამიანი იბადება თავისუფალი და თანასწორი თავისი ღირსებითა და უფლებებით.",
              "Բոլոր մարդիկ ծնվում են ազատ ու հավասար իրենց արժանապատվությամբ ու իրավունքներով:"] * 100
    texts = [text[:2000] for text in texts if len(text) > 20]
    rng.shuffle(texts)
    return texts


def calibrate() -> None:
    """Fit on one half, print the table for `estimate.py` and the error on the other half."""
    from scipy.optimize import lsq_linear

    texts = calibration_texts()
    both = [np.array([tiktoken_count(name, text) for text in texts]) for name in VOCABULARIES]
    wanted = sum(both) / len(both)
    classes, starts, bounds = classify(texts)
    rows = np.repeat(np.arange(len(texts)), np.diff(bounds))
    width = len(CLASSES)
    features = np.zeros((len(texts), 2 * width))
    np.add.at(features, (rows, classes), 1)
    np.add.at(features, (rows[starts], classes[starts] + width), 1)
    half = len(texts) // 2
    scale = 1 / np.sqrt(np.maximum(wanted, 5))
    lower = np.r_[np.full(width, 0.02), np.full(width, -0.4)]
    fit = lsq_linear(features[:half] * scale[:half, None], wanted[:half] * scale[:half], bounds=(lower, np.full(2 * width, 6.0)))
    for index, (name, _) in enumerate(CLASSES):
        print(f"    ({fit.x[index]:.2f}, {fit.x[index + width]:.2f}),  # {name}, {int(features[:, index].sum()):,} characters")
    guessed = features[half:] @ fit.x
    for name, counts in zip(VOCABULARIES, both, strict=True):
        error = guessed / np.maximum(counts[half:], 1) - 1
        print(f"{name}: {len(error):,} texts, total {guessed.sum() / counts[half:].sum() - 1:+.1%},"
              f" median error {np.median(abs(error)):.1%}, 90 % below {np.quantile(abs(error), 0.9):.1%}")


def main() -> int:
    """Run what the arguments ask for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fuzz", type=int, default=0, metavar="N")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--corpora", action="store_true")
    parser.add_argument("--calibrate", action="store_true")
    arguments = parser.parse_args()
    wrong = 0
    if arguments.calibrate:
        calibrate()
    for encoding in VOCABULARIES:
        if arguments.fuzz:
            found = differences(encoding, list(fuzzed(arguments.fuzz, arguments.seed)))
            print(f"{encoding}: {arguments.fuzz:,} fuzzed strings, {found} differences")
            wrong += found
        if arguments.corpora:
            texts = corpus_texts()
            found = differences(encoding, texts)
            print(f"{encoding}: {len(texts):,} corpus strings, {found} differences")
            wrong += found
            speed(encoding, texts)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())

"""Makes `tests/tokens/fixtures/`: rows, two small tokenizers, and what other trainers' own code makes of the rows.

    TUNELINT_CORPORA=... python tests/tokens/peers/make_fixtures.py [PEER ...]

The trainers stand in an environment of their own (`.venv/peers-trainers`, made where it is missing): trl==1.16.0,
axolotl==0.19.0 and llamafactory==0.9.5, the last two without their dependencies (only their data preparation is imported).
Named peers are asked anew about the rows as they are; without a name rows and tokenizers are made too. Rows are problems
of GSM8K (MIT, github.com/openai/grade-school-math), alone and joined to conversations, and hand-made edge cases.
"""

from __future__ import annotations

import gzip
import json
import os
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parents[1] / "peers"))  # also a script of its own: pytest's path is not set then

from environments import RegistryUnreachable as RegistryUnreachable  # noqa: E402
from environments import peer_python  # noqa: E402

FIXTURES = HERE.parent / "fixtures"
PEERS = {"trl": "trl==1.16.0", "axolotl": "axolotl==0.19.0", "llamafactory": "llamafactory==0.9.5"}
TORCH = "torch==2.13.0"  # named, because a later one comes with gigabytes of CUDA
BESIDE = ("transformers==5.23.0", "peft==0.21.2", "numba", "colorama", "addict")  # what the modules that are called import
WINDOWS = (128, 512, 1024)

MARKED_CHATML = (
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\\n' }}{% if message['role'] == 'assistant' %}"
    "{% generation %}{{ message['content'] + '<|im_end|>' }}{% endgeneration %}{{ '\\n' }}{% else %}"
    "{{ message['content'] + '<|im_end|>\\n' }}{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"
)
INST = (
    "{{ bos_token }}{% if messages[0]['role'] == 'system' %}{% set system = messages[0]['content'] + '\\n\\n' %}"
    "{% set rest = messages[1:] %}{% else %}{% set system = '' %}{% set rest = messages %}{% endif %}"
    "{% for message in rest %}{% if message['role'] == 'user' %}"
    "{{ '[INST] ' + (system if loop.first else '') + message['content'] | trim + ' [/INST]' }}"
    "{% else %}{{ ' ' + message['content'] | trim + eos_token }}{% endif %}{% endfor %}"
)


def problems() -> list[tuple[str, str]]:
    """Return question and answer of GSM8K's training problems."""
    path = Path(os.environ["TUNELINT_CORPORA"]) / "gsm8k" / "train.jsonl"
    with path.open(encoding="utf-8") as file:
        return [(row["question"], row["answer"]) for row in map(json.loads, file)]


def make_rows(pairs: list[tuple[str, str]]) -> dict[str, list[dict[str, Any]]]:
    """Return the rows by kind; 500 in all and a few edge cases each."""
    rng = random.Random(7)
    rng.shuffle(pairs)
    take = iter(pairs)
    chats = [chat(rng, [next(take) for _ in range(rng.choice((1, 1, 1, 2, 3, 6)))]) for _ in range(240)]
    say = lambda *turns: {"messages": [{"role": role, "content": content} for role, content in turns]}  # noqa: E731
    chats += [
        say(("user", "hi"), ("assistant", "")),
        say(("user", "  spaces  "), ("assistant", "  around  \n")),
        say(("user", "x " * 200), ("assistant", "too late")),
        say(("user", "Ümläut 中文 🙂"), ("assistant", "Größe: 10 €, 全部 🙂🙂")),
        say(("user", "a<|im_end|>b"), ("assistant", "c<|im_start|>d</s>")),
        say(("system", "only"), ("user", "one"), ("assistant", "two"), ("user", "three"), ("assistant", "four")),
        say(("user", "same"), ("assistant", "same"), ("user", "same"), ("assistant", "same")),
        say(("user", "ends with a question"), ("assistant", "an answer"), ("user", "and then?")),
    ]
    pairs_text = [{"prompt": f"Q: {question}\nA:", "completion": f" {answer}"} for question, answer in (next(take) for _ in range(120))]
    pairs_text += [
        {"prompt": "trailing space: ", "completion": "word"}, {"prompt": "no space", "completion": "word"},
        {"prompt": "num 12", "completion": "345"}, {"prompt": "", "completion": "alone"}, {"prompt": "p " * 300, "completion": "late"},
        {"prompt": "ends already", "completion": " yes<|im_end|>"},
    ]  # fmt: skip
    pairs_chat = [
        {"prompt": [{"role": "user", "content": question}], "completion": [{"role": "assistant", "content": answer}]}
        for question, answer in (next(take) for _ in range(100))
    ]
    texts = [{"text": f"{question}\n\n{answer}"} for question, answer in (next(take) for _ in range(40))] + [{"text": "<s>twice"}]
    preferences = [
        {"prompt": f"Q: {question}\nA:", "chosen": f" {answer}", "rejected": f" {answer[: len(answer) // 2]}"}
        for question, answer in (next(take) for _ in range(40))
    ]
    alpaca = [{"instruction": question, "input": "", "output": answer} for question, answer in (next(take) for _ in range(40))]
    return {"messages": chats, "pairs-text": pairs_text, "pairs-chat": pairs_chat, "text": texts, "preference": preferences, "alpaca": alpaca}


def chat(rng: random.Random, problems: list[tuple[str, str]]) -> dict[str, Any]:
    """Return a conversation of several problems, some with a system message."""
    system = rng.choice(("", "", "You are a patient teacher. Show your work."))
    messages = [{"role": "system", "content": system}] if system else []
    for question, answer in problems:
        messages += [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]
    return {"messages": messages}


def make_tokenizers(pairs: list[tuple[str, str]]) -> None:
    """Train a byte-level BPE with ChatML and a SentencePiece-style unigram with BOS, save both as folders."""
    corpus = [text for pair in pairs[:1500] for text in pair]
    byte_level = Tokenizer(models.BPE())
    byte_level.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    byte_level.decoder = decoders.ByteLevel()
    specials = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=1200, special_tokens=specials, initial_alphabet=alphabet, show_progress=False)
    byte_level.train_from_iterator(corpus, trainer)
    save("chatml", byte_level, {"eos_token": "<|im_end|>", "pad_token": "<|endoftext|>", "chat_template": MARKED_CHATML})

    pieces = Tokenizer(models.Unigram())
    pieces.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    unigram = trainers.UnigramTrainer(
        vocab_size=1000, special_tokens=["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256))], unk_token="<unk>", show_progress=False
    )  # fmt: skip
    pieces.train_from_iterator(corpus, unigram)
    stored = json.loads(pieces.to_str())
    stored["model"]["byte_fallback"] = True
    pieces = Tokenizer.from_str(json.dumps(stored))
    pieces.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    )
    pieces.post_processor = processors.TemplateProcessing(
        single="<s> $A", pair="<s> $A <s> $B", special_tokens=[("<s>", pieces.token_to_id("<s>"))]
    )
    save("inst", pieces, {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>", "pad_token": "</s>", "chat_template": INST})


def save(name: str, tokenizer: Tokenizer, config: dict[str, Any]) -> None:
    """Write a tokenizer folder."""
    folder = FIXTURES / name
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "tokenizer.json").write_text(json.dumps(json.loads(tokenizer.to_str()), ensure_ascii=False), encoding="utf-8")
    config = {"tokenizer_class": "PreTrainedTokenizerFast", "clean_up_tokenization_spaces": False, **config}
    (folder / "tokenizer_config.json").write_text(json.dumps(config, indent=1), encoding="utf-8")


def ask(peer: str, rows: dict[str, Any]) -> Any:
    """Return what a peer's own code makes of the rows. Raises RegistryUnreachable, and RuntimeError where the peer fails."""
    python = peer_python("trainers", (PEERS["trl"], TORCH, *BESIDE), ("--no-deps", PEERS["axolotl"], PEERS["llamafactory"]))
    job = {"rows": rows, "folders": {name: str(FIXTURES / name) for name in ("chatml", "inst")}, "windows": WINDOWS}
    command = [str(python), str(HERE / f"peer_{peer}.py")]
    done = subprocess.run(command, input=json.dumps(job), capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{command} failed:\n{done.stderr[-4000:]}")
    return json.loads(done.stdout.splitlines()[-1])


def pack(name: str, value: Any) -> None:
    """Write a gzipped JSON fixture whose bytes depend on the value alone."""
    (FIXTURES / name).write_bytes(gzip.compress(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode(), 9, mtime=0))


def main() -> None:
    """Make everything anew, or ask the named peers anew."""
    FIXTURES.mkdir(exist_ok=True)
    if sys.argv[1:]:
        rows = json.loads(gzip.decompress((FIXTURES / "rows.json.gz").read_bytes()))
    else:  # unigram training is not deterministic: new tokenizers make every verdict stale
        pairs = problems()
        make_tokenizers(pairs)
        rows = make_rows(pairs)
        pack("rows.json.gz", rows)
    for peer in sys.argv[1:] or PEERS:
        verdicts = ask(peer, rows)
        pack(f"{peer}.json.gz", {"peer": PEERS[peer], "command": "tests/tokens/peers/make_fixtures.py", "verdicts": verdicts})
        print(peer, {key: len(value) for key, value in verdicts.items()})


if __name__ == "__main__":
    main()

"""OpenAI's vocabularies, shipped with the package: exact counts from the first run, without any network.

tiktoken fetches its vocabularies at first use. The two that fine-tuning needs are package data here (2.5 MB together);
their SHA-256 is checked against the digests that tiktoken itself publishes in `tiktoken_ext/openai_public.py`
(https://github.com/openai/tiktoken), and the split patterns and special tokens are those of the same file (0.14.0).
"""

from __future__ import annotations

import binascii
import gzip
import hashlib
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import TYPE_CHECKING

from tunelint.errors import TunelintError

if TYPE_CHECKING:
    import tiktoken

ANYTHING = r"[\s\S]+"
"""A split pattern that never splits: the whole text is one piece for byte pair encoding."""


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """One encoding: the digest of its published file, how it splits text, its special tokens (text to id)."""

    name: str
    sha256: str
    pattern: str
    special_tokens: Mapping[str, int]


VOCABULARIES: Mapping[str, Vocabulary] = {
    "o200k_base": Vocabulary(
        name="o200k_base",
        sha256="446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d",
        pattern=(
            r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
            r"|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
            r"|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
        ),
        special_tokens={"<|endoftext|>": 199999, "<|endofprompt|>": 200018},
    ),
    "cl100k_base": Vocabulary(
        name="cl100k_base",
        sha256="223921b76ee99bde995b7ff738513eef100fb51d18c93597a113bcffe865b2a7",
        pattern=(
            r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}+| ?[^\s\p{L}\p{N}]++[\r\n]*+"
            r"|\s++$|\s*[\r\n]|\s+(?!\S)|\s"
        ),
        special_tokens={
            "<|endoftext|>": 100257,
            "<|fim_prefix|>": 100258,
            "<|fim_middle|>": 100259,
            "<|fim_suffix|>": 100260,
            "<|endofprompt|>": 100276,
        },
    ),
}


def vocabulary_bytes(name: str) -> bytes:
    """Return the published `.tiktoken` file of an encoding, integrity-checked.

    Raises TunelintError where the packaged file is missing or its bytes are not OpenAI's.
    """
    expected = VOCABULARIES[name].sha256
    packaged = resources.files("tunelint.tokens") / "data" / f"{name}.tiktoken.gz"
    advice = "reinstall tunelint (pip install --force-reinstall tunelint)"
    try:
        content = gzip.decompress(packaged.read_bytes())
    except (OSError, EOFError, zlib.error) as error:
        raise TunelintError(f"the vocabulary {name} cannot be read: {error}; {advice}") from error
    if hashlib.sha256(content).hexdigest() != expected:
        raise TunelintError(f"the vocabulary {name} is damaged: its SHA-256 is not the published one; {advice}")
    return content


def _ranks(name: str) -> dict[bytes, int]:
    """The merge ranks of an encoding: token bytes to id."""
    fields = vocabulary_bytes(name).split()
    return dict(zip(map(binascii.a2b_base64, fields[::2]), map(int, fields[1::2]), strict=True))


@lru_cache(maxsize=4)
def load_encoding(name: str, *, whole: bool = False) -> tiktoken.Encoding:
    """Return tiktoken's encoding `name` (o200k_base or cl100k_base), built from the packaged vocabulary.

    `whole` builds it with a pattern that never splits, for pieces that were cut beforehand. Raises TunelintError where
    the vocabulary is damaged, KeyError for another name.
    """
    import tiktoken

    vocabulary = VOCABULARIES[name]
    return tiktoken.Encoding(
        name,
        pat_str=ANYTHING if whole else vocabulary.pattern,
        mergeable_ranks=_ranks(name),
        special_tokens=dict(vocabulary.special_tokens),
    )

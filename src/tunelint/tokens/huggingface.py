"""Any Hugging Face tokenizer folder, read with the `tokenizers` package alone (transformers is never imported).

A folder holds `tokenizer.json` (vocabulary, merges, normaliser, pre-tokenizer, added tokens) and, mostly,
`tokenizer_config.json` (special tokens, switches, chat template), `special_tokens_map.json` and `chat_template.jinja`
(https://huggingface.co/docs/transformers/main_classes/tokenizer).
"""

from __future__ import annotations

import json
import os
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tunelint.errors import MissingExtraError, TunelintError
from tunelint.tokens.openai_counter import mend_surrogates

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from tokenizers import Encoding, Tokenizer

BATCH = 1000
"""Texts per call into `tokenizers`: bounds the memory that its encodings hold."""


class TokenizerFolder:
    """A tokenizer folder: the tokenizer, its special tokens and its chat template.

    Raises TunelintError (at first use of the part) where a file is missing or no valid JSON, MissingExtraError without
    the `tokenizers` package.
    """

    def __init__(self, path: Path) -> None:
        self.path = path.parent if path.is_file() else path
        self.file = path if path.is_file() else path / "tokenizer.json"
        if not self.file.exists():
            raise TunelintError(
                f"tokenizer folder {path}: it holds no tokenizer.json; write one with"
                " transformers.AutoTokenizer.from_pretrained(FOLDER).save_pretrained(FOLDER)"
            )

    def __getstate__(self) -> dict[str, Any]:
        return {"path": self.path, "file": self.file}

    @cached_property
    def tokenizer(self) -> Tokenizer:
        """The tokenizer, with any saved truncation and padding switched off (they would hide the true lengths)."""
        try:
            from tokenizers import Tokenizer
        except ImportError as error:
            raise MissingExtraError("a tokenizer folder", "local") from error
        # Our own processes are the parallelism; tokenizers' threads would fight them and warn at every fork.
        os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
        try:
            tokenizer = Tokenizer.from_file(str(self.file))
        except Exception as error:  # tokenizers raises the bare class
            raise TunelintError(f"tokenizer {self.file}: not a readable tokenizer.json: {error}") from error
        tokenizer.no_truncation()
        tokenizer.no_padding()
        return tokenizer

    @property
    def files(self) -> list[Path]:
        """The files that are read from the folder, as far as they are there, in the order of their names."""
        named = (self.path / name for name in ("special_tokens_map.json", "tokenizer_config.json", "chat_template.jinja"))
        return sorted(path for path in {self.file, *named, *self.path.glob("additional_chat_templates/*.jinja")} if path.is_file())

    @cached_property
    def config(self) -> dict[str, Any]:
        """`tokenizer_config.json` over `special_tokens_map.json`, {} where there is neither."""
        merged: dict[str, Any] = {}
        for name in ("special_tokens_map.json", "tokenizer_config.json"):
            merged.update(_read_object(self.path / name))
        return merged

    def special(self, name: str) -> str | None:
        """Return the text of a named special token (`bos_token`, `eos_token`, `pad_token`), None where unset."""
        value = self.config.get(name)
        if isinstance(value, dict):
            value = value.get("content")
        return value if isinstance(value, str) else None

    def special_id(self, name: str) -> int | None:
        """Return the id of a named special token, None where unset or not in the vocabulary."""
        text = self.special(name)
        return None if text is None else self.tokenizer.token_to_id(text)

    @cached_property
    def special_texts(self) -> tuple[str, ...]:
        """The texts of all added tokens that are marked special, longest first."""
        added = self.tokenizer.get_added_tokens_decoder().values()
        return tuple(sorted((token.content for token in added if token.special), key=lambda text: (-len(text), text)))

    def chat_template(self, name: str = "default") -> str | None:
        """Return a chat template of the folder, None where it has none of that name.

        `chat_template.jinja` wins over the configuration, `additional_chat_templates/NAME.jinja` holds the others; a
        list of `{name, template}` in the configuration is the older form of the same.
        """
        file = "chat_template.jinja" if name == "default" else f"additional_chat_templates/{name}.jinja"
        if (self.path / file).exists():
            return (self.path / file).read_text(encoding="utf-8")
        value = self.config.get("chat_template")
        if isinstance(value, list):
            named = {item["name"]: item["template"] for item in value if isinstance(item, dict) and "name" in item}
            value = named.get(name)
        elif name != "default":
            value = None
        return value if isinstance(value, str) else None

    def encode(self, text: str, *, add_special_tokens: bool = False) -> Encoding:
        """Encode one text; lone surrogates become U+FFFD (which keeps character offsets, as each is one character)."""
        try:
            return self.tokenizer.encode(text, add_special_tokens=add_special_tokens)
        except (TypeError, UnicodeEncodeError):
            return self.tokenizer.encode(mend_surrogates(text), add_special_tokens=add_special_tokens)


class FolderCounter:
    """Counts with a folder's tokenizer, without the special tokens that it would add around a text."""

    exact = True
    note = ""

    def __init__(self, path: Path, name: str | None = None) -> None:
        self.folder = TokenizerFolder(path)
        self.name = name or self.folder.path.resolve().name

    def prepare(self) -> None:
        """Load the tokenizer, so that forked workers share it."""
        _ = self.folder.tokenizer

    def count(self, texts: list[str]) -> NDArray[np.int64]:
        """Return the number of tokens of each text, shape (len(texts),)."""
        import numpy as np

        counts = np.empty(len(texts), dtype=np.int64)
        for start in range(0, len(texts), BATCH):
            batch = texts[start : start + BATCH]
            counts[start : start + len(batch)] = [len(encoding) for encoding in self._encode_batch(batch)]
        return counts

    def _encode_batch(self, batch: list[str]) -> list[Encoding]:
        tokenizer = self.folder.tokenizer
        try:
            return tokenizer.encode_batch_fast(batch, add_special_tokens=False)
        except (TypeError, UnicodeEncodeError):
            return tokenizer.encode_batch_fast([mend_surrogates(text) for text in batch], add_special_tokens=False)


def _read_object(path: Path) -> dict[str, Any]:
    if not path.exists():
        return {}
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise TunelintError(f"tokenizer {path}: not readable as JSON: {error}") from error
    if not isinstance(value, dict):
        raise TunelintError(f"tokenizer {path}: must hold a JSON object")
    return value

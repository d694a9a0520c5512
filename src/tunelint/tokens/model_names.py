"""Which encoding a model of OpenAI's uses, by its name.

tiktoken's own look-up (`tiktoken/model.py` 0.14.0) takes the first prefix in the order of its table, so that
`ft:gpt-4.1-mini:...` is taken for `gpt-4` and counted with the wrong encoding, and an unknown name is a KeyError. Here
the name is brought to its base model first, the longest prefix wins, and an unknown name has no encoding.
"""

from __future__ import annotations

_ENCODING_OF_PREFIX = {
    "o1": "o200k_base",
    "o3": "o200k_base",
    "o4": "o200k_base",
    "gpt-5": "o200k_base",
    "gpt-4.5": "o200k_base",
    "gpt-4.1": "o200k_base",
    "gpt-4o": "o200k_base",
    "chatgpt-4o": "o200k_base",
    # The harmony encoding adds special tokens; ordinary text has the merges of o200k_base.
    "gpt-oss": "o200k_base",
    "gpt-4": "cl100k_base",
    "gpt-3.5": "cl100k_base",
    "gpt-35": "cl100k_base",
    "davinci-002": "cl100k_base",
    "babbage-002": "cl100k_base",
    "o200k_base": "o200k_base",
    "o200k_harmony": "o200k_base",
    "cl100k_base": "cl100k_base",
}
_LONGEST_FIRST = sorted(_ENCODING_OF_PREFIX, key=len, reverse=True)
_VENDORS = ("openai/", "azure/", "models/")


def base_model(name: str) -> str:
    """Return the model that a name is about: lower case, without a vendor's prefix and without `ft:` and its suffixes.

    `ft:gpt-4.1-mini-2025-04-14:acme:support:9xYz` is `gpt-4.1-mini-2025-04-14`; a checkpoint's `:ckpt-step-88` goes too.
    """
    bare = name.strip().lower()
    for vendor in _VENDORS:
        bare = bare.removeprefix(vendor)
    bare = bare.removeprefix("ft:")
    return bare.split(":", 1)[0]


def encoding_of_model(name: str) -> str | None:
    """Return o200k_base or cl100k_base, or None where the model is not one of OpenAI's that we know.

    A prefix counts only as whole words (`gpt-4` does not stand for `gpt-40b`), except that `gpt-4o` and its like may be
    followed by anything after a dash or a dot.
    """
    model = base_model(name)
    for prefix in _LONGEST_FIRST:
        if model == prefix or model.startswith((prefix + "-", prefix + ".", prefix + "@")):
            return _ENCODING_OF_PREFIX[prefix]
    return None

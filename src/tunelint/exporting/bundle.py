"""A folder to train from elsewhere: data, configuration, and a page that says how; written whole or not at all."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tunelint import __version__
from tunelint.errors import TunelintError
from tunelint.fixes.edits import json_line


@dataclass
class Bundle:
    """What one trainer gets. `data` maps a split to its rows, `files` a name to its text; `run` is the command to start.

    `lost` counts what the trainer's form cannot hold, `left_out` rows that have no such form, `notes` are further warnings.
    """

    trainer: str
    config: str
    run: str
    data: dict[str, list[dict[str, Any]]]
    files: dict[str, str] = field(default_factory=dict)
    lost: Counter[str] = field(default_factory=Counter)
    left_out: Counter[str] = field(default_factory=Counter)
    notes: list[str] = field(default_factory=list)

    def add_yaml(self, name: str, value: dict[str, Any]) -> None:
        """Add a YAML file."""
        head = f"# Made by tunelint {__version__} for {self.trainer}. Run it in this folder: {self.run}\n"
        self.files[name] = head + yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True)

    def add_json(self, name: str, value: dict[str, Any]) -> None:
        """Add a JSON file."""
        self.files[name] = json.dumps(value, indent=2, ensure_ascii=False) + "\n"

    def write(self, folder: Path) -> list[str]:
        """Write everything to `folder` and return the files' names. Raises TunelintError where it is not empty."""
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise TunelintError(f"{folder} exists and is not empty; name another folder with -o, or move it away.")
        partial = folder.with_name(f".{folder.name}.{os.getpid()}.partial")
        outputs = []
        try:
            (partial / "data").mkdir(parents=True)
            for split, values in self.data.items():
                if values:
                    content = "".join(map(json_line, values)).encode("utf-8", "surrogatepass")
                    (partial / "data" / f"{split}.jsonl").write_bytes(content)
                    outputs.append({"path": f"data/{split}.jsonl", "sha256": hashlib.sha256(content).hexdigest(), "records": len(values)})
            manifest = {"version": 1, "tool": {"name": "tunelint", "version": __version__}, "for": self.trainer, "outputs": outputs}
            self.add_json("manifest.json", manifest)
            for name, text in self.files.items():
                (partial / name).write_text(text, encoding="utf-8")
            if folder.exists():
                folder.rmdir()
            partial.rename(folder)
        except OSError as error:
            raise TunelintError(f"Cannot write {folder}: {error.strerror or error}.") from error
        finally:
            shutil.rmtree(partial, ignore_errors=True)
        return [*(str(output["path"]) for output in outputs), *self.files]


class _Dumper(yaml.SafeDumper):  # type: ignore[misc]
    """Writes 2e-05 as 2.0e-05: without the point YAML 1.1 reads a text."""


def _float(dumper: yaml.SafeDumper, value: float) -> yaml.ScalarNode:
    text = repr(value)
    mantissa, exponent, power = text.partition("e")
    text = f"{mantissa}.0{exponent}{power}" if exponent and "." not in mantissa else text
    return dumper.represent_scalar("tag:yaml.org,2002:float", text)


_Dumper.add_representer(float, _float)

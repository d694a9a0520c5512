"""Settings: tunelint.toml or [tool.tunelint] in pyproject.toml, checked key by key. The command line beats them."""

from __future__ import annotations

import difflib
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tunelint.errors import TunelintError

# key -> (type, one line of help); the JSON Schema of the config is made from this table too
KEYS: dict[str, tuple[str, str]] = {
    "train": ("list[str]", "globs of the training files"),
    "eval": ("list[str]", "globs of the evaluation files"),
    "target": ("str", "the service or trainer that the data is for"),
    "tokenizer": ("str", "a model name, an encoding, or a tokenizer folder to count tokens with"),
    "select": ("list[str]", "rules to run, instead of the pack's"),
    "ignore": ("list[str]", "rules not to run"),
    "extend-select": ("list[str]", "rules to run beside the pack's"),
    "pack": ("str", "min, recommended or strict"),
    "fail-on": ("str", "error, warning, note or never: the lowest severity that fails the command"),
    "jobs": ("int", "worker processes (0: by the amount of data)"),
    "baseline": ("str", "file of accepted findings"),
    "rules-dirs": ("list[str]", "folders with your own rule pages"),
    "ignore-fields": ("list[str]", "top-level keys left out when records are compared"),
    "in-record-key": ("str", "key under which a record may name rules that it is exempt from"),
}
TABLES = ("per-file-ignores", "rules")


@dataclass(frozen=True)
class Config:
    """A config file's content. Relative globs, folders and files in it count from `base`."""

    values: dict[str, Any] = field(default_factory=dict)
    per_file_ignores: dict[str, list[str]] = field(default_factory=dict)
    rules: dict[str, dict[str, Any]] = field(default_factory=dict)
    path: Path | None = None

    def get(self, key: str, default: Any = None) -> Any:
        """Return a key's value, or the default."""
        return self.values.get(key, default)

    @property
    def base(self) -> Path:
        """The folder that the file's relative paths count from."""
        return self.path.parent if self.path is not None else Path()

    def resolved(self, value: str) -> str:
        """Return a path of the file as seen from the current folder."""
        if value == "-" or Path(value).is_absolute() or self.path is None:
            return value
        joined = self.base / value
        try:
            return str(joined.relative_to(Path.cwd()))
        except ValueError:
            return str(joined)


def find_config(start: Path | None = None) -> Path | None:
    """Return the closest config file from a folder upwards to the repository's root (or the file system's)."""
    folder = (start or Path.cwd()).resolve()
    for candidate in (folder, *folder.parents):
        if (candidate / "tunelint.toml").is_file():
            return candidate / "tunelint.toml"
        pyproject = candidate / "pyproject.toml"
        if pyproject.is_file() and "tunelint" in _toml(pyproject).get("tool", {}):
            return pyproject
        if (candidate / ".git").exists():
            return None
    return None


def load_config(path: str | None = None, isolated: bool = False) -> Config:
    """Read the named config, else the closest one; none with `isolated`. Raises TunelintError for anything unknown."""
    if isolated:
        return Config()
    found = Path(path) if path is not None else find_config()
    if found is None:
        return Config()
    if not found.is_file():
        raise TunelintError(f"config file {found} does not exist")
    data = _toml(found)
    if found.name == "pyproject.toml":
        data = data.get("tool", {}).get("tunelint", {})
    return parse_config(data, found)


def _toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise TunelintError(f"{path} is not TOML: {error}") from error
    except OSError as error:
        raise TunelintError(f"cannot read {path}: {error.strerror}") from error


def parse_config(data: dict[str, Any], path: Path) -> Config:
    """Check every key of a parsed file."""
    values: dict[str, Any] = {}
    for key, value in data.items():
        if key in TABLES:
            if not isinstance(value, dict):
                raise TunelintError(f"{path}: [{key}] must be a table")
        elif key in KEYS:
            values[key] = _checked(path, key, value)
        else:
            near = difflib.get_close_matches(key, [*KEYS, *TABLES], n=1, cutoff=0.5)
            hint = f"; did you mean '{near[0]}'?" if near else ""
            raise TunelintError(f"{path}: unknown key '{key}'{hint}")
    ignores = data.get("per-file-ignores", {})
    for glob, rules in ignores.items():
        if not isinstance(rules, list) or not all(isinstance(rule, str) for rule in rules):
            raise TunelintError(f"{path}: [per-file-ignores] '{glob}' must be a list of rules")
    tables = data.get("rules", {})
    for name, table in tables.items():
        if not isinstance(table, dict):
            raise TunelintError(f"{path}: [rules.{name}] must be a table")
    return Config(values, dict(ignores), dict(tables), path)


def _checked(path: Path, key: str, value: Any) -> Any:
    kind = KEYS[key][0]
    fits = {
        "str": isinstance(value, str),
        "int": isinstance(value, int) and not isinstance(value, bool) and value >= 0,
        "list[str]": isinstance(value, list) and all(isinstance(item, str) for item in value),
    }
    if not fits[kind]:
        raise TunelintError(f"{path}: {key} must be {kind}, not {value!r}")
    choices = {"pack": ("min", "recommended", "strict"), "fail-on": ("error", "warning", "note", "never")}
    if key in choices and value not in choices[key]:
        raise TunelintError(f"{path}: {key} must be {', '.join(choices[key])}, not '{value}'")
    return value

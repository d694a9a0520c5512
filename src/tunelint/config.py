"""Settings: tunelint.toml or [tool.tunelint] in pyproject.toml, checked key by key. The command line beats them."""

from __future__ import annotations

import difflib
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tunelint.errors import TunelintError


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
    """Check every key of a parsed file. Raises TunelintError for the first that is unknown or has the wrong type."""
    from pydantic import ValidationError

    from tunelint.config_model import KEYS, ConfigFile

    try:
        ConfigFile.model_validate(data)
    except ValidationError as error:
        raise TunelintError(f"{path}: {_first_fault(error.errors()[0], list(KEYS))}") from error
    values = {key: value for key, value in data.items() if key not in ("per-file-ignores", "rules")}
    return Config(values, dict(data.get("per-file-ignores", {})), dict(data.get("rules", {})), path)


def _first_fault(error: Any, keys: list[str]) -> str:
    """Put pydantic's first complaint into one sentence of ours."""
    where = [str(step) for step in error["loc"]]
    if error["type"] == "extra_forbidden":
        if where[-1] == "tool":
            return "unknown key 'tool': here keys stand at the top level, [tool.tunelint] is for pyproject.toml"
        near = difflib.get_close_matches(where[-1], keys, n=1, cutoff=0.5)
        return f"unknown key '{where[-1]}'" + (f"; did you mean '{near[0]}'?" if near else "")
    wanted = {
        "list_type": "a list", "string_type": "text", "int_type": "a whole number", "dict_type": "a table",
        "literal_error": error.get("ctx", {}).get("expected", "one of its words"), "greater_than_equal": "0 or more",
    }.get(error["type"], error["msg"])  # fmt: skip
    return f"{'.'.join(where)} must be {wanted}, not {error['input']!r}"

"""All rules that are there: the shipped pages, the user's folders, installed rule packs."""

from __future__ import annotations

import dataclasses
import difflib
import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

from tunelint.errors import TunelintError
from tunelint.findings import Severity
from tunelint.rulebook.page import Option, Rule, parse_page

_FORMAT = 3  # of the compiled pages; raise it when Rule changes


def shipped_rules() -> Path:
    """Return the folder of the shipped pages: the checkout's `rules/`, else the copy inside the wheel.

    A checkout wins, because an editable install may hold a stale copy of the folder in site-packages.
    """
    package = Path(__file__).resolve().parent.parent
    checkout = package.parent.parent / "rules"
    if (package.parent.parent / "pyproject.toml").is_file() and checkout.is_dir():
        return checkout
    return package / "rules"


class Rulebook:
    """The rules by name and by code (old codes too)."""

    def __init__(self, rules: Iterable[Rule]) -> None:
        self._by_name: dict[str, Rule] = {}
        self._by_key: dict[str, Rule] = {}
        for rule in sorted(rules, key=lambda item: item.code):
            for key in (rule.name, rule.code, *rule.aliases):
                other = self._by_key.get(key)
                if other is not None:
                    raise TunelintError(f"{rule.source}: '{key}' is already the rule of {other.source}")
                self._by_key[key] = rule
            self._by_name[rule.name] = rule

    def __iter__(self) -> Iterator[Rule]:
        return iter(self._by_name.values())

    def __len__(self) -> int:
        return len(self._by_name)

    def find(self, name_or_code: str) -> Rule | None:
        """Return the rule of a name or a code in any case, None where there is none."""
        return self._by_key.get(name_or_code) or self._by_key.get(name_or_code.upper()) or self._by_key.get(name_or_code.lower())

    def get(self, name_or_code: str) -> Rule:
        """Return the rule of a name or a code. Raises TunelintError with the nearest name."""
        rule = self.find(name_or_code)
        if rule is None:
            raise TunelintError(f"no rule '{name_or_code}'{self.did_you_mean(name_or_code)}; `tunelint rule --all` lists them")
        return rule

    def did_you_mean(self, word: str, others: Iterable[str] = ()) -> str:
        """Return '; did you mean ...?' for a misspelled rule or one of the other words, '' where nothing is near."""
        lowered = {key.lower(): key for key in (*self._by_key, *others)}
        near = difflib.get_close_matches(word.lower(), list(lowered), n=1, cutoff=0.6)
        return f"; did you mean '{lowered[near[0]]}'?" if near else ""

    @property
    def families(self) -> set[str]:
        """The code letters in use."""
        return {rule.family for rule in self}


def load_rulebook(extra_folders: Sequence[str] = ()) -> Rulebook:
    """Load the shipped pages, installed packs (entry point group `tunelint.rules`) and the user's folders.

    Raises TunelintError for a folder that is missing, a pack that cannot be loaded or a page that is wrong.
    """
    rules = list(_shipped())
    for entry in _entry_points():
        rules += load_folder(_folder_of(entry))
    for folder in extra_folders:
        if not os.path.isdir(folder):
            raise TunelintError(f"rules folder {folder} does not exist (rules-dirs in the config)")
        rules += load_folder(Path(folder))
    # A pack's own folder may be named too, to test its cases.
    return Rulebook({os.path.realpath(rule.source): rule for rule in rules}.values())


def _folder_of(entry: metadata.EntryPoint) -> Path:
    """Return the folder of an installed pack: the package that the entry point names, or a path that it holds."""
    where = f"rule pack '{entry.name}' of {entry.dist.name if entry.dist else 'an unknown package'}"
    try:
        pack = entry.load()
    except Exception as error:  # a pack is somebody else's code: whatever it raises, the user needs to know whose it was
        raise TunelintError(f"{where} cannot be loaded: {error}; mend or uninstall it") from error
    folder = Path(pack.__path__[0] if hasattr(pack, "__path__") else pack)
    if not folder.is_dir():
        raise TunelintError(f"{where} names {folder}, which is no folder; mend or uninstall it")
    return folder


def load_folder(folder: Path) -> list[Rule]:
    """Parse every page below a folder (README files are not pages)."""
    return [parse_page(path.read_text(encoding="utf-8"), str(path)) for path in _pages(folder)]


@cache
def _entry_points() -> tuple[metadata.EntryPoint, ...]:
    return tuple(metadata.entry_points(group="tunelint.rules"))


def _pages(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*.md") if path.name.lower() != "readme.md")


@cache
def _shipped() -> tuple[Rule, ...]:
    """Parsing a hundred pages of YAML would cost more than a small lint, so they are compiled once into the user's cache."""
    folder = shipped_rules()
    pages = _pages(folder)
    if not pages:
        raise TunelintError(f"no rule pages in {folder}: the installation is incomplete, reinstall tunelint")
    stamp = hashlib.sha256(repr([_FORMAT, [(str(page), page.stat().st_mtime_ns, page.stat().st_size) for page in pages]]).encode())
    compiled = _cache_folder() / f"rulebook-{stamp.hexdigest()[:24]}.json"
    try:
        return tuple(_from_json(item) for item in json.loads(compiled.read_bytes()))
    except (OSError, ValueError, TypeError, KeyError):
        rules = load_folder(folder)
    _write_cache(compiled, [dataclasses.asdict(rule) for rule in rules])
    return tuple(rules)


def _cache_folder() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return Path(base) / "tunelint"


def _write_cache(path: Path, value: Any) -> None:
    """Keep the compiled pages for the next start; a home that cannot be written to only costs time."""
    temporary = path.with_suffix(f".{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        for old in path.parent.glob("rulebook-*.json"):
            old.unlink(missing_ok=True)
        temporary.write_text(json.dumps(value), encoding="utf-8")
        os.replace(temporary, path)
    except OSError:
        return


def _from_json(item: dict[str, Any]) -> Rule:
    item["severity"] = Severity(item["severity"])
    item["options"] = tuple(Option(**option) for option in item["options"])
    item["evidence"], item["aliases"] = tuple(item["evidence"]), tuple(item["aliases"])
    return Rule(**item)

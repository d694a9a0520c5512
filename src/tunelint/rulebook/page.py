"""One rule page (Markdown with front matter) as data: metadata, documentation, cases."""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass, field
from typing import Any

from tunelint.errors import TunelintError
from tunelint.findings import FixKind, Severity

# line and record: one at a time; dataset and splits: all records together; run: a training run; settings: our own files
SCOPES = ("line", "record", "dataset", "splits", "run", "settings")
PACKS = ("min", "recommended", "strict")
DECLARATIVE = ("pattern", "expression")
_KEYS = {
    "code", "severity", "scope", "pack", "check", "fix", "options", "since", "evidence", "aliases", "tags",
    "pattern", "field", "flags", "expression", "message", "where",
}  # fmt: skip
_FENCE = re.compile(r"^(`{3,}|~{3,})\s*(.*?)\s*$")
_CODE = re.compile(r"[A-Z]{2,6}[0-9]{3}")
_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


@dataclass(frozen=True, slots=True)
class Option:
    """An option of a rule: `type` is int, float, bool, str or list[str]."""

    name: str
    type: str
    default: Any
    help: str


@dataclass(frozen=True, slots=True)
class Case:
    """A case of a page: input files by name, the findings expected in concise form, the files after the fix."""

    title: str
    files: dict[str, bytes]
    config: str | None
    findings: tuple[str, ...]
    fixed: dict[str, bytes]


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule as its page defines it. `declaration` holds the keys of a declarative rule (pattern, expression)."""

    name: str
    code: str
    severity: Severity
    scope: str
    pack: str
    check: str
    fix: FixKind | None
    since: str
    evidence: tuple[str, ...]
    summary: str
    why: str
    help: str
    text: str
    source: str
    options: tuple[Option, ...] = ()
    aliases: tuple[str, ...] = ()
    declaration: dict[str, Any] = field(default_factory=dict)

    @property
    def family(self) -> str:
        """The letters of the code."""
        return self.code.rstrip("0123456789")

    def defaults(self) -> dict[str, Any]:
        """The options at their defaults, by their names with underscores."""
        return {option.name.replace("-", "_"): option.default for option in self.options}


def parse_page(text: str, source: str) -> Rule:
    """Read a page. Raises TunelintError that names the page and what is wrong with it."""
    front, body = _front_matter(text, source)
    meta = _yaml(front, source)
    unknown = sorted(set(meta) - _KEYS)
    if unknown:
        raise TunelintError(f"{source}: unknown front matter key '{unknown[0]}'")
    for key in ("code", "severity", "scope", "check"):
        if key not in meta:
            raise TunelintError(f"{source}: front matter lacks '{key}'")
    title = re.search(r"^# +(.+?)\s*$", body, re.MULTILINE)
    if title is None or not _NAME.fullmatch(title.group(1)):
        raise TunelintError(f"{source}: the page needs a title that is the rule's name (small letters and hyphens)")
    if not _CODE.fullmatch(str(meta["code"])):
        raise TunelintError(f"{source}: code '{meta['code']}' is not letters and three digits")
    for key, allowed in (("severity", [s.value for s in Severity]), ("scope", SCOPES), ("pack", PACKS)):
        if meta.get(key, allowed[1]) not in allowed:
            raise TunelintError(f"{source}: {key} '{meta[key]}' is none of {', '.join(allowed)}")
    if meta["check"] in DECLARATIVE and meta["check"] not in meta:
        raise TunelintError(f"{source}: a {meta['check']} rule needs the key '{meta['check']}'")
    fix = meta.get("fix", "none")
    if fix not in ("safe", "unsafe", "none"):
        raise TunelintError(f"{source}: fix '{fix}' is none of safe, unsafe, none")
    return Rule(
        name=title.group(1), code=str(meta["code"]), severity=Severity(meta["severity"]), scope=meta["scope"],
        pack=meta.get("pack", "recommended"), check=meta["check"], fix=None if fix == "none" else fix,
        since=str(meta.get("since", "")), evidence=tuple(map(str, _as_list(meta.get("evidence")))),
        summary=_first_paragraph(body[title.end() :]), why=_section(body, "Why it hurts"),
        help=_section(body, "How to fix"), text=text, source=source, options=_options(meta.get("options") or {}, source),
        aliases=tuple(map(str, _as_list(meta.get("aliases")))),
        declaration={key: meta[key] for key in ("pattern", "field", "flags", "expression", "message", "where") if key in meta},
    )  # fmt: skip


def _front_matter(text: str, source: str) -> tuple[str, str]:
    match = re.match(r"---\r?\n(.*?)\r?\n---\r?\n", text, re.DOTALL)
    if match is None:
        raise TunelintError(f"{source}: the page must start with front matter between two lines of ---")
    return match.group(1), text[match.end() :]


def _yaml(front: str, source: str) -> dict[str, Any]:
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        meta = yaml.load(front, Loader=loader)  # a safe loader, the C one where it is built
    except yaml.YAMLError as error:
        raise TunelintError(f"{source}: front matter is not YAML: {' '.join(str(error).split())}") from error
    if not isinstance(meta, dict):
        raise TunelintError(f"{source}: front matter is not a mapping")
    return meta


def _options(meta: Any, source: str) -> tuple[Option, ...]:
    options = []
    for name, spec in meta.items():
        if not isinstance(spec, dict) or "type" not in spec or "default" not in spec:
            raise TunelintError(f"{source}: option '{name}' needs type, default and help")
        options.append(Option(str(name), str(spec["type"]), spec["default"], str(spec.get("help", ""))))
    return tuple(options)


def _as_list(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _first_paragraph(text: str) -> str:
    paragraph = text.strip().split("\n\n", 1)[0]
    return " ".join(paragraph.split()) if not paragraph.startswith("#") else ""


def _section(body: str, title: str) -> str:
    match = re.search(rf"^## +{re.escape(title)}\s*$(.*?)(?=^## |\Z)", body, re.MULTILINE | re.DOTALL)
    return _first_paragraph(match.group(1)) if match else ""


def parse_cases(text: str, source: str) -> list[Case]:
    """Read the cases of a page: every heading of level 3 below `## Cases` with its fenced blocks."""
    match = re.search(r"^## +Cases\s*$(.*)\Z", text, re.MULTILINE | re.DOTALL)
    if match is None:
        return []
    cases = []
    pieces = re.split(r"^### +(.+?)\s*$", match.group(1), flags=re.MULTILINE)
    for title, content in zip(pieces[1::2], pieces[2::2], strict=True):
        cases.append(_case(title, content, source))
    return cases


def _case(title: str, content: str, source: str) -> Case:
    files: dict[str, bytes] = {}
    fixed: dict[str, bytes] = {}
    config: str | None = None
    findings: tuple[str, ...] | None = None
    for info, block in _blocks(content):
        words = info.split()
        language, name, marks = [*words, ""][0], words[1] if len(words) > 1 else "", words[2:]
        if language == "findings":
            findings = tuple(line.strip() for line in block.splitlines() if line.strip())
        elif name in ("tunelint.toml", "pyproject.toml"):
            config = block
        elif name:
            data = _unescape(block, source) if "escaped" in marks else block.encode("utf-8")
            (fixed if "fixed" in marks else files)[name] = data
    if findings is None:
        raise TunelintError(f"{source}: case '{title}' has no findings block")
    return Case(title, files, config, findings, fixed)


def _unescape(block: str, source: str) -> bytes:
    r"""Read Python-escaped bytes: `\xff`, `\r`, `\\`; characters above ASCII stand for their UTF-8 bytes."""
    try:
        data: bytes = codecs.escape_decode(block.encode("utf-8"))[0]
        return data
    except ValueError as error:
        raise TunelintError(f"{source}: an escaped block cannot be read: {error}") from error


def _blocks(content: str) -> list[tuple[str, str]]:
    blocks: list[tuple[str, str]] = []
    lines: list[str] = []
    info, fence = None, ""
    for line in content.splitlines(keepends=True):
        match = _FENCE.match(line.rstrip("\n"))
        if info is None and match:
            info, fence, lines = match.group(2), match.group(1), []
        elif info is not None and match and match.group(1).startswith(fence) and not match.group(2):
            blocks.append((info, "".join(lines)))
            info = None
        elif info is not None:
            lines.append(line)
    return blocks

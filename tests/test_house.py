"""The shape of the house: small modules, rooms that import only rooms above them."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src/tunelint"
# A room imports only rooms above it in this list.
ROOMS = [
    "errors", "writing", "findings", "records",
    "tokens", "similarity", "index", "rulebook", "checks", "targets", "prices", "engine", "indexing", "suppress", "marks", "changed",
    "config_model", "config", "api",
    "report", "fixes", "splitting", "train", "curves", "stats", "comparing", "exporting", "ablation", "pipeline", "cli", "testing", "reference",
]  # fmt: skip
MODULES = sorted(path for path in SOURCE.rglob("*.py"))


def room(path: Path) -> str:
    parts = path.relative_to(SOURCE).parts
    return parts[0].removesuffix(".py")


def imports(tree: ast.AST) -> list[str]:
    """The tunelint modules that are imported when the module runs (not only for type checkers)."""
    found = []
    checking = {id(node)
        for branch in ast.walk(tree) if isinstance(branch, ast.If) and ast.unparse(branch.test) == "TYPE_CHECKING" for node in ast.walk(branch)}
    for node in ast.walk(tree):
        if id(node) in checking:
            continue
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("tunelint."):
            found.append(node.module)
        elif isinstance(node, ast.Import):
            found += [name.name for name in node.names if name.name.startswith("tunelint.")]
    return found


@pytest.mark.parametrize("path", MODULES, ids=[str(path.relative_to(SOURCE)) for path in MODULES])
def test_module(path):
    text = path.read_text(encoding="utf-8")
    assert text.count("\n") <= 400, "a module has at most 400 lines"
    own = room(path)
    if own in ("__init__", "__main__"):
        return
    for module in imports(ast.parse(text)):
        other = module.split(".")[1]
        if other == own or other == "testing":  # the runner of page cases drives the whole command line
            continue
        assert ROOMS.index(other) < ROOMS.index(own), f"{own} imports {module}, which lies below it"

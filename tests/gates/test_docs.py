"""What the pages tell their readers to type works, and says what the pages show."""

from __future__ import annotations

import re
import runpy
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import click
import pytest
from doc_runner import Command, Shell, commands_of, files_of, fits, plain_environment

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("README*.md"), *ROOT.glob("docs/**/*.md"), ROOT / "rules/README.md"])
COMMANDS = [command for page in PAGES if page.is_file() for command in commands_of(page)]
# Started for real only in the slow tests: they install, or train a model.
TRAINING = ("train", "lint-and-train", "curves", "runs", "serve", "compare", "export last")
HEAVY = ("pip", "make", "python3", ".", "git", *(f"tunelint {name}" for name in TRAINING))
TEN_MINUTES = ROOT / "docs/first-ten-minutes.md"
pytestmark = pytest.mark.skipif(not TEN_MINUTES.is_file(), reason="needs the checkout")


def name_of(command: Command) -> str:
    return f"{command.page.name}: {command.text}"


def is_heavy(text: str) -> bool:
    return "runs/" in text or any(text == start or text.startswith(start + " ") for start in HEAVY)


@pytest.mark.parametrize("command", COMMANDS, ids=name_of)
def test_every_command_of_every_page_is_one(command):
    words = shlex.split(command.text)
    if words[0] == "tunelint":
        from tunelint.cli.main import cli

        arguments = words[1:] if ">" not in words else words[1 : words.index(">")]
        current: click.Command = cli
        while isinstance(current, click.Group) and arguments and not arguments[0].startswith("-"):
            found = current.get_command(click.Context(current), arguments[0])
            assert found is not None, command.text
            current, arguments = found, arguments[1:]
        if current is not cli:
            current.make_context("x", arguments)  # raises for an option that is not there
    elif words[:2] == ["pip", "install"]:
        extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
        for extra in re.findall(r"tunelint\[([a-z,]+)\]", command.text):
            assert set(extra.split(",")) <= set(extras)
    elif words[0] == "make":
        assert re.search(rf"^{words[1]}:", (ROOT / "Makefile").read_text(), re.MULTILINE)


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    """A shell with the `tunelint` of this checkout, in a folder with data that is under git."""
    script = tmp_path / ".bin/tunelint"
    script.parent.mkdir()
    script.write_text(f'#!/bin/sh\nPYTHONPATH={ROOT / "src"} exec {sys.executable} -m tunelint "$@"\n')
    script.chmod(0o755)
    for name, text in files_of(TEN_MINUTES).items():
        (tmp_path / name).write_text(text)
    (tmp_path / "data").mkdir()
    (tmp_path / "data/train.jsonl").write_text(files_of(TEN_MINUTES)["train.jsonl"])
    (tmp_path / ".gitignore").write_text(".*\n")
    for arguments in (["init", "-q"], ["add", "."], ["-c", "user.name=t", "-c", "user.email=t@example.com", "commit", "-qm", "data"]):
        subprocess.run(["git", *arguments], cwd=tmp_path, check=True)
    return Shell(tmp_path, f"{script.parent}:/usr/local/bin:/usr/bin:/bin", plain_environment())


@pytest.mark.parametrize("page", sorted({c.page for c in COMMANDS if not is_heavy(c.text)}), ids=lambda page: page.name)
def test_console_blocks_run_and_print_what_the_page_shows(page, shell):
    for name, text in files_of(page).items():
        (shell.folder / name).parent.mkdir(parents=True, exist_ok=True)
        (shell.folder / name).write_text(text)
    for command in [command for command in COMMANDS if command.page == page and not is_heavy(command.text)]:
        code, lines = shell.run(command.text)
        assert code in (0, 1), (command.text, lines)
        assert fits(command.output, lines), (command.text, lines)


@pytest.mark.slow
def test_the_first_ten_minutes_word_for_word_in_a_fresh_environment(tmp_path):
    shell = Shell(tmp_path, "/usr/local/bin:/usr/bin:/bin", plain_environment())
    for name, text in files_of(TEN_MINUTES).items():
        (tmp_path / name).write_text(text)
    for command in commands_of(TEN_MINUTES):
        text = command.text.replace("python3 -m venv", f"{sys.executable} -m venv")
        # The one liberty: the package comes from this checkout, which is not on the index before its release.
        text = re.sub(r"pip install '?tunelint(\[[a-z,]+\])?'?", rf"pip install --quiet '{ROOT}\1'", text)
        code, lines = shell.run(text)
        assert code in (0, 1), (text, lines)
        assert fits(command.output, lines), (text, lines)


def test_fits():
    assert fits(("a", "...", "c ... e"), ["a", "b", "c d e"])
    assert fits(("...",), [])
    assert not fits(("a",), [])
    assert not fits(("a", "c"), ["a", "b", "c"])


def test_the_terminal_picture_shows_what_the_commands_print():
    made = runpy.run_path(str(ROOT / "docs/terminal_picture.py"))
    old = made["PICTURE"].read_text(encoding="utf-8")
    assert made["words"](made["svg"]()) == made["words"](old), "draw it anew: python docs/terminal_picture.py"
    assert "exact-leak" in made["words"](old)
    assert not re.search(r"(href|src|url)\W+https?:", old)  # an image on a page may load nothing


def test_the_front_pages_say_the_same():
    english, russian = ((ROOT / name).read_text(encoding="utf-8") for name in ("README.md", "README.ru.md"))
    assert "(README.ru.md)" in english
    assert "(README.md)" in russian
    assert english.count("\n") < 200
    blocks = [re.findall(r"^```(\w+)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL) for text in (english, russian)]
    commands = [[re.sub(r"\s+# .*", "", line) for _, block in found for line in block.splitlines() if line.strip()] for found in blocks]
    assert commands[0] == commands[1]
    links = [{link for link in re.findall(r"\]\(([^)]+)\)", text) if not link.startswith("README")} for text in (english, russian)]
    assert links[0] == links[1]


def test_links_between_pages_lead_somewhere():
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        for link, anchor in re.findall(r"\]\((?!https?:)([^)#\s]*)(#[^)\s]+)?\)", text):
            target = (page.parent / link).resolve() if link else page
            assert target.exists(), f"{page.name}: {link}"
            if anchor and target.suffix == ".md":
                headings = re.findall(r"^#+ (.*)$", target.read_text(encoding="utf-8"), re.MULTILINE)
                slugs = {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
                assert anchor[1:] in slugs, f"{page.name}: {link}{anchor}"

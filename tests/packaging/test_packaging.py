"""The wheel and the sdist hold what an installation needs; an installed copy works without the checkout."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = sorted(path.relative_to(ROOT / "rules").as_posix() for path in (ROOT / "rules").rglob("*.md"))
pytestmark = pytest.mark.skipif(not (ROOT / "pyproject.toml").is_file(), reason="needs the checkout")


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    subprocess.run([sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, ROOT], check=True, capture_output=True)
    return folder


def test_wheel_and_sdist_hold_every_page_and_data_file(built):
    [wheel], [sdist] = built.glob("*.whl"), built.glob("*.tar.gz")
    names = zipfile.ZipFile(wheel).namelist()
    assert sorted(name.removeprefix("tunelint/rules/") for name in names if name.startswith("tunelint/rules/") and name.endswith(".md")) == PAGES
    assert "tunelint/py.typed" in names
    assert any(name.endswith("o200k_base.tiktoken.gz") for name in names)
    assert not any(name.startswith(("tests/", "benchmarks/")) for name in names)
    with tarfile.open(sdist) as archive:
        inside = [name.split("/", 1)[1] for name in archive.getnames() if "/" in name]
    assert sorted(name.removeprefix("rules/") for name in inside if name.startswith("rules/") and name.endswith(".md")) == PAGES
    assert {"pyproject.toml", "README.md", "LICENSE", "src/tunelint/__init__.py"} <= set(inside)


def test_installed_without_the_checkout_it_explains_and_lints(built, tmp_path):
    [wheel] = built.glob("*.whl")
    venv.create(tmp_path / "env", with_pip=True)
    python = tmp_path / "env/bin/python"
    subprocess.run([python, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", wheel], check=True)
    # The dependencies come from this environment; its own tunelint is not seen, as nested .pth files are not read.
    site = Path(subprocess.run([python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"],
        capture_output=True, text=True, check=True).stdout.strip())
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path / "home"), "LANG": "C.UTF-8"}
    (tmp_path / "home").mkdir()
    (tmp_path / "train.jsonl").write_text("{broken\n")

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([tmp_path / "env/bin/tunelint", *arguments], capture_output=True, text=True, cwd=tmp_path, env=environment, check=False)

    where = subprocess.run([python, "-c", "import tunelint; print(tunelint.__file__)"],
        capture_output=True, text=True, check=True, cwd=tmp_path, env=environment)
    assert where.stdout.startswith(str(site))
    page = run("rule", "exact-duplicate")
    assert page.returncode == 0
    assert "# exact-duplicate" in page.stdout
    lint = run("lint", "train.jsonl", "--format", "concise")
    assert lint.returncode == 1
    assert "train.jsonl:1:2: JSN001 invalid-json" in lint.stdout


def test_an_editable_install_reads_the_checkout_not_a_stale_copy(tmp_path):
    """The rules of a checkout are edited in place; a copy that an editable install left behind must never win."""
    import tunelint
    from tunelint.rulebook import shipped_rules

    if Path(tunelint.__file__).parents[2] != ROOT:
        pytest.skip("tunelint is not installed from this checkout")
    assert shipped_rules() == ROOT / "rules"

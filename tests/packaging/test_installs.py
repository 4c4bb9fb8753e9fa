"""Wheel, sdist and editable install, each in a fresh virtual environment, hold the code and run `assetctl version`.

The environments see this one's third-party packages through a path file, so that nothing is downloaded; only assetctl
itself is built and installed, without build isolation.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest

import assetctl

ROOT = Path(__file__).parents[2]
LEFT_OUT = shutil.ignore_patterns(".git", ".venv*", ".*_cache", ".assetctl", ".hypothesis", "dist", "build")


def run(*command: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    environment = {
        name: value for name, value in os.environ.items() if name not in {"PYTHONPATH", "COVERAGE_PROCESS_START"}
    }
    done = subprocess.run(
        [str(part) for part in command], cwd=cwd, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{command} ended with {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the checkout with caches in it, as every checkout in use has."""
    copy = tmp_path_factory.mktemp("checkout") / "assetctl-checkout"
    shutil.copytree(ROOT, copy, symlinks=True, ignore=LEFT_OUT)
    (copy / "lineage" / "__pycache__").mkdir(exist_ok=True)
    (copy / "lineage" / "__pycache__" / "stale.pyc").write_bytes(b"stale")
    return copy


@pytest.fixture(scope="module")
def built(checkout: Path) -> dict[str, Path]:
    """The wheel and the sdist, built from the checkout."""
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", "dist", ".", cwd=checkout)
    [wheel], [sdist] = list((checkout / "dist").glob("*.whl")), list((checkout / "dist").glob("*.tar.gz"))
    return {"wheel": wheel, "sdist": sdist}


def fresh_venv(folder: Path) -> Path:
    """Make a virtual environment that borrows the third-party packages of this one, and return its Python."""
    venv.create(folder, with_pip=False, symlinks=True)
    python = folder / "bin" / "python"
    own = Path(run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=folder).stdout.strip())
    # A plain line puts the folder after the new environment's own; path files in it are not read, so an
    # editable assetctl there stays unseen.
    (own / "borrowed.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return python


def install_and_ask(how: str, target: Path, folder: Path, *flags: str) -> str:
    """Install `target` into a fresh environment and return where it imports assetctl from, after asking its version."""
    python = fresh_venv(folder / "env")
    pip = (sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--no-deps", "--no-build-isolation")
    run(*pip, "--ignore-installed", *flags, target, cwd=folder)
    said = run(folder / "env" / "bin" / "assetctl", "version", cwd=folder)
    assert assetctl.__version__ in said.stdout, how
    answer = run(python, "-P", "-c", "import assetctl.lineage.deciding.plan as m; print(m.__file__)", cwd=folder)
    return answer.stdout.strip()


def test_the_wheel_holds_every_code_file_and_nothing_else(built, checkout):
    with zipfile.ZipFile(built["wheel"]) as archive:
        names = set(archive.namelist())
    code = {
        f"assetctl/{path.relative_to(checkout).as_posix()}"
        for layer in ("assets", "lineage", "storage", "engine", "integrations", "cli")
        for path in (checkout / layer).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert "assetctl/lineage/deciding/plan.py" in code, "the links were not followed, or the file was moved"
    assert code - names == set(), "left out of the wheel: data files, such as DDL and JSON Schemas, must be in it too"
    assert {"assetctl/__init__.py", "assetctl/py.typed"} <= names
    strangers = {name for name in names if not name.startswith(("assetctl/", "assetctl-"))}
    assert not strangers
    assert not [name for name in names if "__pycache__" in name or name.endswith(".pyc") or "/tests/" in name]


def test_the_sdist_holds_tests_and_licence_and_no_caches(built):
    with tarfile.open(built["sdist"]) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {
        "assetctl/lineage/deciding/plan.py",
        "tests/packaging/test_installs.py",
        "LICENSE",
        "pyproject.toml",
    } <= names
    assert not [name for name in names if "__pycache__" in name or name.startswith((".venv", ".git/", "dist"))]


def test_the_wheel_installs_and_runs(built, tmp_path):
    where = install_and_ask("wheel", built["wheel"], tmp_path)
    assert where.startswith(str(tmp_path))


def test_the_sdist_installs_and_runs(built, tmp_path):
    where = install_and_ask("sdist", built["sdist"], tmp_path)
    assert where.startswith(str(tmp_path))


def test_the_editable_install_runs_the_checkout_itself(checkout, tmp_path):
    where = install_and_ask("editable", checkout, tmp_path, "--editable")
    assert Path(where).resolve() == checkout / "lineage" / "deciding" / "plan.py"

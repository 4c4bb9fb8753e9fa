"""`./dev` lists its commands, refuses what it does not know, and says what a machine lacks."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
COMMANDS = ["setup", "demo", "test", "check", "bench", "soak", "docs", "pins"]


def dev(*arguments: str, folder: Path = ROOT, path: str | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(shutil.which("bash")), str(folder / "dev"), *arguments],
        capture_output=True, text=True, check=False, env=None if path is None else {"PATH": path},
    )  # fmt: skip


@pytest.fixture
def bare_machine(tmp_path: Path) -> str:
    """A PATH with the ordinary commands and no Python."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("bash", "dirname", "cat", "rm"):
        (folder / name).symlink_to(str(shutil.which(name)))
    return str(folder)


def test_alone_it_lists_every_command():
    said = dev().stdout
    assert re.findall(r"^  (\w+)  ", said, flags=re.MULTILINE) == COMMANDS


def test_an_unknown_command_is_refused_with_the_list():
    done = dev("tset")
    assert done.returncode == 2
    assert "`tset` is not a command" in done.stderr
    assert done.stdout == ""


def test_without_a_python_it_says_what_to_do_and_makes_nothing(tmp_path, bare_machine):
    shutil.copy(ROOT / "dev", tmp_path / "dev")
    done = dev("test", folder=tmp_path, path=bare_machine)
    assert done.returncode == 6
    assert done.stderr.startswith("error: no Python 3.11 or newer")
    assert "hint: install one" in done.stderr
    assert not (tmp_path / ".venv").exists()


def test_a_python_that_is_too_old_is_passed_over(tmp_path, bare_machine):
    shutil.copy(ROOT / "dev", tmp_path / "dev")
    old = Path(bare_machine) / "python3"
    old.write_text("#!/bin/sh\nexit 1\n")  # what `sys.version_info < (3, 11)` makes an older one do
    old.chmod(0o755)
    assert "no Python 3.11 or newer" in dev("setup", folder=tmp_path, path=bare_machine).stderr

"""`./dev` lists its commands, refuses what it does not know, and says what a machine lacks."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
COMMANDS = [
    "setup",
    "demo",
    "format",
    "lint",
    "types",
    "quick",
    "test",
    "check",
    "bench",
    "soak",
    "docs",
    "changelog",
    "pythons",
    "pins",
]


def dev(
    *arguments: str, folder: Path = ROOT, path: str | None = None, **variables: str
) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": path or os.environ["PATH"], **variables}
    command = [str(shutil.which("bash")), str(folder / "dev"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment)


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


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_it_lists_is_one(command):
    assert re.search(rf"^    {command}\) ", (ROOT / "dev").read_text(), flags=re.MULTILINE)


@pytest.mark.parametrize(
    ("words", "code", "error"),
    [
        (("tset",), 2, "`tset` is not a command"),
        (("test", "--python"), 2, "--python needs a version"),
        (("test", "--python", "3.2"), 6, "no Python 3.2 on this machine"),
        (("quick", "--python=3.2"), 6, "no Python 3.2 on this machine"),
    ],
)
def test_what_cannot_be_done_is_an_error_with_a_hint(words, code, error):
    done = dev(*words)
    first, second = done.stderr.splitlines()
    assert (done.returncode, done.stdout, first) == (code, "", f"error: {error}")
    assert second.startswith("hint: ")
    assert not (ROOT / ".venv-3.2").exists()


def test_the_pythons_it_supports_are_those_that_the_package_promises():
    classifiers = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["classifiers"]
    promised = re.findall(r"Python :: (3\.\d+)$", "\n".join(classifiers), flags=re.MULTILINE)
    supported = re.search(r'^SUPPORTED="(.*?)"', (ROOT / "dev").read_text(), flags=re.MULTILINE)
    assert supported is not None
    assert supported[1].split() == promised


def test_a_python_is_also_found_where_pyenv_keeps_it(tmp_path, bare_machine):
    kept = tmp_path / "pyenv" / "versions" / "3.12.9" / "bin" / "python"
    kept.parent.mkdir(parents=True)
    kept.write_text('#!/bin/bash\n[ "$3" = 3.12 ]\n')  # the version that is asked for is its last argument
    kept.chmod(0o755)
    done = dev("pythons", path=bare_machine, PYENV_ROOT=str(tmp_path / "pyenv"))
    assert done.stdout == f"3.12 {kept}\n"
    assert done.stderr.splitlines() == ["Python 3.11: not on this machine", "Python 3.13: not on this machine"]


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


def test_the_hooks_of_pre_commit_are_its_commands_and_fetch_nothing():
    (repository,) = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
    assert repository["repo"] == "local"
    for hook in repository["hooks"]:
        program, command = hook["entry"].split()
        assert (program, hook["language"]) == ("./dev", "system")
        assert command in COMMANDS


def test_what_contributing_names_are_its_commands():
    named = re.findall(r"\./dev (\w+)", (ROOT / "CONTRIBUTING.md").read_text())
    assert {"lint", "quick", "test", "check"} <= set(named) <= set(COMMANDS)

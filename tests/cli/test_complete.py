"""Completion knows verbs, options and asset names, and imports no project to know them."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.cli.calls import call
from tests.cli.conftest import edit


def complete(folder, *words: str, incomplete: str = "") -> list[str]:
    """Ask as bash would: the words so far, and what is being typed."""
    line = ["assetctl", *words, incomplete]
    with pytest.MonkeyPatch.context() as shell:
        shell.setenv("_ASSETCTL_COMPLETE", "bash_complete")
        shell.setenv("COMP_WORDS", " ".join(line))
        shell.setenv("COMP_CWORD", str(len(line) - 1))
        shell.chdir(folder)
        said = call()
    return [answer.partition(",")[2] for answer in said.out.split()]


@pytest.fixture(scope="module")
def known(built):
    """A project whose names a command has seen."""
    assert call("-p", built, "ls").code == 0
    return built


@pytest.mark.parametrize(
    ("words", "incomplete", "answers"),
    [
        ((), "mat", ["materialize"]),
        (("why",), "cl", ["clean_trips"]),
        (("why",), "", ["clean_trips", "model", "report", "trips"]),
        (("plan",), "+mo", ["+model"]),
        (("plan",), "2+mo", ["2+model"]),
        (("plan",), "model,gro", ["model,group:model", "model,group:prepare", "model,group:raw"]),
        (("plan",), "st", ["stale"]),
        (("plan", "--exclude"), "re", ["report"]),
        (("completion",), "z", ["zsh"]),
    ],
)
def test_what_can_be_typed_next_is_offered(known, words, incomplete, answers):
    assert complete(known, *words, incomplete=incomplete) == answers


def test_names_are_offered_though_the_project_cannot_be_imported(project):
    assert call("-p", project, "ls").code == 0
    edit(project, "import pandas as pd", "raise SystemExit")
    (project / "sub").mkdir()
    assert complete(project / "sub", "show", incomplete="tr") == ["trips"]


def test_names_follow_the_code(project):
    edit(project, "def report(", "def summary(")
    assert call("-p", project, "ls").code == 0
    assert "summary" in complete(project, "why")
    assert "report" not in complete(project, "why")


def test_outside_a_project_nothing_is_offered_and_nothing_is_written(tmp_path):
    assert complete(tmp_path, "why", incomplete="m") == []
    assert list(tmp_path.iterdir()) == []


def test_listing_assets_of_a_project_without_state_writes_nothing(tmp_path):
    assert call("init", tmp_path / "x").code == 0
    assert call("-p", tmp_path / "x", "ls").code == 0
    assert not (tmp_path / "x" / ".assetctl").exists()


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_gets_its_script(shell):
    said = call("completion", shell)
    assert said.code == 0
    assert f"_ASSETCTL_COMPLETE={shell}_complete" in said.out


def test_the_module_can_be_run():
    done = subprocess.run([sys.executable, "-m", "assetctl", "version"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("assetctl ")

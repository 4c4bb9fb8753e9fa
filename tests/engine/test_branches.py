"""Which branches there are, by asking a real git."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from assetctl.assets.errors import SelectionError
from assetctl.engine.workspace.branches import branches_of


def git(folder: Path, *words: str) -> str:
    identity = ["-c", "user.name=a", "-c", "user.email=a@b.c", "-c", "init.defaultBranch=main"]
    done = subprocess.run(["git", *identity, *words], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def commit(folder: Path) -> str:
    git(folder, "commit", "--allow-empty", "-m", "x")
    return git(folder, "rev-parse", "HEAD")


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "repository"
    folder.mkdir()
    git(folder, "init")
    return folder


def test_every_branch_holds_its_commits_packed_ones_and_worktrees_included(repository, tmp_path):
    first = commit(repository)
    git(repository, "branch", "topic/one")
    second = commit(repository)
    git(repository, "pack-refs", "--all")
    git(repository, "worktree", "add", "-b", "side", str(tmp_path / "side"))
    third = commit(tmp_path / "side")
    expected = {"main": {first, second}, "topic/one": {first}, "side": {first, second, third}}
    assert branches_of(repository) == expected
    assert branches_of(tmp_path / "side") == expected


def test_a_branch_that_was_deleted_is_none(repository):
    commit(repository)
    git(repository, "branch", "gone")
    git(repository, "branch", "-D", "gone")
    assert set(branches_of(repository)) == {"main"}


def test_a_repository_without_commits_has_no_branch(repository):
    assert branches_of(repository) == {}


def test_without_a_repository_no_branch_keeps_anything(tmp_path):
    with pytest.raises(SelectionError, match="not in a git repository"):
        branches_of(tmp_path)

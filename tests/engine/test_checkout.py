"""Which git branch and commit a project is at, against what git itself says."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from assetctl.engine.workspace.checkout import Checkout, checkout_of
from tests.e2e.projects import DiskProject

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="there is no git here")


def git(folder: Path, *words: str) -> str:
    settings = ["-c", "user.name=a", "-c", "user.email=a@b", "-c", "init.defaultBranch=main", "-c", "gc.auto=0"]
    done = subprocess.run(["git", *settings, *words], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    root = tmp_path / "project"
    root.mkdir()
    git(root, "init")
    git(root, "commit", "--allow-empty", "-m", "first")
    return root


def said_by_git(folder: Path) -> Checkout:
    return Checkout(git(folder, "branch", "--show-current"), git(folder, "rev-parse", "HEAD"))


def test_a_branch_and_its_commit_are_found_from_any_folder_below(repository):
    (repository / "deep" / "er").mkdir(parents=True)
    assert checkout_of(repository / "deep" / "er") == said_by_git(repository) == checkout_of(repository)
    assert checkout_of(repository).branch == "main"


def test_a_branch_with_slashes_keeps_its_name(repository):
    git(repository, "checkout", "-b", "work/on/this")
    assert checkout_of(repository) == said_by_git(repository)


def test_a_detached_commit_has_no_branch(repository):
    git(repository, "checkout", "--detach")
    assert checkout_of(repository) == Checkout("", git(repository, "rev-parse", "HEAD"))


def test_a_packed_branch_is_found(repository):
    git(repository, "pack-refs", "--all")
    assert not (repository / ".git" / "refs" / "heads" / "main").exists()
    assert checkout_of(repository) == said_by_git(repository)


def test_a_worktree_is_at_its_own_branch(repository, tmp_path):
    git(repository, "worktree", "add", "-b", "other", str(tmp_path / "tree"))
    git(tmp_path / "tree", "commit", "--allow-empty", "-m", "second")
    assert checkout_of(tmp_path / "tree") == said_by_git(tmp_path / "tree")
    assert checkout_of(tmp_path / "tree") != checkout_of(repository)


def test_a_branch_without_a_commit_is_named_all_the_same(tmp_path):
    git(tmp_path, "init")
    assert checkout_of(tmp_path) == Checkout("main", "")


@pytest.mark.parametrize("head", [b"", b"ref: refs/heads/a\n", b"nonsense\n", b"\xff\xfe"])
def test_git_files_that_make_no_sense_are_no_error(tmp_path, head):
    (tmp_path / ".git" / "refs" / "heads").mkdir(parents=True)
    (tmp_path / ".git" / "HEAD").write_bytes(head)
    (tmp_path / ".git" / "refs" / "heads" / "a").write_text("ref: refs/heads/a\n")
    assert checkout_of(tmp_path).commit == ""


def test_without_git_both_are_empty(tmp_path):
    (tmp_path / ".git").write_text("gitdir: nowhere\n")
    assert checkout_of(tmp_path) == Checkout()


def test_a_run_records_where_the_project_was(repository):
    project = DiskProject(repository).asset("a", "return 1")
    project.build()
    with project.open() as opened:
        runs = opened.sql('SELECT branch, "commit" FROM lineage.runs').to_pylist()
    at = said_by_git(repository)
    assert runs == [{"branch": at.branch, "commit": at.commit}]

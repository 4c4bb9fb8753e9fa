"""Say which git branches exist where a project lies, and which commits each holds.

For cleaning up alone: it decides whose bytes stay, never whether an asset is fresh. The
branches are those of the repository, whichever worktree the project lies in.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

from assetctl.assets.errors import EnvironmentFault, SelectionError
from assetctl.storage.state.holders import waiting_for

_TIMEOUT_S = 60


def branches_of(folder: Path) -> dict[str, frozenset[str]]:
    """Return every local branch and the commits that can be reached from it.

    Raises:
        SelectionError: the folder is not in a git repository.
        EnvironmentFault: git is not installed, or cannot read it.
    """
    names = _git(folder, "for-each-ref", "--format=%(refname)", "refs/heads")
    return {name.removeprefix("refs/heads/"): frozenset(_git(folder, "rev-list", name, "--")) for name in names}


def _git(folder: Path, *words: str) -> list[str]:
    try:
        with waiting_for("git", _TIMEOUT_S):
            done = subprocess.run(
                ["git", "-C", str(folder), *words],
                capture_output=True,
                timeout=_TIMEOUT_S,
                check=False,
                stdin=subprocess.DEVNULL,
            )
    except (OSError, subprocess.TimeoutExpired) as cause:
        raise EnvironmentFault.of(
            "git-failed",
            f"git cannot be asked which branches there are: {cause}",
            hint="install git, or leave out --keep-branches",
        ) from cause
    if done.returncode:
        said = done.stderr.decode("utf-8", "replace").strip()
        if "not a git repository" in said:
            raise SelectionError.of(
                "no-git-repository",
                "this project is not in a git repository, so no branch keeps anything",
                ("folder", str(folder)),
                hint="leave out --keep-branches",
            )
        raise EnvironmentFault.of(
            "git-failed", "git cannot say which branches there are", ("it says", said), ("folder", str(folder))
        )
    return done.stdout.decode("utf-8", "surrogateescape").splitlines()

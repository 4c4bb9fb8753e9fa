"""Say which git branch and commit a project is at, by reading git's own files.

No process is started: this is asked at the beginning of every run. It is recorded for
people and for cleaning up, and decides nothing about an asset; what cannot be read is "".
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

_MARK = "ref: "
_DEEPEST = 5  # a branch that names a branch that names a branch: more is a cycle
_LONGEST = 4096  # characters of a file that holds one line


@dataclass(frozen=True, slots=True)
class Checkout:
    """A git branch and commit. `branch` is "" for a detached commit; both are "" without git."""

    branch: str = ""
    commit: str = ""


def checkout_of(folder: Path) -> Checkout:
    """Return the branch and commit that a folder is at."""
    try:
        for place in (folder, *folder.parents):
            if (place / ".git").exists():
                return _read(_git_folder(place / ".git"))
    except (OSError, UnicodeDecodeError):
        pass
    return Checkout()


def _git_folder(dot_git: Path) -> Path:
    """Return where HEAD lies: `.git` itself, or where the file `.git` of a worktree or submodule points."""
    if dot_git.is_dir():
        return dot_git
    return dot_git.parent / _line(dot_git).removeprefix("gitdir: ")


def _read(folder: Path) -> Checkout:
    common = folder / _line(folder / "commondir") if (folder / "commondir").exists() else folder
    head = _line(folder / "HEAD")
    if not head.startswith(_MARK):
        return Checkout("", _commit(head))
    name = head.removeprefix(_MARK)
    return Checkout(name.removeprefix("refs/heads/"), _resolve(folder, common, name))


def _resolve(folder: Path, common: Path, name: str) -> str:
    for _ in range(_DEEPEST):
        place = next((root / name for root in (folder, common) if (root / name).is_file()), None)
        if place is None:
            return _packed(common, name)
        text = _line(place)
        if not text.startswith(_MARK):
            return _commit(text)
        name = text.removeprefix(_MARK)
    return ""


def _packed(common: Path, name: str) -> str:
    """Return the commit of a ref in `packed-refs`; "" for a branch without a commit yet."""
    path = common / "packed-refs"
    for line in path.read_text("utf-8").splitlines() if path.is_file() else ():
        digest, _, ref = line.partition(" ")
        if ref == name:
            return _commit(digest)
    return ""


def _commit(text: str) -> str:
    return text if len(text) in (40, 64) and all(digit in "0123456789abcdef" for digit in text) else ""


def _line(path: Path) -> str:
    with path.open(encoding="utf-8") as file:
        return file.readline(_LONGEST).strip()

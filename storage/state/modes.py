"""How open files and folders are: never more than the folder they lie in, whatever the umask.

The state folder is made for its owner alone, so everything below it is, too. A store that
a team made for its group stays as open as the team made it.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path

from assetctl.storage.state.layout import STATE_FOLDER

_PRIVATE_FOLDER = 0o700
_READ_AND_WRITE = 0o666
_OPEN_TO_OTHERS = 0o077


Opener = Callable[[str, int], int]
"""What `open` calls to open a file."""


def open_as_any(path: str | os.PathLike[str], flags: int) -> int:
    """Open a file that is perhaps made by that, for a person: as open as their umask says."""
    return os.open(path, flags | os.O_CLOEXEC, _READ_AND_WRITE)


def open_new(path: str | os.PathLike[str], flags: int) -> int:
    """Open a file that is perhaps made by that; an `opener` of `open`."""
    return os.open(path, flags | os.O_CLOEXEC, mode_below(os.path.dirname(path) or "."))


def mode_below(folder: str | os.PathLike[str], mode: int = _READ_AND_WRITE) -> int:
    """Return a mode for something in a folder, without what the folder does not allow to others."""
    return mode & (stat.S_IMODE(Path(folder).stat().st_mode) | _PRIVATE_FOLDER)


def make_folders(folder: Path) -> None:
    """Create a folder, and what is above it, where it is missing; a state folder is private from the beginning.

    Raises:
        OSError: the disk refused, or something else is in its place.
    """
    if folder.is_dir():
        return
    if folder.parent != folder:
        make_folders(folder.parent)
    mode = _PRIVATE_FOLDER if folder.name == STATE_FOLDER else mode_below(folder.parent, 0o777)
    folder.mkdir(mode, exist_ok=True)


def is_open_to_others(path: Path) -> bool:
    """Say whether a folder lets anybody but its owner in."""
    return bool(stat.S_IMODE(path.stat().st_mode) & _OPEN_TO_OTHERS)

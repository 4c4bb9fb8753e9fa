"""Which path an open descriptor stands for, and a path that is given relative to one."""

from __future__ import annotations

import os

_readlink = os.readlink  # while a watch is on, the name leads to a wrapper that notes who asked
_AT_WORKING_FOLDER = -1  # what audit events give where no descriptor was given


def path_of(descriptor: int) -> str | None:
    """Return the path that a descriptor was opened by; None if it has none, or if this system does not say."""
    try:
        path = _readlink(f"/proc/self/fd/{descriptor}")
    except (OSError, ValueError):
        return None
    return path if path[:1] == "/" else None


def placed(path: object, folder: object) -> object:
    """Return a path that is given as a descriptor, or relative to one, as a plain path; None if there is none."""
    if isinstance(path, int):
        return path_of(path)
    if not isinstance(folder, int) or folder == _AT_WORKING_FOLDER or not isinstance(path, str | bytes | os.PathLike):
        return path
    base = path_of(folder)
    return None if base is None else os.path.join(base, os.fsdecode(path))

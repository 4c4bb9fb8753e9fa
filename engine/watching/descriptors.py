"""Which path an open descriptor stands for, and a path that is given relative to one."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_readlink = os.readlink  # while a watch is on, the name leads to a wrapper that notes who asked
_AT_WORKING_FOLDER = -1  # what audit events give where no descriptor was given
_told = threading.local()


@contextmanager
def told_already() -> Iterator[None]:
    """Say that what this thread opens is noted: its audit event has the path, not the folder that it is relative to."""
    _told.already = True
    try:
        yield
    finally:
        _told.already = False


def is_told() -> bool:
    """Say whether what this thread opens just now is noted already."""
    return getattr(_told, "already", False)


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

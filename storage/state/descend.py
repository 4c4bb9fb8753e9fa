"""Reach the folders of a store without following a link out of it.

The store itself may be behind a link (on another disk, say); nothing within it may. So
whatever is written, renamed or deleted in it stays in it, even if somebody replaces a
folder with a link meanwhile: folders are opened, and addressed by their descriptors.
"""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from assetctl.assets.errors import EnvironmentFault, Problem
from assetctl.storage.state.format import make_durably
from assetctl.storage.state.modes import mode_below

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_IS_LINK = {errno.ENOTDIR, errno.ELOOP}


def make_folder(folder: Path) -> None:
    """Create a folder of the store, and what is above it, where it is missing.

    Raises:
        EnvironmentFault: a link is in its place.
        OSError: the disk refused.
    """
    try:
        make_durably(folder)
    except FileExistsError:
        _refuse_link(folder)  # one that leads nowhere
        raise
    _refuse_link(folder)


@contextmanager
def opened_folder(path: Path) -> Iterator[int]:
    """Open a folder of the store that lies directly in one of the store's folders; yield its descriptor.

    Raises:
        EnvironmentFault: a link is in the place of it or of the folder above.
        OSError: it is not there, or the disk refused.
    """
    above = _open(path.parent, None)
    try:
        folder = _open(path, above)
    finally:
        os.close(above)
    try:
        yield folder
    finally:
        os.close(folder)


@contextmanager
def made_folder(path: Path) -> Iterator[int]:
    """Open such a folder, making it durably where it is missing."""
    make_folder(path.parent)
    above = _open(path.parent, None)
    try:
        try:
            os.mkdir(path.name, mode_below(path.parent, 0o777), dir_fd=above)
        except FileExistsError:
            pass
        else:
            os.fsync(above)
        folder = _open(path, above)
    finally:
        os.close(above)
    try:
        yield folder
    finally:
        os.close(folder)


def delete(path: Path) -> None:
    """Delete a file, or a folder with all that is in it, two levels below the store; links are not followed.

    Raises:
        EnvironmentFault: a link is in the place of a folder above it.
        OSError: it cannot be deleted.
    """
    with opened_folder(path.parent) as folder:
        try:
            os.unlink(path.name, dir_fd=folder)
        except FileNotFoundError:
            return
        except (IsADirectoryError, PermissionError):
            if path.is_symlink() or not path.is_dir():
                raise
            shutil.rmtree(path.name, dir_fd=folder)


def _open(path: Path, above: int | None) -> int:
    try:
        return os.open(path if above is None else path.name, _FOLDER, dir_fd=above)
    except OSError as cause:
        if cause.errno in _IS_LINK:
            _refuse_link(path)
        cause.filename = str(path)
        raise


def _refuse_link(path: Path) -> None:
    if path.is_symlink():
        raise EnvironmentFault(
            Problem(
                "link-in-store",
                "a symbolic link is in the place of a folder of the store",
                (("link", str(path)), ("leads to", str(path.readlink()))),
                'remove the link; to keep bytes elsewhere, set `store = "PATH"` in pyproject.toml',
            )
        )

"""Open files of the state folder, and only files: a pipe or a device in the place of one is never waited for."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path


class NotAFile(OSError):
    """A pipe, a socket, a device or a folder is where a file of the state folder should be."""

    def __init__(self, path: Path | str) -> None:
        super().__init__(errno.ENXIO, "it is not a file", str(path))


def open_regular(path: Path, flags: int = os.O_RDONLY, mode: int = 0o666) -> int:
    """Return a descriptor of a regular file, or of one that a link leads to.

    Raises:
        NotAFile: something else is there.
        OSError: the system refused.
    """
    try:
        descriptor = os.open(path, flags | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC, mode)
    except OSError as refused:
        if refused.errno in (errno.ENXIO, errno.EISDIR, errno.ENODEV):
            raise NotAFile(path) from refused
        raise
    if stat.S_ISREG(os.fstat(descriptor).st_mode):
        return descriptor
    os.close(descriptor)
    raise NotAFile(path)


def read_regular(path: Path, start: int = 0) -> bytes:
    """Return the bytes of a regular file from an offset on; raises as `open_regular` does."""
    with open(open_regular(path), "rb") as file:
        file.seek(start)
        return file.read()


def require_regular(path: Path) -> None:
    """Refuse what is there and is not a file, for those who open it by other means.

    Raises:
        NotAFile: a pipe, a socket, a device or a folder is there.
    """
    try:
        status = path.stat()
    except OSError:
        return  # whoever opens it says what is wrong
    if not stat.S_ISREG(status.st_mode):
        raise NotAFile(path)

"""Copy files without sharing their bytes: cloned where the file system can, copied where it cannot.

Never a hard link: an edited copy must not reach the original.
"""

from __future__ import annotations

import errno
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

_FICLONE = 0x40049409  # ioctl of Linux: share extents, copy on write
_CANNOT_CLONE = {errno.EOPNOTSUPP, errno.EXDEV, errno.EINVAL, errno.ENOTTY, errno.ENOSYS, errno.EPERM, errno.EBADF}


def clone_or_copy(source: Path, target: Path) -> None:
    """Write the bytes of `source` to `target`, whole or not at all; the copy is writable.

    Raises:
        OSError: the target cannot be written.
    """
    with source.open("rb") as reading, whole_file(target) as writing:
        if not _clone(reading.fileno(), writing.fileno()):
            shutil.copyfileobj(reading, writing, 1 << 20)


@contextmanager
def whole_file(target: Path) -> Iterator[BinaryIO]:
    """Write a file that takes its place at the end, whole, or not at all; its folder is made.

    Raises:
        OSError: the target cannot be written.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".{os.urandom(6).hex()}.tmp")
    try:
        with temporary.open("xb") as writing:
            yield writing
        temporary.replace(target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def fsync_folder(folder: Path) -> None:
    """Return once the names in a folder survive a power loss."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _clone(source: int, target: int) -> bool:
    if not sys.platform.startswith("linux"):
        return False
    import fcntl

    try:
        fcntl.ioctl(target, _FICLONE, source)
    except OSError as refused:
        if refused.errno in _CANNOT_CLONE:
            return False
        raise
    return True

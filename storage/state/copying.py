"""Copy files without sharing their bytes: cloned where the file system can, copied where it cannot.

Never a hard link: an edited copy must not reach the original.
"""

from __future__ import annotations

import errno
import shutil
import sys
from pathlib import Path

from assetctl.storage.state.modes import open_as_any
from assetctl.storage.state.whole import whole_file

_FICLONE = 0x40049409  # ioctl of Linux: share extents, copy on write
_CANNOT_CLONE = {errno.EOPNOTSUPP, errno.EXDEV, errno.EINVAL, errno.ENOTTY, errno.ENOSYS, errno.EPERM, errno.EBADF}


def clone_or_copy(source: Path, target: Path) -> None:
    """Write the bytes of `source` to `target`, whole or not at all; its folder is made, and the copy is writable.

    Raises:
        OSError: the target cannot be written.
    """
    with source.open("rb") as reading:
        target.parent.mkdir(parents=True, exist_ok=True)
        with whole_file(target, durable=False, opener=open_as_any) as writing:
            if not _clone(reading.fileno(), writing.fileno()):
                shutil.copyfileobj(reading, writing, 1 << 20)


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

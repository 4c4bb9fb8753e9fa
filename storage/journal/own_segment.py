"""The segment that this process appends to, and what may happen to it meanwhile: deleted, replaced, closed by a step."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from assetctl.storage.state.regular import open_regular


class Segment:
    """The file this process appends to; `size` counts the bytes of complete calls."""

    def __init__(self, name: str, path: Path, descriptor: int) -> None:
        self.name = name
        self.path = path
        self.descriptor = descriptor
        self.size = 0
        self.is_new = True
        self.inode = os.fstat(descriptor).st_ino

    def is_open(self) -> bool:
        """Say whether the descriptor is still that of this file."""
        try:
            return os.fstat(self.descriptor).st_ino == self.inode
        except OSError:
            return False

    @contextmanager
    def opened(self) -> Iterator[int]:
        """Yield a descriptor of the file: its own, or another if that was closed under it."""
        if self.is_open():
            yield self.descriptor
            return
        descriptor = open_regular(self.path)
        try:
            yield descriptor
        finally:
            os.close(descriptor)

    def require_present(self) -> None:
        """Refuse a segment that was deleted, or replaced, since it was written: its records are gone."""
        if self.path.stat().st_ino != self.inode:
            raise FileNotFoundError(errno.ENOENT, "it was replaced while it was written")

    def cut_off_failed_write(self) -> None:
        """Remove what a failed write left; delete the file if it held nothing else."""
        try:
            if self.size == 0:
                self.path.unlink(missing_ok=True)
            else:
                os.ftruncate(self.descriptor, self.size)
        except OSError:
            return  # the bytes stay: whole lines of a call that reported a failure, or a torn tail

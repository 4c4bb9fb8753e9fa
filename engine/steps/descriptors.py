"""Descriptors of this process that a step must not take with it: out of its way, and looked at again afterwards.

Code that becomes a daemon, or tidies up after a fork, closes every descriptor below some
number. What this process needs is kept above those numbers, and is never written to before
it was compared with what it was: its number may stand for a file of the step by then.
"""

from __future__ import annotations

import fcntl
import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager, suppress

_OUT_OF_THE_WAY = 1000
_ROOM = 32  # what is kept free below the limit
Identity = tuple[int, int]


def identity(descriptor: int) -> Identity | None:
    """Return what tells an open file from others; None if the descriptor is closed."""
    try:
        status = os.fstat(descriptor)
    except OSError:
        return None
    return status.st_dev, status.st_ino


def out_of_the_way(descriptor: int) -> int:
    """Return a duplicate with a high number, which programs that are started do not inherit."""
    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    lowest = _OUT_OF_THE_WAY if limit < 0 else max(3, min(_OUT_OF_THE_WAY, limit - _ROOM))
    return fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, lowest)


def put_back(saved: int, number: int) -> None:
    """Make a standard descriptor again what was saved of it, and close the saved one; a lost one leads nowhere."""
    try:
        os.dup2(saved, number)
    except OSError:
        nowhere = os.open(os.devnull, os.O_RDWR)
        if nowhere != number:
            os.dup2(nowhere, number)
            os.close(nowhere)
        return
    with suppress(OSError):
        os.close(saved)


@contextmanager
def standard_descriptors_kept() -> Iterator[None]:
    """Put descriptors 0 to 2 back after the block, if it closed or replaced them."""
    saved = {n: (out_of_the_way(n), was) for n in range(3) if (was := identity(n)) is not None}
    try:
        yield
    finally:
        for number, (duplicate, was) in saved.items():
            if identity(number) != was:
                put_back(duplicate, number)
            elif identity(duplicate) == was:
                os.close(duplicate)

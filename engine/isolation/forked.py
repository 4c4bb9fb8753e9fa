"""Children that a person's code forked end where that code does.

One that returns from a step, or from the import of a project's file, would go on as if it were
this process: store, answer the run, take the next step, carry out the whole command again.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

FAILED = 1  # the exit code of a child that raised


@contextmanager
def forks_end_here() -> Iterator[None]:
    """End every process that reaches the end of the block and is not the one that began it."""
    began = os.getpid()
    try:
        yield
    except BaseException:
        if os.getpid() != began:
            os._exit(FAILED)
        raise
    if os.getpid() != began:
        os._exit(0)

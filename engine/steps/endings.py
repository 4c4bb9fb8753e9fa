"""`os._exit` in a step that is performed in the process of its run fails the step.

It would end the run with an exit code of the step's choice. What ends a process without asking
Python is noticed by the process that watches over it (`cli/watched.py`).
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from threading import get_ident
from typing import NoReturn

_FAILED = 1  # the exit code of a failed asset


class ProcessExit(BaseException):
    """A step called `os._exit` in the process of the run. Not an `Exception`, which a step may expect and swallow."""


@contextmanager
def exits_are_raised(step: str) -> Iterator[None]:
    """Let `os._exit` in this thread raise `ProcessExit`, so that the step fails rather than the run disappears.

    Another thread cannot be answered that way: there the process does end, but says why, and
    not with an exit code of success. Children end as they ask to. What ends a process without
    asking Python (`exit` of a C library) is seen in worker processes only.
    """
    process, thread, exit_now = os.getpid(), get_ident(), os._exit

    def exit_(code: int) -> NoReturn:
        if os.getpid() != process:
            exit_now(code)
        if get_ident() == thread:
            raise ProcessExit(f"the function called os._exit({code!r}), which would have ended the whole run")
        os.write(2, f"error: a thread of `{step}` ended this process with os._exit({code!r})\n".encode())
        exit_now(_FAILED)

    setattr(os, "_exit", exit_)  # noqa: B010  for a type checker it is a function and stays one
    try:
        yield
    finally:
        if os._exit is exit_:
            setattr(os, "_exit", exit_now)  # noqa: B010

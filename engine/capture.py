"""Keep what a step prints: to a log file instead of the terminal.

In a worker the file descriptors are redirected, so that C libraries and child processes
are heard too; in this process only Python's streams are, because the terminal belongs
to the person.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path

_TAIL_BYTES = 4000


@contextlib.contextmanager
def captured_streams(log: Path) -> Iterator[None]:
    """Send Python's stdout and stderr to a file while the block runs; the file is made when something is written."""
    stream = _LazyFile(log)
    try:
        with contextlib.redirect_stdout(stream), contextlib.redirect_stderr(stream):
            yield
    finally:
        stream.close()


@contextlib.contextmanager
def captured_descriptors(log: Path) -> Iterator[None]:
    """Send file descriptors 1 and 2 to a file while the block runs."""
    log.parent.mkdir(parents=True, exist_ok=True)
    sys.stdout.flush()
    sys.stderr.flush()
    saved = os.dup(1), os.dup(2)
    target = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        os.dup2(target, 1)
        os.dup2(target, 2)
        yield
    finally:
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(ValueError, OSError):  # the step may have closed it
                stream.flush()
        os.dup2(saved[0], 1)
        os.dup2(saved[1], 2)
        for descriptor in (*saved, target):
            os.close(descriptor)


def tail(log: Path) -> str:
    """Return the last part of a log, whole lines where possible; "" if nothing was written."""
    try:
        with log.open("rb") as stream:
            size = stream.seek(0, os.SEEK_END)
            stream.seek(max(0, size - _TAIL_BYTES))
            data = stream.read()
    except FileNotFoundError:
        return ""
    text = data.decode(errors="replace")
    return text if size <= _TAIL_BYTES else text.partition("\n")[2]


class _LazyFile:
    """A text stream that opens its file at the first write, so that silent steps leave none."""

    encoding = "utf-8"

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor: int | None = None

    def write(self, text: str) -> int:
        if text:
            if self._descriptor is None:
                self._path.parent.mkdir(parents=True, exist_ok=True)
                self._descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            os.write(self._descriptor, text.encode(errors="replace"))
        return len(text)

    def flush(self) -> None:
        """Every write goes straight to the file."""

    def isatty(self) -> bool:
        return False

    def close(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

"""Send what a step prints to a log file instead of the terminal, without its secrets.

In a worker the file descriptors are redirected, so that C libraries and child processes
are heard too; in this process only Python's streams are, because the terminal belongs
to the person. Where there are secrets, output goes through this process on its way to
the file, so that they are never on the disk; else straight to the file.
"""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

from assetctl.engine.secrets.masking import Mask
from assetctl.engine.steps.descriptors import out_of_the_way, put_back
from assetctl.storage.state.modes import make_folders

_TAIL_BYTES = 4000
_PIECE_BYTES = 1 << 16
_LINGER_S = 0.5  # how long to wait for output of child processes that the step left behind


class LogWriter:
    """Appends to a log file, created by the first write; holds back what may be the beginning of a secret."""

    def __init__(self, path: Path, mask: Mask) -> None:
        self._path = path
        self._mask = mask
        self._lock = threading.Lock()
        self._descriptor: int | None = None
        self._held = b""

    def write(self, data: bytes) -> None:
        """Write output that may end in the middle of a secret."""
        with self._lock:
            data = self._held + data
            if self._mask:  # whole secrets first: the end of one may look like the beginning of another
                data = self._mask.written(data)
            end = len(data) - self._mask.n_held_back(data)
            self._held = data[end:]
            self._put(data[:end])

    def close(self) -> None:
        with self._lock:
            held, self._held = self._held, b""
            self._put(held)
            if self._descriptor is not None:
                os.close(self._descriptor)
                self._descriptor = None

    def _put(self, data: bytes) -> None:
        if not data:
            return
        if self._descriptor is None:
            make_folders(self._path.parent)
            self._descriptor = opened_log(self._path)
        left = memoryview(data)
        while left:
            left = left[os.write(self._descriptor, left) :]


@contextlib.contextmanager
def captured_streams(log: Path, mask: Mask) -> Iterator[None]:
    """Send Python's stdout and stderr to a file while the block runs; the file is made when something is written."""
    writer = LogWriter(log, mask)
    stream = _Stream(writer)
    try:
        with contextlib.redirect_stdout(stream), contextlib.redirect_stderr(stream):
            yield
    finally:
        writer.close()


@contextlib.contextmanager
def captured_descriptors(log: Path, mask: Mask) -> Iterator[None]:
    """Send file descriptors 1 and 2 to a file while the block runs."""
    make_folders(log.parent)
    sys.stdout.flush()
    sys.stderr.flush()
    saved = out_of_the_way(1), out_of_the_way(2)
    pump = _Pump(LogWriter(log, mask)) if mask else None
    target = opened_log(log) if pump is None else pump.descriptor
    try:
        os.dup2(target, 1)
        os.dup2(target, 2)
        yield
    finally:
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(ValueError, OSError):  # the step may have closed it
                stream.flush()
        put_back(saved[0], 1)
        put_back(saved[1], 2)
        with contextlib.suppress(OSError):  # the step may have closed this too
            os.close(target)
        if pump is not None:
            pump.finish()


def opened_log(log: Path) -> int:
    """Return a descriptor that appends to a log, which only its owner may read."""
    return os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)


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


class _Pump:
    """Carries what is written to a pipe to a log, on a thread of its own."""

    def __init__(self, writer: LogWriter) -> None:
        self._writer = writer
        self._source, self.descriptor = os.pipe()
        self._thread = threading.Thread(target=self._carry, name="log", daemon=True)
        self._thread.start()

    def finish(self) -> None:
        """Return once everything is in the log; a child that still holds the pipe is given only a moment."""
        self._thread.join(_LINGER_S)

    def _carry(self) -> None:
        try:
            while data := os.read(self._source, _PIECE_BYTES):
                self._writer.write(data)
            self._writer.close()
        except OSError:  # the disk is full: the step goes on without its log, as with a file
            with contextlib.suppress(OSError):
                while os.read(self._source, _PIECE_BYTES):
                    pass
        finally:
            os.close(self._source)


class _Stream:
    """A text stream over a log writer."""

    encoding = "utf-8"

    def __init__(self, writer: LogWriter) -> None:
        self._writer = writer

    def write(self, text: str) -> int:
        if text:
            self._writer.write(text.encode(errors="replace"))
        return len(text)

    def flush(self) -> None:
        """Do nothing: writes are passed on at once, except what may be the beginning of a secret."""

    def isatty(self) -> bool:
        return False

"""Who holds a lock file, and saying so to whoever waits for it.

Nothing here decides how long to wait. What is said goes to the log `assetctl.waiting`, which
is on the terminal unless a program sends it elsewhere.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

SAY_AFTER_S = 2.0


@dataclass(frozen=True, slots=True)
class Holder:
    """A process of this machine that holds a lock. `is_stopped`: it does nothing until it is told to go on."""

    pid: int
    command: str
    is_stopped: bool

    def __str__(self) -> str:
        stopped = f", which is stopped: `kill -CONT {self.pid}` lets it go on" if self.is_stopped else ""
        return f"process {self.pid} ({self.command}){stopped}"


def holders(path: Path, read: Callable[[Path], bytes] = Path.read_bytes) -> list[Holder]:
    """Return who holds a lock file on this machine, as far as the system tells; not this process."""
    try:
        status = path.stat()
        lines = read(Path("/proc/locks")).decode().splitlines()
    except OSError:
        return []
    place = f"{os.major(status.st_dev):02x}:{os.minor(status.st_dev):02x}:{status.st_ino}"
    pids = {int(words[-4]) for line in lines if "->" not in line and place in (words := line.split())}
    return [Holder(pid, _command(pid, read), _is_stopped(pid, read)) for pid in sorted(pids - {0, -1, os.getpid()})]


def named(path: Path) -> str:
    """Return who holds a lock file, in words."""
    known = "; ".join(map(str, holders(path)))
    return known or "a process that is not seen from here (on another machine, or in another container)"


@dataclass(slots=True)
class Patience:
    """Says once, after two seconds, for whom and for what this process waits."""

    path: Path
    message: str
    until: float  # of the monotonic clock
    _began: float = field(default_factory=time.monotonic)
    _has_said: bool = False

    @property
    def is_over(self) -> bool:
        """Say whether there is nothing to wait for any longer; may speak."""
        now = time.monotonic()
        if now >= self.until:
            return True
        if not self._has_said and now - self._began >= SAY_AFTER_S:
            self._has_said = True
            say_waiting(self.path, self.message, self.until - now)
        return False


@contextmanager
def waiting_for(what: str, limit_s: float) -> Iterator[None]:
    """Say what this process waits for, and for how long at most, if the block takes two seconds."""
    timer = threading.Timer(SAY_AFTER_S, _say, (what, limit_s - SAY_AFTER_S))
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def say_waiting(path: Path, message: str, left_s: float) -> None:
    """Tell the person for whom this process waits, and how long it will."""
    _say(f"{named(path)}: {message}", left_s)


def _say(what: str, left_s: float) -> None:
    import logging

    logging.getLogger("assetctl.waiting").warning("waiting up to %.0f s for %s", left_s, what)


def _command(pid: int, read: Callable[[Path], bytes]) -> str:
    try:
        return read(Path(f"/proc/{pid}/cmdline")).replace(b"\0", b" ").decode("utf-8", "replace").strip()[:200]
    except OSError:
        return "unknown"


def _is_stopped(pid: int, read: Callable[[Path], bytes]) -> bool:
    try:
        return read(Path(f"/proc/{pid}/stat")).rpartition(b")")[2].split()[0] in (b"T", b"t")
    except (OSError, IndexError):
        return False

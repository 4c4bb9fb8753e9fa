"""Locks between processes, as files below the state folder.

They are the system's own (`flock`). A disk without them is refused: any replacement would
outlive a killed holder, or let two processes in.

The system releases a lock when its holder dies, however it dies, so no lock needs cleaning
up. Waiting for a lock is bounded, and no lock is held while a person's code runs, except a
step's own. A process forked while a lock is held shares it: workers are
spawned, or forked from a server that holds none.
"""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Protocol

from assetctl.assets.errors import EnvironmentFault, Problem, WaitTimeout
from assetctl.assets.ids import Target
from assetctl.storage.state.format import environment_fault
from assetctl.storage.state.holders import SAY_AFTER_S, holders, say_waiting
from assetctl.storage.state.layout import Layout, file_name
from assetctl.storage.state.modes import make_folders, mode_below
from assetctl.storage.state.regular import require_regular

_POLL_S = 0.005
_KNOWS_NO_LOCKS = frozenset((errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOTSUP))
_NOT_A_FILE = frozenset((errno.EISDIR, errno.ELOOP, errno.ENXIO))


class Lock(Protocol):
    """The part of a `filelock` lock that is used here."""

    def acquire(self) -> object: ...
    def release(self) -> None: ...


@contextmanager
def step_lock(layout: Layout, step: Target, timeout: float) -> Iterator[None]:
    """Hold the right to run one step. Must not be nested: the thread would wait for itself.

    Raises:
        WaitTimeout: another process still ran the step after `timeout` seconds.
        EnvironmentFault: the lock file cannot be written, or the disk knows no locks.
    """
    with hold(step_lock_file(layout, step), timeout, f"`{step}` is being built by another process"):
        yield


@contextmanager
def store_lock(layout: Layout, timeout: float, name: str = "lineage") -> Iterator[None]:
    """Hold the right to open the lineage database (or another shared thing, by `name`)."""
    with hold(lock_file(layout, name), timeout, f"the {name} store is in use by another process"):
        yield


def lock_file(layout: Layout, name: str = "lineage") -> Path:
    """Return the lock file of a shared thing."""
    return layout.locks / f"{name}.lock"


def step_lock_file(layout: Layout, step: Target) -> Path:
    """Return the lock file of a step: readable, and different even where case does not count in file names."""
    return layout.locks / f"{file_name(step)}.lock"


def system_lock(path: Path, timeout: float) -> Lock:
    """Return the lock of a file, not taken yet."""
    from filelock import FileLock

    mode = mode_below(path.parent)
    return FileLock(path, timeout, mode=mode, poll_interval=_POLL_S, thread_local=False, fallback_to_soft=False)


@contextmanager
def hold(
    path: Path, timeout: float, message: str, make_lock: Callable[[Path, float], Lock] = system_lock
) -> Iterator[None]:
    """Hold the lock of a file; `message` says what another process is doing if the lock is not acquired in time.

    Raises:
        WaitTimeout: it was not acquired in time.
        EnvironmentFault: the disk knows no locks, or the lock file cannot be used.
    """
    from filelock import Timeout

    try:
        make_folders(path.parent)
        require_regular(path)
        lock = make_lock(path, min(timeout, SAY_AFTER_S))
        try:
            lock.acquire()
        except Timeout:
            if timeout <= SAY_AFTER_S:
                raise
            say_waiting(path, message, timeout - SAY_AFTER_S)
            lock = make_lock(path, timeout - SAY_AFTER_S)
            lock.acquire()
    except Timeout as cause:
        raise still_held(path, timeout, message) from cause
    except (NotImplementedError, OSError) as cause:
        raise lock_fault(cause, path) from cause
    try:
        yield
    finally:
        with suppress(OSError):  # a step may have closed its descriptor
            lock.release()


def still_held(path: Path, waited_s: float, message: str) -> WaitTimeout:
    """Return the error for a lock that was not let go of in time; it says who holds it."""
    facts = [("waited", f"{waited_s:g} s"), ("lock file", str(path))]
    if waited_s > 0:
        facts += [("held by", str(holder)) for holder in holders(path)]
    hint = "wait for it to finish, or look for a stopped process that holds this file"
    return WaitTimeout(Problem("lock-held", message, tuple(facts), hint))


def lock_fault(cause: Exception, path: Path) -> EnvironmentFault:
    """Return the error for a file that cannot be locked; it says whether the disk or the file is to blame."""
    number = cause.errno if isinstance(cause, OSError) else errno.ENOSYS
    if number in _KNOWS_NO_LOCKS:
        return EnvironmentFault(
            Problem(
                "no-file-locks",
                "this disk does not support file locks",
                (("file", str(path)),),
                "move the project, or its state folder, to a local disk; nothing was recorded",
            )
        )
    if number in _NOT_A_FILE:
        path = Path(getattr(cause, "filename", None) or path)
        return EnvironmentFault(
            Problem(
                "lock-file-replaced",
                "a lock file was replaced by something that is not a file",
                (("file", str(path)),),
                "delete it: a lock is made anew where it is needed",
            )
        )
    assert isinstance(cause, OSError), "everything else is an answer of the system"
    return environment_fault(cause, path, "a lock file cannot be written")

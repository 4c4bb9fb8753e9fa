"""The reader/deleter lock of a store: readers share it, `gc` takes it exclusively.

Whoever may read, restore or record stored bytes holds a shared lock on each store that may
hold them, for as long as one command or call lasts. `gc` takes the lock alone before it
deletes anything. The system releases a lock when its holder dies, however it dies, and
holders in other projects, terminals and notebooks count. On a disk without file locks,
reading goes on without one, and nothing can be deleted.

A second file, the gate, keeps the order: whoever wants a store alone closes it first, so
that new readers wait instead of overtaking forever.
"""

from __future__ import annotations

import errno
import fcntl
import os
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from assetctl.assets.errors import EnvironmentFault, Problem, WaitTimeout
from assetctl.storage.state.format import environment_fault
from assetctl.storage.state.holders import Patience, holders
from assetctl.storage.state.layout import Layout
from assetctl.storage.state.lock import lock_fault
from assetctl.storage.state.modes import make_folders, mode_below
from assetctl.storage.state.regular import NotAFile, open_regular

SHARED_WAIT_S = 120.0
ALONE_WAIT_S = 10.0
_POLL_S = 0.005
_IN_USE = "the stored bytes are in use by another process"
_DELETING = "another process is deleting stored bytes"
_NO_LOCKS = {errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL}
_CANNOT_CREATE = {errno.ENOENT, errno.ENOTDIR, errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOSPC, errno.EDQUOT}

_guard = threading.Lock()
_held: dict[Path, tuple[int, int]] = {}  # lock file -> descriptor, and how often this process holds it


@contextmanager
def in_use(layout: Layout) -> Iterator[None]:
    """Keep `gc` from deleting the bytes that a project may need. May be nested, and used by several threads.

    A store that does not exist has nothing to lose, and is not created.

    Raises:
        WaitTimeout: another process is deleting, and does not end.
    """
    with ExitStack() as held:
        for place in layout.places:
            if place.store.is_dir():
                held.enter_context(_shared(place.in_use))
        yield


@contextmanager
def alone_with(layout: Layout, wait_s: float = ALONE_WAIT_S) -> Iterator[None]:
    """Hold a store exclusively: no project is using its bytes.

    Raises:
        WaitTimeout: it is still in use after `wait_s` seconds; the message says by whom.
        EnvironmentFault: the store cannot be written, or its disk knows no locks.
    """
    path = layout.in_use
    until = time.monotonic() + wait_s
    with ExitStack() as opened:
        try:
            make_folders(path.parent)
            gate = _open(_gate(path), os.O_RDWR | os.O_CREAT)
            opened.callback(os.close, gate)
            lock = _open(path, os.O_RDWR | os.O_CREAT)
            opened.callback(os.close, lock)
            for descriptor, file in ((gate, _gate(path)), (lock, path)):
                if not _acquire(descriptor, fcntl.LOCK_EX, Patience(file, _IN_USE, until)):
                    raise _still_in_use(file, wait_s, _IN_USE)
        except OSError as cause:
            if isinstance(cause, NotAFile):
                raise lock_fault(cause, path) from cause
            if cause.errno in _NO_LOCKS:
                raise EnvironmentFault(
                    Problem(
                        "no-file-locks",
                        "this disk does not support file locks, so nobody can tell which stored bytes are in use",
                        (("file", str(path)),),
                        "keep the store on a disk that does; nothing was deleted",
                    )
                ) from cause
            raise environment_fault(cause, path, "a lock file cannot be written") from cause
        yield


@contextmanager
def _shared(path: Path) -> Iterator[None]:
    """Hold one lock file together with others; the process opens it once, however often it is held."""
    with _guard:
        known = _held.get(path)
        if known is None:
            descriptor = _lock_shared(path)
            if descriptor is not None:
                _held[path] = (descriptor, 1)
        else:
            descriptor = known[0]
            _held[path] = (descriptor, known[1] + 1)
    try:
        yield
    finally:
        if descriptor is not None:
            _let_go(path, descriptor)


def _let_go(path: Path, descriptor: int) -> None:
    with _guard:
        known = _held.get(path)
        if known is None or known[0] != descriptor:
            return  # a forked child: what its parent holds is not its own
        if known[1] > 1:
            _held[path] = (descriptor, known[1] - 1)
        else:
            del _held[path]
            with suppress(OSError):  # a step may have closed it
                os.close(descriptor)


def _lock_shared(path: Path) -> int | None:
    """Return a descriptor that holds the lock; None where it can be neither made nor held."""
    until = time.monotonic() + SHARED_WAIT_S
    opened: list[int] = []
    try:
        gate = _open_or_create(_gate(path))
        opened.append(gate)
        lock = _open_or_create(path)
        opened.append(lock)
        for descriptor, file in ((gate, _gate(path)), (lock, path)):
            if not _acquire(descriptor, fcntl.LOCK_SH, Patience(file, _DELETING, until)):
                raise _still_in_use(file, SHARED_WAIT_S, _DELETING)
    except OSError as refused:
        for descriptor in opened:
            os.close(descriptor)
        if isinstance(refused, NotAFile):
            raise lock_fault(refused, path) from refused
        if refused.errno in _NO_LOCKS | _CANNOT_CREATE:
            return None
        raise environment_fault(refused, path, "a lock file cannot be opened") from refused
    except WaitTimeout:
        for descriptor in opened:
            os.close(descriptor)
        raise
    os.close(gate)
    return lock


def _gate(path: Path) -> Path:
    return path.with_name(f"{path.stem}-gate{path.suffix}")


def _open(path: Path, flags: int) -> int:
    return open_regular(path, flags | os.O_NOFOLLOW, mode_below(path.parent))


def _open_or_create(path: Path) -> int:
    try:
        return _open(path, os.O_RDONLY)
    except FileNotFoundError:
        path.parent.mkdir(mode_below(path.parent.parent, 0o777), exist_ok=True)
        return _open(path, os.O_RDONLY | os.O_CREAT)


def _acquire(descriptor: int, how: int, patience: Patience) -> bool:
    while True:
        try:
            fcntl.flock(descriptor, how | fcntl.LOCK_NB)
        except BlockingIOError:
            if patience.is_over:
                return False
            time.sleep(_POLL_S)
        else:
            return True


def _still_in_use(path: Path, waited_s: float, message: str) -> WaitTimeout:
    facts = [("waited", f"{waited_s:g} s"), ("lock file", str(path))]
    facts += [("held by", str(holder)) for holder in holders(path)]
    return WaitTimeout(
        Problem("store-in-use", message, tuple(facts), "wait for it to finish, then run the command again")
    )


def _forget_in_child() -> None:
    """Close what a forked child inherited: it does not use the store, and would keep it from being cleaned up."""
    global _guard  # noqa: PLW0603  the parent's may have been held at the fork
    _guard = threading.Lock()
    for descriptor, _ in _held.values():
        os.close(descriptor)
    _held.clear()


os.register_at_fork(after_in_child=_forget_in_child)

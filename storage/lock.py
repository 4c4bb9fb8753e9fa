"""Locks between processes, as files below the state folder.

The system lets go of a lock when its holder dies, however it dies, so no lock needs
cleaning up. A lock is waited for a bounded time, and never held while a person's code
runs, except a step's own. A process forked while a lock is held shares it: workers are
spawned, or forked from a server that holds none.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from assetctl.assets.errors import EnvironmentFault, Problem, WaitTimeout
from assetctl.assets.ids import AssetKey
from assetctl.storage.layout import Layout, file_name
from assetctl.storage.state import environment_fault

_POLL_S = 0.005


@contextmanager
def step_lock(layout: Layout, step: AssetKey, timeout: float) -> Iterator[None]:
    """Hold the right to run one step. Not for nesting: the same thread would wait for itself.

    Raises:
        WaitTimeout: another process still ran the step after `timeout` seconds.
        EnvironmentFault: the lock file cannot be written, or the disk knows no locks.
    """
    with hold(step_lock_file(layout, step), timeout, f"`{step}` is being built by another process"):
        yield


@contextmanager
def store_lock(layout: Layout, timeout: float, name: str = "lineage") -> Iterator[None]:
    """Hold the right to open the lineage database (or another shared thing, by `name`)."""
    with hold(layout.locks / f"{name}.lock", timeout, f"the {name} store is in use by another process"):
        yield


def step_lock_file(layout: Layout, step: AssetKey) -> Path:
    """Return the lock file of a step: readable, and different even where case does not count in file names."""
    return layout.locks / f"{file_name(step)}.lock"


@contextmanager
def hold(path: Path, timeout: float, message: str) -> Iterator[None]:
    """Hold the lock of a file; `message` says what another process is doing if it cannot be had in time."""
    from filelock import FileLock, Timeout

    lock = FileLock(path, timeout=timeout, poll_interval=_POLL_S, thread_local=False, fallback_to_soft=False)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except Timeout as cause:
        raise WaitTimeout(
            Problem(
                message,
                (("waited", f"{timeout:g} s"), ("lock file", str(path))),
                "wait for it to finish, or look for a stopped process that holds this file",
            )
        ) from cause
    except NotImplementedError as cause:
        raise EnvironmentFault(
            Problem(
                "this disk does not support file locks",
                (("file", str(path)),),
                "move the state folder to a local disk",
            )
        ) from cause
    except OSError as cause:
        raise environment_fault(cause, path, "a lock file cannot be written") from cause
    try:
        yield
    finally:
        lock.release()

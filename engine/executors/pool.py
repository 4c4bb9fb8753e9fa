"""Run steps in warm worker processes that this process starts, watches and, if need be, kills.

Each worker is a fresh interpreter (never a fork: a fork inherits DuckDB's and Arrow's
threads and locks) that imports the project itself and answers one task at a time over a
socket. A worker that dies takes only its own step with it, and that step says how it died.

Whether a worker is gone is asked of the system, not only of its socket: a child that a step
left behind may hold the socket open. Nothing here waits for a worker without an end.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

import assetctl
from assetctl.assets.errors import EnvironmentFault
from assetctl.engine.executors.base import Capabilities
from assetctl.engine.executors.leash import LET_GO
from assetctl.engine.steps.tasks import BEGUN, CONNECTION_LOST, UNFIT, Failure, StepResult, StepTask

_LOOK_S = 0.2  # how often to look whether a worker is gone that has not said so
_ENDING_S = 1.0  # how long a worker may take to end after its socket has
_LEAVING_S = 2.0  # how long all of them together may take to leave at the end of a run
_CLOSED = "the function closed a descriptor that was not its own, through which its process answers the run"


def interpreter_options() -> list[str]:
    """Return the options of this interpreter that a worker's must have: it performs what this one identified.

    The folder that commands are given in is no place to import from, but where this package lies in it.
    """
    try:
        is_at_home = Path.cwd().samefile(Path(assetctl.__file__ or "").parent.parent)
    except OSError:  # the folder is gone
        is_at_home = False
    safe = [] if is_at_home else ["-P"]
    return [*["-O"] * sys.flags.optimize, *(["-X", "utf8"] if sys.flags.utf8_mode else []), *safe]


@dataclass(slots=True, eq=False)
class _Worker:
    process: subprocess.Popen[bytes]
    leash: int  # the end of a pipe: once it is closed, the worker's keeper kills what is left of it (see `leash.py`)
    connection: Connection[Any, Any]
    task: StepTask | None = None
    started: float = 0.0
    has_begun: bool = False  # said by the worker, of a step with a timeout

    @property
    def deadline(self) -> float | None:
        if self.task is None or self.task.timeout_s is None or not self.has_begun:
            return None
        return self.started + self.task.timeout_s


class PoolExecutor:
    """`n_workers` processes for the project that `arguments` name (see `engine.worker`)."""

    capabilities = Capabilities(shares_files=True, enforces_timeout=True, cancels_running=True)

    def __init__(self, n_workers: int, arguments: Sequence[str]) -> None:
        self._arguments = list(arguments)
        self._workers = [self._start() for _ in range(n_workers)]

    @property
    def n_free(self) -> int:
        return sum(worker.task is None for worker in self._workers)

    def submit(self, task: StepTask) -> None:
        worker = next(w for w in self._workers if w.task is None)
        if _has_ended(worker):
            self._replace(worker)
        worker.task, worker.started, worker.has_begun = task, time.monotonic(), False
        with contextlib.suppress(OSError):  # it died just now: `wait` finds it
            worker.connection.send(task)

    def wait(self, timeout_s: float | None) -> Iterable[StepResult]:
        busy = {w.connection: w for w in self._workers if w.task is not None}
        deadlines = [w.deadline for w in busy.values() if w.deadline is not None]
        if deadlines:
            left = max(0.0, min(deadlines) - time.monotonic())
            timeout_s = left if timeout_s is None else min(timeout_s, left)
        ready = set(wait(list(busy), _LOOK_S if timeout_s is None else min(timeout_s, _LOOK_S)))
        for connection, worker in busy.items():
            if connection in ready or _has_ended(worker):
                result = self._receive(worker)
                if result is not None:
                    yield result
        for worker in busy.values():
            if worker.deadline is not None and time.monotonic() >= worker.deadline:
                yield self._time_out(worker)

    def cancel(self) -> None:
        for worker in self._workers:
            _kill(worker)

    def close(self) -> None:
        for worker in self._workers:
            worker.connection.close()  # an idle worker leaves when its socket ends
        until = time.monotonic() + _LEAVING_S
        for worker in self._workers:
            if worker.task is not None:
                _kill(worker)
            with contextlib.suppress(subprocess.TimeoutExpired):
                worker.process.wait(timeout=max(0.0, until - time.monotonic()))
                _let_go(worker)
                continue
            _kill(worker)

    def _start(self) -> _Worker:
        ours, theirs = socket.socketpair()
        pipe, leash = os.pipe()
        module, numbers = "assetctl.engine.executors.worker", map(str, (os.getpid(), theirs.fileno(), pipe))
        try:
            process = subprocess.Popen(
                [sys.executable, *interpreter_options(), "-m", module, *numbers, *self._arguments],
                pass_fds=[theirs.fileno(), pipe],
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )
        except OSError as error:
            for descriptor in (ours.detach(), leash):
                os.close(descriptor)
            raise EnvironmentFault.of(
                "worker-not-started", f"a worker process could not be started: {error}"
            ) from error
        finally:
            theirs.close()
            os.close(pipe)
        return _Worker(process, leash, Connection(ours.detach()))

    def _replace(self, worker: _Worker) -> None:
        _kill(worker)
        worker.connection.close()
        fresh = self._start()
        worker.process, worker.leash, worker.connection, worker.task = (
            fresh.process,
            fresh.leash,
            fresh.connection,
            None,
        )

    def _receive(self, worker: _Worker) -> StepResult | None:
        """Return a worker's result; None if it only said that the step has begun, or that another one should do it."""
        task = _task_of(worker)
        try:
            if _has_ended(worker):  # what it sent before is here; for the rest nobody has to wait
                os.set_blocking(worker.connection.fileno(), False)
            result = worker.connection.recv()
        except (EOFError, OSError):
            return self._bury(worker, task)
        if result == BEGUN:
            worker.started, worker.has_begun = time.monotonic(), True
            return None
        if result == UNFIT:
            self._replace(worker)
            worker.task, worker.started, worker.has_begun = task, time.monotonic(), False
            worker.connection.send(task)
            return None
        worker.task = None
        if isinstance(result, EnvironmentFault):
            raise result
        step_result: StepResult = result
        return step_result

    def _bury(self, worker: _Worker, task: StepTask) -> StepResult:
        until = time.monotonic() + _ENDING_S
        while not _has_ended(worker) and time.monotonic() < until:
            time.sleep(0.005)
        how = _how_it_died(worker.process.returncode) if _kill(worker) else _CLOSED
        duration = time.monotonic() - worker.started
        self._replace(worker)
        return StepResult(task.step, duration_s=duration, failure=Failure("WorkerDied", how))

    def _time_out(self, worker: _Worker) -> StepResult:
        task = _task_of(worker)
        duration = time.monotonic() - worker.started
        self._replace(worker)
        message = f"it ran longer than its timeout of {task.timeout_s:g} s and was killed"
        return StepResult(task.step, duration_s=duration, failure=Failure("TimeoutError", message))


def _task_of(worker: _Worker) -> StepTask:
    assert worker.task is not None, "a worker without a task has no result"
    return worker.task


def _has_ended(worker: _Worker) -> bool:
    """Say whether a worker's process is gone, without collecting it: its number stays its own until then."""
    if worker.process.returncode is not None or not hasattr(os, "waitid"):
        return worker.process.poll() is not None
    try:
        return os.waitid(os.P_PID, worker.process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
    except ChildProcessError:  # the system was told to collect children by itself
        return worker.process.poll() is not None


def _kill(worker: _Worker) -> bool:
    """Kill a worker and everything it started (it leads a session of its own); return whether it had ended by itself."""
    had_ended = _has_ended(worker)
    if worker.process.returncode is None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(worker.process.pid, signal.SIGKILL)
        worker.process.wait()
    _let_go(worker)
    return had_ended


def _let_go(worker: _Worker) -> None:
    """Tell the keeper of a worker that has ended to leave."""
    if worker.leash >= 0:
        with contextlib.suppress(OSError):
            os.write(worker.leash, LET_GO)
        os.close(worker.leash)
        worker.leash = -1


def _how_it_died(status: int) -> str:
    if status == CONNECTION_LOST:
        return _CLOSED
    if status >= 0:
        return f"its process ended with exit code {status} before the function returned"
    name = signal.Signals(-status).name if -status in signal.valid_signals() else f"signal {-status}"
    hint = " (the machine may have run out of memory)" if name == "SIGKILL" else ""
    return f"its process was killed by {name}{hint}"

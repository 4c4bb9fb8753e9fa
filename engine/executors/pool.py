"""Run steps in warm worker processes that this process starts, watches and, if need be, kills.

Each worker is a fresh interpreter (never a fork: a fork inherits DuckDB's and Arrow's
threads and locks) that imports the project itself and answers one task at a time over a
socket. A worker that dies takes only its own step with it, and that step says how it died.
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
from assetctl.engine.steps.tasks import BEGUN, UNFIT, Failure, StepResult, StepTask


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
        if worker.process.poll() is not None:
            self._replace(worker)
        worker.task, worker.started, worker.has_begun = task, time.monotonic(), False
        worker.connection.send(task)

    def wait(self, timeout_s: float | None) -> Iterable[StepResult]:
        busy = {w.connection: w for w in self._workers if w.task is not None}
        deadlines = [w.deadline for w in busy.values() if w.deadline is not None]
        if deadlines:
            left = max(0.0, min(deadlines) - time.monotonic())
            timeout_s = left if timeout_s is None else min(timeout_s, left)
        for connection in wait(list(busy), timeout_s):
            result = self._receive(busy[connection])  # type: ignore[index]
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
        for worker in self._workers:
            if worker.task is not None:
                _kill(worker)
            with contextlib.suppress(subprocess.TimeoutExpired):
                worker.process.wait(timeout=2)
            _kill(worker)

    def _start(self) -> _Worker:
        ours, theirs = socket.socketpair()
        command = [
            sys.executable,
            *interpreter_options(),
            "-m",
            "assetctl.engine.executors.worker",
            str(theirs.fileno()),
            *self._arguments,
        ]
        try:
            process = subprocess.Popen(
                command, pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL, start_new_session=True
            )
        except OSError as error:
            raise EnvironmentFault.of(
                "worker-not-started", f"a worker process could not be started: {error}"
            ) from error
        theirs.close()
        return _Worker(process, Connection(ours.detach()))

    def _replace(self, worker: _Worker) -> None:
        _kill(worker)
        worker.connection.close()
        fresh = self._start()
        worker.process, worker.connection, worker.task = fresh.process, fresh.connection, None

    def _receive(self, worker: _Worker) -> StepResult | None:
        """Return a worker's result; None if it only said that the step has begun, or that another one should do it."""
        task = _task_of(worker)
        try:
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
        status = worker.process.wait()
        duration = time.monotonic() - worker.started
        self._replace(worker)
        return StepResult(task.step, duration_s=duration, failure=Failure("WorkerDied", _how_it_died(status)))

    def _time_out(self, worker: _Worker) -> StepResult:
        task = _task_of(worker)
        duration = time.monotonic() - worker.started
        self._replace(worker)
        message = f"it ran longer than its timeout of {task.timeout_s:g} s and was killed"
        return StepResult(task.step, duration_s=duration, failure=Failure("TimeoutError", message))


def _task_of(worker: _Worker) -> StepTask:
    assert worker.task is not None, "a worker without a task has no result"
    return worker.task


def _kill(worker: _Worker) -> None:
    """Kill a worker and everything it started (it leads a session of its own)."""
    if worker.process.poll() is None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(worker.process.pid, signal.SIGKILL)
        worker.process.wait()


def _how_it_died(status: int) -> str:
    if status >= 0:
        return f"its process ended with exit code {status} before the function returned"
    name = signal.Signals(-status).name
    hint = " (the machine may have run out of memory)" if name == "SIGKILL" else ""
    return f"its process was killed by {name}{hint}"

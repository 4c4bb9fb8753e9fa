"""A few threads for work that nobody should have to wait for: they end with the process, whatever they are doing.

`concurrent.futures` joins its threads before the interpreter ends, so that Ctrl-C during
a slow upload would hang until that upload gives up. Nothing that must be finished runs here.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from queue import SimpleQueue
from typing import Any, TypeVar

_T = TypeVar("_T")
_Work = tuple[Future[Any], Callable[..., Any], tuple[Any, ...]]


class Background:
    """At most `n_threads` threads, started as they are needed."""

    def __init__(self, n_threads: int, name: str) -> None:
        self._n_threads = n_threads
        self._name = name
        self._n_started = 0
        self._is_closed = False
        self._lock = threading.Lock()
        self._queue: SimpleQueue[_Work | None] = SimpleQueue()

    def submit(self, work: Callable[..., _T], *args: Any) -> Future[_T]:
        """Queue a call for one of the threads; after `close` it is cancelled at once."""
        future: Future[_T] = Future()
        with self._lock:
            if self._is_closed:
                future.cancel()
                return future
            self._queue.put((future, work, args))
            if self._n_started < self._n_threads:
                self._n_started += 1
                threading.Thread(target=self._serve, name=f"{self._name}-{self._n_started}", daemon=True).start()
        return future

    def close(self) -> None:
        """Cancel what has not started, and let the threads end."""
        with self._lock:
            self._is_closed = True
            while not self._queue.empty():
                work = self._queue.get()
                if work is not None:
                    work[0].cancel()
            for _ in range(self._n_started):
                self._queue.put(None)

    def _serve(self) -> None:
        while (work := self._queue.get()) is not None:
            future, function, args = work
            if not future.set_running_or_notify_cancel():
                continue
            try:
                future.set_result(function(*args))
            except BaseException as error:  # noqa: BLE001  whoever asks for the result gets it
                future.set_exception(error)

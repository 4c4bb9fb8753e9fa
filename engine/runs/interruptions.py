"""Ctrl-C while a run goes on: once starts nothing more, twice kills what runs."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from assetctl.engine.executors.base import Executor
from assetctl.engine.executors.inprocess import InProcessExecutor


@dataclass(slots=True)
class Interruptions:
    count: int = 0


@contextmanager
def interruptions(executor: Executor) -> Iterator[Interruptions]:
    """While steps run: Ctrl-C once starts nothing more, twice kills what runs.

    In this process the first one interrupts the function that is running, as Python does.
    """
    seen = Interruptions()
    if threading.current_thread() is not threading.main_thread():
        yield seen
        return

    def on_signal(number: int, frame: object) -> None:
        seen.count += 1
        if isinstance(executor, InProcessExecutor) or seen.count > 1:
            executor.cancel()
            raise KeyboardInterrupt

    before = {number: signal.signal(number, on_signal) for number in (signal.SIGINT,)}
    try:
        yield seen
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)

"""Signals while a run goes on: the first starts nothing more, the second kills what runs."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from assetctl.engine.executors.base import Executor
from assetctl.engine.runs.cancel import CancelToken


@contextmanager
def interruptions(executor: Executor, cancel: CancelToken) -> Iterator[None]:
    """While steps run, Ctrl-C and SIGTERM cancel: once starts nothing more, twice kills what runs.

    Where the executor cannot kill what runs, because it runs in this process, the first one
    interrupts the function, as Python does. Off the main thread no signal arrives, and only
    the token cancels. A SIGTERM is delivered again once the run has ended, to whoever
    answered for it before: the process was told to end, and a run does not swallow that.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    terminated = False

    def on_signal(number: int, frame: object) -> None:
        nonlocal terminated
        terminated = terminated or number == signal.SIGTERM
        cancel.cancel()
        if cancel.must_kill or not executor.capabilities.cancels_running:
            executor.cancel()
            raise KeyboardInterrupt

    taken = [number for number in (signal.SIGINT, signal.SIGTERM) if _is_answered(number)]
    before = {number: signal.signal(number, on_signal) for number in taken}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        if terminated:
            signal.raise_signal(signal.SIGTERM)


def _is_answered(number: signal.Signals) -> bool:
    """Say whether a signal is neither ignored nor handled outside Python, where it could not be put back."""
    return signal.getsignal(number) not in (signal.SIG_IGN, None)

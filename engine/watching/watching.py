"""Watch what a step really uses: the project files it opens, the first-party functions it executes.

Whatever the static graph of its code lacks is recorded with the materialization, and counts from
then on. Opened files come from Python's audit events and from wrapped native readers
(`engine/watching/native_readers.py`). Executed functions come from `sys.monitoring` on Python 3.12 and
later, at one event per function. Python 3.11 has nothing as cheap, so there a thread samples
the step's stack every few milliseconds, and functions that return sooner can be missed.
This is detection; it does not promise to see everything.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

from assetctl.engine.watching.native_readers import wrap_readers
from assetctl.engine.watching.touched import Opened, Touched, active

_SAMPLE_S = 0.005
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


_installed: list[bool] = []


@contextmanager
def watching(root: Path) -> Iterator[Touched]:
    """Record what is used while the block runs. Watches do not nest: an inner one sees nothing."""
    touched = Touched(str(root) + os.sep)
    if active:
        yield touched
        return
    _install()
    active.append(touched)
    loaded = set(sys.modules)
    try:
        with _executions(touched):
            yield touched
    finally:
        active.clear()
        touched.imported.update(sys.modules.keys() - loaded)


@contextmanager
def opening() -> Iterator[set[str]]:
    """Note every file that is read while the block runs, inside the project or not; executed code is not looked at."""
    opened = Opened("")
    if not active:
        _install()
        active.append(opened)
    try:
        yield opened.read
    finally:
        if active and active[0] is opened:
            active.clear()


def _install() -> None:
    """Add the audit hook, once and for good: hooks cannot be taken back."""
    if not _installed:
        _installed.append(True)
        sys.addaudithook(_on_audit)
    wrap_readers()


def _on_audit(event: str, arguments: tuple[Any, ...]) -> None:
    if event != "open" or not active:
        return
    path, mode, flags = arguments
    writes = any(letter in mode for letter in "wax+") if isinstance(mode, str) else bool((flags or 0) & _WRITING)
    if writes:
        active[0].note_written(path)
    else:
        active[0].note_read(path)


@contextmanager
def _executions(touched: Touched) -> Iterator[None]:
    if sys.version_info >= (3, 12):
        with _monitored(touched):
            yield
    else:
        with _sampled(touched):
            yield


if sys.version_info >= (3, 12):

    @contextmanager
    def _monitored(touched: Touched) -> Iterator[None]:
        tool = next((n for n in (4, 3, 5) if sys.monitoring.get_tool(n) is None), None)
        if tool is None:  # debuggers and profilers hold them all
            yield
            return

        def on_start(code: CodeType, offset: int) -> object:
            touched.note_executed(code)
            return sys.monitoring.DISABLE  # one event per function is enough

        sys.monitoring.use_tool_id(tool, "assetctl")
        sys.monitoring.register_callback(tool, sys.monitoring.events.PY_START, on_start)
        sys.monitoring.set_events(tool, sys.monitoring.events.PY_START)
        sys.monitoring.restart_events()
        try:
            yield
        finally:
            sys.monitoring.set_events(tool, 0)
            sys.monitoring.free_tool_id(tool)


class _Sampler:
    """One thread for the life of the process, asleep while nothing is watched."""

    def __init__(self) -> None:
        self._wake = threading.Event()
        self._target: tuple[int, Touched, frozenset[FrameType]] | None = None
        threading.Thread(target=self._look, name="assetctl-watch", daemon=True).start()

    def start(self, touched: Touched) -> None:
        below: set[FrameType] = set()  # the frames that called us are not the step's
        frame: FrameType | None = sys._getframe()
        while frame is not None:
            below.add(frame)
            frame = frame.f_back
        self._target = threading.get_ident(), touched, frozenset(below)
        self._wake.set()

    def stop(self) -> None:
        self._wake.clear()
        self._target = None

    def _look(self) -> None:
        while self._wake.wait():
            target = self._target
            if target is not None:
                ident, touched, below = target
                frame = sys._current_frames().get(ident)
                while frame is not None and frame not in below:
                    touched.note_executed(frame.f_code)
                    frame = frame.f_back
            time.sleep(_SAMPLE_S)


_samplers: dict[int, _Sampler] = {}  # by process: a forked child has none of its parent's threads


@contextmanager
def _sampled(touched: Touched) -> Iterator[None]:
    """Look at this thread's stack from another one, every few milliseconds."""
    sampler = _samplers.get(os.getpid()) or _samplers.setdefault(os.getpid(), _Sampler())
    sampler.start(touched)
    try:
        yield
    finally:
        sampler.stop()

"""Watch what a step, or an import, really uses: what it opens, lists, asks for, reads and executes.

Whatever the static graph of a step's code lacks is recorded with the materialization, and counts
from then on. Opened files, listed folders, child processes and sockets come from Python's audit
events, statuses and variables from wrapped functions (`wrapped_calls.py`), files opened in native
code from wrapped readers (`native_readers.py`). Executed functions come from `sys.monitoring` on
Python 3.12 and later, at one event per function. Python 3.11 has nothing as cheap, so there a
thread samples the step's stack every few milliseconds, and functions that return sooner can be
missed. This is detection; it does not promise to see everything.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import CodeType, FrameType, ModuleType
from typing import Any

from assetctl.assets.importing import is_personal
from assetctl.engine.watching.descriptors import is_told, path_of, placed
from assetctl.engine.watching.family import families
from assetctl.engine.watching.given import note_command, note_database
from assetctl.engine.watching.native_readers import wrap_readers
from assetctl.engine.watching.taken_names import put_back, taken_names_wrapped
from assetctl.engine.watching.touched import Opened, Touched, active, noting
from assetctl.engine.watching.wrapped_calls import wrapped_calls

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
    loaded = set(sys.modules)
    active.append(touched)
    try:
        with families(touched), wrapped_calls(), taken_names_wrapped(), _executions(touched):
            yield touched
    finally:
        active.clear()
        touched.imported.update(sys.modules.keys() - loaded)
        _put_back(touched.imported)


@contextmanager
def opening() -> Iterator[Opened]:
    """Note what an import looks at while the block runs, in the project or not; executed code is not looked at."""
    opened = Opened("")
    if active:
        yield opened
        return
    _install()
    loaded = set(sys.modules)
    active.append(opened)
    try:
        with wrapped_calls():
            yield opened
    finally:
        active.clear()
        _put_back(sys.modules.keys() - loaded)


def _put_back(names: Iterable[str]) -> None:
    put_back(_own(names))


def _own(names: Iterable[str]) -> Iterator[ModuleType]:
    for name in names:
        module = sys.modules.get(name)
        file = getattr(module, "__file__", None)
        if module is not None and isinstance(file, str) and is_personal(file):
            yield module


def _install() -> None:
    """Add the audit hook, once and for good: hooks cannot be taken back."""
    if not _installed:
        _installed.append(True)
        sys.addaudithook(_on_audit)
    wrap_readers()


def _on_audit(event: str, arguments: tuple[Any, ...]) -> None:
    if not active:
        return
    noted = _EVENTS.get(event)
    if noted is not None:
        noted(*arguments)
    elif event.startswith("socket.") and event not in _LOCAL:
        _note_unseen("the network", sys._getframe(1))


def _on_open(path: object, mode: object, flags: object) -> None:
    if is_told():
        return
    if isinstance(path, int):
        path = path_of(path)
    if path is None or not any(touched.may_hold(path) for touched in active):
        return
    frame = sys._getframe(2)
    with noting() as touched:
        if touched is None:
            return
        given = flags if isinstance(flags, int) else 0
        if isinstance(mode, str):
            reads, truncates = "r" in mode or "+" in mode, "w" in mode or "x" in mode
            writes = truncates or "a" in mode or "+" in mode
        else:
            writes, truncates = bool(given & _WRITING), bool(given & os.O_TRUNC)
            reads = not given & os.O_WRONLY
        if reads and not truncates:
            touched.note_opened(path, frame)
        if truncates:
            touched.note_made(path)
        elif writes:
            touched.note_altered(path)


def _on_listdir(path: object = None) -> None:
    _listed(path, sys._getframe(2), with_status=False)


def _on_scandir(path: object = None) -> None:
    _listed(path, sys._getframe(2), with_status=True)


def _listed(path: object, frame: FrameType, *, with_status: bool) -> None:
    with noting() as touched:
        if touched is not None:
            touched.note_listed("." if path is None else placed(path, None), frame, with_status=with_status)


def _on_made(path: object, folder: object = None) -> None:
    with noting() as touched:
        if touched is not None:
            touched.note_made(placed(path, folder))


def _on_renamed(source: object, target: object, source_folder: object = None, target_folder: object = None) -> None:
    _on_made(source, source_folder)
    _on_made(target, target_folder)


def _on_linked(source: object, target: object, source_folder: object = None, target_folder: object = None) -> None:
    _on_made(target, target_folder)
    _altered(source, source_folder)


def _on_symlinked(source: object, target: object, folder: object = None) -> None:
    _on_made(target, folder)
    _altered(source, folder)


def _on_folder_made(path: object, mode: object = None, folder: object = None) -> None:
    with noting() as touched:
        if touched is not None:
            touched.note_folder_made(placed(path, folder))


def _on_truncated(path: object, *_: object) -> None:
    _altered(path, None)


def _on_time_set(path: object, times: object = None, ns: object = None, folder: object = None) -> None:
    _altered(path, folder)


def _on_mode_set(path: object, mode: object = None, folder: object = None) -> None:
    _altered(path, folder)


def _altered(path: object, folder: object) -> None:
    with noting() as touched:
        if touched is not None:
            touched.note_altered(placed(path, folder))


def _on_process(executable: object, command: object, folder: object = None, *_: object) -> None:
    note_command(sys._getframe(2), command, folder)


def _on_system(command: object) -> None:
    note_command(sys._getframe(2), command)


def _on_exec(path: object, command: object, *_: object) -> None:
    note_command(sys._getframe(2), command)


def _on_spawn(mode: object, path: object, command: object, *_: object) -> None:
    note_command(sys._getframe(2), command)


def _on_fork() -> None:
    with noting() as touched:
        if touched is not None and touched.is_import:  # of a step's child, what it looks at is taken in
            touched.note_unseen("a child process", sys._getframe(2))


def _note_unseen(what: str, frame: FrameType) -> None:
    with noting() as touched:
        if touched is not None:
            touched.note_unseen(what, frame)


_LOCAL = frozenset({"socket.__new__", "socket.gethostname"})  # a socket is made for much that never connects
_EVENTS: dict[str, Callable[..., None]] = {
    "open": _on_open,
    "os.listdir": _on_listdir,
    "os.scandir": _on_scandir,
    "os.rename": _on_renamed,
    "os.remove": _on_made,
    "os.rmdir": _on_made,
    "os.link": _on_linked,
    "os.symlink": _on_symlinked,
    "os.mkdir": _on_folder_made,
    "os.truncate": _on_truncated,
    "os.utime": _on_time_set,
    "os.chmod": _on_mode_set,
    "sqlite3.connect": note_database,
    "subprocess.Popen": _on_process,
    "os.system": _on_system,
    "os.exec": _on_exec,
    "os.posix_spawn": _on_exec,
    "os.spawn": _on_spawn,
    "os.fork": _on_fork,
    "os.forkpty": _on_fork,
}


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

"""State of the process and of the interpreter: environment, folder, signals, limits, hooks, streams."""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]  # it answers plain numbers, of which `signal` makes an enum each
import contextlib
import gc
import locale
import logging
import os
import sys
import tempfile
import threading
import time
import warnings
from collections.abc import Callable
from typing import Any

from assetctl.engine.isolation.kept import Kept, setting

_SIGNALS = tuple(range(1, _signal.NSIG))
_PRIVATE = 0o077  # while the mask is asked for, another thread may make a file
_ATTRIBUTES: tuple[tuple[Any, str], ...] = (
    *((sys, name) for name in ("stdin", "stdout", "stderr", "argv", "path", "dont_write_bytecode")),
    *((sys, name) for name in ("excepthook", "displayhook", "unraisablehook", "breakpointhook")),
    (threading, "excepthook"),
    (warnings, "filters"),
    (os, "environ"),
    (tempfile, "tempdir"),
)


def _environment() -> dict[Any, Any]:
    """Return the variables as they are kept, so that nobody who counts reads of them counts this one."""
    return dict(getattr(os.environ, "_data", os.environ))


def _put_back_environment(was: dict[Any, Any]) -> None:
    now = _environment()
    if now == was:
        return
    encoded = any(isinstance(name, bytes) for name in (*was, *now))
    variables: Any = os.environb if encoded else os.environ
    for name in now.keys() - was.keys():
        del variables[name]
    for name, value in was.items():
        if now.get(name) != value:
            variables[name] = value
    if any(now.get(name) != was.get(name) for name in ("TZ", b"TZ")):
        time.tzset()


def _folder() -> str | None:
    try:
        return os.getcwd()  # noqa: PTH109  asked for around every step
    except OSError:  # it was deleted
        return None


def _mask() -> int:
    mask = os.umask(_PRIVATE)
    os.umask(mask)
    return mask


def _handlers() -> list[Any]:
    return [_signal.getsignal(number) for number in _SIGNALS]


def _put_back_handlers(was: list[Any]) -> None:
    now = _handlers()
    if was == now or threading.current_thread() is not threading.main_thread():
        return
    for number, before, after in zip(_SIGNALS, was, now, strict=True):
        if before is after or before is None:  # None: it was set by code that is not Python's
            continue
        _signal.signal(number, before)


def _timer() -> bool:
    return bool(_signal.getitimer(_signal.ITIMER_REAL)[0])


def _put_back_timer(was: bool) -> None:
    if not was and _timer():
        _signal.setitimer(_signal.ITIMER_REAL, 0)


def _attributes() -> list[Any]:
    return [getattr(owner, name, None) for owner, name in _ATTRIBUTES]


def _put_back_attributes(was: list[Any]) -> None:
    for (owner, name), value in zip(_ATTRIBUTES, was, strict=True):
        if getattr(owner, name, None) is not value:
            setattr(owner, name, value)


def _put_back_path(was: list[str]) -> None:
    """Put `sys.path` back, but for what lies inside an installed library: its import added it, and happens once."""
    if sys.path == was:
        return
    installed = tuple(entry + os.sep for entry in was if entry.endswith(("site-packages", "dist-packages")))
    sys.path[:] = [*was, *(entry for entry in sys.path if entry not in was and str(entry).startswith(installed))]


def _put_back_filters(was: list[Any]) -> None:
    if warnings.filters != was:
        warnings.resetwarnings()  # the public way to make modules forget what they were told
        warnings.filters[:] = was  # type: ignore[index]


def _log() -> tuple[Any, ...]:
    return logging.root.level, list(logging.root.handlers), logging.root.manager.disable


def _put_back_log(was: tuple[Any, ...]) -> None:
    logging.root.setLevel(was[0])
    logging.root.handlers[:] = was[1]
    logging.disable(was[2])


def _collect_garbage(on: bool) -> None:
    (gc.enable if on else gc.disable)()


def _start_method() -> Any:
    return sys.modules["multiprocessing"].get_start_method(allow_none=True)


def _put_back_start_method(was: Any) -> None:
    with contextlib.suppress(ValueError):
        sys.modules["multiprocessing"].set_start_method(was, force=True)


def _of(library: str, function: str) -> Callable[..., Any]:
    def call(*given: Any) -> Any:  # looked up when it is called: the library may not be loaded yet
        return getattr(sys.modules[library], function)(*given)

    return call


INTERPRETER: tuple[Kept, ...] = (
    Kept("streams and hooks", _attributes, _put_back_attributes, is_for_storing=True),
    Kept("environment variables", _environment, _put_back_environment),
    setting("working directory", _folder, lambda was: os.chdir(was) if was is not None else None),
    setting("umask", _mask, os.umask, is_for_storing=True),
    Kept("signal handlers", _handlers, _put_back_handlers),
    setting(
        "blocked signals",
        lambda: _signal.pthread_sigmask(_signal.SIG_BLOCK, ()),
        lambda was: _signal.pthread_sigmask(_signal.SIG_SETMASK, was),
    ),
    Kept("timer", _timer, _put_back_timer),
    Kept("sys.path", lambda: list(sys.path), _put_back_path),
    setting("sys.argv", lambda: list(sys.argv), lambda was: sys.argv.__setitem__(slice(None), was)),
    setting("recursion limit", sys.getrecursionlimit, sys.setrecursionlimit, is_for_storing=True),
    setting("switch interval", sys.getswitchinterval, sys.setswitchinterval),
    setting("digits of integers", sys.get_int_max_str_digits, sys.set_int_max_str_digits, is_for_storing=True),
    setting("trace function", sys.gettrace, sys.settrace),
    setting("profile function", sys.getprofile, sys.setprofile),
    setting("garbage collection", gc.isenabled, _collect_garbage),
    setting("thresholds of garbage collection", gc.get_threshold, lambda was: gc.set_threshold(*was)),
    Kept("warning filters", lambda: list(warnings.filters), _put_back_filters),
    setting("locale", lambda: locale.setlocale(locale.LC_ALL), lambda was: locale.setlocale(locale.LC_ALL, was)),
    setting("logging", _log, _put_back_log),
    setting(
        "socket timeout",
        _of("_socket", "getdefaulttimeout"),
        _of("_socket", "setdefaulttimeout"),
        "_socket",
        after_import=lambda: None,
    ),
    setting("csv field size", _of("_csv", "field_size_limit"), _of("_csv", "field_size_limit"), "_csv"),
    setting("start method of processes", _start_method, _put_back_start_method, "multiprocessing.context"),
)

"""Calls for which Python raises no event, noted by wrapping them while a watch is on.

`os.path` and `pathlib` look these functions up in `os` at each call; modules that took one of
them by name are given its wrapper (`taken_names.py`). `os.environ` is seen through its class, so that the object
stays what it is.
"""

from __future__ import annotations

import functools
import importlib
import os
import sys
import types
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from assetctl.engine.watching.descriptors import placed, told_already
from assetctl.engine.watching.given import note_command
from assetctl.engine.watching.taken_names import stands_for
from assetctl.engine.watching.touched import ALL_VARIABLES, Touched, active, names_in, noting

try:
    _starting: Any = importlib.import_module("_posixsubprocess")
except ImportError:  # not on this system
    _starting = None

_original_fork_exec: Any = getattr(_starting, "fork_exec", None)
_ENVIRON: Any = type(os.environ)
_original_get = _ENVIRON.__getitem__


def _note_opened(touched: Touched, path: object, frame: FrameType) -> None:
    """Note a file that is opened relative to an open folder; of a folder that is opened so, what is asked of it tells."""
    if names_in(os.fsdecode(path)) is None:  # type: ignore[arg-type]
        touched.note_opened(path, frame)
        touched.note_altered(path)  # perhaps


def _asking(function: Callable[..., Any]) -> Callable[..., Any]:
    note = _NOTES[function.__name__]
    is_open = function.__name__ == "open"

    def ask(path: Any, *arguments: Any, **keywords: Any) -> Any:
        folder, where = keywords.get("dir_fd"), None
        for watched in active:
            if is_open and folder is None:
                break  # an audit event tells
            where = placed(path, folder)
            if where is not None and watched.may_hold(where):
                with noting() as touched:
                    if touched is not None:
                        note(touched, where, sys._getframe(1))
        if is_open and where is not None:  # else the event is all that tells, though it lacks the folder
            with told_already():
                return function(path, *arguments, **keywords)
        return function(path, *arguments, **keywords)

    # It looks like the function of `os` that it stands for: to `inspect`, to `pickle`, and to whoever identifies code.
    code = ask.__code__.replace(co_filename="<frozen os>")
    twin = types.FunctionType(code, ask.__globals__, function.__name__, None, ask.__closure__)
    functools.update_wrapper(twin, function)
    twin.__module__, twin.__qualname__ = "os", function.__name__
    return twin


_NOTES: dict[str, Callable[[Touched, object, FrameType], None]] = {
    "stat": Touched.note_asked,
    "lstat": Touched.note_asked,
    "fstat": Touched.note_asked,
    "access": functools.partial(Touched.note_asked, is_access=True),
    "readlink": Touched.note_link,
    "open": _note_opened,
}
_WRAPPED = {name: (getattr(os, name), _asking(getattr(os, name))) for name in _NOTES}
for _original, _wrapper in _WRAPPED.values():
    stands_for(_wrapper, _original)
for _supported in (os.supports_dir_fd, os.supports_effective_ids, os.supports_fd, os.supports_follow_symlinks):
    _supported.update(wrapper for original, wrapper in _WRAPPED.values() if original in _supported)


def _get(self: Any, key: Any) -> Any:
    if active:
        with noting() as touched:
            if touched is not None:
                touched.note_variable(key, sys._getframe(1))
    return _original_get(self, key)


def _of_all(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def ask(self: Any) -> Any:
        if active:
            with noting() as touched:
                if touched is not None:
                    touched.note_variable(ALL_VARIABLES, sys._getframe(1))
        return function(self)

    return functools.update_wrapper(ask, function)


_OF_ENVIRON: dict[str, tuple[Callable[..., Any], Callable[..., Any]]] = {
    "__getitem__": (_original_get, functools.update_wrapper(_get, _original_get)),
    **{
        name: (getattr(_ENVIRON, name), _of_all(getattr(_ENVIRON, name)))
        for name in ("__iter__", "__len__", "__repr__")
    },
}


def _fork_exec(*arguments: Any) -> Any:
    """Note a child process of `multiprocessing` or joblib, which start theirs without an event."""
    if active:
        note_command(sys._getframe(1), list(arguments[0]))
    return _original_fork_exec(*arguments)


@contextmanager
def wrapped_calls() -> Iterator[None]:
    """Note statuses asked and variables read while the block runs."""
    for name, (original, wrapper) in _WRAPPED.items():
        if getattr(os, name) is original:
            setattr(os, name, wrapper)
        elif active:  # somebody else's replacement stays
            active[0].unseen.add(f"os.{name}")
    for name, (_, wrapper) in _OF_ENVIRON.items():
        setattr(_ENVIRON, name, wrapper)
    if _starting is not None:
        _starting.fork_exec = _fork_exec
    try:
        yield
    finally:
        for name, (original, wrapper) in _WRAPPED.items():
            if getattr(os, name) is wrapper:
                setattr(os, name, original)
        if _starting is not None and _starting.fork_exec is _fork_exec:
            _starting.fork_exec = _original_fork_exec
        for name, (original, wrapper) in _OF_ENVIRON.items():
            if getattr(_ENVIRON, name) is wrapper:
                setattr(_ENVIRON, name, original)

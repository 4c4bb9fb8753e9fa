"""Calls for which Python raises no event, noted by wrapping them while a watch is on.

`os.path` and `pathlib` look these functions up in `os` at each call; whoever took one of
them by name before goes unseen. `os.environ` is seen through its class, so that the object
stays what it is.
"""

from __future__ import annotations

import functools
import os
import sys
import types
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from assetctl.engine.watching.touched import ALL_VARIABLES, active, noting

_ENVIRON: Any = type(os.environ)
_original_get, _original_iter = _ENVIRON.__getitem__, _ENVIRON.__iter__


def _asking(function: Callable[..., Any]) -> Callable[..., Any]:
    is_access = function.__name__ == "access"

    def ask(path: Any, *arguments: Any, **keywords: Any) -> Any:
        for watched in active:
            if watched.may_hold(path) and type(path) is not int and keywords.get("dir_fd") is None:
                with noting() as touched:
                    if touched is not None:
                        touched.note_asked(path, sys._getframe(1), is_access=is_access)
        return function(path, *arguments, **keywords)

    # It looks like the function of `os` that it stands for: to `inspect`, to `pickle`, and to whoever identifies code.
    code = ask.__code__.replace(co_filename="<frozen os>")
    twin = types.FunctionType(code, ask.__globals__, function.__name__, None, ask.__closure__)
    functools.update_wrapper(twin, function)
    twin.__module__, twin.__qualname__ = "os", function.__name__
    return twin


_WRAPPED = {name: (getattr(os, name), _asking(getattr(os, name))) for name in ("stat", "lstat", "access")}
_originals = {id(wrapper): original for original, wrapper in _WRAPPED.values()}
for _supported in (os.supports_dir_fd, os.supports_effective_ids, os.supports_fd, os.supports_follow_symlinks):
    _supported.update(wrapper for original, wrapper in _WRAPPED.values() if original in _supported)


def _get(self: Any, key: Any) -> Any:
    if active:
        with noting() as touched:
            if touched is not None:
                touched.note_variable(key, sys._getframe(1))
    return _original_get(self, key)


def _iter(self: Any) -> Any:
    if active:
        with noting() as touched:
            if touched is not None:
                touched.note_variable(ALL_VARIABLES, sys._getframe(1))
    return _original_iter(self)


_get_noted = functools.update_wrapper(_get, _original_get)
_iter_noted = functools.update_wrapper(_iter, _original_iter)


@contextmanager
def wrapped_calls() -> Iterator[None]:
    """Note statuses asked and variables read while the block runs."""
    for name, (original, wrapper) in _WRAPPED.items():
        if getattr(os, name) is original:
            setattr(os, name, wrapper)
        elif active:  # somebody else's replacement stays
            active[0].unseen.add(f"os.{name}")
    _ENVIRON.__getitem__, _ENVIRON.__iter__ = _get_noted, _iter_noted
    try:
        yield
    finally:
        for name, (original, wrapper) in _WRAPPED.items():
            if getattr(os, name) is wrapper:
                setattr(os, name, original)
        if _ENVIRON.__getitem__ is _get_noted:
            _ENVIRON.__getitem__ = _original_get
        if _ENVIRON.__iter__ is _iter_noted:
            _ENVIRON.__iter__ = _original_iter


def put_back(modules: Iterable[types.ModuleType]) -> None:
    """Give modules that took a wrapper by name the function itself."""
    for module in modules:
        for name, value in list(vars(module).items()):
            original = _originals.get(id(value))
            if original is not None:
                setattr(module, name, original)

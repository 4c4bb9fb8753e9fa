"""Names that a module took from `os`, or from a library in native code: wrapped only while a step is watched.

Between steps a module has the functions themselves. A wrapper may lie elsewhere too, in a `partial` or a table: where
code is identified it is what it stands for, so that a version does not tell whether watching had begun.
"""

from __future__ import annotations

import atexit
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

_wrapped: dict[int, tuple[Any, Any]] = {}  # every wrapper and its original, by the identity of the wrapper
_originals: dict[int, Any] = {}  # by the identity of their wrapper, which lives as long as the process
_wrappers: dict[int, Any] = {}  # by the identity of their original
atexit.register(lambda: [held.clear() for held in (_wrapped, _originals, _wrappers)])  # else native libraries complain
_taken: set[tuple[str, str]] = set()  # names of modules, and in them; to hold the functions would keep libraries alive


def stands_for(wrapper: Callable[..., Any], original: Any, *, is_taken: bool = True) -> None:
    """Say what a wrapper stands for, and whether a module that took it by name is given back the original."""
    _wrapped[id(wrapper)] = wrapper, original
    if is_taken:
        _originals[id(wrapper)] = original
        _wrappers[id(original)] = wrapper


def original_of(value: object) -> object:
    """Return what a wrapper stands for, any other value as it is."""
    known = _wrapped.get(id(value))
    return known[1] if known is not None and known[0] is value else value


def put_back(modules: Iterable[ModuleType]) -> None:
    """Give modules that took wrappers by name the functions themselves, until the next step."""
    for module in modules:
        for name, value in list(vars(module).items()):
            original = _originals.get(id(value))
            if original is not None:
                setattr(module, name, original)
                _taken.add((module.__name__, name))


@contextmanager
def taken_names_wrapped() -> Iterator[None]:
    """Let names that modules took lead to wrappers while the block runs."""
    main = sys.modules.get("__main__")  # of a notebook: what its cells take is no import that we see
    given = [(main, name) for name in list(vars(main))] if main is not None else []
    given += [(sys.modules[home], name) for home, name in _taken if home in sys.modules]
    wrapped = []
    for module, name in given:
        original = vars(module).get(name)
        wrapper = _wrappers.get(id(original))
        if wrapper is not None:
            setattr(module, name, wrapper)
            wrapped.append((module, name, original, wrapper))
    try:
        yield
    finally:
        for module, name, original, wrapper in wrapped:
            if vars(module).get(name) is wrapper:
                setattr(module, name, original)

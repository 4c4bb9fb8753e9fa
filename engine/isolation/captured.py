"""What code captures, kept as it is and put back after a step that changed it.

Only what can be put back exactly: names of modules, classes and objects, small containers
of scalars (a memo that was empty after import is one), random generators, and caches of
functions, which are emptied. Whatever else a step changes, others find changed: then they
get another process (`engine/executors/fitness.py`).
"""

from __future__ import annotations

import functools
import random
import sys
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Callable, Iterable
from types import FunctionType
from typing import Any

_SCALARS = frozenset({type(None), bool, int, float, complex, str, bytes})
_MOST = 1000  # items of a container that is kept
_MAPPINGS = frozenset({dict, OrderedDict, defaultdict, Counter})
_LISTS = frozenset({list, deque})

_Undo = Callable[[], None]


class CapturedState:
    """The objects that the code of one step reaches, as they were when this was made."""

    def __init__(self, objects: Iterable[object], is_own: Callable[[object], bool]) -> None:
        seen: set[int] = set()
        self._undo: list[_Undo] = []
        self._caches: list[tuple[Any, int]] = []
        for value in objects:
            if type(value) is functools._lru_cache_wrapper:
                self._caches.append((value, value.cache_info().misses))
            undo = _undo_of(value, seen, is_own)
            if undo is not None:
                self._undo.append(undo)

    def put_back(self) -> None:
        for undo in self._undo:
            undo()

    def empty_caches(self) -> None:
        """Empty the caches of functions that took something in: what it was made from would be seen by nobody else."""
        for cache, misses in self._caches:
            if cache.cache_info().misses != misses:
                cache.cache_clear()


def _undo_of(value: Any, seen: set[int], is_own: Callable[[object], bool]) -> _Undo | None:
    kind = type(value)
    if kind is FunctionType:
        return _names(value.__globals__, seen) if id(value.__globals__) not in seen and is_own(value) else None
    if kind in _MAPPINGS:
        return _mapping(value) if _is_flat(value) and _is_flat(value.values()) else None
    if kind in _LISTS:
        return _list(value) if _is_flat(value) else None
    if kind is set:
        return _set(value) if _is_flat(value) else None
    if kind is random.Random:
        state = value.getstate()
        return lambda: value.setstate(state)
    if _is_numpy_generator(kind):
        return _generator(value)
    if isinstance(value, type):
        return _attributes(value) if is_own(value) else None
    inside = getattr(value, "__dict__", None)
    return _object(inside) if type(inside) is dict and is_own(kind) else None


def _is_flat(items: Any) -> bool:
    return len(items) <= _MOST and set(map(type, items)) <= _SCALARS


def _names(names: dict[str, Any], seen: set[int]) -> _Undo:
    """Put a module's names back; new ones stay, since an import may have made them."""
    seen.add(id(names))
    was = dict(names)

    def undo() -> None:
        for name, value in was.items():
            if name not in names or names[name] is not value:
                names[name] = value

    return undo


def _mapping(value: Any) -> _Undo:
    was = list(value.items())

    def undo() -> None:
        value.clear()
        dict.update(value, was)

    return undo


def _list(value: Any) -> _Undo:
    was = list(value)

    def undo() -> None:
        value.clear()
        value.extend(was)

    return undo


def _set(value: set[Any]) -> _Undo:
    was = set(value)

    def undo() -> None:
        value.clear()
        value.update(was)

    return undo


def _is_numpy_generator(kind: type) -> bool:
    numpy_random = sys.modules.get("numpy.random")
    return numpy_random is not None and kind is numpy_random.Generator


def _generator(value: Any) -> _Undo:
    state = value.bit_generator.state
    return lambda: setattr(value.bit_generator, "state", state)


def _attributes(cls: type) -> _Undo:
    was = dict(vars(cls))

    def undo() -> None:
        for name in vars(cls).keys() - was.keys():
            delattr(cls, name)
        for name, value in was.items():
            if vars(cls).get(name) is not value:
                setattr(cls, name, value)

    return undo


def _object(inside: dict[str, Any]) -> _Undo:
    was = dict(inside)

    def undo() -> None:
        if inside.keys() != was.keys() or any(inside[name] is not value for name, value in was.items()):
            inside.clear()
            inside.update(was)

    return undo

"""What code captures, kept as it is and put back after a step that changed it.

Only what can be put back exactly: names of modules, classes and objects, small containers
of scalars (a memo that was empty after import is one), random generators, and caches of
functions, which are emptied. Whatever else a step changes, others find changed: then they
get another process (`engine/executors/fitness.py`).
"""

from __future__ import annotations

import contextlib
import functools
import random
import sys
import threading
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
    """The objects that the code of one step reaches, as they were when this was made.

    New names of modules stay when it is put back, since an import may have made them.
    """

    def __init__(self, objects: Iterable[object], is_own: Callable[[object], bool]) -> None:
        self._undo: list[_Undo] = []
        self._names: dict[int, tuple[dict[str, Any], dict[str, Any]]] = {}  # of modules: as they are, as they were
        self._caches: list[tuple[Any, int, bool]] = []
        self._locals: list[tuple[dict[str, Any], dict[str, Any]]] = []  # of this thread: as they are, as they were
        for value in objects:
            if type(value) is threading.local:
                self._locals.append((value.__dict__, dict(value.__dict__)))
            elif type(value) is functools._lru_cache_wrapper:
                info = value.cache_info()
                self._caches.append((value, info.misses, info.currsize > 0))
            elif type(value) is FunctionType:
                if id(value.__globals__) not in self._names and is_own(value):
                    self._names[id(value.__globals__)] = value.__globals__, dict(value.__globals__)
            else:
                undo = _undo_of(value, is_own)
                if undo is not None:
                    self._undo.append(undo)

    def has_other_names(self) -> bool:
        """Say whether a name of a reached module is bound to something else by now, or gone."""
        return any(now.get(name, was) is not value for now, was in self._names.values() for name, value in was.items())

    def put_back(self) -> None:
        """Undo what can be undone; what cannot is found when the next step is about to run."""
        for now, was in self._names.values():
            now.update({name: value for name, value in was.items() if now.get(name, was) is not value})
        for undo in self._undo:
            with contextlib.suppress(Exception):
                undo()

    def put_back_unseen(self) -> list[object]:
        """Put back what is no part of identity: values of this thread, and caches of functions, which are emptied.

        What a cache took in was made from what nobody else would see. Return the caches that held something
        before: they are not as they were.
        """
        for now, was in self._locals:
            if now.keys() != was.keys() or any(now[name] is not value for name, value in was.items()):
                now.clear()
                now.update(was)
        changed = [(cache, was_warm) for cache, misses, was_warm in self._caches if cache.cache_info().misses != misses]
        for cache, _ in changed:
            cache.cache_clear()
        return [cache for cache, was_warm in changed if was_warm]


def _undo_of(value: Any, is_own: Callable[[object], bool]) -> _Undo | None:
    kind = type(value)
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
    if issubclass(kind, type):
        return _attributes(value) if is_own(value) else None
    return _object(inside) if is_own(kind) and type(inside := _inside(value)) is dict else None


def _inside(value: object) -> Any:
    """Return the attributes that an object itself holds, whatever its class says."""
    try:
        return object.__getattribute__(value, "__dict__")
    except AttributeError:
        return None


def _is_flat(items: Any) -> bool:
    return len(items) <= _MOST and set(map(type, items)) <= _SCALARS


def _mapping(value: Any) -> _Undo:
    was = list(value.items())

    def undo() -> None:
        value.clear()
        for key, item in was:  # `Counter.update` adds, and `dict.update` does not know the order of an `OrderedDict`
            value[key] = item

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
            type.__delattr__(cls, name)
        for name, value in was.items():
            if vars(cls).get(name) is not value:
                type.__setattr__(cls, name, value)

    return undo


def _object(inside: dict[str, Any]) -> _Undo:
    was = dict(inside)

    def undo() -> None:
        if inside.keys() != was.keys() or any(inside[name] is not value for name, value in was.items()):
            inside.clear()
            inside.update(was)

    return undo

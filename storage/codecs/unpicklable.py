"""Find the part of a value that cannot be pickled, and its place, for the error message.

Used only after pickling has failed. It descends into the first part that fails on its own,
which costs a few more attempts at pickling, and gives up rather than guess.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from assetctl.lineage.identity.values.walk import state_of, type_name

_DEEPEST = 50
_HEAP_TYPE = 1 << 9  # set for classes made by a `class` statement


@dataclass(frozen=True, slots=True)
class Culprit:
    """A part that cannot be pickled; `where` is the path to it, "" for the value itself."""

    where: str
    type_name: str


def find_unpicklable(value: object, dumps: Callable[[object], object]) -> Culprit | None:
    """Return the innermost part that `dumps` fails on, or None if it does not fail."""
    if _works(value, dumps):
        return None
    where = ""
    for _ in range(_DEEPEST):
        step = next((step for step in _parts(value) if not _works(step[1], dumps)), None)
        if step is None:
            break
        where, value = where + step[0], step[1]
    return Culprit(where, type_name(type(value)))


def _works(value: object, dumps: Callable[[object], object]) -> bool:
    try:
        dumps(value)
    except Exception:  # noqa: BLE001  a person's `__reduce__` may raise anything
        return False
    return True


def _parts(value: object) -> Iterator[tuple[str, object]]:
    if isinstance(value, dict):
        yield from ((f"[{key!r}]", item) for key, item in dict.items(value))
        yield from ((f" key {key!r}", key) for key in dict.keys(value))
    elif isinstance(value, list | tuple | set | frozenset):
        yield from ((f"[{place}]", item) for place, item in enumerate(value))
    elif isinstance(value, types.FunctionType):
        yield from _captured(value)
    elif isinstance(value, types.MethodType):
        yield ".__self__", value.__self__
    if type(value).__flags__ & _HEAP_TYPE:  # what compiled classes hold has no names a person knows
        yield from ((f".{name}", item) for name, item in state_of(value).items())


def _captured(function: types.FunctionType) -> Iterator[tuple[str, object]]:
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        try:
            yield f" closure `{name}`", cell.cell_contents
        except ValueError:
            continue  # not filled yet
    for name in function.__code__.co_names:
        if name in function.__globals__:
            yield f" global `{name}`", function.__globals__[name]

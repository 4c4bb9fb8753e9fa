"""How a captured value reads: a text by which people see what it is, and from which a comparison names what changed.

Short values are in one line. Long text stands as its own lines, a long container with one
item a line; of what is longer still, the beginning is shown. Nothing of an unknown class
is called, and whatever must not be shown is hidden before anything is cut.
"""

from __future__ import annotations

import itertools
import reprlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from assetctl.lineage.identity.values.walk import type_name

_SCALARS = frozenset(map(id, (type(None), bool, int, float, complex, bytes, type(Ellipsis), type(NotImplemented))))
PLAIN_CONTAINERS = frozenset(map(id, (list, tuple, set, frozenset)))
_SHOWN_LENGTH = 200
_MOST_BITS = 600  # of an integer that is shown; writing digits takes time that grows with their square
_LONGEST_TEXT = 1 << 16
_LARGEST_CONTAINER = 1 << 13  # characters, roughly
_LINE = 80
_BRACKETS: Mapping[type, str] = {dict: "{}", list: "[]", tuple: "()"}


class Shown(reprlib.Repr):
    """Cuts values before they are written, not after, and hides what must not be shown before it cuts."""

    def __init__(self, hidden: Callable[[str], str] = str) -> None:
        super().__init__()
        self._hidden = hidden
        self.maxstring = self.maxother = self.maxlong = _SHOWN_LENGTH
        self.maxlist = self.maxtuple = self.maxdict = self.maxset = self.maxfrozenset = 20

    def repr_str(self, x: str, level: int) -> str:
        return super().repr_str(self._hidden(x), level)

    def repr_dict(self, x: dict[Any, Any], level: int) -> str:
        """Write a dict in its own order, which counts."""
        if level <= 0 and x:
            return "{...}"
        items = [
            f"{self.repr1(key, level - 1)}: {self.repr1(item, level - 1)}"
            for key, item in itertools.islice(x.items(), self.maxdict)
        ]
        return "{" + ", ".join([*items, "..."] if len(x) > self.maxdict else items) + "}"

    def repr_int(self, x: int, level: int) -> str:
        return super().repr_int(x, level) if x.bit_length() <= _MOST_BITS else f"<int of {x.bit_length()} bits>"

    def repr_bytes(self, x: bytes, level: int) -> str:
        text = x.decode("utf-8", "surrogateescape")
        hidden = self._hidden(text)
        return repr((x if hidden == text else hidden.encode("utf-8", "surrogateescape"))[:_SHOWN_LENGTH])


def shown(value: object, hidden: Callable[[str], str] = str) -> str:
    """Return the text of a plain value, of any other the class; texts in it go through `hidden`."""
    if not is_plain(value):
        return f"<{type_name(type(value))}>"
    if type(value) is str and ("\n" in value or len(value) > _SHOWN_LENGTH):
        return hidden(value)[:_LONGEST_TEXT]
    if type(value) in (dict, list, tuple) and _size(value) <= _LARGEST_CONTAINER:
        text = "\n".join(_lines(value, hidden))
        if len(text) > _SHOWN_LENGTH:
            return text
    return Shown(hidden).repr(value)[:_SHOWN_LENGTH]


def is_plain(value: object) -> bool:
    """Say whether a value is made of Python's own scalars and containers alone; paths as text are not plain."""
    stack: list[object] = [value]
    seen: set[int] = set()
    while stack:
        item = stack.pop()
        kind = type(item)
        if id(kind) in _SCALARS or id(item) in seen:
            continue
        if kind is str:
            if looks_like_path(item):  # type: ignore[arg-type]
                return False
            continue
        if kind is not dict and id(kind) not in PLAIN_CONTAINERS:
            return False
        seen.add(id(item))
        inside: Any = item
        if kind is dict:
            stack.extend(inside.keys())
            inside = inside.values()
        if not set(map(id, map(type, inside))) <= _SCALARS:
            stack.extend(inside)
    return True


def looks_like_path(text: str) -> bool:
    return text[:1] == "/" or text[1:3] == ":\\"


def _size(value: Any) -> int:
    """Return how large a plain value is, roughly in characters; a greater number than any limit if it may hold itself."""
    size, stack, seen = 0, [value], set[int]()
    while stack and size <= _LARGEST_CONTAINER:
        item = stack.pop()
        if type(item) is dict or id(type(item)) in PLAIN_CONTAINERS:
            if id(item) in seen:
                return _LARGEST_CONTAINER + 1
            seen.add(id(item))
            size += 8 * len(item)
            stack.extend(item if type(item) is not dict else [*item.keys(), *item.values()])
        else:
            size += item.bit_length() if type(item) is int else len(item) if type(item) in (str, bytes) else 8
    return size


def _lines(value: Any, hidden: Callable[[str], str]) -> Iterator[str]:
    """Yield a value's text, one item a line where it does not fit one; the first line has no indent."""
    brackets = _BRACKETS.get(type(value))
    if type(value) is str and "\n" in value:
        first, *rest = map(repr, hidden(value).splitlines(keepends=True))
        yield first
        yield from (f"  {line}" for line in rest)
        return
    if brackets is None or _is_short(value):
        yield _Whole(hidden).repr(value)
        return
    yield brackets[0]
    named = [(_Whole(hidden).repr(k) + ": ", v) for k, v in value.items()] if type(value) is dict else [("", v) for v in value]  # fmt: skip
    for name, item in named:
        first, *rest = _lines(item, hidden)
        yield f"  {name}{first}"
        yield from (f"  {line}" for line in rest)
    yield brackets[1]


class _Whole(Shown):
    """Cuts nothing: what it is given is small."""

    def __init__(self, hidden: Callable[[str], str]) -> None:
        super().__init__(hidden)
        self.maxstring = self.maxother = self.maxlong = _LARGEST_CONTAINER
        self.maxlist = self.maxtuple = self.maxdict = self.maxset = self.maxfrozenset = _LARGEST_CONTAINER
        self.maxlevel = _LARGEST_CONTAINER


def _is_short(value: Any) -> bool:
    """Say whether a container fits one line: nothing in it is a long text or has lines."""
    return _size(value) <= _LINE and not _has_lines(value)


def _has_lines(value: Any) -> bool:
    if type(value) is str:
        return "\n" in value
    items = [*value.keys(), *value.values()] if type(value) is dict else value if type(value) in (list, tuple) else ()
    return any(map(_has_lines, items))

"""How captured values of libraries read: arrays, tables, dates, patterns, models; and what of a long container is cut off.

No text here is the whole value: a column, or a stretch of an array or a list, stands as the beginning of its digest,
so that a comparison says which of them changed. Only classes of known libraries are asked for anything.
"""

from __future__ import annotations

import datetime
import decimal
import enum
import fractions
import math
import pathlib
import re
import sys
import types
import uuid
import zoneinfo
from collections.abc import Callable, Iterator
from typing import Any

from assetctl.lineage.identity.code.shown import Shown, is_plain, shown
from assetctl.lineage.identity.values.identify import digest_of, identify_value
from assetctl.lineage.identity.values.walk import Unencodable, mro, state_of, type_name

Text = Callable[[str], str]


def _ids(*classes: type) -> frozenset[int]:
    """Return classes by identity: comparing them could call a metaclass."""
    return frozenset(map(id, classes))


_READ_AS_WRITTEN = _ids(
    *(datetime.date, datetime.time, datetime.datetime, datetime.timedelta, datetime.timezone, zoneinfo.ZoneInfo),
    *(decimal.Decimal, fractions.Fraction, uuid.UUID, range),
)
_ZONES = _ids(type(None), datetime.timezone, zoneinfo.ZoneInfo)
_PATHS = _ids(
    *(pathlib.Path, pathlib.PosixPath, pathlib.WindowsPath, pathlib.PurePosixPath, pathlib.PureWindowsPath),
)
_LIBRARIES = frozenset(("numpy", "pandas", "polars", "pyarrow"))
_MOST_CELLS = 200_000  # that are hashed once more, to be told apart by columns or stretches
_MOST_ITEMS = 20_000  # of a container, likewise
_MOST_SHOWN = 100  # numbers of an array
_STRETCHES = 64
_MOST_ATTRIBUTES = 60
_LONGEST = 200


def text_of(value: object, hidden: Text, relative: Text) -> str:
    """Return the text of a captured value; texts in it go through `hidden`, paths through `relative`."""
    text = shown(value, hidden)
    if is_plain(value):
        is_cut = "..." in text or len(text) >= _LONGEST
        return f"{text}{_cut_off(value)}" if is_cut and not text.count("\n") else text
    return described(value, hidden, relative) or text


def described(value: Any, hidden: Text, relative: Text) -> str:
    """Return the text of a value of a known class, or "" for any other."""
    kind = type(value)
    if id(kind) in _READ_AS_WRITTEN:
        return hidden(repr(value)) if id(type(getattr(value, "tzinfo", None))) in _ZONES else ""
    if kind is re.Pattern:
        return f"re.compile({_quoted(value.pattern, hidden)}, {value.flags})"
    if kind is str or id(kind) in _PATHS:
        text = repr(hidden(relative(str(value)))[:_LONGEST])
        return text if kind is str else f"Path({text})"
    if any(base is enum.Enum for base in mro(kind)):
        return _member(value, kind, hidden)
    if kind is types.SimpleNamespace:
        return "\n".join(_attributes(value, vars(value), hidden, relative))
    return "\n".join(_of_library(value, kind))


def _member(member: object, kind: type, hidden: Text) -> str:
    """Return the text of a member of an enum: its name and its value; the rest of its state follows from these."""
    state = state_of(member)
    name, value = state.get("_name_"), state.get("_value_")
    said = Shown(hidden).repr(value)[:_LONGEST] if is_plain(value) else f"<{type_name(type(value))}>"
    return f"{type_name(kind)}.{name} = {said}"


def _of_library(value: Any, kind: type) -> list[str]:
    library, _, name = type_name(kind).partition(".")
    module = sys.modules.get(library) if library in _LIBRARIES else None
    if module is None or vars(module).get(name.rpartition(".")[2]) is not kind:
        return []  # not one of the library's own public classes, whatever it calls itself
    try:
        return list(_array(value) if library == "numpy" else _table(value))
    except Exception:  # noqa: BLE001  a library may raise anything, and nothing but a text is lost
        return []


def state_text(value: object, hidden: Text, relative: Text) -> str:
    """Return the text of an object of a library's class: its plain attributes."""
    return "\n".join(_attributes(value, state_of(value), hidden, relative))


def _cut_off(value: Any) -> str:
    """Return what stands for the items of a long container that are not shown."""
    if not isinstance(value, list | tuple | dict | set | frozenset | bytes):
        return ""
    n_items, noun = len(value), "bytes" if isinstance(value, bytes) else "items"
    if n_items > _MOST_ITEMS:
        return f"\n{n_items:,} {noun}"
    if not isinstance(value, list | tuple | dict):
        return f"\n{n_items:,} {noun}, {_digest(value)}"
    items = list(value.items()) if isinstance(value, dict) else value
    return "\n".join(["", f"{n_items:,} {noun}", *_stretches(items)])


def _attributes(value: object, state: dict[str, Any], hidden: Text, relative: Text) -> Iterator[str]:
    yield f"<{type_name(type(value))}>"
    for name in sorted(key for key in state if type(key) is str)[:_MOST_ATTRIBUTES]:
        item = state[name]
        if is_plain(item):
            yield f"  {name}: {Shown(hidden).repr(item)[:_LONGEST]}"
        else:
            text = described(item, hidden, relative) or f"<{type_name(type(item))}>"
            yield f"  {name}: " + text.replace("\n", "\n    ")


def _array(value: Any) -> Iterator[str]:
    import numpy as np

    if type(value) is not np.ndarray:
        if value.dtype.kind in "biufcmM":
            yield f"{type_name(type(value))} {value!s}"
        return
    yield f"numpy.ndarray {value.dtype} {value.shape}"
    if value.size > _MOST_CELLS or value.dtype.kind not in "biufcmM":
        return
    flat = value.ravel()
    if flat.size <= _MOST_SHOWN:
        yield from (str(row) for row in value.tolist()) if value.ndim > 1 else [str(flat.tolist())]
        return
    yield from _stretches(flat)


def _table(value: Any) -> Iterator[str]:
    shape = getattr(value, "shape", None) or (len(value),)
    yield f"<{type_name(type(value))}> {shape[0]:,} rows"
    if math.prod(shape) > _MOST_CELLS:
        yield from (f"  {name}" for name in getattr(value, "columns", ()) if type(name) is str)
        return
    identity = identify_value(value)
    for column in identity.columns:
        yield f"  {column.name}: {column.type}, {_short(column.digest)}"
    if not identity.columns:
        yield f"  {_short(identity.version)}"


def _stretches(items: Any) -> Iterator[str]:
    size = math.ceil(len(items) / _STRETCHES)
    for start in range(0, len(items), size):
        part = items[start : start + size]
        name = f"[{start}]" if len(part) == 1 else f"[{start} to {start + len(part) - 1}]"
        yield f"  {name} {_digest(part)}"


def _digest(part: Any) -> str:
    try:
        return _short(digest_of(part))
    except Unencodable:
        return "?"


def _short(digest: str) -> str:
    return f"b3:{digest.removeprefix('b3:')[:8]}"


def _quoted(pattern: str | bytes, hidden: Text) -> str:
    return repr(hidden(pattern)[:_LONGEST]) if isinstance(pattern, str) else repr(pattern[:_LONGEST])

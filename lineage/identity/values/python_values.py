"""How Python's own values are written: scalars, containers, times, paths, enums, dataclasses.

Only methods of the built-in base classes are called, never those a subclass overrides.
Long homogeneous sequences of floats, small ints or strings are written packed.
"""

from __future__ import annotations

import array
import collections
import datetime
import decimal
import enum
import fractions
import functools
import gc
import pathlib
import re
import sys
import types
import uuid
import zoneinfo
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from assetctl.lineage.identity.encode import Framed
from assetctl.lineage.identity.values.walk import (
    HEAP_TYPE,
    Child,
    Encoder,
    Walk,
    class_attribute,
    is_of,
    mro,
    state_of,
    write_state,
)

_PACK_FROM = 32  # items; shorter sequences are written one by one
_SHOWN_ITEMS = 100  # of a dict's key, in the path to what is refused
_SHOWN_BITS = 300


def _packed(items: list[Any]) -> tuple[str, bytes] | None:
    """Return a name and bytes for a long sequence of exact floats, small ints or strings."""
    kinds = set(map(id, map(type, items)))
    if len(items) < _PACK_FROM or len(kinds) != 1:
        return None
    kind = type(items[0])
    if kind is float:
        doubles = array.array("d", (float("nan") if x != x else x for x in items))
        return "floats", _little_endian(doubles)
    if kind is int:
        try:
            return "ints", _little_endian(array.array("q", items))
        except OverflowError:
            return None
    if kind is str:
        encoded = [text.encode("utf-8", "surrogatepass") for text in items]
        return "texts", _little_endian(array.array("Q", map(len, encoded))) + b"".join(encoded)
    return None


def _little_endian(numbers: array.array[Any]) -> bytes:
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers.tobytes()


def _items(walk: Walk, out: Framed, items: list[Any]) -> Iterator[Child]:
    out.length(len(items))
    packed = _packed(items)
    if packed is not None:
        out.tag(packed[0]).raw(packed[1])
        return
    for index, item in enumerate(items):
        if not walk.leaf(out, item):
            yield out, item, f"[{index}]"


def _pairs(walk: Walk, out: Framed, pairs: Iterable[tuple[Any, Any]], n_pairs: int) -> Iterator[Child]:
    out.length(n_pairs)
    for key, item in pairs:
        if not walk.leaf(out, key):
            yield out, key, ".keys()"
        if not walk.leaf(out, item):
            yield out, item, step_of(key)


def step_of(key: object) -> str:
    """Return the step to a dict's item, for people; a key's own `__repr__` is not asked."""
    if type(key) is int:
        return f"[{key}]" if key.bit_length() <= _SHOWN_BITS else "[...]"
    if type(key) is str or type(key) is bytes:
        return f"[{key[:_SHOWN_ITEMS]!r}]"
    return f"[{key!r}]" if type(key) in (bool, float) else "[...]"


def _list(walk: Walk, out: Framed, value: list[Any]) -> Iterator[Child]:
    return _items(walk, out.tag("list"), list(list.__iter__(value)))


def _tuple(walk: Walk, out: Framed, value: tuple[Any, ...]) -> Iterator[Child]:
    return _items(walk, out.tag("tuple"), list(tuple.__iter__(value)))


def _deque(walk: Walk, out: Framed, value: collections.deque[Any]) -> Iterator[Child]:
    limit = collections.deque.maxlen.__get__(value)
    out.tag("deque")
    out.none() if limit is None else out.integer(limit)
    return _items(walk, out, list(collections.deque.__iter__(value)))


def _dict(walk: Walk, out: Framed, value: dict[Any, Any]) -> Iterator[Child]:
    return _pairs(walk, out.tag("dict"), dict.items(value), dict.__len__(value))


def _ordered_dict(walk: Walk, out: Framed, value: collections.OrderedDict[Any, Any]) -> Iterator[Child]:
    pairs = list(collections.OrderedDict.items(value))
    return _pairs(walk, out.tag("OrderedDict"), pairs, len(pairs))


def _defaultdict(walk: Walk, out: Framed, value: collections.defaultdict[Any, Any]) -> Iterator[Child]:
    yield out.tag("defaultdict"), _FACTORY.__get__(value), ".default_factory"
    yield from _pairs(walk, out, dict.items(value), dict.__len__(value))


_FACTORY: Any = collections.defaultdict.__dict__["default_factory"]


def _counter(walk: Walk, out: Framed, value: collections.Counter[Any]) -> Iterator[Child]:
    return _pairs(walk, out.tag("Counter"), dict.items(value), dict.__len__(value))


def _mapping_proxy(walk: Walk, out: Framed, value: Mapping[Any, Any]) -> Iterator[Child]:
    inner: Any = _unwrapped(value)
    if not isinstance(inner, dict):
        walk.refuse(inner)
    return _pairs(walk, out.tag("mappingproxy"), dict.items(inner), dict.__len__(inner))


def _unwrapped(proxy: Any) -> object:
    """Return what a mappingproxy shows; `|` with an empty dict would copy it and lose an OrderedDict's order."""
    return gc.get_referents(proxy)[0]


def _members(walk: Walk, out: Framed, members: Iterable[Any], n_members: int) -> Iterator[Child]:
    """Write members whose order is chance: each hashed by itself, then sorted."""
    digests = []
    for member in members:
        own = Framed("av/1")
        if not walk.leaf(own, member):
            yield own, member, "{...}"
        digests.append(own.raw_digest())
    out.length(n_members).raw(b"".join(sorted(digests)))


def _set(walk: Walk, out: Framed, value: set[Any]) -> Iterator[Child]:
    return _members(walk, out.tag("set"), set.__iter__(value), set.__len__(value))


def _frozenset(walk: Walk, out: Framed, value: frozenset[Any]) -> Iterator[Child]:
    return _members(walk, out.tag("frozenset"), frozenset.__iter__(value), frozenset.__len__(value))


def _fields(cls: type, tag: str, *names: str) -> Encoder:
    """Encode by C-level fields of a base class, which a subclass cannot hide."""
    getters = [(name, getattr(cls, name).__get__) for name in names]

    def write(walk: Walk, out: Framed, value: Any) -> Iterator[Child]:
        out.tag(tag)
        for name, get in getters:
            yield out, get(value), f".{name}"

    return Encoder(write, is_compound=True)


def _namespace(walk: Walk, out: Framed, value: types.SimpleNamespace) -> Iterator[Child]:
    out.tag("SimpleNamespace")
    return write_state(walk, out, value)


def _decimal(walk: Walk, out: Framed, value: decimal.Decimal) -> None:
    sign, digits, exponent = decimal.Decimal.as_tuple(value)
    out.tag("Decimal").integer(sign).raw(bytes(digits)).text(str(exponent))


def _zone(walk: Walk, out: Framed, value: Any) -> None:
    if type(value) is not zoneinfo.ZoneInfo or value.key is None:  # read from a file, which is not known any more
        walk.refuse(value)
    out.tag("ZoneInfo").text(value.key)


def _timezone(walk: Walk, out: Framed, value: datetime.timezone) -> None:
    offset = value.utcoffset(None)
    out.tag("timezone").integer(offset // datetime.timedelta(microseconds=1)).text(value.tzname(None))


def _path(walk: Walk, out: Framed, value: pathlib.PurePath) -> None:
    if not is_of(type(value), "pathlib"):
        walk.refuse(value)
    parts = value.parts
    out.tag("PureWindowsPath" if type(value) is pathlib.PureWindowsPath else "path").length(len(parts))
    for part in parts:
        out.text(part)


def _bytearray(walk: Walk, out: Framed, value: bytearray) -> None:
    """Write the bytes; of a subclass from a copy, since its view is a method it may override."""
    out.tag("bytearray").raw(
        memoryview(value) if type(value) is bytearray else bytearray.__getitem__(value, slice(None))
    )


def _memoryview(walk: Walk, out: Framed, value: memoryview) -> None:
    try:
        content = value.tobytes()
    except ValueError:  # released
        walk.refuse(value)
    else:
        out.tag("memoryview").text(value.format).text(str(value.shape)).raw(content)


def _array(walk: Walk, out: Framed, value: array.array[Any]) -> None:
    kind, items = array.array.typecode.__get__(value), array.array.tolist(value)
    out.tag("array.array").text(kind).length(len(items))
    if kind in "uw":
        out.text("".join(items))
    elif kind in "fd":
        out.raw(_little_endian(array.array("d", (float("nan") if x != x else x for x in items))))
    else:
        out.raw(_little_endian(array.array("Q" if kind.isupper() else "q", items)))


def _pattern(walk: Walk, out: Framed, value: re.Pattern[Any]) -> None:
    out.tag("pattern").integer(value.flags)
    walk.leaf(out, value.pattern)


def _enum_member(walk: Walk, out: Framed, value: enum.Enum) -> Iterator[Child]:
    out.tag("enum")
    walk.class_of(out, type(value))
    state = object.__getattribute__(value, "__dict__")
    out.text(str(state["_name_"]))
    yield out, state["_value_"], ".value"


def _dataclass(walk: Walk, out: Framed, value: object) -> Iterator[Child]:
    out.tag("dataclass")
    walk.class_of(out, type(value))
    for ancestor in mro(type(value))[1:-1]:  # a dataclass may extend a dict
        base = _BASES.get(id(ancestor))
        if base is not None:
            yield from base.write(walk, out, value) or ()
        elif not ancestor.__flags__ & HEAP_TYPE:  # or an exception, an array: content out of sight
            walk.refuse(value)
    yield from write_state(walk, out, value)


def _namedtuple(walk: Walk, out: Framed, value: tuple[Any, ...]) -> Iterator[Child]:
    out.tag("namedtuple")
    walk.class_of(out, type(value))
    names = tuple(class_attribute(type(value), "_fields") or ())
    out.length(len(names))
    for name in names:
        out.text(name)
    for index, item in enumerate(tuple.__iter__(value)):
        yield out, item, f".{names[index]}" if index < len(names) else f"[{index}]"
    state = {name: item for name, item in state_of(value).items() if name not in names}
    yield out, state, ".__dict__"


def _function(walk: Walk, out: Framed, value: Any) -> None:
    module = getattr(value, "__module__", None) or type_module(value)
    walk.named(out, value, (str(module), str(getattr(value, "__qualname__", ""))))


def type_module(value: Any) -> str:
    """Return the module of a built-in function that does not say it: that of the object it is bound to."""
    owner = getattr(value, "__self__", None)
    return owner.__name__ if isinstance(owner, types.ModuleType) else "builtins"


def _class(walk: Walk, out: Framed, value: type) -> None:
    module = type.__dict__["__module__"].__get__(value)
    walk.named(out, value, (str(module), type.__dict__["__qualname__"].__get__(value)))


def _partial(walk: Walk, out: Framed, value: functools.partial[Any]) -> Iterator[Child]:
    out.tag("partial")
    for name in ("func", "args", "keywords"):
        yield out, getattr(functools.partial, name).__get__(value), f".{name}"


def _leaf(write: Callable[[Framed, Any], object]) -> Encoder:
    def write_leaf(walk: Walk, out: Framed, value: Any) -> None:
        write(out, value)

    return Encoder(write_leaf)


def _compound(write: Callable[[Walk, Framed, Any], Iterator[Child]]) -> Encoder:
    return Encoder(write, is_compound=True)


_CALENDAR = ("year", "month", "day")
_TIME_OF_DAY = ("hour", "minute", "second", "microsecond", "fold", "tzinfo")

ENCODERS: dict[type, Encoder] = {
    type(None): _leaf(lambda out, value: out.none()),
    bool: _leaf(lambda out, value: out.boolean(value)),
    int: _leaf(lambda out, value: out.integer(int.__index__(value))),
    float: _leaf(lambda out, value: out.floating(float.__float__(value))),
    complex: _leaf(
        lambda out, value: (
            out.tag("complex").floating(complex.real.__get__(value)).floating(complex.imag.__get__(value))
        )
    ),
    str: _leaf(lambda out, value: out.text(str.__str__(value))),
    bytes: _leaf(lambda out, value: out.raw(bytes.__getitem__(value, slice(None)))),
    bytearray: Encoder(_bytearray),
    memoryview: Encoder(_memoryview),
    array.array: Encoder(_array),
    type(Ellipsis): _leaf(lambda out, value: out.tag("Ellipsis")),
    type(NotImplemented): _leaf(lambda out, value: out.tag("NotImplemented")),
    list: _compound(_list),
    tuple: _compound(_tuple),
    dict: _compound(_dict),
    set: _compound(_set),
    frozenset: _compound(_frozenset),
    range: _fields(range, "range", "start", "stop", "step"),
    slice: _fields(slice, "slice", "start", "stop", "step"),
    collections.deque: _compound(_deque),
    collections.OrderedDict: _compound(_ordered_dict),
    collections.defaultdict: _compound(_defaultdict),
    collections.Counter: _compound(_counter),
    types.MappingProxyType: _compound(_mapping_proxy),
    types.SimpleNamespace: _compound(_namespace),
    datetime.datetime: _fields(datetime.datetime, "datetime", *_CALENDAR, *_TIME_OF_DAY),
    datetime.date: _fields(datetime.date, "date", *_CALENDAR),
    datetime.time: _fields(datetime.time, "time", *_TIME_OF_DAY),
    datetime.timedelta: _fields(datetime.timedelta, "timedelta", "days", "seconds", "microseconds"),
    datetime.timezone: Encoder(_timezone),
    zoneinfo.ZoneInfo: Encoder(_zone, whole=True),
    decimal.Decimal: Encoder(_decimal),
    fractions.Fraction: _fields(fractions.Fraction, "Fraction", "_numerator", "_denominator"),
    uuid.UUID: _leaf(lambda out, value: out.tag("UUID").integer(uuid.UUID.__dict__["int"].__get__(value))),
    pathlib.PurePath: Encoder(_path, whole=True),
    re.Pattern: Encoder(_pattern),
    type: Encoder(_class, whole=True),
    types.FunctionType: Encoder(_function, whole=True),
    types.BuiltinFunctionType: Encoder(_function, whole=True),
    functools.partial: _compound(_partial),
}

_BASES = {id(base): ENCODERS[base] for base in (dict, list, set, frozenset, tuple, str, bytes, int, float)}

_ENUM_MEMBER = Encoder(_enum_member, is_compound=True, whole=True)
_DATACLASS = Encoder(_dataclass, is_compound=True, whole=True)
_NAMEDTUPLE = Encoder(_namedtuple, is_compound=True, whole=True)


def family(cls: type) -> Encoder | None:
    """Return the encoder of classes that people define: enums, dataclasses, named tuples."""
    bases = mro(cls)
    if any(base is enum.Enum for base in bases):
        return _ENUM_MEMBER
    if class_attribute(cls, "__dataclass_fields__") is not None:
        return _DATACLASS
    if any(base is tuple for base in bases) and class_attribute(cls, "_fields") is not None:
        return _NAMEDTUPLE
    return None

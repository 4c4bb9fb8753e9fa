"""Values of Python's own types, and of a project's classes: each with one edit that a reader can see."""

# mypy: ignore-errors

from __future__ import annotations

import array
import collections
import collections.abc
import datetime as dt
import decimal
import fractions
import functools
import ipaddress
import itertools
import operator
import pathlib
import re
import string
import types
import uuid
import weakref
import zoneinfo
from typing import Any

from tests.truth import zoo_kinds as k
from tests.truth.zoo import Refused, Zoo

BERN = zoneinfo.ZoneInfo("Europe/Zurich")
NAN = float("nan")


def shared_list() -> Any:
    box = [1, 2]
    return [box, box, {"again": box}]


def shared_set() -> Any:
    box = {"a", "b"}
    return (box, [box])


def shared_in_objects() -> Any:
    box = [1]
    return [k.Plain(a=box), k.Plain(a=box)]


def shared_object() -> Any:
    one = k.Plain(a=1)
    return {"x": one, "y": one}


def cycle() -> Any:
    own: list[Any] = [1]
    own.append(own)
    return own


def cycle_of_dicts() -> Any:
    a: dict[str, Any] = {"n": 1}
    b: dict[str, Any] = {"a": a}
    a["b"] = b
    return a


def ring(*names: str) -> Any:
    nodes = [k.Node(name) for name in names]
    for one, other in itertools.pairwise([*nodes, nodes[0]]):
        one.peers.append(other)
    return nodes[0]


def set_with_cycle() -> Any:
    one, other = k.Node("a"), k.Node("b")
    one.peers, other.peers = [other], [one]
    return {"all": {"x", "y", "z"}, "one": one}


def with_attribute(cls: Any, content: Any, **held: Any) -> Any:
    made = cls(content)
    made.__dict__.update(held)
    return made


def noted(text: str, note: str) -> Any:
    made = k.Text(text)
    made.note = note
    return made


def counter_of(*words: str) -> Any:
    made: collections.defaultdict[str, int] = collections.defaultdict(int)
    for word in words:
        made[word] += 1
    return made


def made_at(*parts: Any, **more: Any) -> dt.datetime:
    return dt.datetime(*parts, **more)


BUILT_IN: Zoo = {
    "bool": (lambda: True, lambda: 1),
    "int": (lambda: 3, lambda: 3.0),
    "negative int": (lambda: -1, lambda: 1),
    "large int": (lambda: 2**70, lambda: 2**70 + 1),
    "huge int": (lambda: 10**5000, lambda: 10**5000 + 1),
    "float": (lambda: 0.1, lambda: 0.1 + 2**-55),
    "minus zero": (lambda: -0.0, lambda: 0.0),
    "nan": (lambda: NAN, lambda: None or 0.0),
    "infinity": (lambda: float("inf"), lambda: -float("inf")),
    "complex": (lambda: 1 + 2j, lambda: 1 - 2j),
    "text": (lambda: "Zürich", lambda: "Zurich"),
    "empty text": (lambda: "", lambda: b""),
    "text with nul": (lambda: "a\0b", lambda: "a\0c"),
    "surrogate": (lambda: "\ud800", lambda: "\ud801"),
    "composed text": (lambda: "é", lambda: "e\u0301"),
    "lines": (lambda: "a\r\nb", lambda: "a\nb"),
    "bytes": (lambda: b"\x00\xff", lambda: b"\x00\xfe"),
    "bytearray": (lambda: bytearray(b"ab"), lambda: b"ab"),
    "memoryview": (lambda: memoryview(b"abcd"), Refused("memoryview")),
    "ellipsis": (lambda: [...], lambda: [NotImplemented]),
    "list": (lambda: [1, "a", None], lambda: [1, "a", False]),
    "empty list": (lambda: [], lambda: ()),
    "list of nan": (lambda: [NAN, 1.0], lambda: [None, 1.0]),
    "long list": (lambda: list(range(1000)), lambda: [*range(999), 998]),
    "deep list": (lambda: functools.reduce(lambda inner, _: [inner], range(150), []), lambda: [[]]),
    "very deep list": (lambda: functools.reduce(lambda inner, _: [inner], range(5000), []), Refused("recursion")),
    "tuple": (lambda: (1, (2, 3)), lambda: (1, [2, 3])),
    "dict": (lambda: {"a": 1, "b": [2]}, lambda: {"b": [2], "a": 1}),
    "dict of int keys": (lambda: {1: "a", 2: "b"}, lambda: {"1": "a", "2": "b"}),
    "dict of mixed keys": (lambda: {1: 1, "1": 2, (1, 2): 3, None: 4, True.real + 1.5: 5}, lambda: {1: 1}),
    "dict of bool keys": (lambda: {True: 1, False: 0}, lambda: {1: 1, 0: 0}),
    "set": (lambda: {"p", "q", "r", "s"}, lambda: {"p", "q", "r"}),
    "set of mixed": (lambda: {1, "a", (2, "b"), None, b"c"}, lambda: {1, "a", (2, "b"), None}),
    "frozenset": (lambda: frozenset("abcdef"), lambda: set("abcdef")),
    "set of frozensets": (lambda: {frozenset("ab"), frozenset("cd")}, lambda: {frozenset("ac"), frozenset("bd")}),
    "dict of sets": (lambda: {"x": {"p", "q", "r"}, "y": {"s"}}, lambda: {"x": {"p", "q"}, "y": {"s"}}),
    "range": (lambda: range(1, 10, 3), lambda: range(1, 11, 2)),
    "slice": (lambda: [slice(1, None)], lambda: [slice(1, 2)]),
    "deque": (lambda: collections.deque([1, 2], 5), lambda: collections.deque([1, 2], 4)),
    "deque of sets": (lambda: collections.deque([{"a", "b", "c"}]), lambda: collections.deque([{"a", "b"}])),
    "OrderedDict": (
        lambda: collections.OrderedDict(a=1, b=2),
        lambda: collections.OrderedDict(b=2, a=1),
    ),
    "defaultdict": (lambda: counter_of("a", "b", "a"), lambda: counter_of("a", "b", "b")),
    "defaultdict of list": (lambda: collections.defaultdict(list, a=[1]), lambda: collections.defaultdict(set, a=[1])),
    "Counter": (lambda: collections.Counter("abracadabra"), lambda: dict(collections.Counter("abracadabra"))),
    "ChainMap": (lambda: collections.ChainMap({"a": 1}, {"b": 2}), lambda: collections.ChainMap({"a": 1, "b": 2})),
    "UserDict": (lambda: collections.UserDict(a=1), lambda: collections.UserDict(a=2)),
    "SimpleNamespace": (lambda: types.SimpleNamespace(a=1, b={"x"}), lambda: types.SimpleNamespace(a=1, b={"y"})),
    "array": (lambda: array.array("d", [1, 2]), lambda: array.array("f", [1, 2])),
    "pattern": (lambda: re.compile("a+", re.IGNORECASE), lambda: re.compile("a+")),
    "UUID": (lambda: uuid.UUID(int=5), lambda: uuid.UUID(int=6)),
    "Fraction": (lambda: fractions.Fraction(1, 3), lambda: fractions.Fraction(2, 3)),
    "address": (lambda: ipaddress.ip_address("10.0.0.1"), lambda: ipaddress.ip_address("10.0.0.2")),
    "network": (lambda: ipaddress.ip_network("10.0.0.0/8"), lambda: ipaddress.ip_network("10.0.0.0/9")),
    "template": (lambda: string.Template("$a"), lambda: string.Template("$b")),
    "partial": (lambda: functools.partial(k.scaled, by=3), lambda: functools.partial(k.scaled, by=4)),
    "partial of a builtin": (lambda: functools.partial(int, base=2), lambda: functools.partial(int, base=8)),
    "itemgetter": (lambda: operator.itemgetter("a"), lambda: operator.itemgetter("b")),
    "builtin function": (lambda: [len, sorted], lambda: [len, sum]),
    "built-in class": (lambda: [int, dict], lambda: [int, list]),
    "generic alias": (lambda: [list[int]], lambda: [list[str]]),
    "exception": (lambda: ValueError("a", 1), lambda: ValueError("a", 2)),
    "pure path": (lambda: pathlib.PurePosixPath("a/b"), lambda: pathlib.PurePosixPath("a/c")),
    "paths within": (lambda: {"at": pathlib.PurePosixPath("a/b")}, lambda: {"at": pathlib.PurePosixPath("a")}),
    "mapping proxy": (lambda: types.MappingProxyType({"a": 1}), Refused("mappingproxy")),
    "parts within parts": (lambda: functools.reduce(lambda inner, _: [inner, inner], range(60), [1]), None),
}

TIMES: Zoo = {
    "date": (lambda: dt.date(2024, 2, 29), lambda: dt.date(2024, 2, 28)),
    "datetime": (lambda: made_at(2024, 1, 2, 3, 4, 5, 6), lambda: made_at(2024, 1, 2, 3, 4, 5, 7)),
    "datetime in utc": (lambda: made_at(2024, 1, 1, tzinfo=dt.UTC), lambda: made_at(2024, 1, 1)),
    "datetime in a zone": (
        lambda: made_at(2024, 7, 1, tzinfo=BERN),
        lambda: made_at(2024, 7, 1, tzinfo=zoneinfo.ZoneInfo("Europe/Rome")),
    ),
    "folded datetime": (
        lambda: made_at(2024, 10, 27, 2, 30, tzinfo=BERN, fold=1),
        lambda: made_at(2024, 10, 27, 2, 30, tzinfo=BERN),
    ),
    "datetime with offset": (
        lambda: made_at(2024, 1, 1, tzinfo=dt.timezone(dt.timedelta(hours=5, minutes=30))),
        lambda: made_at(2024, 1, 1, tzinfo=dt.timezone(dt.timedelta(hours=5, minutes=30), "IST")),
    ),
    "zone": (lambda: BERN, lambda: zoneinfo.ZoneInfo("UTC")),
    "time": (lambda: dt.time(12, 30, tzinfo=dt.UTC), lambda: dt.time(12, 30)),
    "timedelta": (lambda: dt.timedelta(days=1, microseconds=1), lambda: dt.timedelta(days=1)),
    "list of dates": (
        lambda: [dt.date(2024, 1, day) for day in (1, 2, 3)],
        lambda: [made_at(2024, 1, d) for d in (1, 2, 3)],
    ),
    "decimal": (lambda: decimal.Decimal("1.10"), lambda: decimal.Decimal("1.1")),
    "decimal nan": (lambda: decimal.Decimal("NaN"), lambda: decimal.Decimal("sNaN")),
    "decimal zero": (lambda: decimal.Decimal("-0"), lambda: decimal.Decimal(0)),
    "decimals": (
        lambda: {"a": [decimal.Decimal(1), decimal.Decimal("1E+3")]},
        lambda: {"a": [decimal.Decimal(1), decimal.Decimal(1000)]},
    ),
    "context": (lambda: [decimal.Context(prec=5).prec], lambda: [decimal.Context(prec=6).prec]),
}

CLASSES: Zoo = {
    "enum": (lambda: k.Colour.RED, lambda: k.Colour.BLUE),
    "int enum": (lambda: k.Level.LOW, lambda: 1),
    "flag": (lambda: k.Rights.READ | k.Rights.WRITE, lambda: k.Rights.READ),
    "str enum": (lambda: [k.Word.ONE], lambda: ["one"]),
    "dict by enum": (lambda: {k.Colour.RED: 1, k.Colour.BLUE: 2}, lambda: {k.Colour.RED: 1}),
    "dataclass": (lambda: k.Point(1, 2.0, ["a"]), lambda: k.Point(1, 2.0, ["b"])),
    "frozen dataclass": (lambda: k.Frozen("n", k.Point(1)), lambda: k.Frozen("n", k.Point(2))),
    "slotted dataclass": (lambda: k.Slotted(1), lambda: k.Slotted(1, "c")),
    "child dataclass": (lambda: k.Child(1), lambda: k.Child(1, z=4)),
    "hidden field": (lambda: k.Defaults(1), lambda: k.Defaults(2)),
    "dataclass of a dict": (lambda: k.Listing("t"), lambda: k.Listing("u")),
    "set of dataclasses": (lambda: {k.Frozen("a"), k.Frozen("b")}, lambda: {k.Frozen("a"), k.Frozen("c")}),
    "named tuple": (lambda: k.Pair(1), lambda: (1, "r")),
    "typed dict": (lambda: k.Movie(title="t", year=1), lambda: k.Movie(title="t", year=2)),
    "plain object": (lambda: k.Plain(a=1, b="x"), lambda: k.Plain(a=1, b="y")),
    "object with a set": (lambda: k.Plain(a={"p", "q", "r", "s"}), lambda: k.Plain(a={"p", "q", "r"})),
    "object with sets deep": (
        lambda: k.Plain(a=k.Plain(b=[{"p", "q", "r"}, {"x": {"s", "t"}}])),
        lambda: k.Plain(a=k.Plain(b=[{"p", "q", "r"}, {"x": {"s"}}])),
    ),
    "object with a frozenset": (lambda: k.Plain(a=frozenset(("p", "q", "r"))), lambda: k.Plain(a=frozenset("pq"))),
    "list of objects": (
        lambda: [k.Plain(a=1), k.Plain(a={"u", "v", "w"})],
        lambda: [k.Plain(a=1), k.Plain(a={"u", "v"})],
    ),
    "object with slots": (lambda: k.WithSlots(1, {"a", "b", "c"}), lambda: k.WithSlots(1, {"a", "b"})),
    "object with state": (lambda: k.WithState({"p", "q", "r"}), lambda: k.WithState({"p", "q"})),
    "reduced object": (lambda: k.Reduced({1, 2}), lambda: k.Reduced({1, 3})),
    "reduced with words": (lambda: k.Reduced({"p", "q", "r"}), lambda: k.Reduced({"p", "q"})),
    "generic object": (lambda: k.Box([1]), lambda: k.Box([2])),
    "object of an abstract class": (lambda: k.Square(2.0), lambda: k.Square(3.0)),
    "object with an array": (lambda: k.Plain(a=array.array("i", [1])), lambda: k.Plain(a=array.array("i", [2]))),
    "object with a time": (lambda: k.Plain(a=made_at(2024, 1, 1, tzinfo=BERN)), lambda: k.Plain(a=made_at(2024, 1, 1))),
    "list with attribute": (
        lambda: with_attribute(k.Names, [1], note="a"),
        lambda: with_attribute(k.Names, [1], note="b"),
    ),
    "dict with missing": (lambda: k.Counts(a=1), lambda: {"a": 1}),
    "text with a slot": (lambda: noted("t", "n"), lambda: noted("t", "m")),
    "own number": (lambda: k.Number(3), lambda: 3),
    "own set": (lambda: with_attribute(k.Members, "pqrs", note={"x", "y"}), lambda: k.Members("pqr")),
    "own exception": (lambda: k.Trouble(3), lambda: k.Trouble(4)),
    "class": (lambda: k.Plain, lambda: k.Node),
    "function": (lambda: k.double, lambda: k.scaled),
    "bound method": (lambda: k.Square(2.0).area, lambda: k.Square(3.0).area),
    "functions by name": (lambda: {"d": k.double, "s": k.scaled}, lambda: {"d": k.double, "s": k.double}),
}

SHARED: Zoo = {
    "shared list": (shared_list, None),
    "shared set": (shared_set, lambda: ({"a", "b"}, [{"a", "b"}])),
    "shared in objects": (shared_in_objects, lambda: [k.Plain(a=[1]), k.Plain(a=[1])]),
    "shared object": (shared_object, lambda: {"x": k.Plain(a=1), "y": k.Plain(a=1)}),
    "cycle": (cycle, lambda: [1, [1]]),
    "cycle of dicts": (cycle_of_dicts, lambda: {"n": 1, "b": {"a": {"n": 1}}}),
    "ring": (lambda: ring("a", "b", "c"), lambda: ring("a", "b", "d")),
    "set beside a cycle": (set_with_cycle, None),
    "shared words": (lambda: ["word"] * 3, lambda: ["word"] * 2),
}

REFUSED: Zoo = {
    "generator": (lambda: (x for x in [1]), Refused("generator")),
    "map": (lambda: map(len, ["a"]), Refused("map")),
    "zip": (lambda: zip([1], [2], strict=True), Refused("zip")),
    "filter": (lambda: filter(None, [1]), Refused("filter")),
    "enumerate": (lambda: enumerate([1]), Refused("enumerate")),
    "list iterator": (lambda: iter([1]), Refused("list_iterator")),
    "dict iterator": (lambda: iter({"a": 1}), Refused("dict_keyiterator")),
    "chain": (lambda: itertools.chain([1], [2]), Refused("chain")),
    "iterator in a dict": (lambda: {"it": (x for x in [1])}, Refused("generator")),
    "open file": (lambda: open(__file__, encoding="utf-8"), Refused("TextIOWrapper")),  # noqa: SIM115, PTH123
    "module": (lambda: string, Refused("module")),
    "module in a list": (lambda: [string], Refused("module")),
    "lambda": (lambda: lambda x: x, lambda: lambda x: x + 1),
    "weak reference": (lambda: weakref.ref(k.Plain), Refused("ReferenceType")),
    "coroutine function's frame": (lambda: itertools.count(), Refused("count")),
}

FAMILIES: dict[str, Zoo] = {
    "python": BUILT_IN, "times": TIMES, "classes": CLASSES, "shared": SHARED, "refused": REFUSED,
}  # fmt: skip

"""Which parts of a value are one object: it counts where a reader that changes one would see it in the other."""

from __future__ import annotations

import array
import collections
import dataclasses
import datetime
import enum
import types
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from assetctl.lineage.identity.values.identify import identify_value
from assetctl.lineage.identity.values.sharing import shared_ways


@dataclasses.dataclass
class Held:
    one: Any
    other: Any = None


@dataclasses.dataclass(frozen=True)
class Frozen:
    one: Any


class Colour(enum.Enum):
    RED = 1


class Names(list):
    """A class of a person's own."""


CHANGEABLE: dict[str, Callable[[], object]] = {
    "list": list,
    "dict": dict,
    "set": lambda: {1, 2},
    "deque": collections.deque,
    "bytearray": lambda: bytearray(b"x"),
    "array": lambda: array.array("i", [1]),
    "ordered dict": collections.OrderedDict,
    "default dict": lambda: collections.defaultdict(list),
    "namespace": lambda: types.SimpleNamespace(a=1),
    "object": lambda: Held(1),
    "subclass": lambda: Names([1]),
    "numpy array": lambda: np.arange(2),
    "frame": lambda: pd.DataFrame({"a": [1]}),
    "series": lambda: pd.Series([1]),
    "tuple of a list": lambda: ([1],),
    "frozen object of a list": lambda: Frozen([1]),
    "random": lambda: np.random.default_rng(1),
}


@pytest.mark.parametrize("name", CHANGEABLE)
def test_one_changeable_object_in_two_places_is_not_two_equal_ones(name: str) -> None:
    make = CHANGEABLE[name]
    one = make()
    shared, apart = [one, one], [make(), make()]
    assert identify_value(shared).version == identify_value(apart).version
    assert identify_value(shared, sharing=True).version != identify_value(apart, sharing=True).version
    assert identify_value(apart, sharing=True).version == identify_value(apart).version


@pytest.mark.parametrize(
    "fixed",
    [1, "a", (1, ("b",)), frozenset({1}), None, 1.5, datetime.date(2024, 1, 1), Colour.RED, Held, len, np.float64(1),
     np.dtype("i4"), pd.Timestamp("2024"), pd.Index([1]), pa.table({"a": [1]}), Frozen(1), range(3)],
    ids=lambda value: type(value).__name__,
)  # fmt: skip
def test_what_cannot_be_changed_may_be_one_object_or_two(fixed: object) -> None:
    assert shared_ways([fixed, {"a": fixed}]) == []


def test_the_ways_to_a_shared_part_are_told_apart_wherever_they_are() -> None:
    part = [1]
    for value, ways in (
        ([part, part], [("[0]", "[1]")]),
        ({"a": part, "b": {"c": part}}, [("['a']", "['b']['c']")]),
        (Held(part, (0, part)), [(".one", ".other[1]")]),
        (collections.deque([part, [part]]), [("[0]", "[1][0]")]),
        (np.array([part, None, part], object), [("[0]", "[2]")]),
        (pd.DataFrame({"o": [part, part]}), [("[0][0]", "[0][1]")]),
        ([part, part, [part]], [("[0]", "[1]", "[2][0]")]),
    ):
        assert shared_ways(value) == ways
    versions = {
        identify_value(v, sharing=True).version for v in ([part, part, [1]], [part, [1], part], [[1], part, part])
    }
    assert len(versions) == 3


def test_a_value_that_holds_itself_is_no_sharing() -> None:
    ring: list[object] = []
    ring.append([ring])
    child = types.SimpleNamespace(name="c")
    parent = types.SimpleNamespace(children=[child])
    child.parent = parent
    assert shared_ways(ring) == shared_ways(parent) == []
    assert shared_ways([ring, ring]) == [("[0]", "[1]")]


def test_neither_depth_nor_nested_tuples_are_a_limit() -> None:
    doubled: Any = ()
    deep: list[Any] = []
    for _ in range(60):
        doubled = (doubled, doubled)
    for _ in range(20_000):
        deep = [deep]
    assert shared_ways(doubled) == shared_ways(deep) == []

"""Python's own values: every type and value apart, cycles and depth, no hook of the value called."""

from __future__ import annotations

import array
import collections
import dataclasses
import datetime
import decimal
import enum
import fractions
import functools
import pathlib
import re
import subprocess
import sys
import threading
import types
import uuid
import zoneinfo
from typing import Any

import numpy as np
import pandas as pd
import pytest
import pytz
from scipy import sparse

from assetctl.lineage.identity.encode import Framed
from assetctl.lineage.identity.values.identify import identify_value, write_value
from assetctl.lineage.identity.values.walk import Unencodable


def version(value: object) -> str:
    return identify_value(value).version


class Colour(enum.Enum):
    RED = 1
    BLUE = 2


class Word(str, enum.Enum):  # noqa: UP042  (older code writes it so)
    RED = "red"


@dataclasses.dataclass
class Point:
    x: object
    y: object = None

    @functools.cached_property
    def norm(self) -> int:
        return 5


@dataclasses.dataclass(slots=True)
class Slotted:
    x: object


Pair = collections.namedtuple("Pair", "a b")  # noqa: PYI024


class MyList(list[object]):
    pass


class MyText(str):
    __slots__ = ()


_UTC = datetime.timezone.utc  # noqa: UP017
_MOMENT = datetime.datetime(2024, 10, 27, 2, 30)  # noqa: DTZ001  (naive on purpose)
_BERLIN = zoneinfo.ZoneInfo("Europe/Berlin")

DIFFERENT: list[Any] = [
    None, True, False, 0, 1, -1, 2**70, 1.0, 0.0, -0.0, float("nan"), float("inf"), 1j, complex(0.0, -1.0),
    "", "1", "a", b"", b"1", bytearray(b"1"), np.int64(1), np.int32(1), np.float64(1), np.bool_(True), np.str_("1"),
    [], [1], [True], [1, 2], [[1], 2], [[1, 2]], (), (1,), (1, 2), Pair(1, 2), {}, {1: 2}, {"a": 1}, {"a": [1]},
    set(), {1}, {1, 2}, frozenset({1}), range(3), range(0, 4, 2), slice(1, 2), slice(1, 2, 3), ..., NotImplemented,
    collections.OrderedDict(a=1), collections.defaultdict(int, a=1), collections.defaultdict(list, a=1),
    collections.Counter("a"), collections.deque([1]), collections.deque([1], 5), types.MappingProxyType({"a": 1}),
    types.SimpleNamespace(a=1), types.SimpleNamespace(b=1), MyList([1]), MyText("a"), Point(1), Point(1, 2), Slotted(1),
    Colour.RED, Colour.BLUE, Word.RED, datetime.date(2024, 1, 1), _MOMENT.replace(day=1), datetime.time(1),
    _MOMENT, _MOMENT.replace(fold=1), _MOMENT.replace(tzinfo=_UTC), _MOMENT.replace(tzinfo=_BERLIN), _BERLIN, _UTC,
    datetime.timezone(datetime.timedelta(hours=1)), datetime.timedelta(1), decimal.Decimal(1), decimal.Decimal("1.0"),
    decimal.Decimal("NaN"), fractions.Fraction(1, 2), uuid.UUID(int=1), pathlib.PurePosixPath("a/b"),
    pathlib.PurePosixPath("a"), re.compile("a"), re.compile("a", re.IGNORECASE), re.compile(b"a"), int, float, len,
    functools.partial(int, base=2), functools.partial(int, base=8), pd.Timestamp("2024"), pd.NaT, pd.NA,
    pd.Timedelta(1), np.datetime64("2024"), np.dtype("f8"), np.dtype("f4"), np.log, np.float64,
    memoryview(b"1"), memoryview(b"12").cast("H"), array.array("i", [1]), array.array("q", [1]), array.array("d", [1]),
    pathlib.PureWindowsPath("a/b"), np.mean, np.sum, np.longdouble(1), np.ma.masked, pytz.utc, pytz.FixedOffset(60),
    pytz.timezone("Europe/Berlin"), pytz.timezone("Europe/Berlin").localize(_MOMENT, is_dst=True),
    pytz.timezone("Europe/Berlin").localize(_MOMENT, is_dst=False),
    [0.5] * 40, [0.5] * 41, [1] * 40, ["x"] * 40, ["xx"] * 20 + [""] * 20, (0.5,) * 40, [2**70] * 40,
]  # fmt: skip


def test_every_value_differs_from_every_other() -> None:
    versions = [version(value) for value in DIFFERENT]
    twins = [(DIFFERENT[versions.index(v)], value) for v, value in zip(versions, DIFFERENT, strict=True)]
    assert [pair for pair in twins if pair[0] is not pair[1]] == []


@pytest.mark.slow
def test_every_value_has_the_same_digest_in_another_process_and_hash_seed() -> None:
    script = (
        "import sys; sys.path.insert(0, sys.argv[1]); from test_value_python import DIFFERENT, version\n"
        "print([version(value) for value in DIFFERENT])"
    )
    here = str(pathlib.Path(__file__).parent)
    runs = {
        subprocess.run(
            [sys.executable, "-c", script, here],
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": str(pathlib.Path(here).parent.parent)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(runs) == 1


def test_sharing_does_not_show() -> None:
    inner = [1]
    assert version([inner, inner]) == version([[1], [1]])


def test_cycles_have_a_digest_that_depends_on_their_shape_alone() -> None:
    def ring(n: int) -> list[object]:
        first: list[object] = []
        last = first
        for _ in range(n - 1):
            last.append(last := [])
        last.append(first)
        return first

    assert version(ring(1)) == version(ring(1))
    assert version(ring(1)) != version(ring(2))
    one = ring(3)
    assert version([one, one]) == version([one, ring(3)])


def test_a_fully_connected_group_takes_linear_time() -> None:
    nodes = [types.SimpleNamespace() for _ in range(100)]
    for node in nodes:
        node.others = nodes
    assert version(nodes) == version(nodes)


@pytest.mark.slow
def test_depth_is_no_limit() -> None:
    deep: list[object] = []
    refused: list[object] = [object()]
    for _ in range(30_000):
        deep, refused = [deep], [refused]
    assert version(deep) != version([])
    with pytest.raises(Unencodable):
        version(refused)


class Hostile:
    def __eq__(self, other: object) -> bool:
        raise AssertionError

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        raise AssertionError

    def __reduce__(self) -> str:
        raise AssertionError

    def __getattr__(self, name: str) -> object:
        raise AssertionError


class HostileList(list[object]):
    __eq__ = __iter__ = __len__ = __reduce__ = __getattribute__ = Hostile.__getattr__  # type: ignore[assignment]
    __hash__ = None  # type: ignore[assignment]


@dataclasses.dataclass(eq=False, repr=False)
class HostileData(Hostile):
    x: int = 1


class HostileBytes(bytearray):
    __len__ = __getitem__ = __buffer__ = __getattribute__ = Hostile.__getattr__  # type: ignore[assignment]


class HostileNumbers(array.array):
    tolist = __getattribute__ = Hostile.__getattr__  # type: ignore[assignment]


class HostileId(uuid.UUID):
    int = property(Hostile.__repr__)  # type: ignore[assignment,misc]


class HostileMeta(type):
    __getattribute__ = Hostile.__getattr__  # type: ignore[assignment]


def test_hooks_of_the_value_are_not_called() -> None:
    assert version(HostileList([1])) != version([1])
    assert version(HostileData(1)) != version(HostileData(2))
    assert version(HostileBytes(b"a")) != version(HostileBytes(b"b"))
    assert version(HostileNumbers("i", [1])) != version(HostileNumbers("i", [2]))
    with pytest.raises(Unencodable):
        version(HostileMeta("HostileClass", (), {})())
    with pytest.raises(Unencodable):
        version(Hostile())


@pytest.mark.parametrize(
    ("value", "where", "type_name"),
    [
        ({"a": [1, 2, 3, types.SimpleNamespace(x=threading.Lock())]}, "['a'][3].x", "_thread.lock"),
        (object(), "", "object"),
        ([lambda: 1], "[0]", "function"),
        ((i for i in ()), "", "generator"),
        (pd.DataFrame({"o": [1, object()]}), "['o'][1]", "object"),
        (np.ma.array([(1, 2)], [("a", "i4"), ("b", "i4")], mask=[(0, 1)])[0], "", "numpy.ma.core.mvoid"),
        ({10**5000: [object()]}, "[...][0]", "object"),
        ({"k" * 200: [object()]}, f"['{'k' * 100}'][0]", "object"),
    ],
)
def test_what_has_no_identity_is_refused_with_its_place(value: object, where: str, type_name: str) -> None:
    with pytest.raises(Unencodable) as refused:
        identify_value(value)
    assert (refused.value.where, refused.value.type_name) == (where, type_name)


def test_attributes_beside_the_fields_count_but_caches_do_not() -> None:
    point, other = Point(1), Point(1)
    assert point.norm == 5
    assert version(point) == version(other)
    other.extra = 1  # type: ignore[attr-defined]
    assert version(point) != version(other)


class OneSlot:
    __slots__ = ("x",)


@dataclasses.dataclass
class SameSlot(OneSlot):
    __slots__ = ("__odd__", "x")
    x: int
    __odd__: int


class Cached:
    @functools.cached_property
    def x(self) -> int:
        return 1


@dataclasses.dataclass
class FieldOverCache(Cached):
    x: int  # type: ignore[misc]


def test_no_attribute_hides_another() -> None:
    slotted = [SameSlot(1, 1), SameSlot(2, 1), SameSlot(1, 2), SameSlot(1, 1)]
    OneSlot.x.__set__(slotted[3], 5)  # type: ignore[attr-defined]
    assert len(set(map(version, slotted))) == 4
    assert version(FieldOverCache(1)) != version(FieldOverCache(2))


class MyPath(type(pathlib.Path())):  # type: ignore[misc]
    pass


class MyZone(zoneinfo.ZoneInfo):
    pass


class MyNumber(np.float64):
    pass


class MyArray(np.ndarray):
    pass


class MyMatrix(sparse.csr_matrix):
    pass


@pytest.mark.parametrize(
    "value",
    [
        MyPath("a"),
        MyZone("Europe/Berlin"),
        MyNumber(1),
        np.zeros(2).view(MyArray),
        MyMatrix((2, 2)),
        pd.DataFrame({"a": [1]}).astype(object).pipe(type("MyFrame", (pd.DataFrame,), {})),
        type("MySeries", (pd.Series,), {})([1]),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_subclass_of_a_library_s_class_is_refused_not_taken_for_it(value: object) -> None:
    with pytest.raises(Unencodable):
        version(value)


@dataclasses.dataclass
class Labels(dict[str, int]):
    title: str = ""


@dataclasses.dataclass
class Trouble(ValueError):
    code: int = 0


def test_content_of_a_dataclass_that_extends_a_container_counts() -> None:
    one, other = Labels("t"), Labels("t")
    other["a"] = 1
    assert version(one) != version(other)
    with pytest.raises(Unencodable):
        version(Trouble(1))


def test_threads_that_meet_a_library_first_agree() -> None:
    script = (
        "import numpy, pandas, sys; from concurrent.futures import ThreadPoolExecutor\n"
        "from assetctl.lineage.identity.values.identify import identify_value\n"
        "with ThreadPoolExecutor(8) as threads:\n"
        "    print(len({i.version for i in threads.map(identify_value, [pandas.Series([1])] * 32)}))"
    )
    root = pathlib.Path(__file__).parent.parent.parent
    run = subprocess.run(
        [sys.executable, "-c", script], env={"PYTHONPATH": str(root)}, capture_output=True, text=True, check=True
    )
    assert run.stdout == "1\n"


def test_classes_and_unknown_values_are_referred_to_the_caller() -> None:
    asked: list[object] = []

    def refer(value: object, out: Framed) -> bool:
        asked.append(value)
        out.text("seen")
        return True

    out = Framed("t/1")
    lock = threading.Lock()
    write_value(out, [Point(1), Colour.RED, lock, len], refer)
    assert asked == [Point, Colour, lock, len]


def test_a_caller_may_decline() -> None:
    out = Framed("t/1")
    with pytest.raises(Unencodable):
        write_value(out, object(), lambda value, out: False)
    plain = Framed("t/1")
    write_value(plain, Colour.RED)
    write_value(out, Colour.RED, lambda value, out: False)
    assert out.hexdigest() == plain.hexdigest()

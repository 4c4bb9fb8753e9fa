"""Five rows of every Arrow type, each made on demand: not every version of pyarrow has every type."""

from __future__ import annotations

import datetime
import decimal
from collections.abc import Callable
from functools import partial

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

_DAY = datetime.date(2024, 2, 29)
_NOON = datetime.datetime(2024, 2, 29, 12, tzinfo=datetime.timezone.utc)  # noqa: UP017  (older Pythons import this)
_TEXTS = ["a", None, "", "longer than twelve bytes", "dd"]
_BYTES = [b"a", None, b"", b"longer than twelve bytes", b"ee"]
_OFFSETS = [0, 1, 1, 3, 4, 5]
_MASK = [False, True, False, False, False]


def _money(kind: str, *args: int) -> pa.Array:
    return pa.array([decimal.Decimal("1.20"), None, *map(decimal.Decimal, (3, 4, 5))], getattr(pa, kind)(*args))


def _sparse_union() -> pa.Array:
    children = [pa.array([1, 2, 3, 4, 5]), pa.array(["a", "b", "c", "d", "e"])]
    return pa.UnionArray.from_sparse(pa.array([0, 1, 0, 1, 1], pa.int8()), children)


def _dense_union() -> pa.Array:
    places = pa.array([0, 0, 1, 1, 2], pa.int32())
    children = [pa.array([1, 3]), pa.array(["b", "d", "f"])]
    return pa.UnionArray.from_dense(pa.array([0, 1, 0, 1, 1], pa.int8()), places, children)


def extended(kind: pa.DataType, storage: pa.Array) -> pa.Array:
    return pa.ExtensionArray.from_storage(kind, storage)


def in_list(array: pa.Array) -> pa.Array:
    return pa.ListArray.from_arrays(pa.array(_OFFSETS, pa.int32()), array)


def in_struct(array: pa.Array) -> pa.Array:
    """Return a struct whose second row is null, with something under it."""
    return pa.StructArray.from_arrays([array], ["x"], mask=pa.array(_MASK))


def in_map(array: pa.Array) -> pa.Array:
    return pa.MapArray.from_arrays(pa.array(_OFFSETS, pa.int32()), pa.array(list("vwxyz")), array)


def in_fixed_list(array: pa.Array) -> pa.Array:
    return pa.FixedSizeListArray.from_arrays(array, 1, mask=pa.array(_MASK))


def in_list_view(array: pa.Array) -> pa.Array:
    starts, sizes = pa.array([4, 0, 1, 2, 0], pa.int32()), pa.array([1, 2, 0, 3, 5], pa.int32())
    return pa.ListViewArray.from_arrays(starts, sizes, array, mask=pa.array(_MASK))


def in_union(array: pa.Array) -> pa.Array:
    codes = pa.array([0, 1, 0, 0, 1], pa.int8())
    return pa.UnionArray.from_sparse(codes, [array, pa.array([1, 2, 3, 4, 5])])


ARRAYS: dict[str, Callable[[], pa.Array]] = {
    "null": lambda: pa.nulls(5),
    "bool": lambda: pa.array([True, False, None, True, True]),
    **{f"int{bits}": partial(pa.array, [1, None, -3, 4, 5], f"int{bits}") for bits in (8, 16, 32, 64)},
    **{f"uint{bits}": partial(pa.array, [1, None, 3, 4, 5], f"uint{bits}") for bits in (8, 16, 32, 64)},
    "half": lambda: pa.array(np.array([1, 2, np.nan, -0.0, 5], "f2")),
    "float": lambda: pa.array([1.5, None, float("nan"), -0.0, 0.0], pa.float32()),
    "double": lambda: pa.array([1.5, None, float("nan"), -0.0, 0.0]),
    "decimal32": lambda: _money("decimal32", 5, 2),
    "decimal64": lambda: _money("decimal64", 15, 2),
    "decimal128": lambda: _money("decimal128", 30, 2),
    "decimal256": lambda: _money("decimal256", 60, 2),
    "string": lambda: pa.array(["a", None, "", "ccc", "dd"]),
    "large_string": lambda: pa.array(["a", None, "", "ccc", "d"], pa.large_string()),
    "string_view": lambda: pa.array(_TEXTS, pa.string_view()),
    "binary": lambda: pa.array([b"a", None, b"", b"ccc", b"dd"]),
    "large_binary": lambda: pa.array([b"a", None, b"", b"ccc", b"e"], pa.large_binary()),
    "binary_view": lambda: pa.array(_BYTES, pa.binary_view()),
    "fixed_binary": lambda: pa.array([b"ab", None, b"cd", b"ef", b"gh"], pa.binary(2)),
    "fixed_binary wide": lambda: pa.array([b"abcde", None, b"cdefg", b"efghi", b"ghijk"], pa.binary(5)),
    "fixed_binary empty": lambda: pa.array([b"", None, b"", b"", b""], pa.binary(0)),
    "date32": lambda: pa.array([_DAY, None, _DAY, _DAY, _DAY]),
    "date64": lambda: pa.array([_DAY, None, _DAY, _DAY, _DAY], pa.date64()),
    "time32": lambda: pa.array([1, None, 2, 3, 4], pa.time32("ms")),
    "time64": lambda: pa.array([1, None, 2, 3, 4], pa.time64("ns")),
    "timestamp": lambda: pa.array([_NOON, None, _NOON, _NOON, _NOON], pa.timestamp("ms", "Europe/Berlin")),
    "timestamp naive": lambda: pa.array([1, None, 2, 3, 4], pa.timestamp("ns")),
    "duration": lambda: pa.array([1, None, 2, 3, 4], pa.duration("s")),
    "interval": lambda: pa.array(
        [(1, 2, 3), None, (4, 5, 6), (7, 8, 9), (0, 0, 0)], pa.month_day_nano_interval()
    ),
    "list": lambda: pa.array([[1], None, [], [2, None], [3]]),
    "large_list": lambda: pa.array([[1], None, [], [2, None], [4]], pa.large_list(pa.int64())),
    "list_view": lambda: pa.array([[1], None, [], [2, None], [5]], pa.list_view(pa.int64())),
    "large_list_view": lambda: pa.array([[1], None, [], [2, None], [6]], pa.large_list_view(pa.int64())),
    "fixed_list": lambda: pa.array([[1, 2], None, [3, None], [4, 5], [6, 7]], pa.list_(pa.int64(), 2)),
    "nested_list": lambda: pa.array([[["a"], None], None, [], [[]], [["b", "c"]]]),
    "struct": lambda: pa.array(
        [{"x": 1, "y": "a"}, None, {"x": None, "y": "b"}, {"x": 2, "y": None}, {"x": 3, "y": ""}]
    ),
    "struct without fields": lambda: pa.array([{}, None, {}, {}, {}], pa.struct([])),
    "map": lambda: pa.array(
        [[("k", 1)], None, [], [("a", None), ("b", 2)], [("c", 3)]], pa.map_(pa.string(), pa.int32())
    ),
    "dictionary": lambda: pa.array(["u", None, "v", "u", "w"]).dictionary_encode(),
    "dictionary of numbers": lambda: pa.DictionaryArray.from_arrays(
        pa.array([0, 1, None, 0, 1]), pa.array([2.5, -1.0])
    ),
    "dictionary with a null": lambda: pa.DictionaryArray.from_arrays(
        pa.array([0, 1, None, 0, 1]), pa.array(["a dictionary's", None])
    ),
    "dictionary of structs": lambda: pa.DictionaryArray.from_arrays(
        pa.array([0, 1, None, 0, 1]), pa.array([{"a": 1}, {"a": None}])
    ),
    "dictionary of views": lambda: pa.DictionaryArray.from_arrays(
        pa.array([0, 1, None, 0, 1]), pa.array(["seen", "from afar, at length"], pa.string_view())
    ),
    "run_end": lambda: pc.run_end_encode(pa.array([7, 7, None, 8, 8])),
    "run_end of lists": lambda: pa.RunEndEncodedArray.from_arrays(
        pa.array([2, 3, 5], pa.int32()), pa.array([[9], None, [2, 3]])
    ),
    "uuid": lambda: extended(pa.uuid(), pa.array([bytes([i]) * 16 for i in range(5)], pa.binary(16))),
    "json": lambda: extended(pa.json_(), pa.array(["1", None, "{}", "[]", "null"])),
    "bool8": lambda: extended(pa.bool8(), pa.array([1, None, 0, 1, 0], pa.int8())),
    "opaque": lambda: extended(pa.opaque(pa.int8(), "point", "acme"), pa.array([1, None, 0, 1, 0], pa.int8())),
    "tensor": lambda: extended(
        pa.fixed_shape_tensor(pa.int32(), [2]), pa.array([[1, 2], None, [3, 4], [5, 6], [7, 8]], pa.list_(pa.int32(), 2))
    ),
    "sparse_union": _sparse_union,
    "dense_union": _dense_union,
}  # fmt: skip

SURROUNDINGS: dict[str, Callable[[pa.Array], pa.Array]] = {
    "list": in_list,
    "struct": in_struct,
    "map": in_map,
    "fixed list": in_fixed_list,
    "list view": in_list_view,
    "union": in_union,
}

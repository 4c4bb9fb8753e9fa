"""The values whose digests are pinned, each made on demand with its dtypes said: no library's defaults decide.

Imported by the golden tests, and by the interpreters of the compatibility campaign,
which have other versions of the libraries; what a version cannot make is left out there.
"""

from __future__ import annotations

import collections
import datetime
import decimal
import enum
import fractions
import pathlib
import re
import uuid
import zoneinfo
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
from scipy import sparse

from assetctl.lineage.identity.values.tables import BLOCK_ROWS, GRANULE_ROWS
from tests.lineage.arrow_arrays import ARRAYS, SURROUNDINGS

_UTC = datetime.timezone.utc  # noqa: UP017
_MOMENT = datetime.datetime(2024, 10, 27, 2, 30)  # noqa: DTZ001  (naive on purpose)
_RECORD = [("n", "i4"), ("s", "U3"), ("in", [("m", "M8[s]"), ("v", "f4", (2,))])]


class Colour(enum.Enum):
    RED = 1


def table() -> pa.Table:
    return pa.table(
        {
            "n": pa.array([1, None, 3]),
            "f": [0.5, -0.0, float("nan")],
            "s": ["a", None, ""],
            "t": pa.array([0, 1, None]).cast(pa.timestamp("us", "UTC")),
            "l": [[1], None, []],
            "d": pa.array([decimal.Decimal("1.50"), None, decimal.Decimal("2.25")]),
        }
    )


def _frame() -> pd.DataFrame:
    columns = {"n": [1, 2], "s": ["a", None], "c": pd.Categorical(["x", "y"], ["y", "x"]), "o": [1, "1"]}
    return pd.DataFrame(columns, index=["p", "q"])


def _texts(*values: object) -> Any:
    return np.array(values, object)


def _generator() -> np.random.Generator:
    generator = np.random.Generator(np.random.PCG64(7))
    generator.random(3)
    return generator


def _sparse(kind: str) -> object:
    return getattr(sparse, kind + "_matrix")(np.array([[0, 1.5], [2, 0]]))


def _masked_records() -> object:
    record = np.dtype([("a", "i1"), ("b", "f8")])
    fill: Any = (1, 2)
    return np.ma.MaskedArray(np.zeros(1, record), np.array([(0, 1)], [("a", "?"), ("b", "?")]), fill_value=fill)


def _numbers(kind: str) -> object:
    return pd.Series(np.array([0, 1], kind))


def _nullable(kind: str) -> object:
    return pd.Series(pd.array([1, None], kind))  # type: ignore[call-overload]


def _polars(kind: str) -> object:
    return pl.Series("a", [1, None], dtype=getattr(pl, kind))


def _nested(name: str, around: str) -> object:
    return SURROUNDINGS[around](ARRAYS[name]())


FIRST: dict[str, Callable[[], object]] = {
    "none": lambda: None,
    "numbers": lambda: [True, 1, 2**70, 1.5, -0.0, float("nan"), 1j],
    "texts": lambda: ["", "a", "é", b"\x00", bytearray(b"x")],
    "containers": lambda: {"a": (1, [2]), "b": {3, 1, 2}, "c": frozenset(), "d": collections.deque([1])},
    "times": lambda: [
        datetime.datetime(2024, 2, 29, tzinfo=_UTC),
        datetime.timedelta(1),
        datetime.date(2024, 1, 1),
    ],
    "long floats": lambda: [0.5] * 100,
    "array": lambda: np.arange(6.0).reshape(2, 3),
    "records": lambda: np.array([(1, "a")], [("n", "i4"), ("s", "U3")]),
    "large array": lambda: np.arange(3_000_000, dtype=np.int64),
    "sparse": lambda: sparse.csr_array(np.eye(3)),
    "table": table,
    "large column": lambda: pa.table({"n": np.arange(GRANULE_ROWS + BLOCK_ROWS + 1)}),
    "pandas": _frame,
    "polars": lambda: pl.DataFrame({"n": [1, None], "s": ["a", "b"]}),
}  # fmt: skip

PYTHON: dict[str, Callable[[], object]] = {
    "decimals": lambda: list(map(decimal.Decimal, ("1", "1.0", "-0", "NaN", "Infinity", "1E+9"))),
    "zoned times": lambda: [
        _MOMENT, _MOMENT.replace(fold=1), _MOMENT.replace(tzinfo=zoneinfo.ZoneInfo("Europe/Berlin")),
        datetime.time(1, 2, 3, 4), datetime.timezone(datetime.timedelta(hours=1)),
    ],
    "small values": lambda: [
        uuid.UUID(int=1), re.compile("a+", re.IGNORECASE), fractions.Fraction(1, 3), range(0, 9, 2), slice(1, None),
        pathlib.PurePosixPath("a/b"), 3 + 4j, ..., int, len, Colour.RED,
    ],
    "other containers": lambda: [
        collections.OrderedDict(b=1, a=2), collections.defaultdict(list, a=[1]), collections.Counter("aab"),
        collections.deque([1, 2], 5), {1: "a", "1": 1, None: ()}, frozenset({"x", "y"}),
    ],
    "views of bytes": lambda: [memoryview(b"abcd").cast("H")],
    "long lists": lambda: [list(range(50)), ["x" * i for i in range(40)], [0.1 * i for i in range(40)]],
}  # fmt: skip

NUMPY: dict[str, Callable[[], object]] = {
    **{
        f"array {kind}": partial(np.array, [0, 1, 1], kind)
        for kind in ("?", "i1", "i2", "i4", "u1", "u2", "u4", "u8", "f2", "f4", "f8", "c8", "c16", "M8[D]", "m8[ns]")
    },
    "array big-endian": lambda: np.array([1, 2], ">i4"),
    "array texts": lambda: np.array(["a", "é"]),
    "array bytes": lambda: np.array([b"a", b"bb"]),
    "array objects": lambda: np.array([1, "a", None, [1]], object),
    "array 0-d": lambda: np.array(1.5),
    "array empty": lambda: np.zeros((0, 3)),
    "array NaT": lambda: np.array(["2024-01-01", "NaT"], "M8[s]"),
    "nested records": lambda: np.zeros(2, _RECORD),
    "masked": lambda: np.ma.array([1, 2, 3], mask=[0, 1, 0], fill_value=9),
    "masked records": _masked_records,
    "string dtype": lambda: np.array(["a", "longer than fifteen bytes", ""], np.dtypes.StringDType()),
    "scalars": lambda: [np.float32(1), np.int8(1), np.bool_(True), np.str_("a"), np.datetime64("2024-01-01")],
    "generator": _generator,
    "random state": lambda: np.random.RandomState(3),
    "dtypes": lambda: [np.dtype("f8"), np.dtype(_RECORD)],
    **{
        f"sparse {kind}": partial(_sparse, kind)
        for kind in ("csr", "csc", "coo", "bsr", "dia", "dok", "lil")
    },
}  # fmt: skip

_WHEN = pd.DatetimeIndex(np.array(["2024-01-01", "NaT"], "M8[us]"))

PANDAS: dict[str, Callable[[], object]] = {
    **{
        f"pandas {kind}": partial(_numbers, kind)
        for kind in ("?", "i1", "i8", "u2", "f4", "f8", "c16", "M8[ns]", "m8[us]")
    },
    **{
        f"pandas {kind}": partial(_nullable, kind)
        for kind in ("Int8", "Int64", "UInt16", "Float64", "boolean", "int64[pyarrow]", "double[pyarrow]")
    },
    "pandas string": lambda: pd.Series(pd.array(["a", None], pd.StringDtype("python"))),
    "pandas str": lambda: pd.Series(["a", None], dtype=pd.StringDtype(na_value=np.nan)),
    "pandas object texts": lambda: pd.Series(_texts("a", None), dtype=object),
    "pandas objects": lambda: pd.Series(_texts(1, "1", True, None, 1.5, (1,)), dtype=object),
    "pandas zone": lambda: pd.Series(_WHEN.tz_localize("Europe/Berlin")),
    "pandas UTC": lambda: pd.Series(_WHEN.tz_localize("UTC")),
    "pandas period": lambda: pd.Series(pd.PeriodIndex(["2024-01", "2024-02"], freq="M")),
    "pandas interval": lambda: pd.Series(pd.IntervalIndex.from_breaks([0, 1, 2])),
    "pandas sparse": lambda: pd.Series(pd.arrays.SparseArray([0, 0, 1])),
    "pandas ordered": lambda: pd.Series(pd.Categorical.from_codes([0, -1], pd.Index([2, 1]), ordered=True)),
    "pandas rows and columns": lambda: pd.DataFrame(
        [[1, 2], [3, 4]],
        index=pd.MultiIndex.from_arrays([[1, 2], [0.5, 1.5]], names=["p", None]),
        columns=pd.MultiIndex.from_arrays([["x", "x"], [1, 2]]),
    ),
    "pandas labels": lambda: pd.DataFrame([[1, 2, 3]], columns=pd.Index(_texts("a", "a", 0), dtype=object)),
    "pandas default index": lambda: pd.DataFrame({"a": np.arange(3)}),
    "pandas scalars": lambda: [
        pd.Timestamp("2024-01-01").as_unit("ns"), pd.Timestamp("2024-01-01", tz="Europe/Berlin").as_unit("us"), pd.NaT,
        pd.NA, pd.Timedelta(1, "s").as_unit("ns"), pd.Interval(0, 1), pd.Period("2024-01", freq="M"),
    ],
}  # fmt: skip

POLARS: dict[str, Callable[[], object]] = {
    **{
        f"polars {name}": partial(_polars, name)
        for name in ("Int8", "Int64", "UInt16", "Float32", "Float64", "Int128")
    },
    "polars texts": lambda: pl.Series("a", ["x", None, ""]),
    "polars bytes": lambda: pl.Series("a", [b"x", None]),
    "polars null": lambda: pl.Series("a", [None, None], dtype=pl.Null),
    "polars bool": lambda: pl.Series("a", [True, None]),
    "polars decimal": lambda: pl.Series("a", [decimal.Decimal("1.50"), None], dtype=pl.Decimal(38, 2)),
    "polars date": lambda: pl.Series("a", [datetime.date(2024, 1, 1), None]),
    "polars time": lambda: pl.Series("a", [datetime.time(1, 2), None]),
    "polars zone": lambda: pl.Series("a", [_MOMENT]).cast(pl.Datetime("ms")).dt.replace_time_zone("Europe/Rome", ambiguous="earliest"),
    "polars duration": lambda: pl.Series("a", [datetime.timedelta(1)]).cast(pl.Duration("ns")),
    "polars categorical": lambda: pl.Series("a", ["x", None, "y"], dtype=pl.Categorical),
    "polars enum": lambda: pl.Series("a", ["x", None], dtype=pl.Enum(["y", "x"])),
    "polars list": lambda: pl.Series("a", [[1], None, []]),
    "polars list of enums": lambda: pl.Series("a", [["x"], None], dtype=pl.List(pl.Enum(["y", "x"]))),
    "polars array": lambda: pl.Series("a", [[1, 2], None], dtype=pl.Array(pl.Int64, 2)),
    "polars struct": lambda: pl.Series("a", [{"x": 1, "y": "b"}, None]),
}  # fmt: skip

ARROW: dict[str, Callable[[], object]] = {
    **{f"arrow {name}": make for name, make in ARRAYS.items()},
    **{
        f"arrow {name} in a {around}": partial(_nested, name, around)
        for around in SURROUNDINGS
        for name in ("double", "string", "string_view", "dictionary", "run_end", "dense_union", "map", "uuid")
    },
    "arrow no columns": lambda: pa.table({"a": [1, 2]}).select([]),
    "arrow no rows": lambda: pa.table({"a": pa.array([], pa.int64()), "b": pa.array([], pa.list_(pa.string()))}),
    "arrow same names": lambda: pa.Table.from_arrays([pa.array([1]), pa.array([2])], ["a", "a"]),
    "arrow batch": lambda: pa.RecordBatch.from_pydict({"a": [1]}),
    "arrow schema": lambda: pa.schema([("a", pa.int64()), pa.field("b", pa.string(), nullable=False)]),
}

CASES = {**FIRST, **PYTHON, **NUMPY, **PANDAS, **POLARS, **ARROW}
"""Name -> what makes the value."""

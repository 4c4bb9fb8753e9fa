"""Tables and arrays of Arrow, pandas and polars: every type and everything beside the values that a reader can see."""

# mypy: ignore-errors

from __future__ import annotations

import datetime as dt
import decimal
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from tests.truth.zoo import Refused, Zoo

DAY = dt.date(2024, 2, 29)
MOMENT = dt.datetime(2024, 2, 29, 12, 30)


def frame(**more: Any) -> pd.DataFrame:
    return pd.DataFrame({"a": [1, 2, 3], "b": ["x", None, "z"], **more})


def with_attrs(**attrs: Any) -> pd.DataFrame:
    made = frame()
    made.attrs.update(attrs)
    return made


def series(values: Any, **more: Any) -> Any:
    return pd.Series(values, **more)


def indexed(index: Any) -> pd.DataFrame:
    return pd.DataFrame({"a": range(len(index))}, index=index)


def one_edit(index: Any) -> pd.DataFrame:
    made = indexed(index)
    made.iloc[0, 0] = 7
    return made


INDEXES: dict[str, Any] = {
    "range": lambda: pd.RangeIndex(2, 8, 2),
    "int": lambda: pd.Index([3, 1, 2]),
    "int8": lambda: pd.Index([3, 1, 2], dtype="int8"),
    "float": lambda: pd.Index([0.5, np.nan, 2]),
    "bool": lambda: pd.Index([True, False, True]),
    "text": lambda: pd.Index(["x", "y", "x"], name="key"),
    "object": lambda: pd.Index(["x", 1, None], dtype=object),
    "datetime with freq": lambda: pd.date_range("2024-01-01", periods=3, freq="D"),
    "datetime": lambda: pd.DatetimeIndex(["2024-01-01", "2024-01-03", None]),
    "datetime in a zone": lambda: pd.date_range("2024-03-30", periods=3, freq="D", tz="Europe/Zurich"),
    "business days": lambda: pd.date_range("2024-01-01", periods=3, freq="B"),
    "month ends": lambda: pd.date_range("2024-01-31", periods=3, freq="ME"),
    "datetime in seconds": lambda: pd.date_range("2024", periods=3, unit="s"),
    "timedelta": lambda: pd.timedelta_range("1h", periods=3, freq="h"),
    "period": lambda: pd.period_range("2024-01", periods=3, freq="M"),
    "interval": lambda: pd.interval_range(0, 3, closed="left"),
    "category": lambda: pd.CategoricalIndex(["a", "b", "a"], categories=["b", "a", "c"], ordered=True),
    "two levels": lambda: pd.MultiIndex.from_product([["a", "b"], [1, 2]], names=["k", None]),
    "levels with dates": lambda: pd.MultiIndex.from_arrays([pd.date_range("2024", periods=2), ["x", "y"]]),
    "unused levels": lambda: pd.MultiIndex.from_product([["a", "b"], [1, 2]])[:2],
    "nullable": lambda: pd.Index([1, None, 3], dtype="Int64"),
    "empty": lambda: pd.RangeIndex(0),
}

SERIES: dict[str, tuple[Any, Any]] = {
    **{name: ([1, 2, 3], {"dtype": name}) for name in (
        "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "float16", "float32", "float64",
        "Int8", "Int64", "UInt16", "Float32", "Float64", "complex128",
    )},
    "bool": ([True, False, True], {}),
    "boolean": ([True, None, False], {"dtype": "boolean"}),
    "str": (["a", None, "c"], {"dtype": "str"}),
    "string python": (["a", None, "c"], {"dtype": "string[python]"}),
    "string pyarrow": (["a", None, "c"], {"dtype": "string[pyarrow]"}),
    "object texts": (["a", None, "c"], {"dtype": object}),
    "object mixed": ([1, "a", None, 2.5], {"dtype": object}),
    "object dates": ([DAY, DAY, None], {"dtype": object}),
    "object decimals": ([decimal.Decimal("1.10"), None, decimal.Decimal(2)], {"dtype": object}),
    "object lists": ([[1], [], [2, 3]], {"dtype": object}),
    "object dicts": ([{"a": 1}, None, {"b": [2]}], {"dtype": object}),
    "object sets": ([{"p", "q", "r"}, {"s"}], {"dtype": object}),
    "object arrays": ([np.array([1.0]), np.array([2.0, 3.0])], {"dtype": object}),
    "object bytes": ([b"a", None], {"dtype": object}),
    "datetime ns": (["2024-01-01", None], {"dtype": "datetime64[ns]"}),
    "datetime s": (["2024-01-01", None], {"dtype": "datetime64[s]"}),
    "datetime zone": (["2024-01-01", None], {"dtype": "datetime64[us, Europe/Zurich]"}),
    "timedelta": ([1, 2], {"dtype": "timedelta64[ms]"}),
    "period": (["2024-01", None], {"dtype": "period[M]"}),
    "category": (["a", "b", None], {"dtype": "category"}),
    "category ordered": (["a", "b"], {"dtype": pd.CategoricalDtype(["b", "a", "c"], ordered=True)}),
    "category of ints": ([3, 1], {"dtype": "category"}),
    "category of dates": (list(pd.date_range("2024", periods=2)), {"dtype": "category"}),
    "category of bools": ([True, False], {"dtype": "category"}),
    "sparse": ([0, 0, 1], {"dtype": "Sparse[int]"}),
    "arrow list": ([[1], None, [2, 3]], {"dtype": pd.ArrowDtype(pa.list_(pa.int64()))}),
    "arrow decimal": ([decimal.Decimal("1.10"), None], {"dtype": pd.ArrowDtype(pa.decimal128(5, 2))}),
    "arrow date": ([DAY, None], {"dtype": pd.ArrowDtype(pa.date32())}),
    "arrow timestamp": ([MOMENT, None], {"dtype": pd.ArrowDtype(pa.timestamp("s", "UTC"))}),
    "arrow struct": ([{"a": 1}, None], {"dtype": pd.ArrowDtype(pa.struct([("a", pa.int8())]))}),
    "arrow string": (["a", None], {"dtype": pd.ArrowDtype(pa.string())}),
    "named": ([1, 2], {"name": ("a", 1)}),
    "named by a number": ([1, 2], {"name": 0}),
    "empty object": ([], {"dtype": object}),
    "empty float": ([], {"dtype": float}),
    "all missing": ([None, None], {"dtype": object}),
    "float with nan": ([np.nan, -0.0, np.inf], {}),
}  # fmt: skip

PANDAS: Zoo = {
    **{f"index {name}": ((lambda m=make: indexed(m())), (lambda m=make: one_edit(m()) if len(m()) else indexed([1]))) for name, make in INDEXES.items()},
    **{f"bare index {name}": (make, (lambda m=make: m().rename("other"))) for name, make in INDEXES.items() if "level" not in name},
    **{f"series {name}": ((lambda v=v, m=m: series(v, **m)), (lambda v=v, m=m: series([*v, *v[:1], *([None] if not v else [])], **m))) for name, (v, m) in SERIES.items()},
    "frame": (frame, lambda: frame().iloc[::-1]),
    "frame no rows": (lambda: frame().iloc[:0], lambda: frame().iloc[:0, :1]),
    "frame no columns": (lambda: pd.DataFrame(index=range(3)), lambda: pd.DataFrame(index=range(2))),
    "frame nothing": (pd.DataFrame, lambda: pd.DataFrame(columns=["a"])),
    "frame attrs": (lambda: with_attrs(unit="m"), lambda: with_attrs(unit="km")),
    "frame odd attrs": (lambda: with_attrs(at=DAY, names={"a", "b", "c"}), lambda: with_attrs(at=DAY, names={"a", "b"})),
    "frame flags": (lambda: frame().set_flags(allows_duplicate_labels=False), frame),
    "frame duplicate columns": (lambda: pd.DataFrame([[1, 2], [3, 4]], columns=["a", "a"]), lambda: pd.DataFrame([[1, 2], [3, 5]], columns=["a", "a"])),
    "frame int columns": (lambda: pd.DataFrame([[1, 2]]), lambda: pd.DataFrame([[1, 2]], columns=["0", "1"])),
    "frame listed int columns": (lambda: pd.DataFrame([[1, 2]], columns=pd.Index([0, 1])), lambda: pd.DataFrame([[1, 2]])),
    "frame mixed columns": (lambda: pd.DataFrame([[1, 2, 3]], columns=["a", 1, None]), lambda: pd.DataFrame([[1, 2, 3]], columns=["a", "1", None])),
    "frame column levels": (
        lambda: pd.DataFrame([[1, 2]], columns=pd.MultiIndex.from_tuples([("a", 1), ("a", 2)], names=["l", None])),
        lambda: pd.DataFrame([[1, 2]], columns=pd.MultiIndex.from_tuples([("a", 1), ("a", 2)], names=["m", None])),
    ),
    "frame column dates": (lambda: pd.DataFrame([[1, 2]], columns=pd.date_range("2024", periods=2)), lambda: pd.DataFrame([[1, 2]], columns=pd.date_range("2025", periods=2))),
    "frame column categories": (lambda: pd.DataFrame([[1]], columns=pd.CategoricalIndex(["a"], ["a", "b"])), lambda: pd.DataFrame([[1]], columns=pd.CategoricalIndex(["a"], ["a"]))),
    "frame columns name": (lambda: frame().rename_axis(columns="c"), frame),
    "frame cut": (lambda: frame(c=pd.cut([1, 5, 9], 3)), lambda: frame(c=pd.cut([1, 9, 5], 3))),
    "frame qcut": (lambda: frame(c=pd.qcut([1, 5, 9], 2)), lambda: frame(c=pd.qcut([1, 5, 9], 3))),
    "frame cut by time": (lambda: frame(c=pd.cut(pd.date_range("2024", periods=3), 2)), lambda: frame(c=pd.cut(pd.date_range("2024", periods=3), 3))),
    "frame categories of periods": (
        lambda: frame(c=pd.Categorical(pd.period_range("2024-01", periods=3, freq="M"))),
        lambda: frame(c=pd.Categorical(pd.period_range("2024-02", periods=3, freq="M"))),
    ),
    "frame intervals": (lambda: frame(c=pd.arrays.IntervalArray.from_breaks(range(4))), lambda: frame(c=pd.arrays.IntervalArray.from_breaks(range(4), closed="left"))),
    "frame groups": (lambda: frame().groupby("a").agg({"b": ["count", "first"]}), lambda: frame().groupby("a").agg({"b": ["count", "last"]})),
    "frame describe": (lambda: frame().describe(include="all"), lambda: frame().describe()),
    "frame of objects": (lambda: pd.DataFrame({"o": [{1}, [2], (3,)]}), lambda: pd.DataFrame({"o": [{1}, [2], [3]]})),
    "dict of frames": (lambda: {"a": frame(), "b": frame().T}, lambda: {"a": frame(), "b": frame()}),
    "list of series": (lambda: [frame()["a"], frame()["b"]], lambda: [frame()["a"], frame()["a"]]),
    "timestamp": (lambda: pd.Timestamp("2024-01-01 00:00:00.000000001", tz="Europe/Zurich"), lambda: pd.Timestamp("2024-01-01", tz="Europe/Zurich")),
    "timedelta": (lambda: pd.Timedelta("1ns"), lambda: pd.Timedelta("2ns")),
    "period": (lambda: pd.Period("2024-01", "M"), lambda: pd.Period("2024-01", "D")),
    "interval": (lambda: pd.Interval(0, 1), lambda: pd.Interval(0, 1, closed="both")),
    "NA": (lambda: [pd.NA, pd.NaT], lambda: [pd.NaT, pd.NA]),
    "offset": (lambda: pd.offsets.BusinessDay(2), lambda: pd.offsets.BusinessDay(3)),
    "categorical": (lambda: pd.Categorical(["a", "b"]), lambda: pd.Categorical(["a", "b"], ordered=True)),
    "pandas array": (lambda: pd.array([1, None], dtype="Int64"), lambda: pd.array([1, 2], dtype="Int64")),
    "category dtype": (lambda: pd.CategoricalDtype(["a"]), lambda: pd.CategoricalDtype(["b"])),
    "styler": (lambda: frame().style.format(precision=1), lambda: frame().style.format(precision=2)),
    "styler bars": (lambda: frame().style.bar(subset=["a"]).set_caption("c"), lambda: frame().style.bar(subset=["a"]).set_caption("d")),
    "group by": (lambda: frame().groupby("a"), lambda: frame().groupby("b")),
}  # fmt: skip


def arrow(values: Any, kind: Any = None) -> pa.Table:
    return pa.table({"c": pa.array(values, kind)})


def cast(values: Any, kind: Any) -> pa.Table:
    return pa.table({"c": pa.array(values).cast(kind)})


ARROW_TYPES: dict[str, tuple[Any, Any]] = {
    **{str(kind): ([1, None, 3], kind) for kind in (
        pa.int8(), pa.int16(), pa.int32(), pa.int64(), pa.uint8(), pa.uint16(), pa.uint32(), pa.uint64(), pa.float16(),
        pa.float32(), pa.float64(), pa.decimal32(5, 2), pa.decimal64(8, 2), pa.decimal128(20, 2), pa.decimal256(40, 2),
        pa.time32("s"), pa.time64("ns"), pa.date64(), pa.timestamp("s"), pa.timestamp("ns", "Europe/Zurich"), pa.duration("ms"),
    )},
    "null": ([None, None], pa.null()),
    "bool": ([True, None], pa.bool_()),
    "date32": ([DAY, None], pa.date32()),
    "string": (["a", None], pa.string()),
    "large string": (["a", None], pa.large_string()),
    "string view": (["a", None, "longer than twelve"], pa.string_view()),
    "binary": ([b"a", None], pa.binary()),
    "large binary": ([b"a", None], pa.large_binary()),
    "binary view": ([b"a", None], pa.binary_view()),
    "fixed binary": ([b"ab", None], pa.binary(2)),
    "list": ([[1], None, []], pa.list_(pa.int32())),
    "large list": ([[1], None], pa.large_list(pa.int32())),
    "list view": ([[1], None, [2, 3]], pa.list_view(pa.int32())),
    "large list view": ([[1], None], pa.large_list_view(pa.int32())),
    "fixed list": ([[1, 2], None], pa.list_(pa.int32(), 2)),
    "list of views": ([["a"], None], pa.list_(pa.string_view())),
    "struct": ([{"a": 1, "b": "x"}, None], pa.struct([("a", pa.int8()), ("b", pa.string())])),
    "struct not null": ([{"a": 1}], pa.struct([pa.field("a", pa.int8(), nullable=False)])),
    "map": ([[("a", 1)], None], pa.map_(pa.string(), pa.int8())),
    "dictionary": (["a", "b", None, "a"], pa.dictionary(pa.int8(), pa.string())),
    "ordered dictionary": (["a", "b"], pa.dictionary(pa.int32(), pa.string(), ordered=True)),
    "dictionary of ints": ([1, 2, 1], pa.dictionary(pa.int8(), pa.int64())),
    "intervals": ([pa.MonthDayNano([1, 2, 3]), None], pa.month_day_nano_interval()),
    "uuid": ([b"0123456789abcdef", None], pa.uuid()),
    "json": (['{"a": 1}', None], pa.json_()),
    "bool8": ([1, None], pa.bool8()),
}  # fmt: skip

METADATA = {"who": "me"}
ARROW: Zoo = {
    **{f"arrow {name}": ((lambda v=v, t=t: arrow(v, t)), (lambda v=v, t=t: arrow([*v, v[0]], t))) for name, (v, t) in ARROW_TYPES.items()},
    **{f"array {name}": ((lambda v=v, t=t: pa.array(v, t)), (lambda v=v, t=t: pa.array(v[1:], t))) for name, (v, t) in ARROW_TYPES.items() if len(name) % 2},
    "arrow dictionary of bools": (lambda: arrow(pa.array([True, False]).dictionary_encode()), lambda: arrow(pa.array([True, True]).dictionary_encode())),
    "arrow run ends": (lambda: pa.table({"c": pa.RunEndEncodedArray.from_arrays([2, 3], ["a", "b"])}), lambda: pa.table({"c": pa.RunEndEncodedArray.from_arrays([1, 3], ["a", "b"])})),
    "arrow sparse union": (
        lambda: pa.table({"c": pa.UnionArray.from_sparse(pa.array([0, 1], pa.int8()), [pa.array([1, 2]), pa.array(["a", "b"])])}),
        lambda: pa.table({"c": pa.UnionArray.from_sparse(pa.array([1, 0], pa.int8()), [pa.array([1, 2]), pa.array(["a", "b"])])}),
    ),
    "arrow tensors": (
        lambda: pa.table({"c": pa.FixedShapeTensorArray.from_numpy_ndarray(np.arange(8.0).reshape(2, 2, 2))}),
        lambda: pa.table({"c": pa.FixedShapeTensorArray.from_numpy_ndarray(np.arange(8.0).reshape(2, 4, 1))}),
    ),
    "arrow chunks": (lambda: pa.chunked_array([[1, 2], [3]]), lambda: pa.array([1, 2, 3])),
    "arrow metadata": (lambda: arrow([1]).replace_schema_metadata(METADATA), lambda: arrow([1])),
    "arrow field metadata": (lambda: pa.table([[1]], pa.schema([pa.field("a", pa.int8(), metadata=METADATA)])), lambda: pa.table([[1]], pa.schema([("a", pa.int8())]))),
    "arrow not null": (lambda: pa.table([[1]], pa.schema([pa.field("a", pa.int8(), nullable=False)])), lambda: pa.table([[1]], pa.schema([("a", pa.int8())]))),
    "arrow no rows": (lambda: arrow([], pa.int8()), lambda: arrow([], pa.int16())),
    "arrow no columns": (lambda: pa.table({}), lambda: pa.table({"a": pa.nulls(0)})),
    "arrow duplicate names": (lambda: pa.table([[1], [2]], ["a", "a"]), lambda: pa.table([[1], [3]], ["a", "a"])),
    "arrow from pandas": (lambda: pa.Table.from_pandas(with_attrs(unit="m")), lambda: pa.Table.from_pandas(with_attrs(unit="km"))),
    "arrow slice": (lambda: arrow(list(range(100)))[40:60], lambda: arrow(list(range(100)))[41:60]),
    "record batch": (lambda: pa.record_batch({"a": [1, 2]}), lambda: pa.table({"a": [1, 2]})),
    "arrow scalar": (lambda: pa.scalar(1, pa.int8()), lambda: pa.scalar(1, pa.int16())),
    "arrow schema": (lambda: pa.schema([("a", pa.int8())], METADATA), lambda: pa.schema([("a", pa.int8())])),
    "arrow type": (lambda: [pa.int8()], lambda: [pa.int16()]),
    "dict of tables": (lambda: {"a": arrow([1])}, lambda: {"a": arrow([2])}),
    "reader": (lambda: pa.RecordBatchReader.from_batches(arrow([1]).schema, arrow([1]).to_batches()), lambda: arrow([2])),
    "generator of tables": (lambda: (arrow([n]) for n in (1, 2)), lambda: arrow([1, 3])),
}  # fmt: skip


def polars(values: Any, dtype: str = "None", **more: Any) -> Any:
    import polars as pl

    return pl.DataFrame({"c": pl.Series(values, dtype=eval(dtype, vars(pl)), **more)})


POLARS_TYPES: dict[str, tuple[Any, str]] = {
    **{name: ([1, None, 3], name) for name in ("Int8", "Int64", "UInt32", "Int128", "Float32", "Float64", "Decimal(10, 2)")},
    "Boolean": ([True, None], "Boolean"),
    "String": (["a", None], "String"),
    "Binary": ([b"a", None], "Binary"),
    "Categorical": (["a", "b", None], "Categorical"),
    "Enum": (["a", "b"], "Enum(['b', 'a', 'c'])"),
    "Date": ([DAY, None], "Date"),
    "Datetime": ([MOMENT, None], "Datetime('ns', 'Europe/Zurich')"),
    "Duration": ([dt.timedelta(1), None], "Duration('ms')"),
    "Time": ([dt.time(1), None], "Time"),
    "List": ([[1], None, []], "List(Int8)"),
    "Array": ([[1, 2], None], "Array(Int8, 2)"),
    "Struct": ([{"a": 1}, None], "Struct({'a': Int8})"),
    "Null": ([None, None], "Null"),
    "Nested": ([[{"a": ["x"]}], None], "List(Struct({'a': List(String)}))"),

}  # fmt: skip


def _polars(expression: str) -> Any:
    import polars as pl

    return eval(expression, {"pl": pl})


POLARS: Zoo = {
    **{f"polars {name}": ((lambda v=v, t=t: polars(v, t)), (lambda v=v, t=t: polars([*v, v[0]], t))) for name, (v, t) in POLARS_TYPES.items()},
    **{f"polars series {name}": ((lambda v=v, t=t: polars(v, t)["c"]), (lambda v=v, t=t: polars(v, t)["c"].rename("d"))) for name, (v, t) in POLARS_TYPES.items()},
    "polars objects": (lambda: polars([{1}, {2}], "Object"), Refused("polars.Object")),
    "polars nothing": (lambda: _polars("pl.DataFrame()"), lambda: _polars("pl.DataFrame({'a': []})")),
    "polars no rows": (lambda: _polars("pl.DataFrame({'a': [1]}).clear()"), lambda: _polars("pl.DataFrame({'a': ['x']}).clear()")),
    "polars sliced": (lambda: _polars("pl.DataFrame({'a': range(100)})[10:20]"), lambda: _polars("pl.DataFrame({'a': range(100)})[10:21]")),
    "polars lazy": (lambda: _polars("pl.LazyFrame({'a': [1]})"), Refused("LazyFrame")),
    "polars expression": (lambda: _polars("pl.col('a') + 1"), lambda: _polars("pl.col('a') + 2")),
    "polars dtype": (lambda: _polars("[pl.Int8, pl.List(pl.Int8)]"), lambda: _polars("[pl.Int8, pl.List(pl.Int16)]")),
    "dict of polars": (lambda: _polars("{'a': pl.DataFrame({'a': [1]})}"), lambda: _polars("{'a': pl.DataFrame({'a': [2]})}")),
}  # fmt: skip

FAMILIES: dict[str, Zoo] = {"pandas": PANDAS, "arrow": ARROW, "polars": POLARS}

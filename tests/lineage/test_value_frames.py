"""Dataframes of pandas and polars: every dtype, index and label counts; how a library keeps them does not."""

from __future__ import annotations

import datetime
import decimal
import zoneinfo

import numpy as np
import pandas as pd
import polars as pl
import pytest
import pytz

from assetctl.lineage.identity.values.identify import identify_value
from assetctl.lineage.identity.values.walk import Unencodable


def version(value: object) -> str:
    return identify_value(value).version


def _columns(index: object) -> pd.DataFrame:
    return pd.DataFrame([[1, 2]], columns=index)


def _rows(index: object) -> pd.DataFrame:
    return pd.DataFrame({"a": [1, 2]}, index=index)


_WHEN = pd.DatetimeIndex(np.array(["2024-01-01", "2024-07-01"], "M8[us]"))
_OBJECTS = (
    1,
    "1",
    True,
    1.0,
    None,
    float("nan"),
    pd.NA,
    pd.NaT,
    (1,),
    [1],
    {"a": 1},
    b"1",
    decimal.Decimal(1),
    np.int64(1),
)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param(pd.RangeIndex(0, 5, 2), pd.RangeIndex(0, 6, 2), id="where a range stops"),
        pytest.param(pd.RangeIndex(0), pd.RangeIndex(5, 5), id="empty ranges"),
        pytest.param(
            _columns(pd.Index(["a", "b"], dtype=object)), _columns(pd.Index(["a", "b"], dtype="str")), id="text labels"
        ),
        pytest.param(
            pd.Series(["a", None], dtype=pd.StringDtype("python", na_value=np.nan)),
            pd.Series(["a", None], dtype=pd.StringDtype("pyarrow", na_value=np.nan)),
            id="where texts are kept",
        ),
        pytest.param(
            pd.Series(_WHEN.tz_localize(pytz.timezone("Europe/Rome"))),
            pd.Series(_WHEN.tz_localize(zoneinfo.ZoneInfo("Europe/Rome"))),
            id="whose zone",
        ),
        pytest.param(
            pd.Timestamp("2024-01-01", tz=pytz.timezone("Europe/Rome")),
            pd.Timestamp("2024-01-01", tz="Europe/Rome"),
            id="whose zone of a scalar",
        ),
        pytest.param(pl.Series([1, 2]), pl.concat([pl.Series([1]), pl.Series([2])], rechunk=False), id="polars chunks"),
    ],
)
def test_equal_frames(one: object, other: object) -> None:
    assert version(one) == version(other)


@pytest.mark.parametrize(
    "values",
    [
        pytest.param(
            [_rows(pd.MultiIndex.from_arrays([[1, 2]])), _rows(pd.Index([1, 2])), _rows(None)], id="one level"
        ),
        pytest.param(
            [_columns(pd.CategoricalIndex(["a", "b"], order)) for order in (["a", "b"], ["b", "a"])]
            + [_columns(["a", "b"])],
            id="categories of labels",
        ),
        pytest.param(
            [_columns(pd.Index([0, 1], dtype=kind)) for kind in ("i8", "i4", "f8", "Int64")], id="width of labels"
        ),
        pytest.param([_columns(["a", "a"]), _columns(["a", "b"]), _columns(["a", 0])], id="labels"),
        pytest.param(
            [
                _columns(pd.MultiIndex.from_tuples([("a", 1), ("a", 2)], names=names))
                for names in ([None, None], ["p", None], [None, "p"])
            ],
            id="names of label levels",
        ),
        pytest.param([_rows(_WHEN), _rows(_WHEN.as_unit("ns")), _rows(_WHEN.tz_localize("UTC"))], id="time index"),
        pytest.param([pd.Series([each], dtype=object) for each in _OBJECTS], id="objects"),
        pytest.param(
            [pd.Series(["a", None], dtype=kind) for kind in (object, "str", pd.StringDtype("python"), "category")],
            id="texts",
        ),
        pytest.param(
            [pd.Series([1], dtype=kind) for kind in ("i8", "Int64", "int64[pyarrow]", "i4", object)], id="integers"
        ),
        pytest.param(
            [pd.Series(pd.Categorical(["a"], ["a", "b"], ordered=ordered)) for ordered in (True, False)], id="ordered"
        ),
        pytest.param(
            [pd.Series(pd.arrays.SparseArray([0, 1], fill_value=fill)) for fill in (0, 1)] + [pd.Series([0, 1])],
            id="sparse",
        ),
        pytest.param(
            [pd.Series(pd.IntervalIndex.from_breaks([0, 1], closed=closed)) for closed in ("left", "right")],
            id="intervals",
        ),
        pytest.param([pd.Series(pd.PeriodIndex(["2024-01"], freq=freq)) for freq in "MDY"], id="periods"),
        pytest.param(
            [pd.Series(["a\ud800"], dtype=object), pd.Series(["a\ud801"], dtype=object)], id="lone surrogates"
        ),
        pytest.param(
            [
                pl.Series(["a"], dtype=kind)
                for kind in (pl.String, pl.Enum(["a"]), pl.Enum(["a", "b"]), pl.Enum(["b", "a"]))
            ],
            id="polars enums",
        ),
        pytest.param(
            [pl.Series([["a"]], dtype=pl.List(kind)) for kind in (pl.String, pl.Enum(["a"]), pl.Enum(["a", "b"]))],
            id="nested polars enums",
        ),
        pytest.param(
            [pl.Series([{"x": 1}], dtype=pl.Struct({"x": kind})) for kind in (pl.Int64, pl.Int128, pl.Int32)],
            id="nested wide integers",
        ),
        pytest.param(
            [pl.Series([datetime.timedelta(1)]).cast(pl.Duration(unit)) for unit in ("ms", "us", "ns")], id="durations"
        ),
        pytest.param(
            [pl.Series([[1, 2]], dtype=kind) for kind in (pl.List(pl.Int64), pl.Array(pl.Int64, 2))], id="arrays"
        ),
    ],
)
def test_different_frames(values: list[object]) -> None:
    assert len(set(map(version, values))) == len(values)


@pytest.mark.parametrize(
    "value",
    [
        pd.Series(_WHEN.tz_localize("dateutil/Europe/Rome")),
        pl.Series([object()], dtype=pl.Object),
        pl.DataFrame({"a": [1]}).lazy(),
        pl.col("a"),
        pd.DataFrame({"a": [1]}).groupby("a"),
    ],
    ids=["a zone read from a file", "polars objects", "lazy frame", "expression", "grouping"],
)
def test_what_has_no_identity_is_refused(value: object) -> None:
    with pytest.raises(Unencodable):
        version(value)

"""Codecs: which one a value gets, that it comes back the same, and what is never loaded."""

from __future__ import annotations

import datetime
import decimal
import importlib.util
import io
import json
import pickle
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.figure import Figure
from pyarrow import parquet
from sklearn.linear_model import LogisticRegression

from assetctl.assets.errors import DeclarationError
from assetctl.lineage.identity.values.identify import identify_value
from assetctl.storage.codecs.base import Encoded, NotEncodable, Untrusted
from assetctl.storage.codecs.plain import JsonCodec, PickleCodec
from assetctl.storage.codecs.registry import BUILT_IN, PARQUET, Codecs, described
from assetctl.storage.codecs.science import untrusted_types
from tests.e2e.projects import ROOT

CODECS = Codecs()


def encoded(codec: Any, value: object, *, trusted: bool = False) -> Encoded:
    sink = io.BytesIO()
    codec.encode(value, sink)
    return Encoded(data=sink.getvalue(), trusted=trusted)


def first_codec(value: object) -> str:
    return CODECS.for_value(value, None)[0].name


@pytest.mark.parametrize(
    ("value", "name"),
    [
        ("text", "text/1"),
        (b"bytes", "bytes/1"),
        ({"a": 1}, "json/1"),
        ([1], "json/1"),
        (1.5, "json/1"),
        ((1,), "pickle/1"),
        (np.eye(2), "numpy/1"),
        (np.array([None]), "pickle/1"),
        (pa.table({"a": [1]}), "parquet/1"),
        (pa.array([1]), "arrow-ipc/1"),
        (pd.DataFrame({"a": [1]}), "parquet/1"),
        (pd.Series([1]), "parquet/1"),
        (pl.DataFrame({"a": [1]}), "parquet/1"),
        (LogisticRegression(), "skops/1"),
        (Figure(), "figure-svg/1"),
    ],
)
def test_the_codec_follows_the_type(value: object, name: str) -> None:
    assert first_codec(value) == name


def test_a_codec_is_named_with_or_without_its_version() -> None:
    for name in CODECS.names():
        assert CODECS.named(name).name.partition("/")[0] == name
        assert CODECS.named(CODECS.named(name).name) is CODECS.named(name)
    with pytest.raises(DeclarationError) as raised:
        CODECS.named("parket")
    assert "parquet" in dict(raised.value.problems[0].facts)["codecs"]


_PLAIN_ARRAYS = {
    **{str(kind): pa.array([0, 1, None], kind) for kind in (pa.int8(), pa.int16(), pa.int32(), pa.int64())},
    **{str(kind): pa.array([0, 1, None], kind) for kind in (pa.uint8(), pa.uint16(), pa.uint32(), pa.uint64())},
    "float": pa.array([-0.0, 0.0, float("nan"), None, float("inf")] * 100, pa.float32()),
    "double": pa.array([-0.0, 0.0, float("nan"), None, 5e-324] * 100),
    "bool": pa.array([True, None, False]),
    "string": pa.array(["", None, "é", "x" * 1000]),
    "large_string": pa.array(["", None], pa.large_string()),
    "binary": pa.array([b"", None, b"\x00"]),
    "date32": pa.array([datetime.date(1, 1, 1), None]),
    **{
        f"timestamp {unit} {zone}": pa.array([-1, None, 2**60], pa.int64()).cast(pa.timestamp(unit, zone))
        for unit in ("ms", "us", "ns")
        for zone in (None, "UTC", "Europe/Berlin")
    },
}


@pytest.mark.parametrize("name", _PLAIN_ARRAYS)
def test_types_called_lossless_come_back_from_parquet(name: str) -> None:
    table = pa.table({"a": _PLAIN_ARRAYS[name]})
    assert PARQUET.is_lossless(table)
    back = PARQUET.decode(encoded(PARQUET, table), "arrow.Table", ())
    assert identify_value(back) == identify_value(table)


def test_types_not_proven_lossless_are_checked() -> None:
    for array in (
        pa.array([1], pa.timestamp("s")),
        pa.array([datetime.date(1970, 1, 2)], pa.date64()),
        pa.array([[1]]),
        pa.array(["a"]).dictionary_encode(),
        pa.array([decimal.Decimal(1)]),
    ):
        assert not PARQUET.is_lossless(pa.table({"a": array}))
    assert not PARQUET.is_lossless(pd.DataFrame({"a": [1]}))


_INDEXED = pd.DataFrame({"a": [1, 2], "b": ["x", None]}, index=pd.Index(["p", "q"], name="k"))

CONTAINERS = {
    "batch": pa.RecordBatch.from_pylist([{"a": 1}]),
    "frame": _INDEXED,
    "default index": pd.DataFrame({"a": [1, 2]}),
    "range": pd.DataFrame({"a": [1, 2]}, index=range(4, 8, 2)),
    "object texts": pd.DataFrame({"a": pd.Series(["x", None], dtype=object)}),
    "categories": pd.DataFrame({"a": pd.Categorical(["x"], ["y", "x"], ordered=True)}),
    "zones": pd.DataFrame({"a": pd.to_datetime(["2024-01-01"]).tz_localize("Europe/Berlin")}),
    "nullable": pd.DataFrame({"a": pd.array([1, None], dtype="Int8")}),
    "integer labels": pd.DataFrame(np.zeros((2, 2))),
    "series": pd.Series([1.5, np.nan], name="s"),
    "unnamed series": pd.Series([1, 2]),
    "polars": pl.DataFrame({"a": [1], "c": pl.Series(["x"], dtype=pl.Categorical)}),
    "polars enum": pl.DataFrame({"e": pl.Series(["x"], dtype=pl.Enum(["y", "x"]))}),
    "polars series": pl.Series("s", [1, None]),
}


@pytest.mark.parametrize("name", CONTAINERS)
def test_containers_come_back_from_parquet(name: str) -> None:
    value = CONTAINERS[name]
    identity = identify_value(value)
    back = PARQUET.decode(encoded(PARQUET, value), identity.kind, ())
    assert type(back) is type(value)
    assert identify_value(back) == identity


def test_parquet_reads_only_the_columns_wanted_in_their_order() -> None:
    stored = encoded(PARQUET, pa.table({"a": [1], "b.c": ["x"], "d": [2]}))
    assert PARQUET.decode(stored, "arrow.Table", ("d", "b.c")).to_pydict() == {"d": [2], "b.c": ["x"]}
    assert PARQUET.read_stream(stored, ("d", "a")).read_all().column_names == ["d", "a"]
    frame = PARQUET.decode(encoded(PARQUET, _INDEXED), "pandas.DataFrame", ("b",))
    assert frame.equals(_INDEXED[["b"]])


def test_parquet_is_zstd_and_opens_with_other_tools() -> None:
    data = encoded(PARQUET, pa.table({"a": list(range(1000))})).read()
    assert pd.read_parquet(io.BytesIO(data)).shape == (1000, 1)
    assert parquet.ParquetFile(io.BytesIO(data)).metadata.row_group(0).column(0).compression == "ZSTD"


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda children: st.lists(children) | st.dictionaries(st.text(), children),
    max_leaves=10,
)


@settings(max_examples=60, deadline=None)
@given(_JSON)
def test_what_json_takes_comes_back_exactly(value: Any) -> None:
    codec = JsonCodec()
    try:
        stored = encoded(codec, value)
    except NotEncodable:
        assert value is None or isinstance(value, int)  # more digits than Python parses
        return
    assert identify_value(codec.decode(stored, "", ())) == identify_value(value)


_CYCLE: list[object] = []
_CYCLE.append(_CYCLE)


@pytest.mark.parametrize(
    "value", [{"a": (1,)}, {1: 2}, [float("nan")], [float("inf")], [b""], [{1}], [True, np.float64(1)], _CYCLE]
)
def test_json_refuses_what_would_come_back_different(value: object) -> None:
    with pytest.raises(NotEncodable):
        encoded(JsonCodec(), value)


def test_json_is_plain_json() -> None:
    assert json.loads(encoded(JsonCodec(), {"é": [1, None]}).read()) == {"é": [1, None]}
    assert "é".encode() in encoded(JsonCodec(), "é").read()


class _Bomb:
    def __reduce__(self) -> tuple[Any, ...]:
        return pytest.fail, ("the pickle was loaded",)


def test_a_pickle_from_elsewhere_is_not_loaded() -> None:
    bomb = Encoded(data=pickle.dumps(_Bomb()))
    with pytest.raises(Untrusted):
        PickleCodec().decode(bomb, "", ())
    codec = PickleCodec()
    assert codec.decode(encoded(codec, (1, {2}), trusted=True), "", ()) == (1, {2})


def test_what_cannot_be_pickled_says_why() -> None:
    with pytest.raises(NotEncodable, match="generator"):
        encoded(PickleCodec(), (i for i in ()))


def test_what_a_function_defines_is_pickled_by_value() -> None:
    codec = PickleCodec()
    assert codec.decode(encoded(codec, lambda x: x + 1, trusted=True), "", ())(1) == 2


def test_skops_trusts_only_known_packages() -> None:
    codec = CODECS.named("skops")
    model = LogisticRegression().fit([[0.0], [1.0]], [0, 1])
    stored = encoded(codec, model)
    assert untrusted_types(stored.read()) == []
    assert identify_value(codec.decode(stored, "", ())) == identify_value(model)

    class Mine(LogisticRegression):
        pass

    with pytest.raises(NotEncodable, match="Mine"):
        encoded(codec, Mine())


def test_figures_become_the_same_picture_every_time() -> None:
    def picture(name: str) -> Any:
        figure = Figure()
        figure.subplots().plot([1, 3, 2])
        codec = CODECS.named(name)
        return codec.decode(encoded(codec, figure), "", ())

    assert picture("figure-svg") == picture("figure-svg")
    assert picture("figure-svg").startswith("<?xml")
    assert picture("figure-png") == picture("figure-png")
    assert picture("figure-png").startswith(b"\x89PNG")


def test_the_table_in_the_documentation_is_the_registrys() -> None:
    spec = importlib.util.spec_from_file_location("codec_table", ROOT / "docs" / "codec_table.py")
    table = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(table)
    page = (ROOT / "docs" / "values.md").read_text("utf-8")
    assert table.filled(page) == page
    assert {name for name, _, _ in described()} == BUILT_IN

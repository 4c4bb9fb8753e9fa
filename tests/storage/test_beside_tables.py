"""What tables have beside their values: it counts where a reader can see it, and comes back."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from assetctl.assets.ids import Target
from assetctl.lineage.facts.ports import Form, Wanted
from assetctl.lineage.facts.records import Output, ProvenanceDigest
from assetctl.lineage.identity.values.identify import identify_value
from assetctl.storage.state.layout import Layout
from assetctl.storage.values.store import BlobDataStore


@pytest.fixture
def store(tmp_path: Path) -> BlobDataStore:
    return BlobDataStore(Layout.of(tmp_path))


def kept(store: BlobDataStore, value: object) -> Output:
    stored = store.put(value, codec=None, unordered=False, provenance=ProvenanceDigest("b3:p"))
    return stored.as_output(Target.parse("thing"))


def version(value: object) -> str:
    return identify_value(value).version


def frame(**attrs: object) -> pd.DataFrame:
    made = pd.DataFrame({"a": [1, 2, 3], "b": ["x", "y", "z"]})
    made.attrs.update(attrs)
    return made


def timed(freq: str | None, **options: Any) -> pd.DataFrame:
    days = pd.date_range("2024-01-01", periods=3, freq="D", name="day", **options)
    index = days if freq else pd.DatetimeIndex(days.array, freq=None, name="day")
    return frame().set_index(index)


_SERIES = pd.Series([1.0, 2.0], name="s")
_SERIES.attrs["unit"] = "m"
_NUMBERED = np.zeros((2, 3))

FRAMES: dict[str, tuple[Any, str]] = {
    "attrs": (frame(unit="m", n=[1]), "parquet/1"),
    "attrs that JSON would change": (frame(unit=(1, 2)), "pickle/1"),
    "attrs that JSON has no form for": (frame(day=datetime.date(2024, 1, 1)), "pickle/1"),
    "attrs without an identity": (frame(what=object()), "pickle/1"),
    "flags": (frame().set_flags(allows_duplicate_labels=False), "parquet/1"),
    "series": (_SERIES, "parquet/1"),
    "flags of a series": (pd.Series([1]).set_flags(allows_duplicate_labels=False), "parquet/1"),
    "frequency": (timed("D"), "parquet/1"),
    "no frequency": (timed(None), "parquet/1"),
    "zoned": (timed("D", tz="Europe/Berlin"), "parquet/1"),
    "spans": (frame().set_index(pd.timedelta_range("1D", periods=3, freq="2h")), "parquet/1"),
    "of its own": (
        frame().set_index(pd.bdate_range("2024-01-03", periods=3, freq="C", holidays=["2024-01-01"])),
        "pickle/1",
    ),
    "range of labels": (pd.DataFrame(_NUMBERED), "parquet/1"),
    "named range": (pd.DataFrame(_NUMBERED, columns=pd.RangeIndex(4, 10, 2, name="n")), "parquet/1"),
    "numbers as labels": (pd.DataFrame(_NUMBERED, columns=[0, 1, 2]), "parquet/1"),
    "one number": (pd.DataFrame({7: [1]}), "parquet/1"),
    "numbers without a step": (pd.DataFrame(_NUMBERED, columns=[0, 5, 2]), "parquet/1"),
    "days as labels": (pd.DataFrame(_NUMBERED, columns=pd.date_range("2024", periods=3, freq="D")), "parquet/1"),
}


@pytest.mark.parametrize("name", FRAMES)
def test_what_a_frame_has_beside_its_data_comes_back(store: BlobDataStore, name: str) -> None:
    value, codec = FRAMES[name]
    output = kept(store, value)
    assert output.codec == codec
    back = store.load(output, Wanted())
    assert (str(back.attrs)[:20], back.flags.allows_duplicate_labels) == (
        str(value.attrs)[:20], value.flags.allows_duplicate_labels,
    )  # fmt: skip
    assert type(back.index) is type(value.index)
    assert getattr(back.index, "freq", None) == getattr(value.index, "freq", None)
    if isinstance(value, pd.DataFrame):
        assert type(back.columns) is type(value.columns)
        pd.testing.assert_index_equal(back.columns, value.columns, exact=True)
        assert getattr(back.columns, "freq", None) == getattr(value.columns, "freq", None)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (frame(), frame(unit="m")),
        (frame(unit="m"), frame(unit="km")),
        (frame(), frame().set_flags(allows_duplicate_labels=False)),
        (pd.Series([1.0, 2.0], name="s"), _SERIES),
        (timed("D"), timed(None)),
        (timed("D").index, timed(None).index),
        (FRAMES["of its own"][0], FRAMES["of its own"][0].set_index(FRAMES["of its own"][0].index._with_freq(None))),
        (FRAMES["range of labels"][0], FRAMES["numbers as labels"][0]),
        (FRAMES["days as labels"][0], pd.DataFrame(_NUMBERED, columns=timed(None).index.rename(None))),
        (pa.chunked_array([[1]]), pa.array([1])),
    ],
)
def test_what_a_reader_can_tell_apart_has_two_versions(one: object, other: object) -> None:
    assert version(one) != version(other)


_TABLE = pa.table({"a": [1, 2], "s": ["x", "y"]})
_NESTED = pa.struct([pa.field("x", pa.int64(), nullable=False, metadata={"unit": "m"})])

TABLES: dict[str, Any] = {
    "plain": _TABLE,
    "metadata": _TABLE.replace_schema_metadata({"source": "a"}),
    "other metadata": _TABLE.replace_schema_metadata({"source": "b"}),
    "field": _TABLE.cast(pa.schema([pa.field("a", pa.int64(), metadata={"unit": "m"}), ("s", pa.string())])),
    "not null": _TABLE.cast(pa.schema([pa.field("a", pa.int64(), nullable=False), ("s", pa.string())])),
    "nested": pa.table({"a": pa.array([{"x": 1}], _NESTED)}),
    "nested, plain": pa.table({"a": [{"x": 1}]}),
    "list of not null": pa.table({"a": pa.array([[1]], pa.list_(pa.field("item", pa.int64(), nullable=False)))}),
    "list": pa.table({"a": [[1]]}),
    "batch": pa.RecordBatch.from_pylist([{"a": 1}]).replace_schema_metadata({"source": "a"}),
    "attrs in pandas' block": pa.Table.from_pandas(frame(unit="m")),
    "pandas' block": pa.Table.from_pandas(frame()),
}


@pytest.mark.parametrize("name", TABLES)
def test_metadata_of_arrow_comes_back(store: BlobDataStore, name: str) -> None:
    output = kept(store, TABLES[name])
    back = store.load(output, Wanted())
    assert output.codec in {"parquet/1", "arrow-ipc/1"}
    if "pandas" not in name:
        has_list = "list" in name  # Parquet has a name of its own for what is in one, which is no metadata
        assert back.schema.equals(TABLES[name].schema, check_metadata=not has_list)
    assert version(back) == output.value.version


def test_metadata_that_a_person_set_counts_and_what_libraries_write_does_not() -> None:
    assert len({version(table) for table in TABLES.values()}) == len(TABLES)
    unblocked = TABLES["pandas' block"].replace_schema_metadata(None)
    assert version(TABLES["pandas' block"]) == version(unblocked)
    own = pa.schema([pa.field("a", pa.int64(), metadata={"PARQUET:field_id": "1"}), ("s", pa.string())])
    assert version(_TABLE.cast(own).replace_schema_metadata({"ARROW:schema": "x"})) == version(_TABLE)
    many = [identify_value(TABLES[name], unordered=True).version for name in TABLES]
    assert len(set(many)) == len(many)


@pytest.mark.parametrize("form", [Form.STORED, Form.ARROW, Form.PANDAS])
def test_a_reader_of_columns_gets_nothing_that_belongs_to_the_whole(store: BlobDataStore, form: Form) -> None:
    marked = _TABLE.replace_schema_metadata({"source": "a"})
    for value in (marked, frame(unit="m").set_flags(allows_duplicate_labels=False)):
        read = store.load(kept(store, value), Wanted(form, ("a",)))
        if isinstance(read, pd.DataFrame):
            assert (read.attrs, read.flags.allows_duplicate_labels) == ({}, True)
        else:
            assert not {key for key in read.schema.metadata or {} if key != b"pandas"}
            assert b'"unit"' not in (read.schema.metadata or {}).get(b"pandas", b"")


def test_columns_depend_on_metadata_of_their_own_only() -> None:
    plain, field, whole = (
        {column.name: column.digest for column in identify_value(TABLES[name]).columns}
        for name in ("plain", "field", "metadata")
    )
    assert plain == whole
    assert field["a"] != plain["a"]
    assert field["s"] == plain["s"]


def test_an_array_in_chunks_comes_back_as_one(store: BlobDataStore) -> None:
    for value in (pa.chunked_array([[1], [2, None]]), pa.chunked_array([], pa.int8()), pa.array([1, None])):
        back = store.load(kept(store, value), Wanted())
        assert type(back) is type(value) or isinstance(value, pa.Array)
        assert back.equals(value)


def test_a_frame_of_polars_keeps_what_it_is(store: BlobDataStore) -> None:
    value = pl.DataFrame({"e": pl.Series(["x"], dtype=pl.Enum(["y", "x"])), "n": [1]})
    assert store.load(kept(store, value), Wanted()).equals(value)

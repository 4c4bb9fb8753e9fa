"""Data versions: the pairs that must be equal, and those that must differ."""

from __future__ import annotations

import decimal
import io
import struct

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from pyarrow import parquet

from assetctl.lineage.identity.values.identify import identify_value


def version(value: object) -> str:
    return identify_value(value).version


_TEXTS = ["pear", None, "", "fig", "pear", "fïg", "a longer string than twelve bytes"]
_PLAIN = pa.table(
    {"n": pa.array([1, 2, None, 4, 5, 6, 7]), "s": pa.array(_TEXTS), "f": [0.5, -0.0, 1.0, 2.0, 3.0, 4.0, 5.0]}
)


def _rechunked() -> pa.Table:
    return pa.concat_tables([_PLAIN.slice(0, 3), _PLAIN.slice(3, 0), _PLAIN.slice(3)])


def _sliced() -> pa.Table:
    return pa.concat_tables([_PLAIN, _PLAIN]).combine_chunks().slice(3, 7).take([4, 5, 6, 0, 1, 2, 3])


def _ipc(batch_rows: int | None = None) -> pa.Table:
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, _PLAIN.schema) as writer:
        writer.write_table(_PLAIN, batch_rows)
    return pa.ipc.open_stream(sink.getvalue()).read_all()


def _parquet(compression: str) -> pa.Table:
    sink = io.BytesIO()
    parquet.write_table(_PLAIN, sink, compression=compression)
    return parquet.read_table(io.BytesIO(sink.getvalue()))


def _through_duckdb() -> pa.Table:
    with duckdb.connect() as connection:
        connection.register("plain", _PLAIN)
        return connection.sql("select * from plain").to_arrow_table()


def _garbage_under_nulls() -> pa.Table:
    validity = pa.py_buffer(bytes([0b1111011]))
    numbers = pa.Array.from_buffers(pa.int64(), 7, [validity, pa.py_buffer(struct.pack("<7q", 1, 2, 99, 4, 5, 6, 7))])
    return _PLAIN.set_column(0, "n", numbers)


def _garbage_text_under_null() -> pa.Table:
    offsets = np.cumsum([0] + [len((text or "XYZ").encode()) if text != "" else 0 for text in _TEXTS]).astype(np.int32)
    content = "".join("XYZ" if text is None else text for text in _TEXTS).encode()
    validity = pa.py_buffer(bytes([0b1111101]))
    texts = pa.Array.from_buffers(pa.string(), 7, [validity, pa.py_buffer(offsets), pa.py_buffer(content)])
    return _PLAIN.set_column(1, "s", texts)


def _with_type(place: int, kind: pa.DataType) -> pa.Table:
    return _PLAIN.set_column(place, _PLAIN.column_names[place], _PLAIN.column(place).cast(kind))


def _with_texts(array: pa.Array) -> pa.Table:
    return _PLAIN.set_column(1, "s", array)


_OTHER_DICTIONARY = pa.DictionaryArray.from_arrays(
    pa.array([3, None, 0, 1, 3, 4, 2]), pa.array(["", "fig", _TEXTS[6], "pear", "fïg", "unused"])
)
_ALL_VALID = pa.Array.from_buffers(
    pa.int64(), 3, [pa.py_buffer(bytes([0b11111111])), pa.py_buffer(struct.pack("<3q", 1, 2, 3))]
)


@pytest.mark.parametrize(
    "same",
    [
        pytest.param(_rechunked, id="rechunked"),
        pytest.param(_sliced, id="slice of a larger table"),
        pytest.param(lambda: _with_texts(_PLAIN.column(1).dictionary_encode()), id="dictionary"),
        pytest.param(lambda: _with_texts(_OTHER_DICTIONARY), id="another dictionary order"),
        pytest.param(lambda: _with_type(1, pa.large_string()), id="large_string"),
        pytest.param(lambda: _with_type(1, pa.string_view()), id="string_view"),
        pytest.param(
            lambda: _PLAIN.replace_schema_metadata({"pandas": '{"attributes": {}}', "ARROW:schema": "x"}),
            id="metadata of libraries",
        ),
        pytest.param(_garbage_under_nulls, id="garbage under nulls"),
        pytest.param(_garbage_text_under_null, id="garbage text under a null"),
        pytest.param(lambda: _parquet("zstd"), id="parquet zstd"),
        pytest.param(lambda: _parquet("snappy"), id="parquet snappy"),
        pytest.param(lambda: _parquet("none"), id="parquet uncompressed"),
        pytest.param(_ipc, id="ipc"),
        pytest.param(lambda: _ipc(1), id="ipc with 1-row batches"),
        pytest.param(_through_duckdb, id="through DuckDB"),
    ],
)
def test_equal_tables(same) -> None:
    assert identify_value(same()) == identify_value(_PLAIN)


def _nan(payload: int) -> np.ndarray:
    return np.array([0x7FF8000000000000 | payload, 0x3FF0000000000000], np.uint64).view(np.float64)


_MATRIX = np.arange(12.0).reshape(3, 4)
_RECORD = np.dtype([("a", "i1"), ("b", "f8")])


def _fragmented() -> pd.DataFrame:
    frame = pd.DataFrame({"a": [1, 2]})
    frame["b"] = [3, 4]
    return frame


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param(pa.array([1, 2, 3]), _ALL_VALID, id="all-valid bitmap"),
        pytest.param(pa.array(_nan(1)), pa.array(_nan(7)), id="NaN payload"),
        pytest.param(_nan(1), _nan(7), id="NaN payload in numpy"),
        pytest.param(pa.array([1, 1, 2]), pc.run_end_encode(pa.array([1, 1, 2])), id="run ends"),
        pytest.param(pa.array([[1], None]), pa.array([[1], None], pa.large_list(pa.int64())), id="large list"),
        pytest.param(pa.array([[1], None]), pa.array([[1], None], pa.list_view(pa.int64())), id="list view"),
        pytest.param(pa.array([b"a"]), pa.array([b"a"], pa.binary_view()), id="binary view"),
        pytest.param(
            pa.array([{"a": 1}, None]),
            pa.StructArray.from_arrays([pa.array([1, 2])], ["a"], mask=pa.array([False, True])),
            id="child under a null struct",
        ),
        pytest.param(_MATRIX, np.asfortranarray(_MATRIX), id="C and Fortran order"),
        pytest.param(_MATRIX[::2, 1:], _MATRIX[::2, 1:].copy(), id="view and copy"),
        pytest.param(_MATRIX, _MATRIX.astype(">f8"), id="byte order"),
        pytest.param(
            np.array([(1, 2.0)], _RECORD),
            np.array([(1, 2.0)], np.dtype(_RECORD.descr, align=True)),
            id="padding of records",
        ),
        pytest.param(
            np.ma.masked_array([1, 2], [False, True]), np.ma.masked_array([1, 9], [False, True]), id="data under a mask"
        ),
        pytest.param(pd.DataFrame({"a": [1, 2], "b": [3, 4]}), _fragmented(), id="fragmented blocks"),
        pytest.param(_fragmented(), _fragmented().copy(), id="copy"),
        pytest.param({"a", "b", "c"}, {"c", "b", "a"}, id="set order"),
    ],
)
def test_equal_values(one: object, other: object) -> None:
    assert version(one) == version(other)


def _table(**columns: object) -> pa.Table:
    return pa.table(columns)


def _frame(values: list[object], index: object = None) -> pd.DataFrame:
    return pd.DataFrame({"a": pd.Series(values, dtype=object, index=index)})


def _stamps(kind: pa.DataType) -> pa.Array:
    return pa.array([0], pa.int64()).cast(kind)


@pytest.mark.parametrize(
    "values",
    [
        pytest.param([_table(a=[1], b=[1]), _table(b=[1], a=[1])], id="column order"),
        pytest.param([_table(a=[1]), _table(A=[1])], id="rename"),
        pytest.param([_table(a=[1, 2]), _table(a=[2, 1])], id="row order"),
        pytest.param(
            [_table(a=pa.array([None, 1.0])), _table(a=[float("nan"), 1.0]), _table(a=[0.0, 1.0])], id="null, NaN, zero"
        ),
        pytest.param([pa.array([None, "x"]), pa.array(["", "x"])], id='null, ""'),
        pytest.param([pa.array([None, [1]]), pa.array([[], [1]]), pa.array([[None], [1]])], id="null, [], [null]"),
        pytest.param([pa.array([0.0]), pa.array([-0.0])], id="negative zero"),
        pytest.param([np.array([0.0]), np.array([-0.0])], id="negative zero in numpy"),
        pytest.param([pa.array([1], kind) for kind in (pa.int64(), pa.int32(), pa.uint64())], id="width and sign"),
        pytest.param(
            [
                _stamps(pa.timestamp("us")),
                _stamps(pa.timestamp("ms")),
                _stamps(pa.timestamp("us", "UTC")),
                _stamps(pa.timestamp("us", "Europe/Berlin")),
            ],
            id="timestamp unit and zone",
        ),
        pytest.param(
            [pa.array([decimal.Decimal("1.0")], pa.decimal128(9, scale)) for scale in (1, 2)], id="decimal scale"
        ),
        pytest.param([pa.array([[1, 2], [3]]), pa.array([[1], [2, 3]])], id="list boundary"),
        pytest.param([pa.array(["ab", "c"]), pa.array(["a", "bc"])], id="string boundary"),
        pytest.param([pa.array([None, 1], pa.int8()), pa.array([0, 1], pa.int8())], id="null, zero"),
        pytest.param([_MATRIX, _MATRIX.T, _MATRIX.reshape(4, 3), _MATRIX.astype("f4")], id="transposed, reshaped, f4"),
        pytest.param([_frame([1]), _frame([1], ["x"]), _frame([1], [0])], id="pandas index"),
        pytest.param([_frame([1]), _frame(["1"]), _frame([True]), _frame([1.0]), _frame([None])], id="object column"),
        pytest.param(
            [pd.Series(pd.Categorical(["a"], order)) for order in (["a", "b"], ["b", "a"], ["a"])], id="categories"
        ),
        pytest.param([pd.DataFrame([[0]], columns=[label]) for label in (1, "1", True)], id="label types"),
        pytest.param(
            [pd.Series([1]), pd.Series([1], dtype="Int64"), pd.Series([1], dtype="int64[pyarrow]")], id="pandas dtypes"
        ),
        pytest.param([{"a": 1, "b": 2}, {"b": 2, "a": 1}], id="dict key order"),
        pytest.param([_table(a=[1]), pd.DataFrame({"a": [1]}), pl.DataFrame({"a": [1]})], id="container kind"),
        pytest.param([pa.array([1]), pa.array([1, None])], id="length"),
    ],
)
def test_different_values(values: list[object]) -> None:
    versions = [version(value) for value in values]
    assert len(set(versions)) == len(values)


@pytest.mark.parametrize(
    ("array", "pandas_dtype"),
    [
        (pa.array([1, 2]), "int64"),
        (pa.array([1.5, float("nan")]), "float64"),
        (pa.array([True, False]), "bool"),
        (pa.array(["x", None]), "str"),
        (pa.array([0, 1]).cast(pa.timestamp("ns")), "datetime64[ns]"),
    ],
)
def test_column_digests_are_shared_between_containers(array: pa.Array, pandas_dtype: str) -> None:
    arrow = identify_value(pa.table({"a": array})).columns[-1].digest
    pandas = identify_value(pd.DataFrame({"a": pd.Series(array.to_pylist(), dtype=pandas_dtype)})).columns[-1].digest
    polars = identify_value(pl.DataFrame({"a": pl.from_arrow(array)})).columns[-1].digest
    assert arrow == pandas == polars

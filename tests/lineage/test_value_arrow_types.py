"""Every Arrow type: its digest depends on the values, not on slices, chunks or the way they arrive."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from assetctl.lineage.identity.tables import BLOCK_ROWS, GRANULE_ROWS, TableHasher
from assetctl.lineage.identity.values import identify_value
from tests.lineage.arrow_arrays import ARRAYS as MAKERS

ARRAYS = {name: make() for name, make in MAKERS.items()}


def version(value: object) -> str:
    return identify_value(value).version


@pytest.mark.parametrize("name", ARRAYS)
def test_slices_and_chunks_leave_no_trace(name: str) -> None:
    array = ARRAYS[name]
    pieces = pa.chunked_array([array.slice(0, 1), array.slice(1, 3), array.slice(4)])
    assert version(pieces) == version(array)
    whole = pa.chunked_array([array, array])
    assert version(pa.concat_arrays([array.slice(row, 1) for row in (2, 3, 4)])) == version(whole.slice(2, 3))
    assert version(whole.slice(5, 5)) == version(array)


@pytest.mark.parametrize("name", ARRAYS)
def test_each_value_counts(name: str) -> None:
    array = ARRAYS[name]
    if name != "null":
        assert len({version(array.slice(row, 1)) for row in range(5)}) >= 2
        assert version(array.slice(0, 4)) != version(array.slice(1, 4))
    assert version(array.slice(0, 4)) != version(array)


def test_every_type_has_a_digest_of_its_own() -> None:
    assert len({version(array) for array in ARRAYS.values()}) == len(ARRAYS)


@pytest.mark.parametrize("name", [name for name in ARRAYS if "union" not in name])
def test_every_type_can_be_nested(name: str) -> None:
    array = ARRAYS[name]
    offsets = pa.array([0, 2, 2, 5])
    lists = pa.ListArray.from_arrays(offsets, array)
    assert version(lists) == version(pa.chunked_array([lists.slice(0, 1), lists.slice(1)]))
    assert version(lists) != version(pa.ListArray.from_arrays(pa.array([0, 2, 3, 5]), array))
    structs = pa.StructArray.from_arrays([array], ["x"])
    assert version(structs.slice(2)) == version(pa.StructArray.from_arrays([array.slice(2)], ["x"]))


@pytest.mark.parametrize("n_rows", [0, 1, BLOCK_ROWS, BLOCK_ROWS + 1, GRANULE_ROWS, GRANULE_ROWS + 3])
def test_a_stream_gives_what_the_whole_table_gives(n_rows: int) -> None:
    table = pa.table({"n": np.arange(n_rows), "t": pa.array(np.arange(n_rows) % 7).cast(pa.string())})
    hasher = TableHasher(table.schema)
    for batch in table.to_batches(max_chunksize=99_991):
        hasher.feed(batch)
    assert hasher.finish() == identify_value(table)


def test_a_granule_is_not_the_whole_column() -> None:
    rows = np.zeros(GRANULE_ROWS + 1, np.int8)
    last = rows.copy()
    last[-1] = 1
    assert version(pa.table({"a": rows})) != version(pa.table({"a": last}))
    assert version(pa.table({"a": rows})) != version(pa.table({"a": rows[:-1]}))


def test_unordered_rows_are_a_multiset() -> None:
    table = pa.table({"n": [1, 2, 2, None], "f": [0.0, -0.0, float("nan"), 1.0], "l": [[1], [], None, [2]]})

    def unordered(rows: pa.Table) -> str:
        return identify_value(rows, unordered=True).version

    assert unordered(table) == unordered(table.take([3, 1, 0, 2]))
    assert unordered(table) != unordered(table.take([0, 1, 1, 2]))
    assert unordered(table) != unordered(table.take([0, 1, 2]))
    assert unordered(table) != identify_value(table).version


def test_unordered_rows_do_not_depend_on_encodings() -> None:
    texts = pa.array(["pear", None, "a text longer than twelve bytes", "pear"])
    shapes = [texts, texts.dictionary_encode(), texts.cast(pa.large_string()), texts.cast(pa.string_view())]
    shapes.append(pc.run_end_encode(texts))
    assert len({identify_value(pa.table({"a": shape}), unordered=True).version for shape in shapes}) == 1


def test_columns_of_unordered_tables_depend_on_the_whole() -> None:
    one = identify_value(pa.table({"a": [1, 2], "b": [1, 2]}), unordered=True)
    other = identify_value(pa.table({"a": [1, 2], "b": [2, 1]}), unordered=True)
    assert one.columns[0].digest != other.columns[0].digest


def test_a_column_digest_does_not_depend_on_its_neighbours() -> None:
    one = identify_value(pa.table({"a": [1, 2], "b": [1, 2]})).columns
    other = identify_value(pa.table({"b": ["x", "y"], "a": [1, 2]})).columns
    assert one[0] == other[1]


def test_tensors_of_another_shape_differ() -> None:
    storage = pa.array([[1, 2, 3, 4]], pa.list_(pa.int32(), 4))
    shapes = [pa.fixed_shape_tensor(pa.int32(), shape) for shape in ([2, 2], [4, 1])]
    assert len({version(pa.ExtensionArray.from_storage(shape, storage)) for shape in shapes}) == 2

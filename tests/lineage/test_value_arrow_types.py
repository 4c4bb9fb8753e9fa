"""Every Arrow type: its digest depends on the values, not on slices, chunks or the way they arrive."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from assetctl.lineage.identity.values.identify import identify_value
from assetctl.lineage.identity.values.tables import BLOCK_ROWS, GRANULE_ROWS, TableHasher
from tests.lineage.arrow_arrays import ARRAYS as MAKERS
from tests.lineage.arrow_arrays import SURROUNDINGS

ARRAYS = {name: make() for name, make in MAKERS.items()}


def version(value: object) -> str:
    return identify_value(value).version


@pytest.mark.parametrize("name", ARRAYS)
def test_slices_and_chunks_leave_no_trace(name: str) -> None:
    array = ARRAYS[name]
    one = pa.chunked_array([array])
    pieces = pa.chunked_array([array.slice(0, 1), array.slice(1, 3), array.slice(4)])
    assert version(pieces) == version(one)
    assert version(pa.concat_arrays([array.slice(0, 2), array.slice(2)])) == version(array)
    whole = pa.chunked_array([array, array])
    rows = pa.concat_arrays([array.slice(row, 1) for row in (2, 3, 4)])
    assert version(pa.chunked_array([rows])) == version(whole.slice(2, 3))
    assert version(whole.slice(5, 5)) == version(one)
    assert version(one) != version(array)  # a reader gets the one or the other


@pytest.mark.parametrize("name", ARRAYS)
def test_each_value_counts(name: str) -> None:
    array = ARRAYS[name]
    if name != "null":
        assert len({version(array.slice(row, 1)) for row in range(5)}) >= 2
        assert version(array.slice(0, 4)) != version(array.slice(1, 4))
    assert version(array.slice(0, 4)) != version(array)


def test_every_type_has_a_digest_of_its_own() -> None:
    assert len({version(array) for array in ARRAYS.values()}) == len(ARRAYS)


@pytest.mark.parametrize("around", SURROUNDINGS)
@pytest.mark.parametrize("name", ARRAYS)
def test_every_type_can_be_nested_in_every_other(name: str, around: str) -> None:
    array = SURROUNDINGS[around](ARRAYS[name])
    for nested in (array, SURROUNDINGS["struct"](array), SURROUNDINGS["map"](array)):
        pieces = [nested.slice(0, 1), nested.slice(1, 3), nested.slice(4)]
        one = version(pa.chunked_array([nested]))
        assert version(pa.chunked_array(pieces)) == one
        assert version(pa.chunked_array([nested, nested]).slice(5, 5)) == one
        rows = pa.table({"a": pa.chunked_array([nested.slice(3), nested.slice(0, 3)])})
        assert identify_value(rows, unordered=True) == identify_value(pa.table({"a": nested}), unordered=True)
        assert version(nested.slice(0, 4)) != version(nested)


@pytest.mark.parametrize("name", ARRAYS)
def test_what_lies_under_a_null_leaves_no_trace_at_any_depth(name: str) -> None:
    array = ARRAYS[name]
    other = pa.concat_arrays([array.slice(0, 1), array.slice(2, 1), array.slice(2)])  # another second row
    for around in ("struct", "fixed list"):
        hidden = [SURROUNDINGS[around](each) for each in (array, other)]
        assert version(hidden[0]) == version(hidden[1])
        assert version(SURROUNDINGS["struct"](hidden[0])) == version(SURROUNDINGS["struct"](hidden[1]))


def test_moving_a_list_boundary_shows_whatever_is_in_the_list() -> None:
    for array in ARRAYS.values():
        boundaries = [pa.array([0, 2, last, 5], pa.int32()) for last in (2, 3)]
        assert len({version(pa.ListArray.from_arrays(each, array)) for each in boundaries}) == 2


class Metres(pa.ExtensionType):
    """A type of a person's own, with a parameter."""

    def __init__(self, scale: int, name: str = "tests.metres") -> None:
        self.scale = scale
        super().__init__(pa.int64(), name)

    def __arrow_ext_serialize__(self) -> bytes:
        return str(self.scale).encode()

    def __str__(self) -> str:
        raise AssertionError


def test_a_type_of_one_s_own_counts_by_name_parameters_and_storage() -> None:
    storage = pa.array([1, None])
    kinds = [Metres(1), Metres(2), Metres(1, "tests.feet")]
    versions = [version(pa.ExtensionArray.from_storage(kind, storage)) for kind in kinds]
    assert len({version(storage), *versions}) == 4
    assert len({version(kind) for kind in kinds}) == 3


@pytest.mark.soak
def test_soak_texts_beyond_the_reach_of_their_offsets_count_in_full() -> None:
    large = "x" * (1 << 26)
    text, wide = pa.array([large]), pa.array([large], pa.large_string())
    whole = version(pa.chunked_array([wide] * 33))
    assert version(pa.chunked_array([text] * 33)) == whole
    assert version(pa.DictionaryArray.from_arrays(pa.array([0] * 33, pa.int8()), text)) == whole


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

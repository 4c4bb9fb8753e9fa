"""Random tables of random types: two are one version exactly when their values are equal, however they lie in memory."""

from __future__ import annotations

import datetime
import decimal
import io
import itertools
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from hypothesis import HealthCheck, assume, example, given, reject, settings
from hypothesis import strategies as st
from pyarrow import parquet

from assetctl.lineage.identity.values.arrow_blocks import logical_type
from assetctl.lineage.identity.values.identify import identify_value
from assetctl.lineage.identity.values.tables import TableHasher

_QUICK = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
_DAYS = st.dates(datetime.date(1900, 1, 1), datetime.date(2100, 1, 1))
_MOMENTS = st.datetimes(datetime.datetime(1900, 1, 1), datetime.datetime(2100, 1, 1))  # noqa: DTZ001
_CENTS = st.integers(-999, 999).map(lambda n: decimal.Decimal(n).scaleb(-2))
_TEXTS = st.sampled_from(["", "a", "b", "ab", "a text longer than twelve bytes"])

LEAVES: list[tuple[pa.DataType, st.SearchStrategy[Any]]] = [
    (pa.int8(), st.integers(-2, 2)), (pa.int64(), st.integers(-(2**63), 2**63 - 1)), (pa.uint32(), st.integers(0, 3)),
    (pa.float64(), st.sampled_from([0.0, -0.0, 1.5, float("nan"), float("inf")])), (pa.bool_(), st.booleans()),
    (pa.float32(), st.sampled_from([0.0, -0.0, float("nan")])), (pa.string(), _TEXTS), (pa.binary(), _TEXTS.map(str.encode)),
    (pa.binary(3), st.sampled_from([b"abc", b"\0\0\0"])), (pa.date32(), _DAYS), (pa.timestamp("us"), _MOMENTS),
    (pa.decimal128(5, 2), _CENTS), (pa.duration("s"), st.integers(-9, 9).map(lambda n: datetime.timedelta(seconds=n))),
    (pa.null(), st.none()),
]  # fmt: skip


@st.composite
def typed(draw: st.DrawFn, depth: int = 2) -> tuple[pa.DataType, st.SearchStrategy[Any]]:
    """Draw a type, and what draws its values; null is one of them."""
    shape = draw(st.sampled_from(["leaf", "leaf", "list", "pair", "struct", "map"])) if depth else "leaf"
    if shape == "leaf":
        kind, values = draw(st.sampled_from(LEAVES))
        return kind, st.none() | values
    kind, values = draw(typed(depth - 1))
    if shape == "list":
        return pa.list_(kind), st.none() | st.lists(values, max_size=3)
    if shape == "pair":
        return pa.list_(kind, 2), st.none() | st.lists(values, min_size=2, max_size=2)
    if shape == "map":
        return pa.map_(pa.string(), kind), st.none() | st.lists(st.tuples(_TEXTS, values), max_size=2)
    other, others = draw(typed(depth - 1))
    return pa.struct([("x", kind), ("y", other)]), st.none() | st.fixed_dictionaries({"x": values, "y": others})


@st.composite
def columns(draw: st.DrawFn) -> tuple[pa.DataType, list[Any], st.SearchStrategy[Any]]:
    kind, values = draw(typed())
    return kind, draw(st.lists(values, max_size=8)), values


def version(value: object) -> str:
    return identify_value(value).version


def disguised(array: pa.Array, choose: Any) -> pa.Array:
    """Return an array of the same values in another layout, with something else under its nulls."""
    kind = array.type
    valid = array.is_valid()
    missing = pc.invert(valid)
    if pa.types.is_struct(kind):
        children = [disguised(_filled(array.field(i), valid, choose), choose) for i in range(kind.num_fields)]
        made = pa.StructArray.from_arrays(children, [field.name for field in kind], mask=missing)
    elif pa.types.is_list(kind) and not pa.types.is_map(kind):
        values = disguised(array.values, choose)
        layout = choose(["list", "large", "view"])
        starts, sizes = array.offsets.slice(0, len(array)), pc.fill_null(pc.list_value_length(array), 0)
        if layout == "view":
            made = pa.ListViewArray.from_arrays(starts, sizes.cast(pa.int32()), values, mask=missing)
        elif layout == "large":
            made = pa.LargeListArray.from_arrays(array.offsets.cast(pa.int64()), values, mask=missing)
        else:
            made = pa.ListArray.from_arrays(array.offsets, values, mask=missing)
    elif pa.types.is_string(kind) or pa.types.is_binary(kind):
        wide, view = (
            (pa.large_string(), pa.string_view()) if kind == pa.string() else (pa.large_binary(), pa.binary_view())
        )
        layout = choose(["same", "wide", "view", "dictionary"])
        made = {
            "same": array,
            "wide": array.cast(wide),
            "view": array.cast(view),
            "dictionary": array.dictionary_encode(),
        }[layout]
    elif pa.types.is_integer(kind) or pa.types.is_floating(kind):
        layout = choose(["same", "dictionary", "runs"])
        made = {"same": array, "dictionary": array.dictionary_encode(), "runs": pc.run_end_encode(array)}[layout]
    else:
        made = array
    start = choose([0, 1, 9])
    padded = pa.chunked_array([made.slice(0, 1)] * start + [made] + [made.slice(0, 1)])
    return pa.concat_arrays(padded.chunks).slice(
        min(start, padded.length() - len(made) - len(made.slice(0, 1))), len(made)
    )


def _filled(child: pa.Array, valid: pa.Array, choose: Any) -> pa.Array:
    """Return a struct's child whose rows under null parents hold some other row's value."""
    if len(child) == 0 or choose([True, False]):
        return child
    rows = [row if ok else choose(range(len(child))) for row, ok in enumerate(valid.to_pylist())]
    return child.take(pa.array(rows, pa.int64()))


@_QUICK
@given(columns(), st.data())
def test_layout_leaves_no_trace(column: tuple[pa.DataType, list[Any], Any], data: st.DataObject) -> None:
    kind, values, _ = column
    array = pa.array(values, kind)
    other = disguised(array, lambda choices: data.draw(st.sampled_from(list(choices))))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(array)), max_size=3)))
    edges = [0, *cuts, len(array)]
    chunked = pa.chunked_array([other.slice(a, b - a) for a, b in itertools.pairwise(edges)], other.type)
    assert version(chunked) == version(pa.chunked_array([array]))
    whole, cut = pa.table({"a": array}), pa.table({"a": chunked})
    assert version(cut) == version(whole)
    assert identify_value(cut, unordered=True).version == identify_value(whole, unordered=True).version


@_QUICK
@given(columns(), st.data())
@example((pa.list_(pa.int8()), [[1], [2, 1]], st.just([1])), None)
def test_equal_values_and_only_they_are_one_version(
    column: tuple[pa.DataType, list[Any], Any], data: st.DataObject | None
) -> None:
    kind, values, one_value = column
    other = [[1, 2], [1]] if data is None else _edited(values, one_value, data)
    same = repr(pa.array(values, kind).to_pylist()) == repr(pa.array(other, kind).to_pylist())
    assert (version(pa.array(values, kind)) == version(pa.array(other, kind))) == same


def _edited(values: list[Any], one_value: st.SearchStrategy[Any], data: st.DataObject) -> list[Any]:
    edit = data.draw(st.sampled_from(["replace", "swap", "insert", "remove"]))
    place = data.draw(st.integers(0, max(0, len(values) - 1)))
    other = list(values)
    if edit == "insert" or not values:
        other.insert(place, data.draw(one_value))
    elif edit == "remove":
        del other[place]
    elif edit == "swap":
        other[place], other[0] = other[0], other[place]
    else:
        other[place] = data.draw(one_value)
    return other


@_QUICK
@given(columns(), st.sampled_from(["zstd", "snappy", "none"]), st.integers(1, 9))
def test_a_round_trip_through_a_file_leaves_no_trace(
    column: tuple[pa.DataType, list[Any], Any], compression: str, n_batch: int
) -> None:
    kind, values, _ = column
    table = pa.table({"a": pa.array(values, kind)})
    stream, file = io.BytesIO(), io.BytesIO()
    with pa.ipc.new_stream(stream, table.schema) as writer:
        writer.write_table(table, n_batch)
    batches = pa.ipc.open_stream(stream.getvalue())
    hasher = TableHasher(batches.schema)
    for batch in batches:
        hasher.feed(batch)
    assert hasher.finish() == identify_value(table)
    parquet.write_table(table, file, compression=compression, row_group_size=n_batch)
    try:
        back = parquet.read_table(io.BytesIO(file.getvalue()))
    except pa.ArrowInvalid:
        reject()  # Parquet gives no fixed-size list back that was null
    assume(logical_type(back.schema[0].type) == logical_type(kind))
    assert identify_value(back) == identify_value(table)

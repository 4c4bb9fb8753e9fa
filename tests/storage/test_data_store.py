"""The data store: the rule that a value comes back the same, forms, columns, and what is refused."""

from __future__ import annotations

import collections
import dataclasses
import errno
import itertools
import os
import threading
import types
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from pyarrow import parquet
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression

from assetctl.assets.errors import AssetctlError, AssetFailed, CorruptionError, DeclarationError
from assetctl.assets.ids import Target
from assetctl.lineage.facts.ports import Form, Wanted
from assetctl.lineage.facts.records import Output, ProvenanceDigest
from assetctl.lineage.facts.snapshot import OutputState
from assetctl.lineage.identity.values.identify import identify_value
from assetctl.storage.blobs.file_digests import digest_directory, digest_file
from assetctl.storage.sources.observing import directory_identity, file_identity
from assetctl.storage.state.layout import Layout
from assetctl.storage.values import reading
from assetctl.storage.values.store import BlobDataStore
from assetctl.storage.values.writing import INLINE_BYTES

Put = Callable[..., Output]


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout.of(tmp_path / "project")


@pytest.fixture
def store(layout: Layout) -> BlobDataStore:
    return BlobDataStore(layout)


@pytest.fixture
def put(store: BlobDataStore) -> Put:
    def put_value(value: object, *, codec: str | None = None, unordered: bool = False) -> Output:
        provenance = ProvenanceDigest("b3:provenance")
        stored = store.put(value, codec=codec, unordered=unordered, provenance=provenance)
        return stored.as_output(Target.parse("thing"))

    return put_value


Pair = collections.namedtuple("Pair", "a b")  # noqa: PYI024


@dataclasses.dataclass
class Settings:
    depth: int


class Rebuilt(types.SimpleNamespace):
    def __init__(self, one: list[int], other: list[int]) -> None:
        super().__init__(one=one, other=other)

    def __reduce__(self) -> tuple[Any, ...]:
        return Rebuilt, (list(self.one), list(self.other))


_ROWS = [[0.0, 1.0], [1.0, 0.0], [1.0, 1.0], [0.0, 0.0]]

VALUES: dict[str, tuple[Any, str]] = {
    "int": (1, "json/1"),
    "dict": ({"b": [1, -0.0, None], "a": {}}, "json/1"),
    "lone surrogate": ("\ud800", "json/1"),
    "text": ("x" * 5000, "text/1"),
    "bytes": (b"\x00", "bytes/1"),
    "tuple": ((1, "a"), "pickle/1"),
    "tuple inside": ({"a": (1, 2)}, "pickle/1"),
    "integer keys": ({1: 2}, "pickle/1"),
    "nan": (float("nan"), "pickle/1"),
    "namedtuple": (Pair(1, 2), "pickle/1"),
    "dataclass": (Settings(3), "pickle/1"),
    "set": ({1, 2}, "pickle/1"),
    "array": (np.arange(2000.0).reshape(2, -1).T, "numpy/1"),
    "times": (np.array(["2024-01-01"], "M8[D]"), "numpy/1"),
    "objects": (np.array([1, "a", None], object), "pickle/1"),
    "table": (pa.table({"a": [1, None], "b": ["x", ""]}), "parquet/1"),
    "no columns": (pa.table({}), "parquet/1"),
    "rows without columns": (pa.table({"a": [1, 2]}).select([]), "arrow-ipc/1"),
    "no rows": (pa.table({"a": pa.array([], pa.int64())}), "parquet/1"),
    "one name twice": (pa.table([pa.array([1]), pa.array([2])], names=["a", "a"]), "parquet/1"),
    "dotted name": (pa.table({"a.b": [1], "a": [{"b": 1}]}), "parquet/1"),
    "datetime zone": (pd.DataFrame({"t": pd.to_datetime(["2024-01-01"]).tz_localize("UTC")}), "parquet/1"),
    "seconds": (pa.table({"t": pa.array([1], pa.timestamp("s"))}), "arrow-ipc/1"),
    "dictionary": (pa.table({"d": pa.array([1, 1]).dictionary_encode()}), "parquet/1"),
    "union": (pa.table({"u": pa.UnionArray.from_sparse(pa.array([0], pa.int8()), [pa.array([1])])}), "arrow-ipc/1"),
    "frame": (pd.DataFrame({"a": [1, 2]}, index=["x", "y"]), "parquet/1"),
    "mixed objects": (pd.DataFrame({"o": [1, "1"]}), "pickle/1"),
    "polars": (pl.DataFrame({"a": [1]}), "parquet/1"),
    "logistic": (LogisticRegression().fit(_ROWS, [0, 1, 1, 0]), "skops/1"),
    "forest": (RandomForestClassifier(3, random_state=0).fit(_ROWS, [0, 1, 1, 0]), "skops/1"),
}


@pytest.mark.parametrize("name", VALUES)
def test_a_value_comes_back_as_a_fresh_equal_one(store: BlobDataStore, put: Put, name: str) -> None:
    value, codec = VALUES[name]
    output = put(value)
    assert output.codec == codec
    assert replace(output.value, classes=()) == identify_value(value)
    assert store.state(output) is OutputState.PRESENT
    one, other = store.load(output, Wanted()), store.load(output, Wanted())
    assert identify_value(one).version == output.value.version
    assert type(one) is type(value)
    assert one is not other or isinstance(value, int | str | bytes)


def test_a_pickle_names_the_first_party_classes_it_brings_and_no_others(put: Put) -> None:
    point = next(value for name, (value, _) in VALUES.items() if name == "namedtuple")
    classes = put([point, {"when": {point}}, Path("x").stem]).value.classes
    assert classes == (f"{type(point).__module__}:{type(point).__qualname__}",)
    assert put((1, 2)).value.classes == ()


def test_which_parts_are_one_object_counts_and_comes_back(store: BlobDataStore, put: Put) -> None:
    box = {1, 2}
    shared, apart = put([box, box]), put([box, set(box)])
    assert shared.value.version != apart.value.version
    one, other = store.load(shared, Wanted())
    assert one is other
    one, other = store.load(apart, Wanted())
    assert one is not other


def test_json_removes_sharing_and_its_version_says_so(store: BlobDataStore, put: Put) -> None:
    part = [1]
    shared, apart = put({"a": part, "b": part}), put({"a": [1], "b": [1]})
    assert (shared.codec, shared.value) == ("json/1", apart.value)
    value = store.load(shared, Wanted())
    assert value["a"] is not value["b"]


def test_a_class_that_makes_its_parts_anew_has_the_version_of_what_readers_get(put: Put) -> None:
    part = [1]
    assert put(Rebuilt(part, part)).value.version == put(Rebuilt([1], [1])).value.version


NUMBERS: dict[str, tuple[Any, str, bytes]] = {
    "float64": (np.float64(0.93), "numpy-scalar/1", b"0.93"),
    "float32": (np.float32(0.1), "numpy-scalar/1", b"0.1"),
    "float16": (np.float16(0.1), "numpy-scalar/1", b"0.1"),
    "negative zero": (np.float64(-0.0), "numpy-scalar/1", b"-0.0"),
    "nan": (np.float64("nan"), "numpy-scalar/1", b'"nan"'),
    "infinity": (np.float32("-inf"), "numpy-scalar/1", b'"-inf"'),
    "int8": (np.int8(-3), "numpy-scalar/1", b"-3"),
    "uint64": (np.uint64(2**64 - 1), "numpy-scalar/1", b"18446744073709551615"),
    "bool": (np.bool_(True), "numpy-scalar/1", b"true"),
    "text": (np.str_("a\ud800"), "numpy-scalar/1", b'"a\\ud800"'),
    "metrics": (
        {"accuracy": np.float64(0.5), "n": [3, np.int64(4)]},
        "json-numpy/1",
        b'{"accuracy": {"numpy": "float64", "value": 0.5}, "n": [3, {"numpy": "int64", "value": 4}]}',
    ),
}


@pytest.mark.parametrize("name", NUMBERS)
def test_numbers_of_numpy_are_json_and_keep_their_type(store: BlobDataStore, put: Put, name: str) -> None:
    value, codec, text = NUMBERS[name]
    output = put(value)
    assert (output.codec, output.inline, output.value) == (codec, text, identify_value(value))
    back = store.load(output, Wanted())
    assert repr(back) == repr(value)
    assert type(back) is type(value)


@pytest.mark.parametrize(
    "value",
    [np.longdouble(1) / 3, np.complex64(1j), np.datetime64("NaT", "D"), np.bytes_(b"x"), [np.float64(1), (2,)],
     {"numpy": "float64", "value": np.int8(1)}, {1: np.float64(1)}],
    ids=repr,
)  # fmt: skip
def test_numbers_that_json_has_no_form_for_come_back_from_a_pickle(store: BlobDataStore, put: Put, value: Any) -> None:
    output = put(value)
    assert output.codec == "pickle/1"
    assert repr(store.load(output, Wanted())) == repr(value)


def test_a_number_that_was_recorded_as_a_pickle_is_still_read(store: BlobDataStore, put: Put) -> None:
    output = put(np.float64(0.5), codec="pickle")
    assert output.value == put(np.float64(0.5)).value
    assert store.load(output, Wanted()) == np.float64(0.5)


def test_none_has_its_provenance_as_version(store: BlobDataStore, put: Put) -> None:
    output = put(None)
    assert (output.value.version, output.value.basis, output.codec, output.blob) == (
        "b3:provenance", "provenance", "none/1", None,
    )  # fmt: skip
    assert store.load(output, Wanted()) is None
    assert store.state(output) is OutputState.PRESENT


def test_small_values_stay_in_the_record_and_tables_never(put: Put, layout: Layout) -> None:
    assert put("x" * INLINE_BYTES).inline == b"x" * INLINE_BYTES
    assert not layout.blobs.exists()
    assert put("x" * (INLINE_BYTES + 1)).inline is None
    assert put(pa.table({"a": [1]})).inline is None
    assert len([path for path in layout.blobs.rglob("*") if path.is_file()]) == 2
    assert list(layout.temporary.iterdir()) == []


def test_a_changed_loaded_value_does_not_reach_the_store(store: BlobDataStore, put: Put) -> None:
    output = put({"a": [1]})
    store.load(output, Wanted())["a"].append(2)
    assert store.load(output, Wanted()) == {"a": [1]}
    frame = put(pd.DataFrame({"a": [1]}))
    loaded = store.load(frame, Wanted())
    loaded.loc[0, "a"] = 9
    assert store.load(frame, Wanted()).loc[0, "a"] == 1


class Opaque:
    def __init__(self, content: object) -> None:
        self.content = content


def test_an_unknown_object_is_identified_by_what_its_pickle_is_made_of(store: BlobDataStore, put: Put) -> None:
    output = put(Opaque(1))
    assert output.value.basis == "pickled"
    assert output.value.kind == f"object:{__name__}.Opaque"
    assert put(Opaque(1)).value == output.value
    assert put(Opaque(2)).value != output.value
    assert store.load(output, Wanted()).content == 1


@pytest.mark.parametrize(
    ("value", "codec", "expected"),
    [
        (threading.Lock(), None, "_thread.lock"),
        (types, None, "module"),
        ({"a": [Opaque(threading.Lock())]}, None, "_thread.lock` at ['a'][0].content"),
        ((1, 2), "json", "json"),
        (1, "parquet", "parquet"),
        (pd.DataFrame({"a": [1]}, index=["x"]), "csv", "does not give the same value back"),
    ],
)
def test_what_cannot_be_kept_is_refused_with_a_way_out(
    put: Put, layout: Layout, value: object, codec: str | None, expected: str
) -> None:
    with pytest.raises(AssetFailed) as raised:
        put(value, codec=codec)
    problem = raised.value.problems[0]
    assert expected in problem.message + str(problem.facts)
    assert "return a table" in (problem.hint or "")
    assert not layout.blobs.exists()
    assert not layout.temporary.exists() or list(layout.temporary.iterdir()) == []


def test_a_named_codec_is_used(store: BlobDataStore, put: Put) -> None:
    assert put({"a": 1}, codec="pickle").codec == "pickle/1"
    assert put(pa.table({"a": [1]}), codec="csv").codec == "csv/1"
    assert put(pa.table({"a": [1]}), codec="arrow-ipc/1").codec == "arrow-ipc/1"
    with pytest.raises(DeclarationError):
        put(1, codec="jsn")


_TABLE = pa.table({"a": [1, 2], "b": ["x", None], "c": [0.5, 1.5]})


@pytest.mark.parametrize(
    "value", [_TABLE, _TABLE.to_pandas(), pl.from_arrow(_TABLE)], ids=["arrow", "pandas", "polars"]
)
def test_tables_are_given_in_the_family_wanted(store: BlobDataStore, put: Put, value: Any) -> None:
    output = put(value)
    assert store.load(output, Wanted(Form.ARROW, ("c", "a"))).to_pydict() == {"c": [0.5, 1.5], "a": [1, 2]}
    pandas = store.load(output, Wanted(Form.PANDAS, ("c", "a")))
    assert (list(pandas.columns), pandas.shape) == (["c", "a"], (2, 2))
    assert store.load(output, Wanted(Form.POLARS, ("a",))).to_dict(as_series=False) == {"a": [1, 2]}
    assert store.load(output, Wanted(Form.READER, ("b",))).read_all().to_pydict() == {"b": ["x", None]}
    assert store.load(output, Wanted(Form.NUMPY, ("a", "c"))).tolist() == [[1.0, 0.5], [2.0, 1.5]]
    stored = store.load(output, Wanted(Form.STORED, ("b",)))
    assert type(stored) is type(value)


def test_a_pickled_frame_is_given_by_column_too(store: BlobDataStore, put: Put) -> None:
    output = put(pd.DataFrame({"o": [1, "1"], "n": [1, 2]}))
    assert output.codec == "pickle/1"
    assert store.load(output, Wanted(Form.ARROW, ("n",))).to_pydict() == {"n": [1, 2]}


@pytest.mark.parametrize("value", [_TABLE, {"a": 1}])
def test_missing_columns_are_named_with_the_upstream_and_what_there_is(
    store: BlobDataStore, put: Put, value: object
) -> None:
    with pytest.raises(AssetFailed) as raised:
        store.load(put(value), Wanted(Form.STORED, ("a", "z", "y")))
    messages = [problem.message for problem in raised.value.problems]
    assert messages[-2:] == ["`thing` has no column `z`", "`thing` has no column `y`"]
    expected = "a, b, c" if value is _TABLE else "none: it is a `dict`"
    assert ("columns", expected) in raised.value.problems[-1].facts


def test_an_impossible_form_says_so(store: BlobDataStore, put: Put) -> None:
    with pytest.raises(AssetFailed, match="cannot be read as pandas"):
        store.load(put({"a": 1}), Wanted(Form.PANDAS))
    assert store.load(put([1, 2]), Wanted(Form.NUMPY)).tolist() == [1, 2]


def test_a_path_is_a_private_copy_that_people_can_open(store: BlobDataStore, put: Put) -> None:
    output = put(_TABLE)
    one, other = store.load(output, Wanted(Form.PATH)), store.load(output, Wanted(Form.PATH))
    assert one != other
    assert one.suffix == ".parquet"
    assert parquet.read_table(one).equals(_TABLE)
    one.write_bytes(b"edited")
    assert store.load(output, Wanted(Form.ARROW)).equals(_TABLE)
    assert store.load(put({"a": 1}), Wanted(Form.PATH)).read_text() == '{"a": 1}'


def test_a_returned_file_is_kept_by_its_bytes(store: BlobDataStore, put: Put, tmp_path: Path) -> None:
    file = tmp_path / "report.csv"
    file.write_text("a,b\n1,x\n")
    output = put(file)
    assert output.value == file_identity(digest_file(file))
    assert file.read_text() == "a,b\n1,x\n"
    file.write_text("edited")
    copy = store.load(output, Wanted())
    assert (copy.suffix, copy.read_text()) == (".csv", "a,b\n1,x\n")
    assert store.load(output, Wanted(Form.PANDAS, ("b",))).to_dict("list") == {"b": ["x"]}
    other = tmp_path / "other.txt"
    other.write_text("a,b\n1,x\n")
    assert put(other).value == output.value


def test_a_returned_folder_is_kept_file_by_file(store: BlobDataStore, put: Put, layout: Layout, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    (folder / "sub").mkdir(parents=True)
    (folder / "sub" / "f").write_text("one")
    (folder / "g").write_text("two")
    full = put(folder)
    (folder / "none" / "at all").mkdir(parents=True)
    output = put(folder)
    assert output.value != full.value
    assert output.value == directory_identity(digest_directory(folder)[0])
    assert (output.codec, output.size_bytes) == ("folder/1", 6)
    copy = store.load(output, Wanted())
    assert digest_directory(copy) == digest_directory(folder)
    assert (copy / "none" / "at all").is_dir()
    assert store.state(output) is OutputState.PRESENT
    blob = layout.blob(digest_file(folder / "g"))  # type: ignore[arg-type]
    blob.unlink()
    assert store.state(output) is OutputState.MISSING


def test_a_path_that_is_not_there_is_refused(put: Put, tmp_path: Path) -> None:
    with pytest.raises(AssetFailed, match="does not exist"):
        put(tmp_path / "absent")


def test_a_stream_is_kept_as_the_table_it_makes(store: BlobDataStore, put: Put) -> None:
    table = pa.table({"n": np.arange(200_000), "t": pa.array(np.arange(200_000)).cast(pa.string())})
    output = put(pa.RecordBatchReader.from_batches(table.schema, table.to_batches(999)))
    assert output.value == identify_value(table)
    assert store.load(output, Wanted()).equals(table)
    assert store.load(output, Wanted(Form.READER)).read_all().equals(table)


def test_iterators_are_no_data_but_those_of_tables_are_streams(store: BlobDataStore, put: Put) -> None:
    for iterator in (
        map(str, [1]),
        zip([1], [2], strict=True),
        filter(None, [1]),
        iter([1]),
        itertools.count(),
        reversed([1]),
    ):
        with pytest.raises(AssetFailed, match="cannot be stored as a table: part 0 is a `"):
            put(iterator)
    parts = [pa.table({"a": [1]}), pa.table({"a": [2]})]
    assert store.load(put(map(pa.Table.combine_chunks, parts)), Wanted()).to_pydict() == {"a": [1, 2]}


class Sheet:
    """As xarray's and other libraries' objects: more than the rows that they give to whoever asks."""

    def __init__(self, title: str) -> None:
        self.title = title

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return pa.table({"a": [1]}).__arrow_c_stream__(requested_schema)


def test_an_object_that_can_give_rows_is_kept_as_what_it_is(store: BlobDataStore, put: Put) -> None:
    output = put(Sheet("t"))
    assert output.codec == "pickle/1"
    assert store.load(output, Wanted()).title == "t"


def test_a_stream_that_breaks_leaves_nothing(put: Put, layout: Layout) -> None:
    schema = pa.schema([("n", pa.int64())])

    def batches() -> Any:
        yield pa.record_batch([pa.array([1])], schema=schema)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        put(pa.RecordBatchReader.from_batches(schema, batches()))
    assert not layout.blobs.exists()
    assert not layout.temporary.exists() or list(layout.temporary.iterdir()) == []


def test_row_order_does_not_count_when_the_asset_says_so(put: Put) -> None:
    shuffled = _TABLE.take([1, 0])
    assert put(_TABLE, unordered=True).value == put(shuffled, unordered=True).value
    assert put(_TABLE).value != put(shuffled).value


def test_changed_bytes_are_never_given(store: BlobDataStore, put: Put, layout: Layout) -> None:
    inline = put({"a": 1})
    with pytest.raises(CorruptionError):
        store.load(dataclasses.replace(inline, inline=b'{"a": 2}'), Wanted())
    output = put(_TABLE)
    assert output.blob is not None
    path = layout.blob(output.blob)
    path.chmod(0o644)
    path.write_bytes(path.read_bytes()[:-1] + b"?")
    with pytest.raises(CorruptionError):
        store.load(output, Wanted())
    assert store.state(output) is OutputState.CORRUPT


@pytest.mark.parametrize(
    ("value", "name", "content"),
    [
        ({"a": 1}, "x.json", b'{"a": 1}'),
        ("text", "deep/x.txt", b"text"),
        (pa.table({"a": [1]}), "x.csv", b'"a"\n1\n'),
        (np.array([1, 2], np.int8), "x.npy", None),
    ],
)
def test_an_export_is_an_ordinary_file(
    store: BlobDataStore, put: Put, tmp_path: Path, value: object, name: str, content: bytes | None
) -> None:
    target = tmp_path / "out" / name
    store.export(put(value), target)
    assert content is None or target.read_bytes() == content
    if content is None:
        assert np.load(target).tolist() == [1, 2]


def test_there_is_nothing_to_export_of_none(store: BlobDataStore, put: Put, tmp_path: Path) -> None:
    with pytest.raises(AssetFailed, match="nothing to write"):
        store.export(put(None), tmp_path / "x")


def test_a_pickle_is_loaded_from_the_very_bytes_that_were_hashed(store: BlobDataStore, put: Put) -> None:
    """A file could be another one between being hashed and being opened again."""
    output = put((1, "x" * 9000))
    assert output.blob is not None
    assert store._reader.encoded(output, output.blob).path is None
    table = put(_TABLE)
    assert table.blob is not None
    assert store._reader.encoded(table, table.blob).path is not None


@pytest.mark.parametrize(
    ("number", "expected"), [(errno.EIO, "io-error"), (errno.ESTALE, "io-error"), (errno.EINVAL, "not-decodable")]
)
def test_a_disk_that_fails_while_a_value_is_read_is_not_blamed_on_the_value(store, put, monkeypatch, number, expected):
    """Building it again with `--force` would be the wrong advice: its bytes are all there."""
    output = put(pa.table({"a": list(range(9000))}))

    def fail(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(reading, "decode", fail)
    with pytest.raises(AssetctlError) as refused:
        store.load(output, Wanted())
    (problem,) = refused.value.problems
    assert problem.code == expected
    assert ("--force" in (problem.hint or "")) == (expected == "not-decodable")
    assert refused.value.exit_code == (6 if expected == "io-error" else 1)

"""A codec that fails never ends the process, nor keeps the next one from being tried."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any, BinaryIO

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from assetctl.assets.errors import AssetFailed, EnvironmentFault
from assetctl.assets.ids import Target
from assetctl.lineage.facts.ports import Wanted
from assetctl.lineage.facts.records import Output, ProvenanceDigest
from assetctl.lineage.identity.values.identify import identify_value
from assetctl.storage.codecs import registry
from assetctl.storage.codecs.arrow_types import refuse_for_ipc, refuse_for_parquet, settled
from assetctl.storage.codecs.base import NotEncodable
from assetctl.storage.codecs.plain import PickleCodec
from assetctl.storage.state.layout import Layout
from assetctl.storage.values import sink
from assetctl.storage.values.store import BlobDataStore


@pytest.fixture
def store(tmp_path: Path) -> BlobDataStore:
    return BlobDataStore(Layout.of(tmp_path))


def kept(store: BlobDataStore, value: object) -> Output:
    stored = store.put(value, codec=None, unordered=False, provenance=ProvenanceDigest("b3:p"))
    return stored.as_output(Target.parse("thing"))


_INTERVALS = pd.cut(pd.Series([1, 5, 9]), [0, 4, 10])
_MONTHS = pd.Categorical(pd.period_range("2024-01", periods=3, freq="M"))


@pytest.mark.parametrize(
    "frame",
    [
        pd.DataFrame({"bin": _INTERVALS}),
        pd.DataFrame({"bin": pd.qcut(pd.Series([1.0, 2, 3]), 3)}),
        pd.DataFrame({"month": _MONTHS}),
        pd.DataFrame({"n": [1, 2, 3]}, index=pd.CategoricalIndex(_INTERVALS)),
        pd.DataFrame({"n": [1, 2, 3]}, index=pd.MultiIndex.from_arrays([[1, 2, 3], _INTERVALS])),
        pd.DataFrame({"n": [1, 2, 3]}).groupby(_INTERVALS, observed=True).sum(),
        _INTERVALS,
    ],
    ids=["cut", "qcut", "periods", "index", "level of an index", "grouped", "series"],
)
def test_categories_of_intervals_and_periods_come_back(store: BlobDataStore, frame: Any) -> None:
    back = store.load(kept(store, frame), Wanted())
    assert identify_value(back).version == identify_value(frame).version
    assert type(back) is type(frame)


_OF_EXTENSION = pa.dictionary(pa.int8(), pa.uuid())
_NESTED = {
    "itself": _OF_EXTENSION,
    "struct": pa.struct([("a", pa.int8()), ("b", _OF_EXTENSION)]),
    "list": pa.list_(_OF_EXTENSION),
    "fixed list": pa.list_(_OF_EXTENSION, 2),
    "map": pa.map_(pa.string(), _OF_EXTENSION),
    "dictionary of structs": pa.dictionary(pa.int8(), pa.struct([("a", pa.uuid())])),
    "dictionary of dictionaries": pa.dictionary(pa.int8(), pa.dictionary(pa.int8(), pa.string())),
}


@pytest.mark.parametrize("name", _NESTED)
def test_types_that_end_the_process_are_refused_wherever_they_are_nested(name: str) -> None:
    for refuse in (refuse_for_parquet, refuse_for_ipc):
        with pytest.raises(NotEncodable, match="does not take the type of column 'c'"):
            refuse(pa.schema([("n", pa.int8()), ("c", _NESTED[name])]))


def test_every_type_of_a_frame_without_extensions_is_taken() -> None:
    plain = pa.schema([
        ("i", pa.int8()), ("t", pa.timestamp("ns", "UTC")), ("s", pa.large_string()), ("d", pa.decimal256(50, 2)),
        ("c", pa.dictionary(pa.int8(), pa.string())), ("l", pa.large_list(pa.struct([("x", pa.float16())]))),
        ("m", pa.map_(pa.string(), pa.duration("ns"))), ("e", pa.uuid()), ("z", pa.null()),
    ])  # fmt: skip
    refuse_for_parquet(plain)
    refuse_for_ipc(plain)


_TEXTS = pa.array(["a", None, "c"])


@pytest.mark.parametrize(
    "table",
    [
        pa.table({"s": _TEXTS.cast(pa.string_view())}),
        pa.table({"s": pa.array([b"a"], pa.binary_view())}),
        pa.table({"s": pa.StructArray.from_arrays([_TEXTS.cast(pa.string_view())], ["x"])}),
        pa.table({"s": _TEXTS.cast(pa.large_string()), "l": pa.array([[1], None, []], pa.large_list(pa.int8()))}),
        pa.table(pl.DataFrame({"s": ["a", None], "n": [1, 2]})),
    ],
    ids=["text", "bytes", "in a struct", "large", "polars"],
)
def test_layouts_of_text_are_cast_and_never_seen_by_readers(store: BlobDataStore, table: pa.Table) -> None:
    output = kept(store, table)
    assert output.codec == "parquet/1"
    assert output.value == identify_value(table)
    back = store.load(output, Wanted())
    assert back.schema == settled(table).schema
    assert not {str(kind) for kind in back.schema.types} & {"large_string", "string_view", "binary_view"}
    assert back.to_pylist() == table.to_pylist()


def test_text_beyond_what_32_bits_reach_is_cast_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    from assetctl.storage.codecs import arrow_types

    class Chunk(list):  # an array that can be cast only in parts of two
        def cast(self, target: object) -> list:
            if len(self) > 2:
                raise pa.ArrowInvalid("offset overflow")
            return list(self)

        def __getitem__(self, part: Any) -> Chunk:
            return Chunk(super().__getitem__(part))

    assert list(arrow_types._cast_pieces(Chunk("abcde"), None)) == [["a", "b"], ["c"], ["d", "e"]]


@pytest.mark.parametrize("kind", [pa.bool_(), pa.int8(), pa.float64(), pa.date32(), pa.string()])
def test_a_dictionary_comes_back_as_one(store: BlobDataStore, kind: pa.DataType) -> None:
    values = pa.array([0, 1, 0], pa.int32()).cast(kind) if kind != pa.string() else pa.array(["a", "b", "a"])
    ordered = pa.DictionaryArray.from_arrays(pa.array([0, 1, 0], pa.int16()), values.unique(), ordered=True)
    table = pa.table({"d": ordered})
    output = kept(store, table)
    back = store.load(output, Wanted())
    assert output.codec == "parquet/1"
    assert back.schema == table.schema
    assert back.to_pylist() == table.to_pylist()


class Panic(BaseException):
    """As libraries written in Rust raise them."""


Panic.__name__ = "PanicException"


class Wordless(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no words")


class Failing:
    name, extension, may_inline = "failing/1", "", True

    def __init__(self, error: BaseException, at: str) -> None:
        self.error, self.at = error, at

    def takes(self, value: object) -> bool:
        return self._act("takes")

    def is_lossless(self, value: object) -> bool:
        return False

    def encode(self, value: Any, sink: BinaryIO) -> None:
        self._act("encode")

    def decode(self, *_: object) -> object:
        self._act("decode")
        return object()

    def _act(self, where: str) -> bool:
        if where == self.at:
            raise self.error
        return True


@pytest.mark.parametrize("at", ["takes", "encode", "decode"])
@pytest.mark.parametrize(
    "error",
    [OSError("no"), pa.ArrowInvalid("no"), RecursionError("deep"), KeyError("k"), Wordless(), SystemError("s")],
    ids=lambda error: type(error).__name__,
)
def test_after_any_exception_of_a_codec_the_next_is_tried(
    store: BlobDataStore, monkeypatch: pytest.MonkeyPatch, error: Exception, at: str
) -> None:
    monkeypatch.setattr(registry, "_IN_ORDER", (Failing(error, at), PickleCodec()))
    assert kept(store, (1, 2)).codec == "pickle/1"


def test_a_panic_of_a_library_is_an_exception_too(store: BlobDataStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_IN_ORDER", (Failing(Panic("boom"), "encode"), PickleCodec()))
    assert kept(store, (1, 2)).codec == "pickle/1"


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(), MemoryError()])
def test_what_asks_the_process_to_end_is_no_refusal(
    store: BlobDataStore, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    monkeypatch.setattr(registry, "_IN_ORDER", (Failing(error, "encode"), PickleCodec()))
    with pytest.raises(type(error)):
        kept(store, (1, 2))


def test_a_full_disk_is_not_taken_for_a_refusal(store: BlobDataStore, monkeypatch: pytest.MonkeyPatch) -> None:
    class Swallowing(Failing):
        def encode(self, value: Any, sink: BinaryIO) -> None:
            try:
                sink.write(bytes(1 << 20))
            except EnvironmentFault as fault:
                raise ValueError("writing did not work") from fault

    class Full:
        def write(self, data: object) -> int:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        def close(self) -> None: ...

    monkeypatch.setattr(registry, "_IN_ORDER", (Swallowing(ValueError(), ""), PickleCodec()))
    monkeypatch.setattr(sink, "open", lambda *_args, **_options: Full(), raising=False)
    with pytest.raises(EnvironmentFault):
        kept(store, (1, 2))


def test_what_no_codec_takes_says_what_each_raised(store: BlobDataStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_IN_ORDER", (Failing(OSError("no\nsuch type"), "encode"),))
    with pytest.raises(AssetFailed) as raised:
        kept(store, (1, 2))
    assert ("tried", "failing: OSError: no such type") in raised.value.problems[0].facts


def test_a_stream_of_views_is_kept_and_one_of_refused_types_says_so(store: BlobDataStore) -> None:
    table = pa.table({"s": _TEXTS.cast(pa.string_view())}).replace_schema_metadata({"a": "b"})
    back = store.load(kept(store, table.to_reader()), Wanted())
    assert back.equals(pa.table({"s": _TEXTS}))
    assert back.schema.metadata is None
    with pytest.raises(AssetFailed, match="Parquet does not take the type of column 'u'"):
        kept(store, pa.table({"u": pa.nulls(0, _OF_EXTENSION)}).to_reader())

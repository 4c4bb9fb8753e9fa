"""Values as people's own code returns them: each comes back as it was, or is refused with the place of what is wrong."""

from __future__ import annotations

import collections
import dataclasses
import datetime
import decimal
import enum
import fractions
import functools
import io
import re
import sqlite3
import subprocess
import sys
import threading
import types
import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import scipy.sparse

from assetctl.assets.errors import AssetFailed
from assetctl.assets.ids import Target
from assetctl.lineage.facts.ports import Form, Wanted
from assetctl.lineage.facts.records import Output, ProvenanceDigest
from assetctl.lineage.identity.values.identify import identify_value
from assetctl.storage.codecs.unpicklable import find_unpicklable
from assetctl.storage.state.layout import Layout
from assetctl.storage.values.store import BlobDataStore
from tests.e2e.projects import ROOT


@dataclasses.dataclass
class Inner:
    depth: int


@dataclasses.dataclass
class Nested:
    inner: Inner
    table: Any


class Colour(enum.Enum):
    RED = 1


class Opaque:
    def __init__(self, content: object) -> None:
        self.content = content


class Booster:
    """Like those of compiled libraries: its state is bytes, given by `__reduce__`."""

    def __init__(self, raw: bytes) -> None:
        self.raw = raw

    def __reduce__(self) -> tuple[Any, ...]:
        return Booster, (self.raw,)


class Forgetful(Exception):
    """As people write exceptions: what it is made with is not what it passes on."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)


class Recovering:
    """Comes back as a number."""

    def __reduce__(self) -> tuple[Any, ...]:
        return int, (7,)


class Shifting:
    """Comes back as something else."""

    def __reduce__(self) -> tuple[Any, ...]:
        return list, ()


def adder(n: int) -> Callable[[int], int]:
    return lambda x: x + n


_FRAME = pd.DataFrame({"a": [1, 2]})
_TABLE = pa.table({"a": [1, 2], "b": ["x", None]})


def _indexed(index: Any) -> pd.DataFrame:
    return pd.DataFrame({"a": [1, 2]}, index=index)


PARQUET: dict[str, Any] = {
    "two levels of rows": _indexed(pd.MultiIndex.from_tuples([("x", 1), ("y", 2)], names=["p", "q"])),
    "two levels of columns": pd.DataFrame([[1, 2]], columns=pd.MultiIndex.from_tuples([("a", "x"), ("a", "y")])),
    "periods": pd.DataFrame({"p": pd.period_range("2024-01", periods=2, freq="M")}),
    "rows by period": _indexed(pd.period_range("2024-01", periods=2, freq="M")),
    "rows by day": _indexed(pd.date_range("2024-01-01", periods=2, freq="D")),
    "intervals": pd.DataFrame({"p": pd.interval_range(0, 2)}),
    "durations": pd.DataFrame({"p": pd.to_timedelta([1, 2], unit="s")}),
    "decimals": pd.DataFrame({"p": [decimal.Decimal("1.5"), None]}),
    "dates": pd.DataFrame({"p": [datetime.date(2024, 1, 1)]}),
    "named columns": _FRAME.rename_axis(columns="k"),
    "arrow columns": pd.DataFrame({"a": pd.array([1, None], dtype="int64[pyarrow]")}),
    "no columns": pd.DataFrame(index=[1, 2]),
    "nothing": pd.DataFrame(),
    "categories": pd.Series(["a", "b"], dtype="category"),
    "UUIDs": pa.table({"u": pa.array([b"0" * 16], pa.uuid())}),
    "lists in polars": pl.DataFrame({"a": [[1, 2]]}),
    "times in polars": pl.DataFrame({"a": [datetime.time(1)], "d": [datetime.timedelta(1)]}),
    "structs in polars": pl.DataFrame({"a": [{"x": 1}], "n": [None]}),
    "arrays in polars": pl.DataFrame({"a": pl.Series([[1, 2]], dtype=pl.Array(pl.Int64, 2))}),
}
PICKLED: dict[str, Any] = {
    "mixed objects": pd.DataFrame({"o": [1, "1", None]}),
    "mixed labels": pd.DataFrame({0: [1], "a": [2]}),
    "lists in a frame": pd.DataFrame({"p": [[1, 2], [3]]}),
    "dicts in a frame": pd.DataFrame({"p": [{"a": 1}, {"b": 2}]}),
    "one name twice": pd.DataFrame([[1, 2]], columns=["a", "a"]),
    "complex numbers": pd.DataFrame({"p": [1j]}),
    "sparse columns": pd.DataFrame({"p": pd.arrays.SparseArray([0, 0, 1])}),
    "a series of objects": pd.Series([1, "a"], name="s"),
    "a series with a number for a name": pd.Series([1], name=3),
    "index": pd.Index([1, 2], name="k"),
    "timestamp": pd.Timestamp("2024-01-01"),
    "missing": (pd.NaT, pd.NA),
    "tuple": (1, (2, "a")),
    "set": {1, "a", (2, 3)},
    "integer keys": {1: {2: 3}},
    "nested dataclasses": Nested(Inner(1), _FRAME),
    "dict of frames": {"x": _FRAME, "y": _TABLE, "z": pl.DataFrame({"a": [1]})},
    "list of arrays": [np.arange(3), np.eye(2), np.array([1, "a", None], object)],
    "tuple of series": (_FRAME["a"], _FRAME.index),
    "list of batches": _TABLE.to_batches(),
    "datetime": datetime.datetime(2024, 1, 1, tzinfo=datetime.UTC),
    "decimal": decimal.Decimal("1.50"),
    "fraction": fractions.Fraction(1, 3),
    "enum": Colour.RED,
    "bytearray": bytearray(b"x"),
    "counter": collections.Counter("aab"),
    "defaultdict": collections.defaultdict(list, {"a": [1]}),
    "deque": collections.deque([1], 3),
    "masked": np.ma.array([1, 2], mask=[False, True]),
    "records": np.rec.array([(1, 2.0)], dtype=[("a", "i4"), ("b", "f8")]),
    "strings of numpy": np.array(["a", "bb"], dtype=np.dtypes.StringDType()),
    "number of numpy": np.complex128(1.5),
    "sparse": scipy.sparse.csr_matrix(np.eye(3)),
    "sparse array": scipy.sparse.coo_array(np.eye(3)),
    "paths": [Path("x")],
    "pattern": re.compile("a+"),
    "partial": functools.partial(max, 1),
    "class": Opaque,
    "function": adder,
    "schema": _TABLE.schema,
    "more digits than JSON reads": 10**5000,
}
BY_PARTS: dict[str, Any] = {
    "object": Opaque({"a": {1, 2}}),
    "booster": Booster(b"\x00\x01"),
    "lambda": lambda x: x + 1,
    "closure": adder(3),
    "error": ValueError("x"),
    "buffer": io.BytesIO(b"x"),
}


@pytest.fixture
def store(tmp_path: Path) -> BlobDataStore:
    return BlobDataStore(Layout.of(tmp_path))


def put(store: BlobDataStore, value: object, codec: str | None = None) -> Output:
    stored = store.put(value, codec=codec, unordered=False, provenance=ProvenanceDigest("b3:p"))
    return stored.as_output(Target.parse("thing"))


@pytest.mark.parametrize(
    ("value", "codec"),
    [*((v, "parquet/1") for v in PARQUET.values()), *((v, "pickle/1") for v in PICKLED.values())],
    ids=[*PARQUET, *PICKLED],
)
def test_what_has_an_identity_comes_back_with_it(store: BlobDataStore, value: Any, codec: str) -> None:
    output = put(store, value)
    assert output.codec == codec
    assert output.value.basis == "content"
    assert replace(output.value, classes=()) == identify_value(value)
    back = store.load(output, Wanted())
    assert type(back) is type(value)
    assert identify_value(back).version == output.value.version


@pytest.mark.parametrize("name", BY_PARTS)
def test_what_has_none_comes_back_and_counts_by_what_its_pickle_is_made_of(store: BlobDataStore, name: str) -> None:
    output = put(store, BY_PARTS[name])
    assert (output.codec, output.value.basis) == ("pickle/1", "pickled")
    assert type(store.load(output, Wanted())) is type(BY_PARTS[name])
    assert put(store, BY_PARTS[name]).value == output.value


def test_an_object_that_holds_a_set_is_one_version_though_its_pickles_differ(tmp_path: Path) -> None:
    """Its pickle follows the order of the set, which is chance; its version does not."""
    body = (
        "import sys; from pathlib import Path; from tests.storage.test_adopters_values import *\n"
        "store = BlobDataStore(Layout.of(Path(sys.argv[1])))\n"
        "output = put(store, Opaque({'a', 'b', 'c', 'd', 'e'}))\n"
        "assert store.load(output, Wanted()).content == {'a', 'b', 'c', 'd', 'e'}\n"
        "print(output.value.version, output.blob)"
    )
    said = {
        subprocess.run(
            [sys.executable, "-c", body, str(tmp_path)], cwd=ROOT, env={"PYTHONHASHSEED": seed}, capture_output=True,
            text=True, check=True,
        ).stdout
        for seed in ("1", "2")
    }  # fmt: skip
    versions, blobs = zip(*(line.split() for line in said), strict=True)
    assert (len(set(versions)), len(set(blobs))) == (1, 2)


_REFUSED: dict[str, tuple[Any, str]] = {
    "module": (types, "`module`"),
    "generator": ({"g": (x for x in ())}, "a `generator` at ['g']"),
    "file": (Opaque(sys.__stdin__), "at .content"),
    "lock": ({"a": [Opaque({"k": threading.Lock()})]}, "a `_thread.lock` at ['a'][0].content['k']"),
    "captured lock": ([functools.partial(max, Opaque(threading.Lock()))], "_thread.lock"),
    "connection": (Nested(Inner(1), sqlite3.connect(":memory:")), "a `sqlite3.Connection` at .table"),
    "objects in polars": (pl.DataFrame({"a": pl.Series([object()], dtype=pl.Object)}), "a `polars.Object` at ['a']"),
    "lazy frame": (pl.LazyFrame({"a": [1]}), "return `frame.collect()`"),
    "database": (duckdb.connect(), "to_arrow_table()"),
    "error that cannot be made again": (Forgetful(1, "x"), "cannot be read back: TypeError"),
    "object that comes back as another": (Shifting(), "gives a `list` back"),
    "object in a list that comes back as another": ([Shifting(), 1], "gives a `list` back for a `"),
    "object deep in containers": ({"k": ({"n": [0, Shifting()]},)}, "gives a `list` back for a `"),
    "object as a key": ({Shifting(): 1, "o": Recovering()}, "cannot be read back: TypeError"),
    "object in a set": ({1, Recovering()}, "back other types in a `set`"),
}


@pytest.mark.parametrize("name", _REFUSED)
def test_what_cannot_be_kept_is_refused_with_its_place(store: BlobDataStore, name: str) -> None:
    value, expected = _REFUSED[name]
    with pytest.raises(AssetFailed) as raised:
        put(store, value)
    problem = raised.value.problems[0]
    assert expected in problem.message + " ".join(" ".join(fact) for fact in problem.facts)
    assert "assetctl.Codec" in (problem.hint or "")


def test_a_lock_that_a_function_captured_is_found(store: BlobDataStore) -> None:
    lock = threading.Lock()

    def guarded() -> bool:
        return lock.locked()

    with pytest.raises(AssetFailed) as raised:
        put(store, {"f": guarded})
    assert ("it holds", "a `_thread.lock` at ['f'] closure `lock`") in raised.value.problems[0].facts


def test_looking_for_what_cannot_be_pickled_ends() -> None:
    own: list[Any] = []
    own.append(own)

    def refuse(value: object) -> None:
        raise TypeError

    culprit = find_unpicklable(own, refuse)
    assert culprit is not None and culprit.type_name == "list"
    assert find_unpicklable(own, lambda value: None) is None


def test_a_relation_of_duckdb_is_kept_as_the_table_it_gives(store: BlobDataStore) -> None:
    with duckdb.connect() as connection:
        output = put(store, connection.sql("select 1 as a"))
    assert (output.codec, output.value.kind) == ("parquet/1", "arrow.Table")
    assert store.load(output, Wanted(Form.PANDAS)).to_dict("list") == {"a": [1]}


def test_no_library_warns_of_how_a_value_is_kept(store: BlobDataStore) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        output = put(store, PICKLED["mixed labels"])
        assert list(store.load(output, Wanted(Form.ARROW)).column_names) == ["0", "a"]


def test_a_frame_that_has_no_arrow_form_says_so_to_who_asks_for_one(store: BlobDataStore) -> None:
    with pytest.raises(AssetFailed, match="`thing` cannot be read as arrow: it has no Arrow form"):
        store.load(put(store, PICKLED["mixed objects"]), Wanted(Form.ARROW))


def test_html_is_text_or_what_an_object_shows_itself_as(store: BlobDataStore) -> None:
    assert store.load(put(store, "<p>1</p>", "html"), Wanted()) == "<p>1</p>"
    output = put(store, _FRAME, "html")
    assert output.codec == "html/1"
    assert store.load(output, Wanted()) == _FRAME._repr_html_()
    assert output.value == put(store, _FRAME._repr_html_(), "html").value
    with pytest.raises(AssetFailed):
        put(store, 1, "html")


class _ShowsNothing:
    def _repr_html_(self) -> None: ...


def test_an_object_that_shows_itself_but_not_as_html_is_refused(store: BlobDataStore) -> None:
    with pytest.raises(AssetFailed) as raised:
        put(store, _ShowsNothing(), "html")
    assert ("tried", "html: its `_repr_html_` gave no text") in raised.value.problems[0].facts

"""Tables as Parquet: what an append leaves as it was, what reading some columns touches, streams beyond memory."""

from __future__ import annotations

import io
import itertools
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from assetctl.assets.errors import AssetFailed
from assetctl.assets.ids import Target
from assetctl.lineage.facts.ports import Form, Wanted
from assetctl.lineage.facts.records import Output, ProvenanceDigest
from assetctl.lineage.identity.values.identify import identify_value
from assetctl.lineage.identity.values.tables import TableHasher
from assetctl.storage.blobs.file_digests import digest_file
from assetctl.storage.codecs.base import Encoded
from assetctl.storage.codecs.registry import PARQUET
from assetctl.storage.sources.observing import table_identity
from assetctl.storage.sources.parsing import open_table, parse_table
from assetctl.storage.state.layout import Layout
from assetctl.storage.values.store import BlobDataStore
from tests.e2e.projects import ROOT

_WINDOW = 32


def encoded(table: pa.Table) -> bytes:
    sink = io.BytesIO()
    PARQUET.encode(table, sink)
    return sink.getvalue()


def pieces(data: bytes) -> dict[bytes, int]:
    """Cut bytes where their own content says so, as stores that share parts do; return the pieces' lengths."""
    values = np.frombuffer(data, np.uint8).astype(np.uint64)
    rolling = np.zeros(len(values) - _WINDOW, np.uint64)
    for place in range(_WINDOW):
        rolling = rolling * np.uint64(31) + values[place : len(values) - _WINDOW + place]
    cuts = [0, *(np.flatnonzero((rolling & np.uint64(0x3FF)) == 0) + _WINDOW).tolist(), len(data)]
    return {data[start:end]: end - start for start, end in itertools.pairwise(cuts)}


def shared(before: bytes, after: bytes) -> float:
    """Return the part of the later bytes that the earlier ones have too."""
    known, now = pieces(before), pieces(after)
    return sum(n for piece, n in now.items() if piece in known) / sum(now.values())


def rows(n_rows: int, seed: int) -> pa.Table:
    chance = np.random.default_rng(seed)
    return pa.table(
        {
            "id": np.arange(n_rows) + seed * 1_000_000,
            "x": chance.normal(size=n_rows),
            "kind": pa.array([f"kind {i}" for i in chance.integers(0, 50, n_rows)]),
            "name": pa.array([f"name {i}" for i in chance.integers(0, 10**9, n_rows)]),
        }
    )


def test_appended_rows_leave_most_bytes_as_they_were() -> None:
    table = rows(100_000, 0)
    assert shared(encoded(table), encoded(pa.concat_tables([table, rows(1000, 1)]))) > 0.9


def test_rows_put_in_front_leave_most_bytes_as_they_were() -> None:
    table = pa.table({"x": [f"name {i}" for i in np.random.default_rng(0).integers(0, 10**9, 200_000)]})
    longer = pa.concat_tables([table.slice(0, 50), table])
    plain = []
    for part in (table, longer):
        sink = io.BytesIO()
        parquet.write_table(part, sink, compression="zstd", use_content_defined_chunking=False)
        plain.append(sink.getvalue())
    assert shared(encoded(table), encoded(longer)) > 0.8
    assert shared(*plain) < 0.5  # without content-defined chunks


class _Counting(io.RawIOBase):
    """A file that counts the bytes read from it."""

    def __init__(self, data: bytes) -> None:
        self._file = io.BytesIO(data)
        self.n_read = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = 0) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def readinto(self, buffer: Any) -> int:
        n_bytes = self._file.readinto(buffer)
        self.n_read += n_bytes
        return n_bytes


class _Counted(Encoded):
    """Encoded bytes whose reading is counted."""

    __slots__ = ("file",)
    file: _Counting

    def arrow_source(self, *, mapped: bool = False) -> Any:
        return pa.PythonFile(self.file, "r")


def counted(data: bytes) -> _Counted:
    stored = _Counted(data=data)
    object.__setattr__(stored, "file", _Counting(data))
    return stored


_WIDE = pa.table({f"c{n}": np.random.default_rng(n).normal(size=20_000) for n in range(20)})


@pytest.mark.parametrize("kind", ["arrow.Table", "pandas.DataFrame", "polars.DataFrame", "reader"])
def test_of_twenty_columns_two_are_read(kind: str) -> None:
    value = {"arrow.Table": _WIDE, "pandas.DataFrame": _WIDE.to_pandas(), "reader": _WIDE}.get(kind)
    if value is None:
        import polars as pl

        value = pl.from_arrow(_WIDE)
    data = encoded(value)
    stored = counted(data)
    if kind == "reader":
        assert PARQUET.read_stream(stored, ("c3", "c7")).read_all().column_names == ["c3", "c7"]
    else:
        assert list(PARQUET.decode(stored, kind, ("c3", "c7")).columns[:2]) or kind == "arrow.Table"
    n_read = stored.file.n_read
    assert 0.08 * len(data) < n_read < 0.2 * len(data)


def _without_pages(data: bytes, column: str) -> bytes:
    """Return the bytes of a Parquet file with the pages of one column overwritten."""
    row_group = parquet.ParquetFile(io.BytesIO(data)).metadata.row_group(0)
    chunk = next(c for c in map(row_group.column, range(row_group.num_columns)) if c.path_in_schema == column)
    start = chunk.dictionary_page_offset or chunk.data_page_offset
    return data[:start] + b"\xff" * chunk.total_compressed_size + data[start + chunk.total_compressed_size :]


def test_pages_of_other_columns_are_not_looked_at(tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    path.write_bytes(_without_pages(encoded(_WIDE), "c5"))
    assert PARQUET.decode(Encoded(path=path), "arrow.Table", ("c4", "c6")).equals(_WIDE.select(["c4", "c6"]))
    with pytest.raises(OSError, match=r"page|header|Couldn|zstd|ZSTD"):
        PARQUET.decode(Encoded(path=path), "arrow.Table", ())
    assert parse_table(path, ("c4",)).equals(_WIDE.select(["c4"]))  # a source's file, too
    assert open_table(path, ("c6", "c4")).read_all().equals(_WIDE.select(["c6", "c4"]))


# --- streams ------------------------------------------------------------------------------


def put(tmp_path: Path, value: object, **options: Any) -> tuple[Output, BlobDataStore]:
    store = BlobDataStore(Layout.of(tmp_path))
    stored = store.put(value, **{"codec": None, "unordered": False, "provenance": ProvenanceDigest("b3:p")} | options)
    return stored.as_output(Target.parse("thing")), store


_ROWS = pa.table({"n": [1, 2, 3, 4], "s": ["a", None, "c", "d"]})


def _parts(family: str) -> list[Any]:
    import polars as pl

    halves = [_ROWS.slice(0, 2), _ROWS.slice(2)]
    match family:
        case "arrow":
            return halves
        case "batches":
            return _ROWS.to_batches(2)
        case "pandas":
            return [half.to_pandas().astype({"s": "str"}) for half in halves]
    return [pl.from_arrow(half) for half in halves]


@pytest.mark.parametrize("family", ["arrow", "batches", "pandas", "polars"])
def test_a_generator_of_tables_is_kept_as_the_table_it_makes(tmp_path: Path, family: str) -> None:
    output, store = put(tmp_path, (part for part in _parts(family)))
    assert (output.value.kind, output.codec) == ("arrow.Table", "parquet/1")
    assert output.value.version == identify_value(_ROWS).version
    assert store.load(output, Wanted()).to_pydict() == _ROWS.to_pydict()


def test_chunks_of_a_file_are_kept_as_a_table(tmp_path: Path) -> None:
    import pandas as pd

    with pd.read_csv(io.StringIO("a,b\n1,x\n2,y\n3,z\n"), chunksize=2) as chunks:
        output, store = put(tmp_path, chunks)
    assert store.load(output, Wanted()).to_pydict() == {"a": [1, 2, 3], "b": ["x", "y", "z"]}


def test_what_a_library_gives_by_arrows_protocol_is_kept_as_a_table(tmp_path: Path) -> None:
    query = duckdb.connect().from_arrow(_ROWS)
    output, store = put(tmp_path, query)
    assert output.value == identify_value(query.to_arrow_table())
    assert store.load(output, Wanted(Form.READER)).read_all().to_pydict() == _ROWS.to_pydict()


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ([], "it yielded nothing"),
        ([{"a": 1}], "part 0 is a `dict`"),
        ([_ROWS, 1], "part 1 is a `int`"),
        ([_ROWS, _ROWS.select(["n"])], "`s` string and absent"),
        ([_ROWS, pa.table({"n": [1.5], "s": ["x"]})], "`n` int64 and double"),
        ([_ROWS.to_pandas().set_index("s")], "part 0 has an index"),
    ],
)
def test_a_generator_of_anything_else_says_what_it_yielded(tmp_path: Path, parts: list[Any], expected: str) -> None:
    with pytest.raises(AssetFailed) as raised:
        put(tmp_path, (part for part in parts))
    assert expected in raised.value.problems[0].message
    assert raised.value.problems[0].hint
    assert not Layout.of(tmp_path).blobs.exists()


def test_a_stream_of_small_batches_has_few_row_groups(tmp_path: Path) -> None:
    table = pa.table({"n": np.arange(20_000)})
    output, _ = put(tmp_path, pa.RecordBatchReader.from_batches(table.schema, table.to_batches(100)))
    assert parquet.ParquetFile(Layout.of(tmp_path).blob(output.blob)).metadata.num_row_groups == 1
    assert output.value == identify_value(table)


def test_a_stream_is_kept_by_the_codec_that_is_named(tmp_path: Path) -> None:
    output, store = put(tmp_path, iter_tables(), codec="arrow-ipc")
    assert output.codec == "arrow-ipc/1"
    assert store.load(output, Wanted()).equals(_ROWS)
    assert put(tmp_path, iter_tables(), unordered=True)[0].value.unordered


def iter_tables() -> Any:
    yield _ROWS


TYPES = pa.table(
    {
        "d": pa.array(["a", "b", "a", None] * 100_000).dictionary_encode(),
        "l": pa.array([[1], [], None, [2, 3]] * 100_000),
        "s": pa.array([{"x": 1}, None, {"x": 2}, {"x": 3}] * 100_000),
        "t": pa.array([1, 2, None, 4] * 100_000, pa.timestamp("ns", "UTC")),
    }
)


def test_a_file_read_in_parts_has_the_identity_of_the_whole(tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    parquet.write_table(TYPES, path, row_group_size=70_000)
    assert table_identity(path, digest_file(path)) == identify_value(parse_table(path))
    hasher = TableHasher(open_table(path, ("s", "d")).schema)
    for batch in open_table(path, ("s", "d")):
        hasher.feed(batch)
    assert hasher.finish() == identify_value(parse_table(path).select(["s", "d"]))


_BEYOND_MEMORY = """
    import resource, sys
    from pathlib import Path

    import numpy as np
    import pyarrow as pa

    from assetctl.assets.errors import AssetFailed
    from assetctl.assets.ids import Target
    from assetctl.lineage.facts.ports import Form, Wanted
    from assetctl.storage.values.store import BlobDataStore
    from assetctl.storage.sources.observing import digest_file, table_identity
    from assetctl.storage.state.layout import Layout
    from assetctl.storage.sources.parsing import open_table

    BATCH, N_BATCHES, SPARE = 1 << 17, {n_batches}, {spare}
    root = Path(sys.argv[1])
    store = BlobDataStore(Layout.of(root))

    def batches(n_batches):
        for number in range(n_batches):
            numbers = np.arange(number * BATCH, (number + 1) * BATCH)
            yield pa.record_batch({{f"c{{n}}": numbers // (n + 1) for n in range(8)}})

    def keep(stream):
        return store.put(stream, codec=None, unordered=False, provenance="b3:p").as_output(Target.parse("thing"))

    def reader_over(parts):
        return pa.RecordBatchReader.from_batches(next(batches(1)).schema, parts)

    def through(n_batches):
        first = keep(batches(n_batches))
        second = keep(reader_over(batch for batch in store.load(first, Wanted(Form.READER))))
        assert first.value == second.value and first.value.n_rows == n_batches * BATCH
        assert sum(batch.num_rows for batch in store.load(second, Wanted(Form.READER, ("c3",)))) == n_batches * BATCH
        path = root / "copy.parquet"
        store.export(second, path)
        assert table_identity(path, digest_file(path)).version == second.value.version
        assert sum(batch.num_rows for batch in open_table(path)) == n_batches * BATCH
        return n_batches * BATCH * 8 * 8

    through(3)  # what libraries and their threads take once
    in_use = int(next(line for line in open("/proc/self/status") if line.startswith("VmSize")).split()[1]) << 10
    resource.setrlimit(resource.RLIMIT_AS, (in_use + SPARE, in_use + SPARE))
    n_bytes = through(N_BATCHES)
    assert n_bytes > 1.5 * SPARE, n_bytes
    try:
        store.load(keep(batches(N_BATCHES)), Wanted(Form.ARROW))
    except AssetFailed as failed:
        assert "does not fit into memory" in str(failed)
        print("streamed", n_bytes)
"""


def _beyond_memory(tmp_path: Path, n_batches: int, spare: int) -> None:
    body = textwrap.dedent(_BEYOND_MEMORY.format(n_batches=n_batches, spare=spare))
    done = subprocess.run(
        [sys.executable, "-c", body, str(tmp_path)], cwd=ROOT, capture_output=True, text=True, timeout=600, check=False
    )
    assert done.stdout.startswith("streamed"), done.stderr


@pytest.mark.slow
def test_a_table_larger_than_memory_is_kept_and_read_as_a_stream(tmp_path: Path) -> None:
    _beyond_memory(tmp_path, n_batches=80, spare=300 << 20)

"""Bytes that are not what they should be, in blobs and in files of sources: a clear error, never a crash or a hang."""

from __future__ import annotations

import gzip
import io
import json
import pickle
import random
import subprocess
import sys
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import csv, feather, parquet
from sklearn.linear_model import LinearRegression

from assetctl.assets.errors import AssetFailed, CorruptionError, DeclarationError
from assetctl.assets.ids import Target
from assetctl.lineage.facts.ports import Form, Wanted
from assetctl.lineage.facts.records import BlobDigest, DataVersion, Output, ProvenanceDigest, ValueIdentity
from assetctl.lineage.identity.encode import digest_bytes
from assetctl.storage.codecs.registry import Codecs
from assetctl.storage.sources.parsing import open_table, parse_table
from assetctl.storage.state.layout import Layout
from assetctl.storage.values.store import BlobDataStore
from tests.e2e.projects import ROOT, DiskProject

_TABLE = pa.table({"a": np.arange(1000), "s": [str(i) for i in range(1000)], "n": [[i] for i in range(1000)]})
_FLAT = _TABLE.select(["a", "s"])


def _ipc(make: Callable[..., Any]) -> bytes:
    sink = io.BytesIO()
    with make(sink, _TABLE.schema) as writer:
        writer.write_table(_TABLE)
    return sink.getvalue()


def _written(write: Callable[..., object], table: pa.Table, **options: Any) -> bytes:
    sink = io.BytesIO()
    write(table, sink, **options)
    return sink.getvalue()


FILES = {
    "zstd.parquet": _written(parquet.write_table, _TABLE, compression="zstd"),
    "plain.parquet": _written(parquet.write_table, _TABLE, compression="none", use_dictionary=False),
    "file.arrow": _ipc(pa.ipc.new_file),
    "stream.arrow": _ipc(pa.ipc.new_stream),
    "x.feather": _written(feather.write_feather, _TABLE),
    "x.csv": _written(csv.write_csv, _FLAT),
    "x.csv.gz": gzip.compress(_written(csv.write_csv, _FLAT)),
    "x.json": json.dumps(_TABLE.to_pylist()).encode(),
    "x.jsonl": "\n".join(json.dumps(row) for row in _TABLE.to_pylist()).encode(),
}


def read_both_ways(path: Path) -> int:
    """Parse a file as a whole and as a stream; return how often that was refused. Anything else is raised."""
    n_refused = 0
    for read in (parse_table, lambda path: open_table(path).read_all()):
        try:
            read(path)
        except DeclarationError as refused:
            n_refused += path.name in refused.problems[0].message
    return n_refused


def garbled(data: bytes, chance: random.Random) -> bytes:
    """Return bytes cut off, or with some bytes replaced."""
    if chance.random() < 0.2:
        return data[: chance.randrange(len(data))]
    changed = bytearray(data)
    for _ in range(chance.choice((1, 1, 3, 10))):
        changed[chance.randrange(len(changed))] = chance.randrange(256)
    return bytes(changed)


def garble_all(folder: Path, n_tries: int, seed: int) -> None:
    chance = random.Random(seed)
    for name, data in FILES.items():
        for _ in range(n_tries):
            (folder / name).write_bytes(garbled(data, chance))
            read_both_ways(folder / name)


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_is_cut_off_is_refused_or_a_shorter_table(tmp_path: Path, name: str) -> None:
    path, data = tmp_path / name, FILES[name]
    path.write_bytes(data)
    assert read_both_ways(path) == 0
    for n_bytes in range(0, len(data), len(data) // 13):
        path.write_bytes(data[:n_bytes])
        assert read_both_ways(path) == 2 or path.suffix in (".csv", ".jsonl", ".gz") or name == "stream.arrow"


def _in_a_process_of_its_own(body: str) -> None:
    """Run lines in another process, which a fault in a compiled parser would end."""
    done = subprocess.run(
        [sys.executable, "-c", body], cwd=ROOT, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr


def test_garbled_files_never_end_the_process(tmp_path: Path) -> None:
    _in_a_process_of_its_own(
        f"from pathlib import Path; from tests.storage.test_bad_bytes import garble_all; garble_all(Path({str(tmp_path)!r}), 15, 1)"
    )


@pytest.mark.soak
def test_thousands_of_garbled_files_never_end_the_process(tmp_path: Path) -> None:
    for seed in range(2, 12):
        _in_a_process_of_its_own(
            f"from pathlib import Path; from tests.storage.test_bad_bytes import garble_all; garble_all(Path({str(tmp_path)!r}), 300, {seed})"
        )


_DEEP = 100_000
BOMBS = {
    "deep lists.json": b"[" * _DEEP + b"]" * _DEEP,
    "deep objects.json": b'{"a":' * _DEEP + b"1" + b"}" * _DEEP,
    "deep record.json": b'[{"a":' * _DEEP + b"1" + b"}]" * _DEEP,
    "deep line.jsonl": b'{"a": 1}\n' + b'{"a":' * _DEEP + b"1" + b"}" * _DEEP,
    "deep after text.jsonl": b'{"b": "]]]\\"}}", "a":' + b"[" * _DEEP + b"]" * _DEEP + b"}",
    "digits.json": b"[" + b"1" * 20_000_000 + b"]",
    "digits.jsonl": b'{"a": ' + b"1" * 20_000_000 + b"}",
    "a big number.json": b'[{"a": ' + b"9" * 100 + b"}]",
    "numbers.json": b"[1, 2]",
    "two types.json": b'[{"a": 1}, {"a": "x"}]',
    "no UTF-8.json": b'[{"a": "\xff"}]',
    "nothing.json": b"",
    "zeros.parquet": b"\0" * 1000,
    "old.feather": b"FEA1" + b"\0" * 100 + b"FEA1",
    "a page.csv": b"\0\n\0,",
}


def bomb(folder: Path, name: str) -> None:
    path = folder / name
    path.write_bytes(BOMBS[name])
    n_refused = read_both_ways(path)
    assert n_refused == 2 or name in ("a page.csv", "digits.jsonl"), name  # tables after all, if odd ones


def test_bombs_are_refused(tmp_path: Path) -> None:
    names = ", ".join(map(repr, BOMBS))
    _in_a_process_of_its_own(
        f"from pathlib import Path; from tests.storage.test_bad_bytes import bomb\n"
        f"for name in ({names},): bomb(Path({str(tmp_path)!r}), name)"
    )


def test_brackets_in_texts_are_no_depth(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    path.write_text(json.dumps({"a": "[{" * 10_000 + '\\"' + "[" * 500}) + "\n" + json.dumps({"a": "]\\"}))
    assert parse_table(path).num_rows == 2
    deep: object = 1
    for _ in range(190):
        deep = [deep]
    path.write_text(json.dumps({"a": deep}))
    assert parse_table(path).num_rows == 1


def test_a_source_that_is_no_table_is_named_with_its_file_and_nothing_runs(tmp_path: Path) -> None:
    project = DiskProject(tmp_path)
    project.file("data/trips.parquet", FILES["zstd.parquet"][:-7])
    project.top('import pyarrow as pa\ntrips = source.file("data/trips.parquet")')
    project.asset("kept", "return trips", reads="trips: pa.Table")
    answer = project.run("materialize")
    assert answer.code == 2
    assert "`trips.parquet` cannot be read as a table" in answer.err and "Traceback" not in answer.err
    assert "read by  kept" in answer.err
    assert project.ran == []


# --- stored bytes -------------------------------------------------------------------------


@pytest.fixture
def store(tmp_path: Path) -> BlobDataStore:
    return BlobDataStore(Layout.of(tmp_path))


_FITTED = LinearRegression().fit([[0.0], [1.0]], [0.0, 1.0])
VALUES: dict[str, object] = {
    "parquet": _TABLE,
    "arrow-ipc": pa.array(range(1000)),
    "numpy": np.arange(1000.0),
    "json": {"a": list(range(3000))},
    "text": "x" * 9000,
    "pickle": (1, "x" * 9000),
    "skops": _FITTED,
}


@pytest.mark.parametrize("name", VALUES)
def test_a_blob_that_is_cut_off_is_corrupt_and_set_aside(store: BlobDataStore, tmp_path: Path, name: str) -> None:
    stored = store.put(VALUES[name], codec=None, unordered=False, provenance=ProvenanceDigest("b3:p"))
    output = stored.as_output(Target.parse("thing"))
    assert output.codec.startswith(name) and output.blob is not None
    path = Layout.of(tmp_path).blob(output.blob)
    data = path.read_bytes()
    path.chmod(0o600)
    path.write_bytes(data[:-5])
    with pytest.raises(CorruptionError):
        store.load(output, Wanted())
    assert not path.exists()


def _zip(compression: int, **files: bytes) -> bytes:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", compression) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return sink.getvalue()


def _npy_of(shape: str) -> bytes:
    header = f"{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}, }}".encode().ljust(117) + b"\n"
    return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header


class _Fires:
    def __reduce__(self) -> tuple[Any, ...]:
        return pytest.fail, ("it was loaded",)


_BAD: list[tuple[str, bytes, str]] = [
    ("parquet", b"", ""),
    ("parquet", FILES["zstd.parquet"][:-7], ""),
    ("arrow-ipc", FILES["file.arrow"][:-7], ""),
    ("numpy", b"\x93NUMPY", ""),
    ("numpy", _npy_of("(1000000000000000,)"), ""),
    ("numpy", pickle.dumps(_Fires()), ""),
    ("numpy", _zip(zipfile.ZIP_DEFLATED, a=b"0" * 100), "no `.npy` file"),
    ("json", b"[" * _DEEP, "RecursionError"),
    ("json", b'{"a": ' + b"1" * 1_000_000 + b"}", "ValueError"),
    ("json", b"\xff", "UnicodeDecodeError"),
    ("text", b"\xff", "UnicodeDecodeError"),
    ("pickle", b"\x80\x05", ""),
    ("pickle", b"cno_such_module\nthing\n.", "ModuleNotFoundError"),
    ("skops", b"PK", ""),
    ("skops", _zip(zipfile.ZIP_DEFLATED, **{"schema.json": b" " * 50_000_000}), "would inflate"),
    ("skops", _zip(zipfile.ZIP_STORED, **{"schema.json": b"{}"}), ""),
    ("skops", _zip(zipfile.ZIP_STORED, **{"schema.json": b"[" * _DEEP}), ""),
]


@pytest.mark.parametrize(("codec", "data", "expected"), _BAD, ids=[f"{n} {c}" for n, (c, _, _) in enumerate(_BAD)])
def test_whole_bytes_that_no_codec_wrote_say_which_asset_and_file(
    store: BlobDataStore, codec: str, data: bytes, expected: str
) -> None:
    blob = store.blobs.put_bytes(data)
    value = ValueIdentity(DataVersion("b3:x"), "arrow.Table")
    output = Output(Target.parse("thing"), value, Codecs().named(codec).name, blob, len(data))
    for given in (output, replace(output, inline=data, blob=BlobDigest(digest_bytes(data)))):
        with pytest.raises(AssetFailed) as raised:
            store.load(given, Wanted())
        problem = raised.value.problems[0]
        assert problem.message.startswith(f"`thing` cannot be decoded by the codec `{output.codec}`: ")
        assert expected in problem.message
        assert problem.hint is not None and "materialize thing --force" in problem.hint
        is_file = given.inline is None and codec != "pickle"
        assert ("file" in dict(problem.facts)) is is_file


def test_a_returned_file_that_is_no_table_names_its_asset(store: BlobDataStore, tmp_path: Path) -> None:
    file = tmp_path / "report.parquet"
    file.write_bytes(b"PAR1")
    stored = store.put(file, codec=None, unordered=False, provenance=ProvenanceDigest("b3:p"))
    with pytest.raises(AssetFailed, match=r"`thing` is a file, and `.*` cannot be read as a table"):
        store.load(stored.as_output(Target.parse("thing")), Wanted(Form.ARROW))
    file.write_bytes(FILES["zstd.parquet"])
    stored = store.put(file, codec=None, unordered=False, provenance=ProvenanceDigest("b3:p"))
    with pytest.raises(AssetFailed, match="`thing` has no column `z`"):
        store.load(stored.as_output(Target.parse("thing")), Wanted(Form.ARROW, ("a", "z")))

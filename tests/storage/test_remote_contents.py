"""Bytes of an entry that its text does not vouch for: manifests of folders, and models."""

from __future__ import annotations

import gzip
import io
import json
import pickle
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from assetctl.assets.ids import Target
from assetctl.lineage.facts.records import BlobDigest, Output, ValueIdentity
from assetctl.lineage.identity.encode import digest_bytes
from assetctl.storage.blobs.blobs import Blobs
from assetctl.storage.remote.contents import flaw_of_contents, sizes_of
from assetctl.storage.remote.entries import Entry
from assetctl.storage.remote.trust import Trust, flaw_of_origin
from assetctl.storage.state.layout import Layout
from tests.storage.test_remote import entry

PAGE = BlobDigest(digest_bytes(b"page"))


@pytest.fixture
def blobs(tmp_path: Path) -> Blobs:
    return Blobs(Layout.of(tmp_path))


def about(blobs: Blobs, codec: str, data: bytes) -> Entry:
    """Return an entry whose one output has these bytes, which are here."""
    blob = blobs.put_bytes(data)
    output = Output(Target.parse("a"), ValueIdentity(digest_bytes(b"v"), "x"), codec, blob, len(data))
    made = entry()
    blobs.put_bytes(b"page")
    return replace(made, fact=replace(made.fact, outputs=(output,)), sizes={blob: len(data), PAGE: 4})


def folder(blobs: Blobs, *files: object) -> Entry:
    return about(blobs, "folder/1", json.dumps({"format": "assetctl.folder/1", "files": files}).encode())


def flaw(made: Entry, blobs: Blobs, *, is_believed: bool = False) -> str | None:
    return flaw_of_contents(made, blobs, is_believed=is_believed)


def test_a_folder_of_files_that_the_entry_lists_is_used(blobs):
    made = folder(blobs, ["deep/page.csv", PAGE, 4, False], ["again", PAGE, 4, True])
    assert flaw(made, blobs) is None
    assert sizes_of(made) == made.sizes


@pytest.mark.parametrize(
    "file",
    [
        ["../page", PAGE, 4, False],
        ["/page", PAGE, 4, False],
        ["a/../../page", PAGE, 4, False],
        ["a//page", PAGE, 4, False],
        ["", PAGE, 4, False],
        [".", PAGE, 4, False],
        ["page\x00", PAGE, 4, False],
        [3, PAGE, 4, False],
        ["page", "b3:../../etc/passwd", 4, False],
        ["page", PAGE, 5, False],
        ["page", digest_bytes(b"other"), 4, False],
        ["page"],
        "page",
        None,
    ],
)
@pytest.mark.parametrize("is_believed", [True, False])
def test_a_manifest_that_names_what_it_cannot_hold_is_refused(blobs, file, is_believed):
    assert flaw(folder(blobs, file), blobs, is_believed=is_believed) is not None


@pytest.mark.parametrize("manifest", [b"", b"[]", b"{}", b"\xff", b"[" * 100_000, b'{"files": 3}'])
def test_bytes_that_are_no_manifest_are_refused(blobs, manifest):
    assert flaw(about(blobs, "folder/1", manifest), blobs) is not None


def test_a_pickle_in_a_folder_needs_a_signature(blobs):
    made = folder(blobs, ["model.PKL", PAGE, 4, False])
    assert "could run code" in (flaw(made, blobs) or "")
    assert flaw(made, blobs, is_believed=True) is None


def test_a_model_of_types_that_are_known_needs_none(blobs):
    skops = pytest.importorskip("skops.io")
    linear = pytest.importorskip("sklearn.linear_model")
    model = linear.LinearRegression().fit([[0.0], [1.0]], [0.0, 1.0])
    assert flaw(about(blobs, "skops/1", skops.dumps(model)), blobs) is None


def test_a_model_that_needs_another_type_needs_a_signature(blobs):
    skops = pytest.importorskip("skops.io")
    preprocessing = pytest.importorskip("sklearn.preprocessing")
    made = about(blobs, "skops/1", skops.dumps(preprocessing.FunctionTransformer(func=json.dumps)))
    assert "needs the type `json.dumps`" in (flaw(made, blobs) or "")
    assert flaw(made, blobs, is_believed=True) is None


def test_bytes_that_are_no_model_are_refused(blobs):
    assert "no model" in (flaw(about(blobs, "skops/1", b"PK\x03\x04"), blobs) or "")


# --- files and bytes ---------------------------------------------------------------------


class Runs:
    """What loading its pickle would call."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return (str, ("called",))


def parquet(fields: list[pa.Field]) -> bytes:
    sink = io.BytesIO()
    pq.write_table(pa.schema(fields).empty_table(), sink)
    return sink.getvalue()


def arrow(table: pa.Table) -> bytes:
    sink = io.BytesIO()
    with pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue()


def saved(array: object) -> bytes:
    sink = io.BytesIO()
    np.save(sink, array, allow_pickle=True)
    return sink.getvalue()


def archive(**arrays: object) -> bytes:
    sink = io.BytesIO()
    np.savez(sink, **arrays)
    return sink.getvalue()


def pickled(protocol: int) -> bytes:
    return pickle.dumps(Runs(), protocol)


PNG = b"\x89PNG\r\n\x1a\n" + bytes(20)
SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><g><path d="M0 0"/><use href="#a"/></g></svg>'
MARKED = pa.field("a", pa.int64(), metadata={b"ARROW:extension:name": b"mine.runs"})
FRAME = pd.DataFrame({"a": [1], "p": pd.period_range("2026", periods=1), "c": pd.Categorical(["x"])})
TENSORS = (2).to_bytes(8, "little") + b"{}"

INERT = {
    "a csv": ("file/1:.csv", b"city,n\nBern,1\n"),
    "a csv whose first line could begin a pickle": ("file/1:.csv", b"city\nBern\nZurich\n"),
    "a csv in capitals": ("file/1:.CSV", b"a\n"),
    "a csv, compressed": ("file/1:.csv.gz", gzip.compress(b"a\n1\n")),
    "json": ("file/1:.json", b'{"a": [1]}'),
    "a file without an ending": ("file/1", b"words"),
    "a table as parquet": ("file/1:.parquet", parquet([pa.field("a", pa.int64())])),
    "a frame with its own types": ("parquet/1", FRAME.to_parquet()),
    "a table as arrow": ("arrow-ipc/1", arrow(pa.table({"a": [1]}))),
    "feather": ("file/1:.feather", arrow(pa.table({"a": [1]}))),
    "numbers": ("file/1:.npy", saved(np.arange(3))),
    "arrays": ("file/1:.npz", archive(a=np.arange(3), b=np.array(["x"]))),
    "an image": ("file/1:.png", PNG),
    "a drawing": ("file/1:.svg", SVG),
    "tensors": ("file/1:.safetensors", TENSORS),
    "bytes of an image": ("bytes/1", PNG),
    "bytes of text": ("bytes/1", b"words"),
    "text that could be the middle of a pickle": ("text/1", b"hello"),
    "text": ("text/1", "schön".encode()),
}

NOT_INERT = {
    **{
        f"a pickle called {ending}": (f"file/1:{ending}", pickled(4))
        for ending in (".pkl", ".pkl.gz", ".joblib.gz", ".pkl.bz2", ".pk", ".h5", ".keras", ".pt", ".model", ".ubj",
                       ".csv", ".json", ".parquet", ".npy", ".npz", ".png", ".arrow", ".csv.gz", ".csv.bz2", "")
    },
    "a pickle as text, called csv": ("file/1:.csv", pickled(0)),
    "a pickle as text, compressed and called csv": ("file/1:.csv.gz", gzip.compress(pickled(0))),
    "a pickle as bytes": ("bytes/1", pickled(4)),
    "a pickle as bytes of text": ("bytes/1", pickled(0)),
    "a pickle that begins as an image": ("bytes/1", b"GIF89a123" + pickled(0)),
    "bytes of no known format": ("bytes/1", b"\x00\x01\x02"),
    "objects": ("file/1:.npy", saved(np.array([Runs()], dtype=object))),
    "objects in a record": ("file/1:.npy", saved(np.zeros(1, dtype=[("a", object)]))),
    "objects among arrays": ("file/1:.npz", archive(a=np.arange(3), b=np.array([Runs()], dtype=object))),
    "objects as the codec of arrays has them": ("numpy/1", saved(np.array([Runs()], dtype=object))),
    "a pickle before an archive": ("file/1:.npz", pickled(4) + archive(a=np.arange(3))),
    "a table of a type that somebody registers": ("parquet/1", parquet([MARKED])),
    "such a type deep inside": ("file/1:.parquet", parquet([pa.field("l", pa.list_(pa.struct([MARKED])))])),
    "such a type as arrow": ("arrow-ipc/1", arrow(pa.schema([MARKED]).empty_table())),
    "no table": ("parquet/1", b"PAR1"),
    "a page": ("html/1", b"<p>"),
    "a page as a file": ("file/1:.html", b"<p>"),
    "code": ("file/1:.py", b"print()"),
    "yaml": ("file/1:.yaml", b"a: 1"),
    "a drawing with a script": ("file/1:.svg", SVG.replace(b"<g>", b"<script>1</script><g>")),
    "a drawing that listens": ("svg/1", SVG.replace(b"<g>", b'<g onload="f()">')),
    "a drawing that fetches": ("figure-svg/1", SVG.replace(b"#a", b"https://example.org/a")),
    "a drawing that fetches a font": ("svg/1", SVG.replace(b"<g>", b'<style>@import "https://e.org"</style><g>')),
    "a drawing with a page": ("svg/1", SVG.replace(b"<g>", b"<foreignObject/><g>")),
    "a codec of somebody": ("mine/1", b"words"),
}  # fmt: skip


@pytest.mark.parametrize("case", INERT)
def test_what_is_proven_harmless_needs_no_signature(blobs, case):
    made = about(blobs, *INERT[case])
    assert flaw(made, blobs) is None
    assert flaw_of_origin(made, Trust(), lambda *_: False, lambda _: False) is None


@pytest.mark.parametrize("case", NOT_INERT)
def test_anything_else_needs_one(blobs, case):
    made = about(blobs, *NOT_INERT[case])
    assert "could run code" in (flaw(made, blobs) or "")
    assert flaw(made, blobs, is_believed=True) is None


def test_what_matplotlib_draws_is_harmless(blobs):
    figure = pytest.importorskip("matplotlib.figure").Figure()
    figure.subplots().plot([1, 2], label="a")
    for form in ("svg", "png"):
        sink = io.BytesIO()
        figure.savefig(sink, format=form)
        assert flaw(about(blobs, f"figure-{form}/1", sink.getvalue()), blobs) is None


@pytest.mark.parametrize("name", ["model.pkl.gz", "model.keras", "page.csv.exe", "x/model", "a.npy"])
def test_a_folder_is_as_harmless_as_its_files(blobs, name):
    data = pickled(4)
    made = folder(blobs, ["a.csv", PAGE, 4, False], [name, digest_bytes(data), len(data), False])
    made = replace(made, sizes={**made.sizes, blobs.put_bytes(data): len(data)})
    assert "could run code" in (flaw(made, blobs) or "")
    assert flaw(made, blobs, is_believed=True) is None


def test_figures_are_looked_at_too(blobs):
    made = about(blobs, "json/1", b"1")
    drawn = replace(made.fact, figures={"good": blobs.put_bytes(SVG), "bad": blobs.put_bytes(b"<html/>")})
    assert "figure `bad`" in (flaw(replace(made, fact=drawn), blobs) or "")

"""Bytes of an entry that its text does not vouch for: manifests of folders, and models."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from assetctl.assets.ids import Target
from assetctl.lineage.facts.records import BlobDigest, Output, ValueIdentity
from assetctl.lineage.identity.encode import digest_bytes
from assetctl.storage.blobs.blobs import Blobs
from assetctl.storage.remote.contents import flaw_of_contents, sizes_of
from assetctl.storage.remote.entries import Entry
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
    return replace(made, fact=replace(made.fact, outputs=(output,)), sizes={blob: len(data), PAGE: 4})


def folder(blobs: Blobs, *files: object) -> Entry:
    return about(blobs, "folder/1", json.dumps({"format": "assetctl.folder/1", "files": files}).encode())


def flaw(made: Entry, blobs: Blobs, *, is_believed: bool = False) -> str | None:
    return flaw_of_contents(made, blobs, is_believed=is_believed)


def test_a_folder_of_files_that_the_entry_lists_is_used(blobs):
    made = folder(blobs, ["deep/page.html", PAGE, 4, False], ["again", PAGE, 4, True])
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

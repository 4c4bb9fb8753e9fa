"""Check the bytes of an entry before they are used, where its text alone is not enough.

A folder's manifest may name only files of the folder that the entry lists. Where no trusted
key signed an entry, its bytes must be proven harmless (`inert.py`), and a model may need
only the types that skops builds without running code.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from assetctl.assets.errors import AssetctlError
from assetctl.lineage.facts.records import BlobDigest, Output
from assetctl.storage.blobs.blobs import Blobs
from assetctl.storage.blobs.folders import FolderFile, read_manifest
from assetctl.storage.codecs.registry import FOLDER
from assetctl.storage.remote.entries import Entry, is_digest, is_inside, needed_blobs
from assetctl.storage.remote.inert import (
    is_inert_bytes,
    is_inert_file,
    is_inert_picture,
    is_inert_table,
    may_be_inert,
)


def sizes_of(entry: Entry) -> Mapping[BlobDigest, int]:
    """Return the blobs to fetch for an entry with their sizes; without a folder, those that its fact names."""
    if any(output.codec == FOLDER for output in entry.fact.outputs):
        return entry.sizes
    return {digest: entry.sizes[digest] for digest in needed_blobs(entry.fact)}


def flaw_of_contents(entry: Entry, blobs: Blobs, *, is_believed: bool) -> str | None:
    """Return why an entry's bytes, which are all here, must not be used, or None if they may be.

    `is_believed`: a trusted key signed the entry, and so these bytes.
    """
    for output in entry.fact.outputs:
        flaw = None
        if output.codec == FOLDER:
            flaw = _flaw_of_folder(output, entry, blobs, is_believed=is_believed)
        elif not is_believed:
            flaw = _flaw_of_model(output, blobs) if output.codec == "skops/1" else _flaw_of_bytes(output, blobs)
        if flaw is not None:
            return flaw
    for name, digest in () if is_believed else entry.fact.figures.items():
        if not is_inert_picture(blobs.open_verified(BlobDigest(digest))):
            return f"no trusted key signed it, and looking at the figure `{name[:60]}` could run code"
    return None


def _flaw_of_bytes(output: Output, blobs: Blobs) -> str | None:
    """Return why an output that no trusted key signed must not be read, or None."""
    if output.blob is None:
        return None
    data = blobs.open_verified(output.blob) if output.inline is None else output.inline
    codec, _, ending = output.codec.partition(":")
    if _is_inert(codec, ending, data):
        return None
    return f"no trusted key signed it, and reading `{output.target}` ({output.codec}) could run code"


def _is_inert(codec: str, ending: str, data: Path | bytes) -> bool:
    match codec:
        case "file/1":
            return is_inert_file(ending, data)
        case "bytes/1":  # a reader may take any bytes for a pickle
            return is_inert_bytes(data)
        case "parquet/1" | "arrow-ipc/1":
            return is_inert_table(data)
        case "svg/1" | "figure-svg/1" | "figure-png/1":
            return is_inert_picture(data)
        case "numpy/1":
            return is_inert_file("array.npy", data)
        case "csv/1" | "json/1" | "text/1":
            return is_inert_file("text.txt", data)
    return False


def _flaw_of_folder(output: Output, entry: Entry, blobs: Blobs, *, is_believed: bool) -> str | None:
    assert output.blob is not None
    try:
        files = read_manifest(output.blob, blobs.read_bytes(output.blob))
    except AssetctlError:
        return f"the manifest of the folder `{output.target}` cannot be read"
    for file in files:
        if not _is_file(file) or entry.sizes.get(file.digest) != file.size_bytes:
            return f"the manifest of the folder `{output.target}` names what it cannot hold"
        if not is_believed and not _is_inert_member(file, blobs):
            return f"no trusted key signed it, and loading `{file.name[:60]}` could run code"
    return None


def _is_inert_member(file: FolderFile, blobs: Blobs) -> bool:
    return may_be_inert(file.name) and is_inert_file(file.name, blobs.open_verified(file.digest))


def _is_file(file: FolderFile) -> bool:
    return is_digest(file.digest) and is_inside(file.name) and str(PurePosixPath(file.name)) == file.name != "."


def _flaw_of_model(output: Output, blobs: Blobs) -> str | None:
    from assetctl.storage.codecs.science import untrusted_types

    assert output.blob is not None
    try:
        untrusted = untrusted_types(blobs.read_bytes(output.blob) if output.inline is None else output.inline)
    except ImportError:
        return f"no trusted key signed it, and skops is not installed to look at `{output.target}`"
    except Exception:  # noqa: BLE001  whatever these bytes are, they are no model
        return f"`{output.target}` is no model that skops can read"
    return f"no trusted key signed it, and `{output.target}` needs the type `{untrusted[0]}`" if untrusted else None

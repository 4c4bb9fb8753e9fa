"""Check the bytes of an entry before they are used, where its text alone is not enough.

A folder's manifest may name only files of the folder that the entry lists; a model that
no trusted key signed may need only the types that skops builds without running code.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePosixPath

from assetctl.assets.errors import AssetctlError
from assetctl.lineage.facts.records import BlobDigest, Output
from assetctl.storage.blobs.blobs import Blobs
from assetctl.storage.blobs.folders import FolderFile, read_manifest
from assetctl.storage.codecs.registry import FOLDER
from assetctl.storage.remote.entries import Entry, is_digest, is_inside, needed_blobs
from assetctl.storage.remote.trust import is_pickle_name


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
        elif output.codec == "skops/1" and not is_believed:
            flaw = _flaw_of_model(output, blobs)
        if flaw is not None:
            return flaw
    return None


def _flaw_of_folder(output: Output, entry: Entry, blobs: Blobs, *, is_believed: bool) -> str | None:
    assert output.blob is not None
    try:
        files = read_manifest(output.blob, blobs.read_bytes(output.blob))
    except AssetctlError:
        return f"the manifest of the folder `{output.target}` cannot be read"
    for file in files:
        if not _is_file(file) or entry.sizes.get(file.digest) != file.size_bytes:
            return f"the manifest of the folder `{output.target}` names what it cannot hold"
        if not is_believed and is_pickle_name(file.name):
            return f"no trusted key signed it, and loading `{file.name[:60]}` could run code"
    return None


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

"""Folders as blobs: a manifest, and each file a blob of its own.

The manifest lists relative path, digest, size and executable bit of every file, sorted, and empty folders;
its digest names the folder. Links were followed when the folder was stored.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from assetctl.assets.errors import AssetFailed, Problem
from assetctl.lineage.facts.records import BlobDigest
from assetctl.lineage.facts.snapshot import OutputState
from assetctl.storage.blobs.blobs import Blobs, corruption
from assetctl.storage.blobs.file_digests import list_directory
from assetctl.storage.journal.wire_parts import read_blob
from assetctl.storage.state.copying import clone_or_copy
from assetctl.storage.state.format import environment_fault
from assetctl.storage.state.malformed import MALFORMED

_FORMAT = "assetctl.folder/1"


@dataclass(frozen=True, slots=True)
class FolderFile:
    """One file of a stored folder; `name` is its posix path inside."""

    name: str
    digest: BlobDigest
    size_bytes: int
    is_executable: bool


def put_folder(blobs: Blobs, folder: Path) -> tuple[BlobDigest, list[FolderFile], bytes]:
    """Store a folder's files and its manifest; return the manifest's digest, its entries and its bytes.

    Raises:
        AssetFailed: a link in the folder leads nowhere.
        EnvironmentFault: the disk refused.
    """
    listing, empty = list_directory(folder)
    files = [_put_file(blobs, name, path) for name, path in listing]
    entries = [[file.name, file.digest, file.size_bytes, file.is_executable] for file in files]
    listed = {"format": _FORMAT, "files": entries, **({"empty": empty} if empty else {})}
    manifest = json.dumps(listed, separators=(",", ":")).encode()
    return blobs.put_bytes(manifest), files, manifest


def _put_file(blobs: Blobs, name: str, path: Path) -> FolderFile:
    if not path.exists():
        raise AssetFailed(
            Problem(
                "broken-link",
                f"the link `{name}` in the returned folder leads nowhere",
                (("file", str(path)),),
                "remove the link",
            )
        )
    temporary = blobs.temporary()
    try:
        clone_or_copy(path, temporary)
        status = temporary.stat()
        is_executable = os.access(path, os.X_OK)
    except OSError as cause:
        raise environment_fault(cause, path, "a file cannot be stored") from cause
    return FolderFile(name, blobs.put_file(temporary), status.st_size, is_executable)


def _listed(name: str, digest: str, size_bytes: int, is_executable: bool) -> FolderFile:
    if type(name) is not str or type(size_bytes) is not int:
        raise TypeError("a file's name is no text, or its size no whole number")
    return FolderFile(name, read_blob(digest), size_bytes, bool(is_executable))


def read_manifest(digest: BlobDigest, manifest: bytes) -> list[FolderFile]:
    """Return the files of a stored folder.

    Raises:
        CorruptionError: it is no manifest, or a path in it leads out of the folder.
    """
    try:
        files = [_listed(*row) for row in json.loads(manifest)["files"]]
    except MALFORMED as cause:
        raise corruption(digest, f"it is no list of a folder's files: {cause}", Path("manifest")) from cause
    for name in [file.name for file in files] + read_empty(digest, manifest):
        path = PurePosixPath(name)
        if path.is_absolute() or ".." in path.parts or "\0" in name or not path.parts:
            raise corruption(digest, f"the path `{name}` leads out of the folder", Path(name))
    return files


def read_empty(digest: BlobDigest, manifest: bytes) -> list[str]:
    """Return the empty folders in a stored folder, by their posix paths inside.

    Raises:
        CorruptionError: the manifest's list of them is none.
    """
    try:
        names = json.loads(manifest).get("empty", [])
        if type(names) is not list or not all(type(name) is str for name in names):
            raise TypeError("the empty folders in it are no list of texts")
    except MALFORMED as cause:
        raise corruption(digest, f"it is no list of a folder's files: {cause}", Path("manifest")) from cause
    return names


def folder_state(blobs: Blobs, files: list[FolderFile]) -> OutputState:
    """Say whether every file of a folder is there; the worst answer wins."""
    states = {blobs.state(file.digest, file.size_bytes) for file in files}
    for state in (OutputState.CORRUPT, OutputState.MISSING):
        if state in states:
            return state
    return OutputState.PRESENT


def copy_folder(blobs: Blobs, files: list[FolderFile], target: Path, empty: Sequence[str]) -> None:
    """Write a stored folder to a path of the caller's own.

    Raises:
        CorruptionError: a file's bytes are missing or not what was recorded.
        EnvironmentFault: the target cannot be written.
    """
    try:
        for folder in (target, *(target / name for name in empty)):
            folder.mkdir(parents=True, exist_ok=True)
    except OSError as cause:
        raise environment_fault(cause, target, "a folder cannot be written") from cause
    for file in files:
        path = target / file.name
        blobs.copy_out(file.digest, path)
        if file.is_executable:
            path.chmod(path.stat().st_mode | 0o111)

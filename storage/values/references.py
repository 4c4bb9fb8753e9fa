"""Which stored bytes each record refers to: the question that garbage collection and examination share.

A record refers to its outputs' blobs, to its figures, and, for a folder, to the
manifest and every file that it lists. Outputs kept inside the record need no blob.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from assetctl.assets.errors import AssetctlError
from assetctl.lineage.facts.records import BlobDigest, Fact, Materialized, Output, Position
from assetctl.lineage.identity.encode import digest_bytes
from assetctl.storage.blobs.blobs import Blobs, own_bytes
from assetctl.storage.blobs.folders import FolderFile, read_manifest
from assetctl.storage.codecs.registry import FOLDER
from assetctl.storage.journal.shapes import is_blob_digest
from assetctl.storage.state.layout import Layout

_HEX_DIGITS = frozenset("0123456789abcdef")


@dataclass(frozen=True, slots=True)
class Version:
    """One output of one recorded materialization."""

    position: Position
    materialization: Materialized
    output: Output


@dataclass(frozen=True, slots=True)
class BlobFile:
    """A file in the blob folder, as a `stat` saw it; times are seconds since 1970."""

    digest: BlobDigest
    path: Path
    size_bytes: int
    modified: float


class References:
    """Finds the blobs that versions need; folder manifests are read once each."""

    def __init__(self, layout: Layout) -> None:
        self._blobs = Blobs(layout)
        self._folders: dict[BlobDigest, tuple[FolderFile, ...]] = {}

    def of(self, version: Version) -> set[BlobDigest]:
        """Return every blob that a version needs; inline values need none."""
        return {digest for digest, _, _ in self.parts(version)}

    def parts(self, version: Version) -> Iterator[tuple[BlobDigest, int | None, str]]:
        """Yield every blob that a version needs, its size where one was recorded, and what it is ("": the value)."""
        for name, digest in version.materialization.figures.items():
            if is_blob_digest(digest):
                yield BlobDigest(digest), None, f"figure {name}"
        output = version.output
        if output.blob is None or output.inline is not None:
            return
        if output.codec != FOLDER:
            yield output.blob, output.size_bytes, ""
            return
        yield output.blob, None, "the list of its files"  # the recorded size is that of all files
        for file in self.files(output):
            yield file.digest, file.size_bytes, f"file {file.name}"

    def files(self, output: Output) -> tuple[FolderFile, ...]:
        """Return the files of an output that is a folder; () for others, and where its manifest cannot be read."""
        if output.codec != FOLDER or output.blob is None:
            return ()
        if output.blob not in self._folders:
            self._folders[output.blob] = self._read_manifest(output.blob)
        return self._folders[output.blob]

    def _read_manifest(self, digest: BlobDigest) -> tuple[FolderFile, ...]:
        path = self._blobs.path(digest)
        try:
            data = own_bytes(path)
            return tuple(read_manifest(digest, data)) if BlobDigest(digest_bytes(data)) == digest else ()
        except (OSError, AssetctlError):
            return ()  # a folder without its manifest cannot be read back, whatever files are left of it


def versions_in(facts: Iterable[tuple[Position, Fact]]) -> Iterator[Version]:
    """Yield every output of every materialization, in the order given."""
    for position, fact in facts:
        if isinstance(fact, Materialized):
            for output in fact.outputs:
                yield Version(position, fact, output)


def stored_files(layout: Layout) -> dict[BlobDigest, BlobFile]:
    """Return the blobs of a project's store and of those it used earlier, each where it is read from."""
    return {file.digest: file for place in reversed(layout.places) for file in blob_files(place)}


def blob_files(layout: Layout) -> Iterator[BlobFile]:
    """Yield what lies in the blob folder under the name of a digest, sorted by digest."""
    for path in sorted(_entries(layout.blobs, depth=2)):
        name = path.parent.name + path.name
        if len(name) == 64 and _HEX_DIGITS.issuperset(name):
            try:
                status = path.lstat()
            except FileNotFoundError:
                continue
            yield BlobFile(BlobDigest(f"b3:{name}"), path, status.st_size, status.st_mtime)


def foreign_files(layout: Layout) -> list[Path]:
    """Return the files in the blob folder whose names are not those of blobs."""
    known = {blob.path for blob in blob_files(layout)}
    return [path for path in sorted(_entries(layout.blobs, depth=2)) if path not in known]


def _entries(folder: Path, depth: int) -> Iterator[Path]:
    if not folder.is_dir() or folder.is_symlink():
        return
    for path in folder.iterdir():
        if depth > 1 and path.is_dir() and not path.is_symlink():
            yield from _entries(path, depth - 1)
        else:
            yield path

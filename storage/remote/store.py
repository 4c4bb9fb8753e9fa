"""The blobs and entries of one remote: downloads are verified, uploads are complete and in order.

    PREFIX/blobs-v1/aa/rest-of-digest                              bytes by BLAKE3 digest
    PREFIX/entries-v1/asset.hash/provenance-digest/entry-digest.json

Everything is immutable and named by its content, so two machines that write the same at
once cannot disturb each other. An entry is put after every blob that it needs.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from blake3 import blake3

from assetctl.assets.ids import Target
from assetctl.lineage.facts.records import BlobDigest, ProvenanceDigest
from assetctl.lineage.identity.encode import PREFIX
from assetctl.storage.remote.entries import MOST_BYTES, entry_folder, entry_name
from assetctl.storage.remote.patience import LOOKUP, Persistent, transfer
from assetctl.storage.remote.transport import Absent, Denied, Transport, Unreachable
from assetctl.storage.state.format import environment_fault
from assetctl.storage.state.modes import open_new

_PART_BYTES = 8 << 20
_MOST_ENTRIES = 32  # of one provenance that are looked at


class WrongBytes(Exception):
    """The bytes stored under a digest have a different digest."""


class RemoteStore:
    """Reads give up after seconds, transfers after a time that fits their size; both for good."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self.reading = Persistent()
        self.writing = Persistent()

    @property
    def where(self) -> str:
        return self._transport.where

    def check(self) -> None:
        """Check that the remote answers, by asking for a name that it never has."""
        self.reading.call(LOOKUP, lambda s: self._transport.size("format", s))

    def size(self, digest: BlobDigest) -> int | None:
        """Return the size of a blob there, or None."""
        return self.reading.call(LOOKUP, lambda s: self._transport.size(_blob_name(digest), s))

    def fetch(self, digest: BlobDigest, size_bytes: int, target: Path) -> None:
        """Download a blob's bytes to a new file and verify them.

        No more than `size_bytes` are ever read. If the wrong bytes arrive, they are requested once more.

        Raises:
            Absent: it is not there.
            WrongBytes: they have another hash; the file is gone.
            EnvironmentFault: the disk refused.
        """
        for _ in range(2):
            if self._download(digest, size_bytes, target) == digest:
                return
            target.unlink(missing_ok=True)
        raise WrongBytes(_blob_name(digest))

    def _download(self, digest: BlobDigest, size_bytes: int, target: Path) -> str:
        hasher = blake3()
        try:
            with open(target, "wb", opener=open_new) as file:
                for start in range(0, size_bytes, _PART_BYTES):
                    wanted = min(_PART_BYTES, size_bytes - start)
                    part = self._part(_blob_name(digest), start, wanted)[:wanted]
                    hasher.update(part)
                    file.write(part)
        except OSError as cause:
            target.unlink(missing_ok=True)
            raise environment_fault(cause, target, "a fetched blob cannot be written") from cause
        except BaseException:
            target.unlink(missing_ok=True)
            raise
        return PREFIX + hasher.hexdigest()

    def _part(self, name: str, start: int, n_bytes: int) -> bytes:
        return self.reading.call(transfer(n_bytes), lambda s: self._transport.read(name, start, n_bytes, s))

    def put_blob(self, digest: BlobDigest, path: Path, *, anew: bool) -> int:
        """Upload a blob unless it is there; return how many bytes that took. `anew`: what is there is wrong."""
        name, size_bytes = _blob_name(digest), path.stat().st_size
        self._require_answering()
        if not anew and self.writing.call(LOOKUP, lambda s: self._transport.size(name, s)) == size_bytes:
            return 0
        self._put(size_bytes, lambda s: self._transport.put_file(name, path, s))
        return size_bytes

    def entries(self, step: Target, provenance: ProvenanceDigest) -> list[tuple[str, bytes]]:
        """Return name and bytes of the files that answer for a provenance, or claim to."""
        folder = entry_folder(step, provenance)
        names = self.reading.call(LOOKUP, lambda s: self._transport.names(folder, s))
        paths = [f"{folder}/{name}" for name in sorted(names) if name.endswith(".json")][:_MOST_ENTRIES]
        files = [(path, self._whole_entry(path)) for path in paths]
        return [(path, data) for path, data in files if data is not None]

    def _whole_entry(self, path: str) -> bytes | None:
        """Return the bytes of an entry; of one that is too large, one byte more than is allowed."""
        try:
            return self.reading.call(LOOKUP, lambda s: self._transport.read(path, 0, MOST_BYTES + 1, s))
        except Absent:
            return None

    def put_entry(self, step: Target, provenance: ProvenanceDigest, data: bytes) -> None:
        """Put an entry; every blob that it needs is there already."""
        name = f"{entry_folder(step, provenance)}/{entry_name(data)}"
        self._put(len(data), lambda s: self._transport.put_bytes(name, data, s))

    def _put(self, n_bytes: int, put: Callable[[float], None]) -> None:
        self._require_answering()
        try:
            self.writing.call(transfer(n_bytes), put)
        except Absent as cause:  # a bucket that does not exist
            self.writing.down = Denied(f"what it names does not exist ({cause})")
            raise self.writing.down from cause

    def _require_answering(self) -> None:
        """Fail at once if the remote has not answered before."""
        if isinstance(self.reading.down, Unreachable):
            raise Unreachable(str(self.reading.down))


def _blob_name(digest: BlobDigest) -> str:
    digits = digest.removeprefix(PREFIX)
    return f"blobs-v1/{digits[:2]}/{digits[2:]}"

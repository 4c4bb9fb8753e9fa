"""Download blobs from a shared cache: each is asked for and fetched at most once, and verified.

A blob whose hash is not its name is deleted, never adopted, and reported; from then on
it counts as missing, so that whatever needs it is built.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from concurrent.futures import Future

from assetctl.engine.sharing.background import Background
from assetctl.engine.sharing.remote_link import RemoteLink
from assetctl.lineage.facts.records import BlobDigest, Output
from assetctl.lineage.facts.snapshot import OutputState
from assetctl.storage.blobs.blobs import Blobs
from assetctl.storage.remote.store import WrongBytes
from assetctl.storage.remote.transport import Absent, RemoteFault

_N_AT_ONCE = 8


class Incoming:
    """Implements `storage.blobs.Elsewhere`: blobs that are not here and that the remote may have."""

    def __init__(self, link: RemoteLink, blobs: Blobs) -> None:
        self._link = link
        self._blobs = blobs
        self._lock = threading.Lock()
        self._sizes: dict[BlobDigest, int | None] = {}
        self._fetches: dict[BlobDigest, Future[bool]] = {}
        self._pool: Background | None = None
        self.wrong: set[BlobDigest] = set()

    def forget(self) -> None:
        """Forget earlier answers, so that what others have uploaded since is seen."""
        with self._lock:
            self._sizes.clear()
            self._fetches = {d: f for d, f in self._fetches.items() if not f.done()}

    def has(self, digest: BlobDigest, size_bytes: int) -> bool:
        """Say whether the remote has a blob of this size; it is asked once."""
        return self._size(digest) == size_bytes

    def bring(self, digest: BlobDigest) -> bool:
        """Fetch a blob that is not here, and say whether it is now."""
        size = self._size(digest)
        return size is not None and self._start(digest, size).result()

    def look(self, outputs: Iterable[Output]) -> None:
        """Ask about all blobs of these outputs that are not here at once, so that `has` need not."""
        absent = {o.blob for o in outputs if o.blob is not None and o.inline is None and not self._is_here(o.blob)}
        if absent:
            for answer in [self._workers().submit(self._size, digest) for digest in absent]:
                answer.result()

    def start(self, sizes: Mapping[BlobDigest, int]) -> list[Future[bool]]:
        """Start fetching the blobs that are not here."""
        absent = {d: n for d, n in sizes.items() if self._blobs.local_state(d, n) is not OutputState.PRESENT}
        return [self._start(digest, n_bytes) for digest, n_bytes in absent.items()]

    def have(self, sizes: Mapping[BlobDigest, int]) -> bool:
        """Fetch all of these blobs that are not here; return False if one of them cannot be fetched.

        Raises:
            EnvironmentFault: the disk refused.
        """
        return all(fetch.result() for fetch in self.start(sizes))

    def close(self) -> None:
        if self._pool is not None:
            self._pool.close()
            self._pool = None
        self.forget()

    def _workers(self) -> Background:
        if self._pool is None:
            self._pool = Background(_N_AT_ONCE, "assetctl-fetch")
        return self._pool

    def _is_here(self, digest: BlobDigest) -> bool:
        return self._blobs.local_state(digest, -1) is not OutputState.MISSING

    def _size(self, digest: BlobDigest) -> int | None:
        if digest in self.wrong:
            return None
        if digest not in self._sizes:
            self._sizes[digest] = self._link.ask(lambda store: store.size(digest), None)
        return self._sizes[digest]

    def _start(self, digest: BlobDigest, size_bytes: int) -> Future[bool]:
        with self._lock:
            if digest not in self._fetches:
                self._fetches[digest] = self._workers().submit(self._fetch, digest, size_bytes)
            return self._fetches[digest]

    def _fetch(self, digest: BlobDigest, size_bytes: int) -> bool:
        store = self._link.store
        if store is None or digest in self.wrong:
            return False
        temporary = self._blobs.temporary()
        try:
            store.fetch(digest, size_bytes, temporary)
            self._blobs.adopt(temporary, digest)
        except WrongBytes:
            self.wrong.add(digest)
            self._link.warn(f"blob `{digest[:11]}` in {store.where} has other bytes than its name says: not used")
            return False
        except Absent:
            return False
        except RemoteFault as fault:
            self._link.fail(fault)
            return False
        return True

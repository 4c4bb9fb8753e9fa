"""Upload results to the shared cache: in the background, blobs first, the entry last.

What is to be uploaded is written down first (`.assetctl/unshared-v1`) and crossed out
when it is there, so a run that is killed, or finds the remote down, leaves it to the
next one. Nothing here can fail a run: what did not work is a warning.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, wait
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from assetctl.assets.errors import AssetctlError, CorruptionError
from assetctl.engine.sharing.background import Background
from assetctl.engine.sharing.remote_link import RemoteLink
from assetctl.lineage.deciding.events import Event, ResultsShared, Warned
from assetctl.lineage.facts.records import BlobDigest, Materialized, Position
from assetctl.storage.blobs.blobs import Blobs
from assetctl.storage.remote.entries import BadEntry, entry_name, read_entry, write_entry
from assetctl.storage.remote.store import RemoteStore
from assetctl.storage.remote.transport import RemoteFault
from assetctl.storage.state.layout import Layout
from assetctl.storage.state.modes import make_folders
from assetctl.storage.state.regular import read_regular
from assetctl.storage.state.whole import write_whole
from assetctl.storage.values.references import References, Version

_N_RESULTS, _N_BLOBS = 4, 8  # at once
_SAYS_AFTER_S = 1.0
_POLL_S = 0.1

Sign = Callable[[bytes], tuple[str, bytes]]


@dataclass(slots=True)
class Uploads:
    """Uploads to the remote. `wrong` holds blobs that are known to be damaged there; they are uploaded again."""

    link: RemoteLink
    layout: Layout
    blobs: Blobs
    signer: Callable[[], Sign | None]
    wrong: set[BlobDigest]
    _results: Background | None = None
    _parts: Background | None = None
    _under_way: list[Future[int | None]] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _n_blobs: int = 0

    def add(self, fact: Materialized) -> None:
        """Write down that a result is to be uploaded, and begin to in the background."""
        try:
            path = self._written_down(fact)
        except (OSError, AssetctlError) as cause:
            self.link.warn(f"the result of `{fact.step}` is not uploaded: {cause}")
        else:
            self._submit(partial(self._upload, path))

    def resume(self) -> None:
        """Upload what earlier runs could not."""
        for path in sorted(self.layout.unshared.glob("*.json")):
            self._submit(partial(self._upload, path))

    def settle(self, is_cancelled: Callable[[], bool]) -> Iterator[Event]:
        """Wait until every upload is done or has failed, and report how it went; cancelling ends the wait."""
        began, has_said = time.monotonic(), False
        waiting = set(self._under_way)
        while waiting and not is_cancelled():
            waiting = wait(waiting, timeout=_POLL_S).not_done
            if waiting and not has_said and time.monotonic() - began > _SAYS_AFTER_S:
                has_said = True
                yield ResultsShared(self.link.remote, len(self._under_way) - len(waiting), len(waiting), 0, 0)
        sizes = [n for future in self._under_way if future not in waiting and (n := future.result()) is not None]
        n_left = len(self._under_way) - len(sizes)
        self.close()
        if sizes:
            yield ResultsShared(self.link.remote, len(sizes), 0, self._n_blobs, sum(sizes))
        if n_left:
            results = "1 result was" if n_left == 1 else f"{n_left} results were"
            hint = "`assetctl push` uploads what is left, and so does the next run that builds something"
            yield Warned(f"{results} not uploaded to {self.link.remote}", hint)
        self._n_blobs = 0

    def close(self) -> None:
        """Start nothing more."""
        for pool in (self._results, self._parts):
            if pool is not None:
                pool.close()
        self._results = self._parts = None
        self._under_way = []

    def _submit(self, task: Callable[[Background], int | None]) -> None:
        if self._results is None or self._parts is None:
            self._results = Background(_N_RESULTS, "assetctl-share")
            self._parts = Background(_N_BLOBS, "assetctl-upload")
        self._under_way.append(self._results.submit(self._tried, task, self._parts))

    def _tried(self, task: Callable[[Background], int | None], parts: Background) -> int | None:
        """Return how many bytes an upload took, or None (after a warning) if it failed."""
        try:
            return task(parts)
        except RemoteFault as fault:
            self.link.fail(fault)
        except Exception as cause:  # noqa: BLE001  sharing a result never fails the run that made it
            self.link.warn(f"a result was not uploaded: {type(cause).__name__}: {cause}")
        return None

    def _written_down(self, fact: Materialized) -> Path:
        """Write an entry into the folder of what is to be uploaded and return its path.

        It survives a kill; after a power loss `push` finds what is missing.
        """
        data = write_entry(fact, self._sizes(fact), self.signer())
        path = self.layout.unshared / entry_name(data)
        make_folders(path.parent)
        write_whole(path, data, durable=False)
        return path

    def _sizes(self, fact: Materialized) -> dict[BlobDigest, int]:
        references = References(self.layout)
        needed = {d for o in fact.outputs for d in references.of(Version(Position(0, ""), fact, o))}
        return {digest: self.layout.blob(digest).stat().st_size for digest in sorted(needed)}

    def _upload(self, path: Path, parts: Background) -> int | None:
        """Upload the blobs that a written-down entry needs, then the entry."""
        store = self.link.store
        if store is None:
            return None
        try:
            data = read_regular(path)
            entry = read_entry(data)
            n_bytes = self._put_blobs(store, list(entry.sizes), parts)
        except FileNotFoundError:  # another process has uploaded it
            return 0
        except (CorruptionError, BadEntry):  # its bytes are gone or damaged here: there is nothing to share any more
            path.unlink(missing_ok=True)
            raise
        store.put_entry(entry.fact.step, entry.fact.provenance.digest, data)
        path.unlink(missing_ok=True)
        return n_bytes + len(data)

    def _put_blobs(self, store: RemoteStore, digests: list[BlobDigest], parts: Background) -> int:
        """Upload every blob and return how many bytes that took; if one fails, its error is raised."""
        sizes = [part.result() for part in [parts.submit(self._put_blob, store, digest) for digest in digests]]
        with self._lock:
            self._n_blobs += sum(size > 0 for size in sizes)
        return sum(sizes)

    def _put_blob(self, store: RemoteStore, digest: BlobDigest) -> int:
        n_bytes = store.put_blob(digest, self.blobs.open_verified(digest), anew=digest in self.wrong)
        self.wrong.discard(digest)
        return n_bytes

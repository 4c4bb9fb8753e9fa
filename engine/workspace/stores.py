"""The stores of one project, bound together; opened on first use, never held across a person's code."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from assetctl.assets.codec import Codec
from assetctl.engine.sharing.port import NotShared, Sharing
from assetctl.engine.sharing.settings import RemoteSettings
from assetctl.engine.workspace.observation import Observer
from assetctl.lineage.facts.records import Output
from assetctl.lineage.facts.snapshot import OutputState
from assetctl.storage.blobs.blobs import Blobs
from assetctl.storage.blobs.file_digests import FileDigests
from assetctl.storage.journal.journal import FileJournal
from assetctl.storage.lineage_store.store import DuckLineageStore
from assetctl.storage.state.layout import Layout
from assetctl.storage.values.store import BlobDataStore

if TYPE_CHECKING:
    from assetctl.engine.sharing.shared_cache import SharedCache


class Stores:
    """Journal (the truth), lineage store (folded from it), data store (values by content)."""

    def __init__(
        self,
        layout: Layout,
        own_codecs: Callable[[], Sequence[type[Codec]]],
        remote: RemoteSettings | None = None,
    ) -> None:
        self.layout = layout
        self.journal = FileJournal(layout)
        self.lineage = DuckLineageStore(layout, self.journal)
        self.data = BlobDataStore(layout, own_codecs)
        self.digests = FileDigests(layout.cache)
        self.cache = _shared_cache(remote, layout, self.data.blobs) if remote is not None else None
        self.folded_sizes: dict[str, int] = {}  # of the journal, no later than what is folded

    def refresh(self) -> None:
        """Fold what was recorded since the last look."""
        if self.cache is not None:
            self.cache.begin()
        self.folded_sizes = dict(self.journal.sizes())
        self.lineage.refresh()

    @property
    def sharing(self) -> Sharing:
        """Results that other machines made, and the upload of ours."""
        return self.cache or NotShared()

    def look(self, outputs: Iterable[Output]) -> None:
        """Ask the shared cache for all of these outputs that are not here at once, rather than one by one later."""
        if self.cache is not None:
            self.cache.incoming.look(outputs)

    def state_here(self, output: Output) -> OutputState:
        """Say whether an output's bytes are on this machine; the shared cache is not asked about those lost earlier."""
        if self.cache is not None and output.blob is not None and output.inline is None:
            state = self.data.blobs.local_state(output.blob, output.size_bytes)
            if state is OutputState.MISSING:
                return state
        return self.data.state(output)

    def observer(self, root: Path) -> Observer:
        return Observer(root, self.digests, self.layout.cache)

    def close(self) -> None:
        """End what still goes on in the background."""
        if self.cache is not None:
            self.cache.close()

    @property
    def warnings(self) -> tuple[str, ...]:
        return (*self.lineage.warnings, *(self.cache.warnings if self.cache is not None else ()))


def _shared_cache(remote: RemoteSettings, layout: Layout, blobs: Blobs) -> SharedCache:
    from assetctl.engine.sharing.shared_cache import SharedCache  # threads and signatures, for projects that share

    return SharedCache(remote, layout, blobs)

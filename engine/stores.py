"""The stores of one project, bound together; opened on first use, never held across a person's code."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from assetctl.assets.codec import Codec
from assetctl.engine.observation import Observer
from assetctl.storage.data import BlobDataStore
from assetctl.storage.files import FileDigests
from assetctl.storage.journal import FileJournal
from assetctl.storage.layout import Layout
from assetctl.storage.lineage_db import DuckLineageStore


class Stores:
    """Journal (the truth), lineage store (folded from it), data store (values by content)."""

    def __init__(self, layout: Layout, own_codecs: Callable[[], Sequence[type[Codec]]]) -> None:
        self.layout = layout
        self.journal = FileJournal(layout)
        self.lineage = DuckLineageStore(layout, self.journal)
        self.data = BlobDataStore(layout, own_codecs)
        self.digests = FileDigests(layout.cache)
        self.folded_sizes: dict[str, int] = {}  # of the journal, no later than what is folded

    def refresh(self) -> None:
        """Fold what was recorded since the last look."""
        self.folded_sizes = dict(self.journal.sizes())
        self.lineage.refresh()

    def observer(self, root: Path) -> Observer:
        return Observer(root, self.digests, self.layout.cache)

    @property
    def warnings(self) -> list[str]:
        return self.lineage.warnings

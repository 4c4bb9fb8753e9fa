"""The data store: values stored by content, each with a codec that restores it.

It connects writing and reading to the blobs of one state folder. Every load returns a fresh
value, which the consumer may change.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from assetctl.assets.codec import Codec
from assetctl.lineage.facts.ports import Stored, Wanted
from assetctl.lineage.facts.records import BlobDigest, Output, ProvenanceDigest
from assetctl.lineage.facts.snapshot import OutputState
from assetctl.storage.blobs.blobs import Blobs
from assetctl.storage.codecs.registry import Codecs
from assetctl.storage.state.layout import Layout
from assetctl.storage.values.figures import picture_bytes
from assetctl.storage.values.reading import OutputReader
from assetctl.storage.values.writing import OutputWriter


class BlobDataStore:
    """`ports.DataStore` over the blobs of one state folder. `own` returns the codecs that its project declares."""

    def __init__(self, layout: Layout, own: Callable[[], Sequence[type[Codec]]] = tuple) -> None:
        self.blobs = Blobs(layout)
        codecs = Codecs(own)
        self._writer = OutputWriter(self.blobs, codecs)
        self._reader = OutputReader(self.blobs, codecs)

    def put(self, value: object, *, codec: str | None, unordered: bool, provenance: ProvenanceDigest) -> Stored:
        """Identify, encode and keep a value; durable on return.

        Raises:
            AssetFailed: no codec takes the value, or none gives it back unchanged.
            DeclarationError: there is no codec of that name.
            EnvironmentFault: the disk refused; nothing was recorded.
        """
        return self._writer.put(value, codec=codec, unordered=unordered, provenance=provenance)

    def load(self, output: Output, wanted: Wanted) -> Any:
        """Return a fresh value decoded from verified bytes.

        A path is a copy below the state folder's temporary folder, the caller's to change and delete.

        Raises:
            AssetFailed: the value has no such columns, or cannot be given in that form.
            CorruptionError: the bytes are not what was recorded; they were set aside.
        """
        return self._reader.load(output, wanted)

    def state(self, output: Output) -> OutputState:
        """Say whether the bytes are there, without reading them."""
        return self._reader.state(output)

    def put_figure(self, figure: object) -> BlobDigest:
        """Keep a picture and return its blob digest.

        Raises:
            AssetFailed: it is no picture.
        """
        return self.blobs.put_bytes(picture_bytes(figure))

    def extension(self, output: Output) -> str:
        """Return what a file of an output's bytes is called (".parquet"); "" where that is not known."""
        return self._reader.extension(output)

    def export(self, output: Output, target: Path) -> None:
        """Write the asset in its ordinary format; never a hard link to the store."""
        self._reader.export(output, target)

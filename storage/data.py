"""The data store: values by content, encoded by the codec that gives them back.

THE RULE: what is kept decodes to the same data version as what was put, or putting
fails. Every load gives a fresh value, the consumer's own to change. Encoded values of
at most 4 KB stay inside the record; tables are always files.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from assetctl.assets.errors import AssetFailed, Problem
from assetctl.lineage.identity.encode import Framed
from assetctl.lineage.identity.values import Unencodable, identify_value
from assetctl.lineage.identity.walk import type_name
from assetctl.lineage.ports import Stored, Wanted
from assetctl.lineage.records import BlobDigest, DataVersion, Output, OutputState, ProvenanceDigest, ValueIdentity
from assetctl.storage.blobs import Blobs
from assetctl.storage.codecs.base import Codec, Encoded, NotEncodable
from assetctl.storage.codecs.carried import carried_classes
from assetctl.storage.codecs.registry import NONE, PARQUET, codec_for
from assetctl.storage.figures import picture_bytes
from assetctl.storage.layout import Layout
from assetctl.storage.paths import put_path
from assetctl.storage.reading import OutputReader
from assetctl.storage.sink import Sink

INLINE_BYTES = 4096
PICKLE = "pickle/1"
_ONLY_WITH_IDENTITY = frozenset(("parquet/1", "arrow-ipc/1", "csv/1", "json/1", "numpy/1", "skops/1"))
"""Codecs that could lose something of a value, and are used only where that would be noticed."""


class BlobDataStore:
    """`ports.DataStore` over the blobs of one state folder."""

    def __init__(self, layout: Layout) -> None:
        self.blobs = Blobs(layout)
        self._reader = OutputReader(self.blobs)

    def put(self, value: object, *, codec: str | None, unordered: bool, provenance: ProvenanceDigest) -> Stored:
        """Identify, encode and keep a value; durable on return.

        Raises:
            AssetFailed: no codec takes the value, or none gives it back unchanged.
            DeclarationError: there is no codec of that name.
            EnvironmentFault: the disk refused; nothing was recorded.
        """
        codecs = codec_for(value, codec)
        if value is None:
            return Stored(ValueIdentity(DataVersion(provenance), "none", basis="provenance"), NONE, None, 0)
        if isinstance(value, Path):
            return put_path(self.blobs, value)
        if type_name(type(value)) == "pyarrow.lib.RecordBatchReader":
            return self._put_stream(value, unordered=unordered)
        try:
            identity, unknown = identify_value(value, unordered=unordered), None
        except Unencodable as refused:
            identity, unknown = None, refused
        reasons: list[str] = []
        for candidate in codecs:
            try:
                return self._put_with(candidate, value, identity, unordered=unordered)
            except NotEncodable as refused:
                reasons.append(f"{candidate.name.partition('/')[0]}: {refused}")
        raise _cannot_be_stored(value, unknown, reasons, codec)

    def _put_with(self, codec: Codec, value: object, identity: ValueIdentity | None, *, unordered: bool) -> Stored:
        if not codec.takes(value):
            raise NotEncodable(f"it does not take a `{type_name(type(value))}`")
        is_lossless = codec.is_lossless(value)
        if identity is None and not is_lossless and codec.name in _ONLY_WITH_IDENTITY:
            raise NotEncodable("it could lose part of a value that has no defined identity")
        with Sink(self.blobs) as sink:
            codec.encode(value, sink.stream)
            if identity is None:
                identity = _blob_identity(value, sink.digest)
            elif not is_lossless:
                _check_same(codec, sink.encoded(), identity, unordered=unordered)
            if codec.name == PICKLE:
                identity = replace(identity, classes=carried_classes(value))
            if codec.may_inline and sink.size_bytes <= INLINE_BYTES:
                return Stored(identity, codec.name, sink.digest, sink.size_bytes, sink.encoded().read())
            return Stored(identity, codec.name, sink.keep(), sink.size_bytes)

    def _put_stream(self, reader: Any, *, unordered: bool) -> Stored:
        """Keep a `RecordBatchReader`'s rows, holding a batch of them at a time."""
        if unordered:  # rows are compared as a whole
            return self.put(reader.read_all(), codec=None, unordered=True, provenance=ProvenanceDigest(""))
        from assetctl.lineage.identity.tables import TableHasher

        hasher = TableHasher(reader.schema)
        with Sink(self.blobs) as sink:
            PARQUET.write_stream(reader, hasher, sink.stream)
            identity = hasher.finish()
            again = TableHasher(reader.schema)
            for batch in PARQUET.read_stream(sink.encoded(), ()):
                again.feed(batch)
            if again.finish().version != identity.version:
                raise _cannot_be_stored(reader, None, ["parquet: it does not give these columns back"], "parquet")
            return Stored(identity, PARQUET.name, sink.keep(), sink.size_bytes)

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

    def export(self, output: Output, target: Path) -> None:
        """Write the asset in its ordinary format; never a hard link to the store."""
        self._reader.export(output, target)


def _blob_identity(value: object, blob: BlobDigest) -> ValueIdentity:
    kind = f"object:{type_name(type(value))}"
    version = Framed("av/1").tag("blob").text(kind).child(blob).hexdigest()
    return ValueIdentity(DataVersion(version), kind, basis="blob")


def _check_same(codec: Codec, encoded: Encoded, identity: ValueIdentity, *, unordered: bool) -> None:
    try:
        decoded = codec.decode(encoded, identity.kind, ())
        same = identify_value(decoded, unordered=unordered).version == identity.version
    except Exception as cause:
        raise NotEncodable(f"what it wrote cannot be read back: {cause}") from cause
    if not same:
        raise NotEncodable("it does not give the same value back")


def _cannot_be_stored(
    value: object, unknown: Unencodable | None, reasons: list[str], override: str | None
) -> AssetFailed:
    facts = [("tried", reason) for reason in reasons]
    if unknown is not None and unknown.where:
        facts.insert(0, ("it holds", f"a `{unknown.type_name}` at {unknown.where}"))
    hint = "return a table, an array, JSON-able data, bytes, text or a Path"
    hint += "; or leave `codec=` away" if override else '; or make it picklable and give `codec="pickle"`'
    return AssetFailed(Problem(f"a value of type `{type_name(type(value))}` cannot be stored", tuple(facts), hint))

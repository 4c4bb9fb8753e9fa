"""Write values: identify them, and store them with the first codec that restores them.

The rule: what is stored decodes to the same data version as the value, or storing it fails.
A value without an identity of its own has its stored bytes as version, and must decode to
the same class. Encoded values of at most 4 KB stay inside
the record; tables are always files.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from assetctl.assets.errors import AssetctlError, AssetFailed, Problem
from assetctl.lineage.facts.ports import Stored
from assetctl.lineage.facts.records import BlobDigest, DataVersion, ProvenanceDigest, ValueIdentity
from assetctl.lineage.identity.encode import Framed
from assetctl.lineage.identity.values.identify import identify_pickled, identify_value
from assetctl.lineage.identity.values.walk import Unencodable, type_name
from assetctl.storage.blobs.blobs import Blobs
from assetctl.storage.codecs.base import Codec, Encoded, NotEncodable, is_refusal, said
from assetctl.storage.codecs.carried import carried_classes, first_party_names
from assetctl.storage.codecs.encoded_pickles import names_in_texts
from assetctl.storage.codecs.own import OwnCodec
from assetctl.storage.codecs.pickled_names import names_in_text
from assetctl.storage.codecs.plain import dumps, shown_as_html
from assetctl.storage.codecs.registry import NONE, PICKLE, Codecs
from assetctl.storage.codecs.unpicklable import find_unpicklable
from assetctl.storage.values.paths import put_path
from assetctl.storage.values.same_types import difference
from assetctl.storage.values.sink import Sink
from assetctl.storage.values.streams import as_stream, put_stream

INLINE_BYTES = 4096
SKOPS, HTML = "skops/1", "html/1"
_ONLY_WITH_IDENTITY = frozenset(("parquet/1", "arrow-ipc/1", "csv/1", "json/1", "numpy/1", "skops/1"))
"""Codecs that could lose something of a value, and are used only where that would be noticed."""

_INSTEAD = {
    "polars.lazyframe.frame.LazyFrame": "it is a query, not data: return `frame.collect()`",
    "_duckdb.DuckDBPyConnection": "it is a connection, not data: return `connection.sql(...).to_arrow_table()`",
}
"""What to return instead of values that stand for data somewhere else."""


class OutputWriter:
    """Keeps values in one store."""

    def __init__(self, blobs: Blobs, codecs: Codecs) -> None:
        self._blobs = blobs
        self._codecs = codecs

    def put(self, value: object, *, codec: str | None, unordered: bool, provenance: ProvenanceDigest) -> Stored:
        """Identify, encode and keep a value; durable on return.

        Raises:
            AssetFailed: no codec takes the value, or none gives it back unchanged.
            DeclarationError: there is no codec of that name.
            EnvironmentFault: the disk refused; nothing was recorded.
        """
        codecs = self._codecs.for_value(value, codec)
        if value is None:
            return Stored(ValueIdentity(DataVersion(provenance), "none", basis="provenance"), NONE, None, 0)
        if isinstance(value, Path):
            return put_path(self._blobs, value)
        stream = None if isinstance(codecs[0], OwnCodec) else as_stream(value)
        if stream is not None and codec is None and not unordered:
            return put_stream(self._blobs, stream)
        return self._put(value if stream is None else stream.read_all(), codecs, override=codec, unordered=unordered)

    def _put(self, value: object, codecs: list[Codec], *, override: str | None, unordered: bool) -> Stored:
        reasons: list[tuple[Codec, str]] = []
        unknown: Unencodable | None = None
        try:
            shown = shown_as_html(value) if codecs[0].name == HTML else value
            identity, unknown = _identify(codecs[0], shown, unordered=unordered)
        except NotEncodable as refused:
            raise _cannot_be_stored(value, None, [(codecs[0], str(refused))], override) from refused
        for candidate in codecs:
            try:
                stored = self._put_with(candidate, shown, identity, unordered=unordered)
            except NotEncodable as refused:
                reasons.append((candidate, str(refused)))
            else:
                return replace(stored, notes=_notes(stored, reasons))
        raise _cannot_be_stored(value, unknown, reasons, override)

    def _put_with(self, codec: Codec, value: object, identity: ValueIdentity | None, *, unordered: bool) -> Stored:
        name = type_name(type(value))
        if not codec.takes(value):
            raise NotEncodable(f"it does not take a `{name}`")
        if name in _INSTEAD and not isinstance(codec, OwnCodec):
            raise NotEncodable(_INSTEAD[name])
        is_lossless = codec.is_lossless(value)
        if identity is None and not is_lossless and codec.name in _ONLY_WITH_IDENTITY:
            raise NotEncodable("it could lose part of a value that has no defined identity")
        with Sink(self._blobs) as sink:
            _encode(codec, value, sink)
            if not is_lossless:
                identity = _checked(codec, value, sink.encoded(), identity, unordered=unordered)
            if identity is None:
                identity = _pickled_identity(codec, sink) or _blob_identity(value, sink.digest)
            identity = _with_classes(codec, value, sink, identity)
            if codec.may_inline and sink.size_bytes <= INLINE_BYTES:
                return Stored(identity, codec.name, sink.digest, sink.size_bytes, sink.encoded().read())
            return Stored(identity, codec.name, sink.keep(), sink.size_bytes)


def _encode(codec: Codec, value: object, sink: Sink) -> None:
    """Write a value; whatever a library raises means that its codec does not take it, and that the next one is tried.

    Raises:
        NotEncodable: it does not fit.
        EnvironmentFault: the disk refused.
    """
    if isinstance(codec, OwnCodec):  # what a person's own code raises is theirs to see
        codec.encode(value, sink.stream)
        return
    try:
        codec.encode(value, sink.stream)
    except (NotEncodable, AssetctlError, MemoryError):
        raise
    except BaseException as cause:
        if sink.fault is not None:
            raise sink.fault from cause
        if not is_refusal(cause):
            raise
        raise NotEncodable(f"{type(cause).__name__}: {said(cause)}") from cause


def _identify(codec: Codec, value: object, *, unordered: bool) -> tuple[ValueIdentity | None, Unencodable | None]:
    if isinstance(codec, OwnCodec):
        return codec.identity(value, unordered=unordered), None
    try:
        return identify_value(value, unordered=unordered, sharing=True), None
    except Unencodable as refused:
        return None, refused
    except BaseException as cause:  # a library that fails to say what its value is leaves it without an identity
        if not is_refusal(cause):
            raise
        return None, Unencodable("", type_name(type(value)))


def _with_classes(codec: Codec, value: object, sink: Sink, identity: ValueIdentity) -> ValueIdentity:
    """Add the first-party classes and functions whose code runs where the value is read."""
    in_texts = set() if isinstance(codec, OwnCodec) else names_in_texts(value)
    if codec.name == PICKLE:
        carried = carried_classes(value, sink.encoded().read())
        return replace(identity, classes=tuple(sorted(in_texts.union(carried))))
    if type(value) is bytes:
        return replace(identity, classes=tuple(sorted(in_texts.union(names_in_text(value)))))
    if in_texts:
        return replace(identity, classes=tuple(sorted(in_texts)))
    if isinstance(codec, OwnCodec):
        return replace(identity, classes=first_party_names((codec.declared, type(value))))
    return identity


def _pickled_identity(codec: Codec, sink: Sink) -> ValueIdentity | None:
    """Identify a value by what its pickle gives back: that is what readers get."""
    if codec.name != PICKLE:
        return None
    try:
        return identify_pickled(codec.decode(sink.encoded(), "", ()))
    except BaseException as cause:  # a person's or library's own code ran
        if not is_refusal(cause):
            raise
        return None


def _blob_identity(value: object, blob: BlobDigest) -> ValueIdentity:
    kind = f"object:{type_name(type(value))}"
    version = Framed("av/1").tag("blob").text(kind).child(blob).hexdigest()
    return ValueIdentity(DataVersion(version), kind, basis="blob")


def _checked(
    codec: Codec, value: object, encoded: Encoded, identity: ValueIdentity | None, *, unordered: bool
) -> ValueIdentity | None:
    """Decode what was written, compare, and return the identity of what readers get.

    Raises:
        NotEncodable: it cannot be read back, or gives something else.
    """
    kind = identity.kind if identity is not None else type_name(type(value))
    try:
        decoded = codec.decode(encoded, kind, ())
        again, _ = (None, None) if identity is None else _identify(codec, decoded, unordered=unordered)
    except BaseException as cause:
        if not is_refusal(cause):
            raise
        raise NotEncodable(f"what it wrote cannot be read back: {type(cause).__name__}: {said(cause)}") from cause
    if identity is not None:
        if again is None or (
            again.version != identity.version and not _differ_in_sharing(codec, value, decoded, unordered)
        ):
            raise NotEncodable("it does not give the same value back")
        return again
    other = difference(value, decoded)
    if other:
        raise NotEncodable(f"it gives {other}")
    if isinstance(codec, OwnCodec) and not codec.agrees(encoded, decoded, value):
        raise NotEncodable("it does not give the same value back: encoded again, that is other bytes")
    return None


def _differ_in_sharing(codec: Codec, value: object, decoded: object, unordered: bool) -> bool:
    """Say whether the only difference is which parts are one object: readers get it as it was decoded, which counts."""
    if isinstance(codec, OwnCodec):
        return False
    one, other = (identify_value(each, unordered=unordered) for each in (value, decoded))
    return one.version == other.version


def _notes(stored: Stored, reasons: list[tuple[Codec, str]]) -> tuple[str, ...]:
    """Say what a person should know about how a value was kept: a model that skops refused is a pickle."""
    if stored.codec != PICKLE:
        return ()
    return tuple(f"is kept as a pickle: {reason}" for codec, reason in reasons if codec.name == SKOPS)


def _cannot_be_stored(
    value: object, unknown: Unencodable | None, reasons: list[tuple[Codec, str]], override: str | None
) -> AssetFailed:
    facts = [("tried", f"{codec.name.partition('/')[0]}: {reason}") for codec, reason in reasons]
    name = type_name(type(value))
    where = _culprit(value, unknown, reasons)
    if where is not None:
        facts.insert(0, ("it holds", where))
    hint = "return a table, an array, JSON-able data, bytes, text or a Path"
    if override:
        hint += "; or omit `codec=`"
    else:
        hint += ", or give its type a codec: a subclass of `assetctl.Codec`"
    return AssetFailed(Problem("value-not-storable", f"a value of type `{name}` cannot be stored", tuple(facts), hint))


def _culprit(value: object, unknown: Unencodable | None, reasons: list[tuple[Codec, str]]) -> str | None:
    """Name the part of a value that cannot be kept, if it is not the value itself."""
    if any(codec.name == PICKLE for codec, _ in reasons) and type_name(type(value)) not in _INSTEAD:
        culprit = find_unpicklable(value, dumps)
        if culprit is not None and culprit.where and (unknown is None or culprit.where.startswith(unknown.where)):
            return f"a `{culprit.type_name}` at {culprit.where}"
    return f"a `{unknown.type_name}` at {unknown.where}" if unknown is not None and unknown.where else None

"""The stores in memory: the same contracts as on disk, and stricter.

Facts pass through their JSON form, so a fact that would not survive the journal fails
here too. Values are pickled when put and unpickled at each load: nothing is shared with
the caller, and what cannot be stored is refused at once.
"""

from __future__ import annotations

import json
import pickle
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from assetctl.assets.errors import AssetFailed, CorruptionError, Problem
from assetctl.assets.ids import AssetKey, Target
from assetctl.lineage.facts.ports import Journal, Stored, Wanted
from assetctl.lineage.facts.records import (
    BlobDigest,
    DataVersion,
    Digest,
    Fact,
    Output,
    Pinned,
    Position,
    ProvenanceDigest,
    ValueIdentity,
)
from assetctl.lineage.facts.snapshot import OutputState, Snapshot, Traces
from assetctl.lineage.identity.encode import digest_bytes
from assetctl.lineage.identity.values.identify import identify_value
from assetctl.lineage.identity.values.walk import Unencodable
from assetctl.storage.codecs.carried import carried_classes
from assetctl.storage.journal.wire import from_json, to_json
from assetctl.storage.values.figures import picture_bytes
from tests.storage.reference import Fold

_INLINE_BYTES = 4096


class MemoryJournal:
    """`ports.Journal` in a list. `n_syncs` counts the calls of `sync`."""

    def __init__(self, segment: str = "memory") -> None:
        self.segment = segment
        self.n_syncs = 0
        self._facts: list[Fact] = []

    def append(self, facts: Sequence[Fact]) -> Position:
        """Append facts in order and return the position of the last; none at all is refused."""
        if not facts:
            raise ValueError("an append needs at least one fact")
        self._facts.extend([_as_read_back(fact) for fact in facts])
        return Position(len(self._facts), self.segment)

    def sync(self) -> None:
        """Count the call."""
        self.n_syncs += 1

    def read_since(self, seen: Mapping[str, int]) -> tuple[list[tuple[Position, Fact]], dict[str, int]]:
        """Return facts beyond `seen`, and the new `seen` (which counts facts here, not bytes)."""
        start = seen.get(self.segment, 0)
        new = [(Position(n + 1, self.segment), fact) for n, fact in enumerate(self._facts) if n >= start]
        return new, {**seen, self.segment: len(self._facts)}


class MemoryLineageStore:
    """`ports.LineageStore` over any journal, folded in memory; knows only what `refresh` folded."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._seen: dict[str, int] = {}
        self._fold = Fold()

    def refresh(self) -> None:
        """Fold what the journal has beyond what is folded."""
        facts, self._seen = self._journal.read_since(self._seen)
        for position, fact in facts:
            self._fold.add(position, fact)

    def snapshot(self, targets: Collection[Target]) -> Snapshot:
        """Return what is known about these assets."""
        return self._fold.snapshot(targets)

    def traces(self, targets: Collection[Target]) -> Traces:
        """Return the sound materializations of the steps whose first output is one of `targets`."""
        return self._fold.traces(targets)

    def texts(self) -> frozenset[Digest]:
        """Return the digests of all symbol texts that are recorded."""
        return self._fold.texts()

    def pins(self) -> tuple[Pinned, ...]:
        """Return every pin in force, oldest first."""
        return self._fold.pins()

    def names(self) -> Mapping[AssetKey, tuple[AssetKey, ...]]:
        """Return the names that renamed assets had, by the name they have now."""
        return self._fold.names()


class MemoryDataStore:
    """`ports.DataStore` in a dict of pickles; `lose` and `corrupt` do what a bad disk does."""

    def __init__(self) -> None:
        self._blobs: dict[BlobDigest, bytes] = {}
        self._set_aside: set[BlobDigest] = set()

    def put(self, value: object, *, codec: str | None, unordered: bool, provenance: ProvenanceDigest) -> Stored:
        """Identify and keep a value. Raises AssetFailed if it cannot be pickled."""
        name = codec or "pickle"
        if value is None:
            return Stored(ValueIdentity(DataVersion(provenance), "none", basis="provenance"), "none", None, 0)
        data = _pickled(value)
        blob = BlobDigest(digest_bytes(data))
        self._blobs[blob] = data
        inline = data if len(data) <= _INLINE_BYTES else None
        identity = replace(_identity(value, blob, unordered=unordered), classes=carried_classes(value, data))
        return Stored(identity, name, blob, len(data), inline)

    def load(self, output: Output, wanted: Wanted) -> Any:
        """Return a value of its own. Raises CorruptionError if its bytes are lost or changed."""
        if output.blob is None:
            return None
        data = self._blobs.get(output.blob)
        if data is None or str(digest_bytes(data)) != output.blob:
            what = "missing" if data is None else "not what was recorded"
            if self._blobs.pop(output.blob, None) is not None:
                self._set_aside.add(output.blob)
            raise CorruptionError(Problem("blob-corrupt", f"the stored bytes of `{output.target}` are {what}"))
        value = pickle.loads(data)
        return value.select(list(wanted.columns)) if wanted.columns and hasattr(value, "select") else value

    def state(self, output: Output) -> OutputState:
        """Say whether the bytes are there; a damaged value is noticed by `load` alone."""
        if output.blob is None or output.blob in self._blobs:
            return OutputState.PRESENT
        return OutputState.CORRUPT if output.blob in self._set_aside else OutputState.MISSING

    def put_figure(self, figure: object) -> BlobDigest:
        """Keep a picture and return its blob digest."""
        data = picture_bytes(figure)
        blob = BlobDigest(digest_bytes(data))
        self._blobs[blob] = data
        return blob

    def export(self, output: Output, target: Path) -> None:
        """Write the value as JSON where it is JSON, else its stored bytes."""
        value = self.load(output, Wanted())
        try:
            target.write_text(json.dumps(value), "utf-8")
        except TypeError:
            target.write_bytes(_pickled(value))

    def lose(self, output: Output) -> None:
        """Delete the stored bytes of an output."""
        if output.blob is not None:
            self._blobs.pop(output.blob, None)

    def corrupt(self, output: Output) -> None:
        """Change one stored byte of an output."""
        if output.blob is not None:
            data = self._blobs[output.blob]
            self._blobs[output.blob] = bytes([data[0] ^ 1]) + data[1:]


def _as_read_back(fact: Fact) -> Fact:
    again = from_json(json.loads(json.dumps(to_json(fact))))
    if again != fact:
        raise ValueError(f"this fact would not survive the journal: {fact!r}")
    return again


def _pickled(value: object) -> bytes:
    try:
        return pickle.dumps(value, protocol=5)
    except (pickle.PicklingError, TypeError, AttributeError, ValueError, RecursionError) as cause:
        raise AssetFailed(
            Problem(
                "value-not-storable",
                f"a value of type `{type(value).__qualname__}` cannot be stored",
                (("reason", str(cause)),),
            )
        ) from cause


def _identity(value: object, blob: BlobDigest, *, unordered: bool) -> ValueIdentity:
    try:
        return identify_value(value, unordered=unordered)
    except Unencodable:
        return ValueIdentity(DataVersion(blob), type(value).__qualname__, basis="blob")

"""The seams: what the planner and the run loop need from the world, as small protocols.

`tests/storage/memory.py` implements the stores for tests, stricter than the real ones; one
conformance suite runs against both.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from types import CodeType
from typing import Any, Protocol

from assetctl.assets.ids import AssetKey, Target
from assetctl.lineage.facts.records import (
    BlobDigest,
    Digest,
    Fact,
    Output,
    Pinned,
    Position,
    ProvenanceDigest,
    ValueIdentity,
)
from assetctl.lineage.facts.snapshot import OutputState, Snapshot, Traces


class Clock(Protocol):
    """Time, only ever recorded and shown, never compared to decide anything."""

    def now(self) -> str:
        """Return the current time, aware UTC, as ISO text with microseconds."""
        ...

    def monotonic(self) -> float:
        """Return seconds since some fixed point."""
        ...


class Journal(Protocol):
    """The truth: an append-only sequence of facts."""

    def append(self, facts: Sequence[Fact]) -> Position:
        """Append facts in order and return the position of the last.

        Kill-safe on return; power-safe after `sync`.

        Raises:
            EnvironmentFault: the disk refused; nothing of this call counts as written.
        """
        ...

    def sync(self) -> None:
        """Return once everything appended so far survives a power loss."""
        ...

    def read_since(self, seen: Mapping[str, int]) -> tuple[list[tuple[Position, Fact]], dict[str, int]]:
        """Return facts in journal order that lie beyond `seen`, and the new `seen`.

        `seen` maps a segment to the number of its bytes already read; start with `{}`.
        """
        ...


class LineageStore(Protocol):
    """What was ever recorded, folded for asking. Always derivable from the journal."""

    def refresh(self) -> None:
        """Fold what the journal has beyond what is folded."""
        ...

    def snapshot(self, targets: Collection[Target]) -> Snapshot:
        """Return what is known about these targets; one round trip."""
        ...

    def traces(self, targets: Collection[Target]) -> Traces:
        """Return the sound materializations of the steps whose first output is one of `targets`."""
        ...

    def texts(self) -> frozenset[Digest]:
        """Return the digests of all symbol texts that are recorded."""
        ...

    def pins(self) -> tuple[Pinned, ...]:
        """Return every pin in force, of all assets, oldest first."""
        ...

    def names(self) -> Mapping[AssetKey, tuple[AssetKey, ...]]:
        """Return the names that renamed assets had, by the name they have now, oldest first."""
        ...


@dataclass(frozen=True, slots=True)
class Stored:
    """What storing a value gave: everything of `Output` but the asset it belongs to.

    `notes` say what a person should know about how it was kept; they are told, not recorded.
    """

    value: ValueIdentity
    codec: str
    blob: BlobDigest | None
    size_bytes: int
    inline: bytes | None = None
    notes: tuple[str, ...] = ()

    def as_output(self, target: Target) -> Output:
        return Output(target, self.value, self.codec, self.blob, self.size_bytes, self.inline)


class Form(StrEnum):
    """The container family that a parameter wants its value in; part of its step's definition."""

    STORED = "stored"  # as the asset returned it
    ARROW = "arrow"
    PANDAS = "pandas"
    POLARS = "polars"
    NUMPY = "numpy"
    PATH = "path"
    READER = "reader"  # a `pyarrow.RecordBatchReader`

    @property
    def family(self) -> Form:
        """The form whose library reads a source's file for this one."""
        if self is Form.READER:
            return Form.ARROW
        return Form.PANDAS if self is Form.NUMPY else self


@dataclass(frozen=True, slots=True)
class Wanted:
    """How a parameter wants its value: the container family, and the columns if declared."""

    form: Form = Form.STORED
    columns: tuple[str, ...] = ()


class DataStore(Protocol):
    """Values, kept by content."""

    def put(self, value: object, *, codec: str | None, unordered: bool, provenance: ProvenanceDigest) -> Stored:
        """Identify, encode and keep a value; durable on return.

        `codec` overrides the choice by type. `provenance` is the data version of a `None`.

        Raises:
            AssetFailed: no codec takes the value (the message names its type and the way out).
            EnvironmentFault: the disk refused; nothing was recorded.
        """
        ...

    def load(self, output: Output, wanted: Wanted) -> Any:
        """Return a fresh value decoded from verified bytes.

        Raises:
            CorruptionError: the bytes are not what was recorded; they were set aside.
        """
        ...

    def state(self, output: Output) -> OutputState:
        """Say whether the bytes are there, without reading them."""
        ...

    def put_figure(self, figure: object) -> BlobDigest:
        """Keep a picture (a matplotlib figure, SVG text or PNG bytes) and return its blob digest."""
        ...

    def export(self, output: Output, target: Path) -> None:
        """Write the asset in its ordinary format; never a hard link to the store."""
        ...


class OriginKind(StrEnum):
    """Whose code a module is."""

    PROJECT = "project"  # first-party
    STDLIB = "stdlib"
    DISTRIBUTION = "distribution"
    TOOL = "tool"  # assetctl itself


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a module's code comes from; `distribution` and `version` are "" unless it is of a distribution."""

    kind: OriginKind
    distribution: str = ""
    version: str = ""


class CodeWorld(Protocol):
    """What identity of code needs from outside, handed in so that it stays pure."""

    def origin(self, module: str, file: str | None) -> Origin:
        """Say whose code a module (or a file without one) is."""
        ...

    def original(self, value: object) -> object:
        """Return what a wrapper of this tool stands for, any other value as it is."""
        ...

    def source(self, file: str) -> str | None:
        """Return the source text of a file as it was imported, or None if there is none."""
        ...

    def compiled(self, file: str) -> CodeType | None:
        """Return the module code that was made from `source(file)` when it was imported, or None if it was not kept."""
        ...

    def kept(self, key: str) -> bytes | None:
        """Return what was kept under a key, or None; it may be from long ago, and of another text."""
        ...

    def keep(self, key: str, data: bytes) -> None:
        """Keep bytes under a key, in place of what was there, if there is a place for them; never fails."""
        ...

    def relative(self, file: str) -> str:
        """Return a file's path relative to the project root, for people (unchanged if outside)."""
        ...

    def variable(self, name: str) -> str | None:
        """Return a keyed hash of an environment variable's value, or None if it is unset."""
        ...

    def hidden(self, text: str) -> str:
        """Return a text of a captured value as it may be recorded: without values of environment variables."""
        ...

    def file_digest(self, path: str) -> str | None:
        """Return the digest of a file's bytes (a relative path is the project's), or None if it cannot be read."""
        ...

    def file_text(self, path: str) -> str | None:
        """Return a file's text as it may be recorded, for people; None if it is long, or no text."""
        ...

    def files(self, pattern: str) -> tuple[str, ...]:
        """Return the project's files that match a glob or lie below a folder, relative to its root, sorted."""
        ...

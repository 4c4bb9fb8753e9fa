"""The vocabulary of facts: what identity, the planner, the run loop and the stores exchange.

Everything here is a frozen value. `Inputs` is what the next materialization would be made from and may hold
unknowns; `Provenance` is what one was made from and holds none.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from types import MappingProxyType
from typing import Any, NewType

from assetctl.assets.ids import AssetKey, PartitionKey, Target
from assetctl.lineage.facts.kinds import RunStatus, SymbolKind, UndeclaredKind

Digest = NewType("Digest", str)  # "b3:" + 64 hex digits, like all of the following
CodeVersion = NewType("CodeVersion", str)
DataVersion = NewType("DataVersion", str)
BlobDigest = NewType("BlobDigest", str)  # hash of stored bytes
ProvenanceDigest = NewType("ProvenanceDigest", str)
RunId = NewType("RunId", str)  # time-ordered
MaterializationId = NewType("MaterializationId", str)  # time-ordered

_NOTHING: Mapping[str, Any] = MappingProxyType({})

# --- identity of values --------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ColumnDigest:
    """One column of a table: its name, its type as shown to people, the digest of its values."""

    name: str
    type: str
    digest: Digest


@dataclass(frozen=True, slots=True)
class ValueIdentity:
    """What a value is, independent of how it is stored.

    `kind` names the container ("arrow.Table", "pandas.DataFrame", "polars.DataFrame", "json", "numpy", "bytes",
    "file", ...). `columns` and `n_rows` are given for tables; a pandas index is among the columns, its name prefixed
    with "index:". `basis` says what the version was made from: "content", "pickled" (what pickling makes of an object
    that has no identity by itself), "blob" (stored bytes, where not even that is defined) or "provenance" (a `None`
    result). `classes` names the first-party classes ("module:qualname") whose code is used where the value is loaded.
    """

    version: DataVersion
    kind: str
    n_rows: int | None = None
    columns: tuple[ColumnDigest, ...] = ()
    basis: str = "content"
    unordered: bool = False
    classes: tuple[str, ...] = ()


# --- identity of code ----------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Symbol:
    """A function, class or captured value that an asset's code reaches.

    `name` is what a person would call it ("helpers.scale", "features.THRESHOLD"); `where` is "path:line" relative to
    the project root; `via` is the name of the symbol that reached it first ("" for the asset's own function); `source`
    is its text, or a short rendering of a value. `text` is "" but in what is recorded: there it may be the digest of
    the text, which a `SymbolText` holds, and `source` is "".
    """

    name: str
    kind: SymbolKind | str
    digest: Digest
    where: str
    via: str
    source: str
    text: Digest = Digest("")


@dataclass(frozen=True, slots=True)
class CodeIdentity:
    """What identifying a function gives.

    `distributions` maps reached distributions to their versions; `variables` maps environment variables read by
    constant name to a keyed hash of their value (None: unset). `dynamic` lists places whose control flow cannot be
    resolved, `undecidable` captured values that have no identity; both as "path:line what".
    """

    version: CodeVersion
    symbols: tuple[Symbol, ...] = ()
    distributions: Mapping[str, str] = field(default_factory=lambda: _NOTHING)
    variables: Mapping[str, str | None] = field(default_factory=lambda: _NOTHING)
    dynamic: tuple[str, ...] = ()
    undecidable: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Definition:
    """Code version, build spec, config and environment slice of one step, and their one digest.

    The three mappings keep what a person would call each part (shown when it changes): spec and environment entry ->
    text, config parameter -> canonical JSON.
    """

    digest: Digest
    code: CodeVersion
    spec: Mapping[str, str]
    config: Mapping[str, str]
    environment: Mapping[str, str]


# --- provenance ----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class FanIn:
    """Many partitions of one upstream, read as one input: how many, and one digest of their keys and versions.

    A record that named each would grow with every partition of its upstream.
    """

    n: int
    digest: Digest


@dataclass(frozen=True, slots=True)
class Input:
    """One binding of a step, resolved: which upstream, and which version of it was or would be read.

    `name` is the parameter, or "deps:KEY" for an upstream that is waited for but not read. `version` is the
    upstream's data version, or the digest of the columns or parsed table that the parameter reads; None means not
    known until it is rebuilt. `data_version` is always the whole upstream's (to find its record again).

    Of an upstream with partitions an input reads one (`partition`), or a set of them: then `fan_in` stands for the
    set, its digest is the `version`, and there is no one data version.
    """

    name: str
    upstream: AssetKey
    version: Digest | None
    data_version: DataVersion | None
    is_source: bool = False
    columns: tuple[str, ...] = ()
    classes: tuple[tuple[str, Digest], ...] = ()  # first-party classes within the value, with their code's digests
    aliases: tuple[AssetKey, ...] = field(default=(), compare=False)  # earlier names; the first one is in the digest
    partition: PartitionKey | None = None
    fan_in: FanIn | None = None

    @property
    def target(self) -> Target:
        """What of the upstream is read, where that is one thing."""
        return Target(self.upstream, self.partition)


@dataclass(frozen=True, slots=True)
class Inputs:
    """What the next materialization of a step would be made from; sorted by input name."""

    definition: Definition
    inputs: tuple[Input, ...]
    partition: PartitionKey | None = None


@dataclass(frozen=True, slots=True)
class Provenance:
    """What one materialization was made from. `digest` covers definition, partition key and every input version."""

    digest: ProvenanceDigest
    definition: Definition
    inputs: tuple[Input, ...]
    partition: PartitionKey | None = None


# --- facts, as the journal keeps them -------------------------------------------------


@dataclass(frozen=True, slots=True)
class Output:
    """One target as produced by a step: what it is, and where its bytes are.

    An encoded value of at most 4 KB is kept `inline`; otherwise `blob` names the stored bytes. `blob` is given in
    both cases (the digest of the encoded bytes); it is None only for a `None` result. `is_folder`: the blob is a
    folder of files.
    """

    target: Target
    value: ValueIdentity
    codec: str
    blob: BlobDigest | None
    size_bytes: int
    inline: bytes | None = None


class Trace(Enum):
    """Whether a materialization may answer a later plan."""

    SOUND = "sound"
    INPUT_CHANGED = "input_changed"  # an input changed while the step ran
    CODE_CHANGED = "code_changed"  # another step had changed values that its code captures


@dataclass(frozen=True, slots=True)
class Undeclared:
    """Something a step was seen to use that the static graph of its code lacks; it counts from then on."""

    kind: UndeclaredKind | str
    name: str
    digest: Digest


@dataclass(frozen=True, slots=True)
class Materialized:
    """A step produced (or reused) its outputs. One fact for all outputs, so they appear together.

    `origin` is the materialization whose outputs were reused (restored, or published after its check passed); None when
    the function ran. `published` is False for a candidate held back by a blocking check. Times are aware UTC as ISO
    text.
    """

    id: MaterializationId
    run_id: RunId
    step: Target
    provenance: Provenance
    outputs: tuple[Output, ...]
    started_at: str
    duration_s: float
    published: bool = True
    trace: Trace = Trace.SOUND
    origin: MaterializationId | None = None
    metrics: Mapping[str, float] = field(default_factory=lambda: _NOTHING)
    figures: Mapping[str, str] = field(default_factory=lambda: _NOTHING)  # name -> blob digest of the picture
    links: Mapping[str, str] = field(default_factory=lambda: _NOTHING)
    reasons: tuple[Mapping[str, Any], ...] = ()  # why it ran, as `staleness.to_json` gives them
    python: str = ""
    platform: str = ""
    undeclared: tuple[Undeclared, ...] = ()
    changed: tuple[str, ...] = ()  # names of what changed while it ran

    @property
    def unseen(self) -> tuple[str, ...]:
        """What the step did that watching cannot look into; nothing tells whether it would give the same now."""
        return tuple(used.name for used in self.undeclared if used.kind == UndeclaredKind.UNSEEN)


@dataclass(frozen=True, slots=True)
class StepFailed:
    """An attempt failed; holds only while `provenance` is the current one and nothing newer exists."""

    run_id: RunId
    step: Target
    provenance: ProvenanceDigest
    error_type: str
    message: str
    failed_at: str
    duration_s: float


@dataclass(frozen=True, slots=True)
class CheckRan:
    """A check answered for one data version; reused while check definition and version stay."""

    run_id: RunId
    target: Target
    check: str
    definition: Digest
    data_version: DataVersion
    passed: bool
    blocking: bool
    message: str
    metrics: Mapping[str, float]
    ran_at: str


@dataclass(frozen=True, slots=True)
class SourceObserved:
    """A source was seen with a data version it did not have at the last observation."""

    run_id: RunId
    target: Target
    value: ValueIdentity
    size_bytes: int
    observed_at: str


@dataclass(frozen=True, slots=True)
class SymbolText:
    """The source text of symbols, written once however many code versions reach them."""

    digest: Digest
    text: str


@dataclass(frozen=True, slots=True)
class CodeRecorded:
    """The symbols behind a code version, written once per code version; long texts are `SymbolText`s."""

    code: CodeVersion
    symbols: tuple[Symbol, ...]


@dataclass(frozen=True, slots=True)
class RunStarted:
    """A run began to record. `branch` and `commit` are git's where the project lies; "" if there is none."""

    run_id: RunId
    started_at: str
    selection: tuple[str, ...]
    command: str
    branch: str = ""
    commit: str = ""


@dataclass(frozen=True, slots=True)
class Decision:
    """What a run did about one target: fresh, restored, materialized, failed or skipped, and why."""

    target: Target
    action: str
    reasons: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True, slots=True)
class RunFinished:
    run_id: RunId
    finished_at: str
    status: RunStatus | str  # text: of a later release
    duration_s: float
    decisions: tuple[Decision, ...]


@dataclass(frozen=True, slots=True)
class Forgotten:
    """From here on, nothing recorded earlier about these targets answers anything; the history keeps it."""

    targets: tuple[Target, ...]
    forgotten_at: str
    command: str


class Purpose(Enum):
    """What a pin is for."""

    KEEP = "keep"  # cleaning up spares its bytes
    SERVE = "serve"  # readers get it, and the planner does not rebuild it


@dataclass(frozen=True, slots=True)
class Pinned:
    """A person pinned one version of a target. Of several to serve, the greatest position holds."""

    target: Target
    materialization_id: MaterializationId
    data_version: DataVersion
    purpose: Purpose
    pinned_at: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Unpinned:
    """A person lifted one pin of a target, or all of this purpose (`materialization_id` is None)."""

    target: Target
    purpose: Purpose
    materialization_id: MaterializationId | None
    unpinned_at: str


@dataclass(frozen=True, slots=True)
class Renamed:
    """An asset goes on under another name: its history and its pins are the new name's from here on."""

    old: AssetKey
    new: AssetKey
    renamed_at: str


Retention = Forgotten | Pinned | Unpinned | Renamed

Fact = (
    Materialized
    | StepFailed
    | CheckRan
    | SourceObserved
    | SymbolText
    | CodeRecorded
    | RunStarted
    | RunFinished
    | Retention
)


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """Where a fact stands in the journal; the greatest pair is the latest, clocks play no part."""

    counter: int
    segment: str

"""Judge whether recorded data still answers an asset's current declaration.

Pure: everything needed is passed in. The planner asks before a run and the run loop
asks again just before each step, through `lineage.decide`, so that a plan and a run
cannot disagree. An asset is stale exactly if it has a reason: the reasons are the
decision. All of them are reported, in the order in which `Reason` lists them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from assetctl.assets.ids import AssetKey, Target
from assetctl.lineage.deciding.inside import Change
from assetctl.lineage.deciding.provenance import provenance_of
from assetctl.lineage.deciding.reasons import (
    BuildSpecChanged,
    CheckFailed,
    CodeChanged,
    ConfigChanged,
    EnvironmentChanged,
    Forced,
    InputChangedDuringRun,
    LastAttemptFailed,
    NeverMaterialized,
    ObservedChanged,
    OutputCorrupt,
    OutputMissing,
    PinNotPublished,
    Reason,
    SourceChanged,
    Undecidable,
    UpstreamAdded,
    UpstreamChanged,
    UpstreamRemoved,
    describe,
)
from assetctl.lineage.facts.records import (
    CheckRan,
    DataVersion,
    Definition,
    Input,
    Inputs,
    Pinned,
    StepFailed,
    Trace,
    ValueIdentity,
)
from assetctl.lineage.facts.snapshot import OutputState, Recorded

Columns = Mapping[tuple[Target, DataVersion], ValueIdentity]


@dataclass(frozen=True, slots=True)
class Served:
    """A pin that holds: what would be reasons to build the asset, and whether the pinned bytes are there."""

    pin: Pinned
    would_be: tuple[Reason, ...]
    output: OutputState = OutputState.PRESENT

    def describe(self) -> str:
        """Return the pin as one clause, to be read after "fresh: "."""
        version = self.pin.data_version.removeprefix("b3:")[:8]
        parts = [f"pinned to b3:{version} since {self.pin.pinned_at[:10]}"]
        parts += [f"its stored output is {self.output.value}"] if self.output is not OutputState.PRESENT else []
        parts += [f"would be stale: {', '.join(map(describe, self.would_be))}"] if self.would_be else []
        return "; ".join(parts)


@dataclass(frozen=True, slots=True)
class Fresh:
    """The recorded data is what a build would give, or what a person pinned (`served`)."""

    served: Served | None = None


@dataclass(frozen=True, slots=True)
class Stale:
    """At least one thing differs; `reasons` is never empty."""

    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class Undecided:
    """Nothing of its own differs; stale only if one of these upstreams, once rebuilt, yields new data."""

    waiting_on: tuple[Target, ...]


Verdict = Fresh | Stale | Undecided


@dataclass(frozen=True, slots=True)
class Memory:
    """What is remembered about one asset.

    `failed_checks` are the blocking checks, as declared now, whose last answer about the
    remembered data (or about a held-back candidate of the same provenance) was no.
    `columns` holds the columns of earlier upstream versions, to name what changed.
    `observed_changed` names what its last run used without declaring it and has changed since, `observed_kinds`
    says of each what it is.
    `pin` is the pin to serve that is in force.
    """

    recorded: Recorded | None
    output: OutputState = OutputState.PRESENT
    failure: StepFailed | None = None
    failed_checks: tuple[CheckRan, ...] = ()
    columns: Columns = field(default_factory=dict)
    observed_changed: tuple[str, ...] = ()
    pin: Pinned | None = None
    observed_kinds: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Demand:
    """What is asked of one asset in this plan.

    `wanted`: its bytes are needed, because it was selected by name or a step that runs
    reads it; a missing output of an asset that is not wanted is no reason to rebuild.
    `undecidable` names captured values of its code that have no identity.
    """

    forced: bool = False
    wanted: bool = False
    undecidable: tuple[str, ...] = ()


def judge(current: Inputs, memory: Memory, demand: Demand, columns: Columns | None = None) -> Verdict:
    """Return the verdict for one asset.

    `columns` holds the columns of current upstream versions where they are known.
    """
    reasons = tuple(_reasons(current, memory, demand, columns or {}))
    if memory.pin is not None:
        return _judge_pinned(memory.pin, memory, reasons)
    if reasons:
        return Stale(reasons)
    waiting_on = tuple(sorted({i.target for i in current.inputs if i.version is None}))
    return Undecided(waiting_on) if waiting_on else Fresh()


def _judge_pinned(pin: Pinned, memory: Memory, reasons: tuple[Reason, ...]) -> Verdict:
    """Return the verdict for a pinned asset: fresh, unless what is pinned is not there to be read."""
    published = memory.recorded.output.value.version if memory.recorded is not None else None
    if published != pin.data_version:
        return Stale((PinNotPublished(pin.data_version, published or "nothing"),))
    lost = tuple(reason for reason in reasons if isinstance(reason, OutputMissing | OutputCorrupt))
    return Stale(lost) if lost else Fresh(Served(pin, reasons, memory.output))


def _reasons(current: Inputs, memory: Memory, demand: Demand, columns: Columns) -> Iterator[Reason]:
    recorded = memory.recorded
    if recorded is None:
        yield NeverMaterialized()
    else:
        old = recorded.materialization.provenance
        yield from _definition_reasons(old.definition, current.definition)
        yield from _input_reasons(old.inputs, current.inputs, (columns, memory.columns))
        if demand.wanted and memory.output is OutputState.MISSING:
            yield OutputMissing()
        if demand.wanted and memory.output is OutputState.CORRUPT:
            yield OutputCorrupt()
        if recorded.materialization.trace is not Trace.SOUND:
            made = recorded.materialization
            yield InputChangedDuringRun(made.trace is Trace.CODE_CHANGED, made.changed)
    if memory.failure is not None and memory.failure.provenance == _known_provenance(current):
        yield LastAttemptFailed(memory.failure.error_type, memory.failure.message, memory.failure.failed_at)
    for ran in memory.failed_checks:
        yield CheckFailed(ran.check, ran.message)
    if demand.forced:
        yield Forced()
    if demand.undecidable:
        yield Undecidable(demand.undecidable)
    if memory.observed_changed:
        yield ObservedChanged(memory.observed_changed, memory.observed_kinds)


def _known_provenance(current: Inputs) -> str | None:
    provenance = provenance_of(current)
    return None if provenance is None else provenance.digest


def _definition_reasons(old: Definition, new: Definition) -> Iterator[Reason]:
    if old.digest == new.digest:
        return
    if old.code != new.code:
        yield CodeChanged(old.code, new.code)
    if old.spec != new.spec:
        yield BuildSpecChanged(_changes(old.spec, new.spec))
    if old.config != new.config:
        yield ConfigChanged(_changes(old.config, new.config))
    if old.environment != new.environment:
        yield EnvironmentChanged(_changes(old.environment, new.environment))


def _changes(old: Mapping[str, str], new: Mapping[str, str]) -> tuple[Change, ...]:
    names = sorted(old.keys() | new.keys())
    return tuple(Change(n, old.get(n), new.get(n)) for n in names if old.get(n) != new.get(n))


def _input_reasons(
    old: tuple[Input, ...], new: tuple[Input, ...], columns: tuple[Columns, Columns]
) -> Iterator[Reason]:
    renamed = {f"deps:{alias}": i.name for i in new for alias in i.aliases if i.name.startswith("deps:")}
    before, after = {renamed.get(i.name, i.name): i for i in old}, {i.name: i for i in new}
    same = [n for n in after if n in before and before[n].upstream in (after[n].upstream, *after[n].aliases)]
    for name in sorted(after.keys() - set(same)):
        yield UpstreamAdded(after[name].upstream, name)
    for name in sorted(before.keys() - set(same)):
        yield UpstreamRemoved(before[name].upstream, name)
    changed = [n for n in sorted(same) if after[n].version is not None and before[n].version != after[n].version]
    for name in changed:
        if not after[name].is_source:
            was, now = dict(before[name].classes), dict(after[name].classes)
            classes = tuple(c for c in now if was.get(c) not in (None, now[c]))
            yield UpstreamChanged(*_difference(before[name], after[name], columns), classes)
    for name in changed:
        if after[name].is_source:
            yield SourceChanged(*_difference(before[name], after[name], columns))


def _difference(old: Input, new: Input, columns: tuple[Columns, Columns]) -> tuple[AssetKey, str, str, tuple[str, ...]]:
    """Return upstream, both versions, and the names of the columns that differ (none if unknown)."""
    before, after = _columns_of(old, columns), _columns_of(new, columns)
    names: tuple[str, ...] = ()
    if before is not None and after is not None:
        was = {c.name: c.digest for c in before.columns}
        now = {c.name: c.digest for c in after.columns}
        names = tuple(n for n in {**now, **was} if was.get(n) != now.get(n) and (not new.columns or n in new.columns))
    return new.upstream, str(old.version), str(new.version), names


def _columns_of(given: Input, columns: tuple[Columns, Columns]) -> ValueIdentity | None:
    """Return what was read with its columns: as known now, else as recorded. Both hold those of all assets of a plan."""
    if not given.data_version:
        return None
    now, recorded = columns
    asked = (given.target, given.data_version)
    return now.get(asked) or recorded.get(asked)

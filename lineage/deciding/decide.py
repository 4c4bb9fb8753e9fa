"""Decide what one step needs, given what is known so far: the one decision function.

A `Deliberation` walks the graph with its reader: the planner lets it assume that every
decision is carried out, the run loop tells it what really came out. Both ask `decide`
for each step, so a plan and a run cannot disagree. It only holds values; no effects.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum

from assetctl.assets.ids import AssetKey
from assetctl.lineage.deciding.provenance import ClassCode, provenance_of, resolve_inputs
from assetctl.lineage.deciding.reasons import OutputCorrupt, OutputMissing, Reason
from assetctl.lineage.deciding.staleness import Demand, Fresh, Memory, Stale, Undecided, Verdict, judge
from assetctl.lineage.facts.records import (
    CheckRan,
    CodeIdentity,
    DataVersion,
    Definition,
    Digest,
    Inputs,
    Materialized,
    Output,
    Pinned,
    Provenance,
    StepFailed,
    Undeclared,
    ValueIdentity,
)
from assetctl.lineage.facts.snapshot import OutputState, Recorded, Snapshot, Traces
from assetctl.lineage.graph.asset_graph import AssetGraph, Step


class Action(Enum):
    """What a verdict leads to."""

    KEEP = "keep"
    RESTORE = "restore"
    RUN = "run"
    MAYBE = "maybe"  # known only once an upstream was rebuilt
    HELD = "held"  # its result exists, but a blocking check said no to it, or a pin keeps it from being built

    @property
    def is_keep(self) -> bool:
        return self is Action.KEEP


@dataclass(frozen=True, slots=True)
class Identified:
    """A step's code and definition, and the definitions of the checks of its outputs by name.

    `former` holds the digests that this same definition has in earlier formats of
    identity: what was recorded under one of them is as fresh as ever.
    """

    code: CodeIdentity
    definition: Definition
    checks: Mapping[AssetKey, Mapping[str, Digest]] = field(default_factory=dict)
    former: tuple[Digest, ...] = ()


@dataclass(frozen=True, slots=True)
class Observation:
    """What a source holds now: its bytes, and its table where some consumer reads it as one."""

    value: ValueIdentity
    size_bytes: int
    table: ValueIdentity | None = None


@dataclass(frozen=True, slots=True)
class Request:
    """What was asked for: `scope` holds every key acted on, `named` those the person selected."""

    scope: frozenset[AssetKey]
    named: frozenset[AssetKey]
    forced: frozenset[AssetKey] = frozenset()


@dataclass(frozen=True, slots=True)
class StepDecision:
    """What one step needs. `reusable` is the earlier materialization that a restore would bring back.

    `pins` are the pins to serve of its outputs: while there is one, nothing is run or restored.
    """

    step: Step
    action: Action
    verdicts: Mapping[AssetKey, Verdict]
    inputs: Inputs
    provenance: Provenance | None
    reusable: Materialized | None
    pending_checks: Mapping[AssetKey, tuple[str, ...]]
    pins: Mapping[AssetKey, Pinned] = field(default_factory=dict)

    @property
    def reasons(self) -> tuple[Reason, ...]:
        """Return the reasons of all outputs, each once, in order."""
        found = [r for v in self.verdicts.values() if isinstance(v, Stale) for r in v.reasons]
        return tuple(dict.fromkeys(found))

    @property
    def waiting_on(self) -> tuple[AssetKey, ...]:
        found = [k for v in self.verdicts.values() if isinstance(v, Undecided) for k in v.waiting_on]
        return tuple(dict.fromkeys(found))


@dataclass(slots=True)
class Deliberation:
    """What is known while a plan or a run goes through the graph.

    `values` maps an asset to the identity of what a reader would get now; None means not
    known until it is rebuilt. `latest`, `failures`, `checks` and `pins` start as the
    snapshot's and are replaced by what a run learns.
    """

    graph: AssetGraph
    request: Request
    identified: Mapping[AssetKey, Identified]  # by step key
    observed: Mapping[AssetKey, Observation]
    snapshot: Snapshot
    states: dict[AssetKey, OutputState]
    traces: Traces
    class_code: ClassCode
    current_digest: Callable[[Undeclared], Digest | None]
    latest: dict[AssetKey, Recorded] = field(default_factory=dict)
    failures: dict[AssetKey, StepFailed] = field(default_factory=dict)
    checks: dict[tuple[Digest, DataVersion], CheckRan] = field(default_factory=dict)
    pins: dict[AssetKey, Pinned] = field(default_factory=dict)
    values: dict[AssetKey, ValueIdentity | None] = field(default_factory=dict)
    demanded: set[AssetKey] = field(default_factory=set)
    gone: set[AssetKey] = field(default_factory=set)  # their own probe says that what they did outside is not there

    def __post_init__(self) -> None:
        self.latest.update(self.snapshot.latest)
        self.failures.update(self.snapshot.failures)
        self.checks.update(self.snapshot.checks)
        self.pins.update(self.snapshot.pins)
        for key, seen in self.observed.items():
            self.values[key] = seen.value
        for key, recorded in self.latest.items():
            if key not in self.request.scope:  # not acted on: what was published last is what readers get
                self.values[key] = recorded.output.value

    def begin_anew(self, traces: Traces) -> Deliberation:
        """Return the same question with more traces to restore from, and nothing assumed yet."""
        anew = replace(
            self,
            states=dict(self.states),
            traces=traces,
            latest={},
            failures={},
            checks={},
            pins={},
            values={},
            demanded=set(),
            gone=set(),
        )
        anew.gone.update(self.gone)
        return anew

    def decide(self, step: Step) -> StepDecision:
        """Return what this step needs, as far as the versions of its upstreams are known."""
        identified = self.identified[step.key]
        parsed = (
            {k: o.table for k, o in self.observed.items() if o.table is not None} if self._reads_table(step) else {}
        )
        inputs = Inputs(self._definition(step), resolve_inputs(step.bindings, self.values, parsed, self.class_code))
        provenance = provenance_of(inputs)
        candidate = self._candidate(step, provenance)
        verdicts = {key: self._judge(key, step, inputs, candidate) for key in step.outputs}
        pins = {key: self.pins[key] for key in step.outputs if key in self.pins}
        reusable = candidate if candidate is not None and not pins and self._may_restore(step, candidate) else None
        action = _action(verdicts, reusable, self._is_held(reusable)) if not pins else _pinned_action(verdicts)
        if action in (Action.RUN, Action.MAYBE):  # what is made now is recorded in the present format
            inputs = replace(inputs, definition=identified.definition)
            provenance = provenance_of(inputs)
        pending = self._pending_checks(step, action, reusable) if not pins else {}
        return StepDecision(step, action, verdicts, inputs, provenance, reusable, pending, pins)

    def assume(self, decision: StepDecision) -> None:
        """Take a decision as carried out: record what readers would get, or that it is unknown."""
        for key in decision.step.outputs:
            self.values[key] = self._assumed(key, decision)

    def demand(self, keys: Collection[AssetKey]) -> None:
        """Say that a step that runs will read these outputs."""
        self.demanded.update(keys)

    def lose(self, output: Output, state: OutputState) -> None:
        """Take note that an output's bytes turned out not to be readable: nothing is restored from them."""
        self.states[output.asset] = state
        self.traces = {k: m for k, m in self.traces.items() if all(o.blob != output.blob for o in m.outputs)}

    def unreadable(self, decision: StepDecision) -> tuple[AssetKey, ...]:
        """Return the upstreams this step reads whose stored bytes are not there."""
        read = {b.upstream for b in decision.step.bindings if b.is_read and not b.is_source}
        return tuple(sorted(k for k in read if self.states.get(k, OutputState.PRESENT) is not OutputState.PRESENT))

    def _definition(self, step: Step) -> Definition:
        """Return the step's definition, in the format in which it was recorded if that means the same."""
        identified, recorded = self.identified[step.key], self.latest.get(step.key)
        if identified.former and recorded is not None:
            was = recorded.materialization.provenance.definition
            return was if was.digest in identified.former else identified.definition
        return identified.definition

    def _judge(self, key: AssetKey, step: Step, inputs: Inputs, candidate: Materialized | None) -> Verdict:
        identified = self.identified[step.key]
        recorded = self.latest.get(key)
        memory = Memory(
            recorded,
            OutputState.MISSING if key in self.gone else self.states.get(key, OutputState.PRESENT),
            self.failures.get(step.key),
            self._failed_checks(key, recorded, candidate),
            self.snapshot.columns,
            self._changed_since(recorded.materialization) if recorded is not None else (),
            self.pins.get(key),
        )
        demand = Demand(
            forced=key in self.request.forced,
            wanted=key in self.request.named or key in self.demanded or key in self.gone,
            undecidable=identified.code.undecidable,
        )
        return judge(inputs, memory, demand, self._current_columns(step))

    def _changed_since(self, made: Materialized) -> tuple[str, ...]:
        """Return what a materialization was seen to use without declaring it, and is not what it was."""
        return tuple(used.name.rstrip(":") for used in made.undeclared if self.current_digest(used) != used.digest)

    def _reads_table(self, step: Step) -> bool:
        return any(b.is_source and b.reads_table for b in step.bindings)

    def _current_columns(self, step: Step) -> dict[tuple[AssetKey, DataVersion], ValueIdentity]:
        found: dict[tuple[AssetKey, DataVersion], ValueIdentity] = {}
        for binding in step.bindings:
            seen = self.observed.get(binding.upstream)
            for value in (self.values.get(binding.upstream), seen.table if seen else None):
                if value is not None:
                    found[binding.upstream, value.version] = value
        return found

    def _candidate(self, step: Step, provenance: Provenance | None) -> Materialized | None:
        if provenance is None:
            return None
        found = self.traces.get((step.key, provenance.digest))
        return None if found is None or self._changed_since(found) else found

    def is_restorable(self, step: Step) -> bool:
        """Say whether any earlier result may answer for a step; one that was asked to run is run."""
        asked_to_run = self.request.forced | self.gone
        return not asked_to_run.intersection(step.outputs) and not self.identified[step.key].code.undecidable

    def _may_restore(self, step: Step, candidate: Materialized) -> bool:
        return self.is_restorable(step) and {output.asset for output in candidate.outputs} == set(step.outputs)

    def _is_held(self, candidate: Materialized | None) -> bool:
        outputs = candidate.outputs if candidate is not None else ()
        return any(self._failed_of(o.asset, o.value.version) for o in outputs)

    def _failed_checks(
        self, key: AssetKey, recorded: Recorded | None, candidate: Materialized | None
    ) -> tuple[CheckRan, ...]:
        outputs = [recorded.output] if recorded is not None else []
        outputs += [o for o in candidate.outputs if o.asset == key] if candidate is not None else []
        found = [ran for output in outputs for ran in self._failed_of(key, output.value.version)]
        return tuple({ran.check: ran for ran in found}.values())

    def _failed_of(self, key: AssetKey, version: DataVersion) -> list[CheckRan]:
        definitions = self._check_definitions(key)
        answers = [self.checks.get((definition, version)) for definition in definitions.values()]
        return [ran for ran in answers if ran is not None and ran.blocking and not ran.passed]

    def _check_definitions(self, key: AssetKey) -> Mapping[str, Digest]:
        step = self.graph.steps.get(key)
        return self.identified[step.key].checks.get(key, {}) if step is not None else {}

    def _pending_checks(
        self, step: Step, action: Action, reusable: Materialized | None
    ) -> dict[AssetKey, tuple[str, ...]]:
        """Return the checks without an answer for the version that readers would get, by asset."""
        found: dict[AssetKey, tuple[str, ...]] = {}
        for key in step.outputs:
            definitions = self._check_definitions(key)
            recorded = self.latest.get(key)
            version: DataVersion | None = None
            if action is Action.KEEP and recorded is not None:
                version = recorded.output.value.version
            elif reusable is not None:
                version = next(o.value.version for o in reusable.outputs if o.asset == key)
            names = tuple(n for n, d in definitions.items() if version is None or (d, version) not in self.checks)
            if names:
                found[key] = names
        return found

    def _assumed(self, key: AssetKey, decision: StepDecision) -> ValueIdentity | None:
        if decision.reusable is not None and decision.action is Action.RESTORE:
            return next(o.value for o in decision.reusable.outputs if o.asset == key)
        recorded = self.latest.get(key)
        only_bytes = all(isinstance(reason, OutputMissing | OutputCorrupt) for reason in decision.reasons)
        known = decision.action is Action.KEEP or (
            only_bytes and (decision.action is Action.RUN or bool(decision.pins))
        )
        return recorded.output.value if known and recorded is not None else None


def _action(verdicts: Mapping[AssetKey, Verdict], reusable: Materialized | None, is_held: bool) -> Action:
    if any(isinstance(v, Stale) for v in verdicts.values()):
        if is_held:
            return Action.HELD
        return Action.RESTORE if reusable is not None else Action.RUN
    if all(isinstance(v, Fresh) for v in verdicts.values()):
        return Action.KEEP
    return Action.MAYBE


def _pinned_action(verdicts: Mapping[AssetKey, Verdict]) -> Action:
    """Keep what is pinned; where it cannot be kept, nothing is put in its place."""
    return Action.HELD if any(isinstance(v, Stale) for v in verdicts.values()) else Action.KEEP

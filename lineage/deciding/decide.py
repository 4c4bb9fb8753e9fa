"""Decide what one step needs, given what is known so far: the one decision function.

A `Deliberation` walks the graph with its reader: the planner lets it assume that every
decision is carried out, the run loop tells it what really came out. Both ask `decide`
for each step, so a plan and a run cannot disagree. It only holds values; no effects.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from types import MappingProxyType

from assetctl.assets.ids import AssetKey, Target
from assetctl.lineage.deciding.known import Known
from assetctl.lineage.deciding.provenance import ClassCode, provenance_of, resolve_inputs
from assetctl.lineage.deciding.reasons import CheckFailed, OutputCorrupt, OutputMissing, Reason
from assetctl.lineage.deciding.staleness import Demand, Fresh, Memory, Stale, Undecided, Verdict, judge
from assetctl.lineage.facts.ports import Form
from assetctl.lineage.facts.records import (
    CheckRan,
    CodeIdentity,
    DataVersion,
    Definition,
    Digest,
    Inputs,
    Materialized,
    Pinned,
    Provenance,
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
    """What a source holds now: its bytes, and its table as each library gives it that a consumer reads it with."""

    value: ValueIdentity
    size_bytes: int
    tables: Mapping[Form, ValueIdentity] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Request:
    """What was asked for: `scope` holds every target acted on, `named` those the person selected."""

    scope: frozenset[Target]
    named: frozenset[Target]
    forced: frozenset[Target] = frozenset()


@dataclass(frozen=True, slots=True)
class StepDecision:
    """What one step needs. `reusable` is the earlier materialization that a restore would bring back.

    `pins` are the pins to serve of its outputs: while there is one, nothing is run or restored.
    `unseen` says what the last run did that watching could not look into.
    """

    step: Step
    action: Action
    verdicts: Mapping[Target, Verdict]
    inputs: Inputs
    provenance: Provenance | None
    reusable: Materialized | None
    pending_checks: Mapping[Target, tuple[str, ...]]
    pins: Mapping[Target, Pinned] = field(default_factory=dict)
    unseen: tuple[str, ...] = ()

    @property
    def target(self) -> Target:
        """What is materialized by the step here: its first output, or one partition of it."""
        return self.step.target

    @property
    def targets(self) -> tuple[Target, ...]:
        return self.step.targets

    @property
    def reasons(self) -> tuple[Reason, ...]:
        """Return the reasons of all outputs, each once, in order."""
        reasons = [r for v in self.verdicts.values() if isinstance(v, Stale) for r in v.reasons]
        return tuple(dict.fromkeys(reasons))

    @property
    def refused(self) -> str | None:
        """Name the result that a blocking check said no to, as `ASSET@VERSION`, or `ASSET` if it is published."""
        for target, verdict in self.verdicts.items():
            if isinstance(verdict, Stale) and any(isinstance(reason, CheckFailed) for reason in verdict.reasons):
                held = self.reusable.outputs if self.reusable is not None and not self.reusable.published else ()
                versions = [output.value.version for output in held if output.target == target]
                return f"{target}@{versions[0].removeprefix('b3:')[:8]}" if versions else str(target)
        return None

    @property
    def waiting_on(self) -> tuple[Target, ...]:
        targets = [k for v in self.verdicts.values() if isinstance(v, Undecided) for k in v.waiting_on]
        return tuple(dict.fromkeys(targets))


@dataclass(frozen=True, slots=True)
class Question:
    """What a deliberation is about: declarations, what was asked, and what was looked at for it.

    `identified` is by step key. `class_code` gives the digest of a first-party class's code, `current_digest` that of
    something a step was seen to use, as they are now.
    """

    graph: AssetGraph
    request: Request
    identified: Mapping[AssetKey, Identified]
    observed: Mapping[Target, Observation]
    snapshot: Snapshot
    states: Mapping[Target, OutputState]
    class_code: ClassCode
    current_digest: Callable[[Undeclared], Digest | None]


NO_TRACES: Traces = MappingProxyType({})


class Deliberation:
    """One question to the planner, or one run: what was asked, what is known, and the decision about each step."""

    def __init__(self, question: Question, traces: Traces = NO_TRACES) -> None:
        self.question = question
        self.known = Known(question.snapshot, question.states, traces)
        self.known.deliver({target: seen.value for target, seen in question.observed.items()})
        outside = question.request.scope  # what is not acted on is what was published last
        self.known.deliver({t: r.output.value for t, r in self.known.latest.items() if t not in outside})

    @property
    def graph(self) -> AssetGraph:
        return self.question.graph

    @property
    def request(self) -> Request:
        return self.question.request

    @property
    def identified(self) -> Mapping[AssetKey, Identified]:
        return self.question.identified

    @property
    def observed(self) -> Mapping[Target, Observation]:
        return self.question.observed

    @property
    def snapshot(self) -> Snapshot:
        return self.question.snapshot

    def begin_anew(self, traces: Traces) -> Deliberation:
        """Return the same question with more traces to restore from, and nothing assumed yet."""
        anew = Deliberation(replace(self.question, states=dict(self.known.states)), traces)
        anew.known.missed_outside(self.known.gone)
        return anew

    def decide(self, step: Step) -> StepDecision:
        """Return what this step needs, as far as the versions of its upstreams are known."""
        identified = self.identified[step.key]
        parsed = {t: o.tables for t, o in self.observed.items() if o.tables} if self._reads_table(step) else {}
        resolved = resolve_inputs(step.bindings, self.known.values, parsed, self.question.class_code)
        inputs = Inputs(self._definition(step), resolved)
        provenance = provenance_of(inputs)
        candidate = self._candidate(step, provenance)
        verdicts = {target: self._judge(target, step, inputs, candidate) for target in step.targets}
        pins = {target: self.known.pins[target] for target in step.targets if target in self.known.pins}
        reusable = candidate if candidate is not None and not pins and self._may_restore(step, candidate) else None
        action = _action(verdicts, reusable, self._is_held(reusable)) if not pins else _pinned_action(verdicts)
        if action in (Action.RUN, Action.MAYBE):  # what is made now is recorded in the present format
            inputs = replace(inputs, definition=identified.definition)
            provenance = provenance_of(inputs)
        pending = self._pending_checks(step, action, reusable) if not pins else {}
        recorded = self.known.latest.get(step.target)
        unseen = recorded.materialization.unseen if recorded is not None else ()
        return StepDecision(step, action, verdicts, inputs, provenance, reusable, pending, pins, unseen)

    def assume(self, decision: StepDecision) -> None:
        """Take a decision as carried out: record what readers would get, or that it is unknown."""
        self.known.deliver({target: self._assumed(target, decision) for target in decision.targets})

    def unreadable(self, decision: StepDecision) -> tuple[Target, ...]:
        """Return the upstreams this step reads whose stored bytes are not there."""
        read = {b.target for b in decision.step.bindings if b.is_read and not b.is_source}
        states = self.known.states
        return tuple(sorted(t for t in read if states.get(t, OutputState.PRESENT) is not OutputState.PRESENT))

    def _definition(self, step: Step) -> Definition:
        """Return the step's definition, in the format in which it was recorded if that means the same."""
        identified, recorded = self.identified[step.key], self.known.latest.get(step.target)
        if identified.former and recorded is not None:
            was = recorded.materialization.provenance.definition
            return was if was.digest in identified.former else identified.definition
        return identified.definition

    def _judge(self, target: Target, step: Step, inputs: Inputs, candidate: Materialized | None) -> Verdict:
        identified, known = self.identified[step.key], self.known
        recorded = known.latest.get(target)
        changed = self._changed_since(recorded.materialization) if recorded is not None else ()
        memory = Memory(
            recorded,
            known.state(target),
            known.failures.get(step.target),
            self._failed_checks(target, recorded, candidate),
            self.snapshot.columns,
            tuple(used.name.rstrip(":") for used in changed),
            known.pins.get(target),
            tuple(used.kind for used in changed),
        )
        demand = Demand(
            forced=target in self.request.forced,
            wanted=target in self.request.named or known.is_wanted(target),
            undecidable=identified.code.undecidable,
        )
        return judge(inputs, memory, demand, self._current_columns(step))

    def _changed_since(self, made: Materialized) -> tuple[Undeclared, ...]:
        """Return what a materialization was seen to use without declaring it and that has changed since."""
        return tuple(used for used in made.undeclared if self.question.current_digest(used) != used.digest)

    def _reads_table(self, step: Step) -> bool:
        return any(b.is_source and b.reads_table for b in step.bindings)

    def _current_columns(self, step: Step) -> dict[tuple[Target, DataVersion], ValueIdentity]:
        columns: dict[tuple[Target, DataVersion], ValueIdentity] = {}
        for binding in step.bindings:
            seen = self.observed.get(binding.target)
            for value in (self.known.values.get(binding.target), *(seen.tables.values() if seen else ())):
                if value is not None:
                    columns[binding.target, value.version] = value
        return columns

    def _candidate(self, step: Step, provenance: Provenance | None) -> Materialized | None:
        if provenance is None:
            return None
        made = self.known.traces.get((step.target, provenance.digest))
        return None if made is None or self._changed_since(made) else made

    def is_restorable(self, step: Step) -> bool:
        """Say whether any earlier result may answer for a step; one that was asked to run is run."""
        asked_to_run = self.request.forced | self.known.gone
        return not asked_to_run.intersection(step.targets) and not self.identified[step.key].code.undecidable

    def _may_restore(self, step: Step, candidate: Materialized) -> bool:
        return self.is_restorable(step) and {output.target for output in candidate.outputs} == set(step.targets)

    def _is_held(self, candidate: Materialized | None) -> bool:
        outputs = candidate.outputs if candidate is not None else ()
        return any(self._failed_of(o.target, o.value.version) for o in outputs)

    def _failed_checks(
        self, target: Target, recorded: Recorded | None, candidate: Materialized | None
    ) -> tuple[CheckRan, ...]:
        outputs = [recorded.output] if recorded is not None else []
        outputs += [o for o in candidate.outputs if o.target == target] if candidate is not None else []
        failed = [ran for output in outputs for ran in self._failed_of(target, output.value.version)]
        return tuple({ran.check: ran for ran in failed}.values())

    def _failed_of(self, target: Target, version: DataVersion) -> list[CheckRan]:
        definitions = self._check_definitions(target.asset)
        answers = [self.known.checks.get((definition, version)) for definition in definitions.values()]
        return [ran for ran in answers if ran is not None and ran.blocking and not ran.passed]

    def _check_definitions(self, key: AssetKey) -> Mapping[str, Digest]:
        step = self.graph.steps.get(key)
        return self.identified[step.key].checks.get(key, {}) if step is not None else {}

    def _pending_checks(
        self, step: Step, action: Action, reusable: Materialized | None
    ) -> dict[Target, tuple[str, ...]]:
        """Return the checks without an answer for the version that readers would get, by target."""
        pending: dict[Target, tuple[str, ...]] = {}
        for target in step.targets:
            definitions = self._check_definitions(target.asset)
            recorded = self.known.latest.get(target)
            version: DataVersion | None = None
            if action is Action.KEEP and recorded is not None:
                version = recorded.output.value.version
            elif reusable is not None:
                version = next(o.value.version for o in reusable.outputs if o.target == target)
            answers = self.known.checks
            names = tuple(n for n, d in definitions.items() if version is None or (d, version) not in answers)
            if names:
                pending[target] = names
        return pending

    def _assumed(self, target: Target, decision: StepDecision) -> ValueIdentity | None:
        if decision.reusable is not None and decision.action is Action.RESTORE:
            return next(o.value for o in decision.reusable.outputs if o.target == target)
        recorded = self.known.latest.get(target)
        only_bytes = all(isinstance(reason, OutputMissing | OutputCorrupt) for reason in decision.reasons)
        is_known = decision.action is Action.KEEP or (
            only_bytes and (decision.action is Action.RUN or bool(decision.pins))
        )
        return recorded.output.value if is_known and recorded is not None else None


def _action(verdicts: Mapping[Target, Verdict], reusable: Materialized | None, is_held: bool) -> Action:
    if any(isinstance(v, Stale) for v in verdicts.values()):
        if is_held:
            return Action.HELD
        return Action.RESTORE if reusable is not None else Action.RUN
    if all(isinstance(v, Fresh) for v in verdicts.values()):
        return Action.KEEP
    return Action.MAYBE


def _pinned_action(verdicts: Mapping[Target, Verdict]) -> Action:
    """Keep what is pinned; where it cannot be kept, nothing is put in its place."""
    return Action.HELD if any(isinstance(v, Stale) for v in verdicts.values()) else Action.KEEP

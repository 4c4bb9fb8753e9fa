"""What is known while a plan or a run goes through the graph, and the one place where it is learned.

It begins as a snapshot of the lineage store. From there on everything is taken in by a
method that says what happened: a fact was recorded, bytes turned out to be lost, an
output was delivered. Nobody else writes it; what others see are views. Only values, no
effects.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import replace
from types import MappingProxyType

from assetctl.assets.ids import Target
from assetctl.lineage.facts.records import (
    CheckRan,
    DataVersion,
    Digest,
    Fact,
    Forgotten,
    Materialized,
    Output,
    Pinned,
    Position,
    Purpose,
    Renamed,
    StepFailed,
    Trace,
    Unpinned,
    ValueIdentity,
)
from assetctl.lineage.facts.retention import is_among
from assetctl.lineage.facts.snapshot import OutputState, Recorded, Snapshot, Traces

Checks = Mapping[tuple[Digest, DataVersion], CheckRan]


class Known:
    """What is known of each target.

    `values` maps a target to the identity of what a reader would get now; None means not
    known until it is rebuilt. `latest`, `failures`, `checks` and `pins` start as the
    snapshot's. `states` says whether stored bytes can be read, `traces` which earlier
    materializations may answer, `demanded` whose bytes a step that runs will read, `gone`
    which targets' own probe says that what they did outside is not there.
    """

    def __init__(self, snapshot: Snapshot, states: Mapping[Target, OutputState], traces: Traces) -> None:
        self._latest = dict(snapshot.latest)
        self._failures = dict(snapshot.failures)
        self._checks = dict(snapshot.checks)
        self._pins = dict(snapshot.pins)
        self._states = dict(states)
        self._traces = dict(traces)
        self._values: dict[Target, ValueIdentity | None] = {}
        self._demanded: set[Target] = set()
        self._gone: set[Target] = set()
        self.latest: Mapping[Target, Recorded] = MappingProxyType(self._latest)
        self.failures: Mapping[Target, StepFailed] = MappingProxyType(self._failures)
        self.checks: Checks = MappingProxyType(self._checks)
        self.pins: Mapping[Target, Pinned] = MappingProxyType(self._pins)
        self.states: Mapping[Target, OutputState] = MappingProxyType(self._states)
        self.traces: Traces = MappingProxyType(self._traces)
        self.values: Mapping[Target, ValueIdentity | None] = MappingProxyType(self._values)

    @property
    def demanded(self) -> AbstractSet[Target]:
        return frozenset(self._demanded)

    @property
    def gone(self) -> AbstractSet[Target]:
        return frozenset(self._gone)

    def is_wanted(self, target: Target) -> bool:
        """Say whether a target's bytes are needed, because a step reads them or because it is gone outside."""
        return target in self._demanded or target in self._gone

    def state(self, target: Target) -> OutputState:
        """Say whether a target can be read; one that is gone outside cannot, whatever is stored."""
        return OutputState.MISSING if target in self._gone else self._states.get(target, OutputState.PRESENT)

    # --- what happened -----------------------------------------------------------------------

    def learn(self, position: Position, fact: Fact) -> tuple[Output, ...]:
        """Take in a fact that was recorded since the snapshot, by this run or another process.

        Return the outputs that readers get from now on. Readers get the latest output, so what
        was settled on changes with it: a record that names the version before would lie.
        """
        match fact:
            case Materialized():
                return self._learn_materialized(position, fact)
            case StepFailed(step=step):
                self._failures[step] = fact
            case CheckRan(definition=definition, data_version=version):
                self._checks[definition, version] = fact
            case Pinned(target=target, purpose=Purpose.SERVE):
                self._pins[target] = fact
            case Unpinned(target=target, purpose=Purpose.SERVE, materialization_id=made):
                held = self._pins.get(target)
                if held is not None and made in (None, held.materialization_id):
                    del self._pins[target]
            case Forgotten(targets=targets):
                self._forget(targets)
                self._keep_traces(lambda made: not any(is_among(o.target, targets) for o in made.outputs))
            case Renamed():
                self._rename(fact)
            case _:
                pass  # it says nothing about what readers get
        return ()

    def published(self, outputs: Iterable[Output]) -> None:
        """Take note that this run stored these outputs, or found them stored already: their bytes are there."""
        for output in outputs:
            self._states[output.target] = OutputState.PRESENT
            self._gone.discard(output.target)

    def deliver(self, values: Mapping[Target, ValueIdentity | None]) -> None:
        """Settle what readers get; None where that is known only once it was rebuilt."""
        self._values.update(values)

    def unsettle(self, targets: Iterable[Target]) -> None:
        """Take back what readers would get: a run starts from what is recorded, not from what a plan assumed."""
        for target in targets:
            self._values.pop(target, None)

    def demand(self, targets: Collection[Target]) -> None:
        """Say that a step that runs will read these outputs."""
        self._demanded.update(targets)

    def missed_outside(self, targets: Collection[Target]) -> None:
        """Take note that what these targets did outside is not there any more."""
        self._gone.update(targets)

    def looked_at(self, output: Output, state: OutputState) -> None:
        """Take note of whether an output's bytes can be read."""
        self._states[output.target] = state

    def lose(self, output: Output, state: OutputState) -> None:
        """Take note that an output's bytes turned out not to be readable: nothing is restored from them."""
        self._states[output.target] = state
        self._keep_traces(lambda made: all(o.blob != output.blob for o in made.outputs))

    def may_restore(self, made: Iterable[Materialized]) -> None:
        """Take in what others made: it may answer for its step from now on."""
        self._traces.update({(m.step, m.provenance.digest): m for m in made})

    def cannot_restore(self, made: Materialized) -> None:
        """Take note that the bytes of a materialization cannot be had."""
        self._keep_traces(lambda trace: trace.id != made.id)

    def _learn_materialized(self, position: Position, fact: Materialized) -> tuple[Output, ...]:
        self._failures.pop(fact.step, None)
        if not fact.published:
            if fact.trace is Trace.SOUND:  # held back: known, so not made again
                self._traces[fact.step, fact.provenance.digest] = fact
            return ()
        for output in fact.outputs:
            self._latest[output.target] = Recorded(position, fact, output)
            if self._values.get(output.target) is not None:
                self._values[output.target] = output.value
        return fact.outputs

    def _rename(self, fact: Renamed) -> None:
        held = [pin for target, pin in self._pins.items() if target.asset == fact.old]
        known = {*self._latest, *self._failures, *self._pins, *(ran.target for ran in self._checks.values())}
        self._forget([target for target in known if target.asset == fact.old])
        for pin in held:
            goes_on = Target(fact.new, pin.target.partition_key)
            self._pins[goes_on] = replace(pin, target=goes_on)

    def _forget(self, targets: Collection[Target]) -> None:
        """Drop what was recorded; what this run had settled on stays what its readers get."""
        for target in [t for t in self._latest if is_among(t, targets) and self._values.get(t) is None]:
            del self._latest[target]
        for step in [step for step in self._failures if is_among(step, targets)]:
            del self._failures[step]
        for target in [target for target in self._pins if is_among(target, targets)]:
            del self._pins[target]
        for asked in [asked for asked, ran in self._checks.items() if is_among(ran.target, targets)]:
            del self._checks[asked]

    def _keep_traces(self, keep: Callable[[Materialized], bool]) -> None:
        for asked in [asked for asked, made in self._traces.items() if not keep(made)]:
            del self._traces[asked]

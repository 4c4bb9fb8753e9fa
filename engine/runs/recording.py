"""Turn what a step gave into facts, append them, and tell the deliberation what is true now.

Store, then record: by the time anything here runs, the outputs' bytes are durable.
"""

from __future__ import annotations

import platform
import sys
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace

from assetctl.assets.ids import AssetKey
from assetctl.engine.steps.perform import outputs_of
from assetctl.engine.steps.tasks import CheckAnswer, StepResult, StepTask
from assetctl.engine.workspace.checkout import Checkout
from assetctl.lineage.deciding.decide import Deliberation, StepDecision
from assetctl.lineage.deciding.events import RunFinished
from assetctl.lineage.deciding.reasons import Reason, to_json
from assetctl.lineage.facts.ports import Clock, DataStore, Journal
from assetctl.lineage.facts.records import (
    CheckRan,
    CodeIdentity,
    CodeVersion,
    Decision,
    Digest,
    Fact,
    Forgotten,
    MaterializationId,
    Materialized,
    Output,
    Pinned,
    Position,
    ProvenanceDigest,
    Purpose,
    Renamed,
    Retention,
    RunId,
    SourceObserved,
    StepFailed,
    Trace,
    Unpinned,
)
from assetctl.lineage.facts.records import RunFinished as RunFinishedFact
from assetctl.lineage.facts.records import RunStarted as RunStartedFact
from assetctl.lineage.facts.snapshot import OutputState, Recorded
from assetctl.storage.codecs.registry import RESERVED
from assetctl.storage.lineage_store.history import code_facts
from assetctl.storage.state.crash_points import CrashPoint, reached

_PYTHON = platform.python_version()
_PLATFORM = f"{sys.platform}-{platform.machine()}"


@dataclass(slots=True)
class Recorder:
    """Appends facts of one run. The run itself is recorded with its first fact, so a no-op leaves nothing."""

    journal: Journal
    clock: Clock
    data: DataStore
    deliberation: Deliberation
    run_id: RunId
    selection: tuple[str, ...]
    command: str
    own_segments: set[str] = field(default_factory=set)  # journal segments that hold this run's facts
    known_code: set[CodeVersion] = field(default_factory=set)
    checkout: Checkout = Checkout()  # noqa: RUF009  it is frozen
    from_elsewhere: Collection[MaterializationId] = ()  # materializations that no journal of ours tells of
    recorded_texts: Callable[[], Collection[Digest]] = tuple  # asked once, when code is first recorded
    decisions: list[Decision] = field(default_factory=list)
    _texts: set[Digest] | None = None
    _started: bool = False

    def append(self, facts: list[Fact]) -> Position:
        """Append facts, preceded by the run's own and by sources seen with new data if these are the first."""
        first: list[Fact] = []
        if not self._started:
            at = self.checkout
            began = (self.run_id, self.clock.now(), self.selection, self.command, at.branch, at.commit)
            first.append(RunStartedFact(*began))
            first.extend(self._observations())
            self._started = True
        position = self.journal.append([*first, *facts])
        self.own_segments.add(position.segment)
        return position

    def materialized(self, decision: StepDecision, task: StepTask, result: StepResult, trace: Trace) -> Materialized:
        """Record that a step ran. Not published if a blocking check said no."""
        reached(CrashPoint.INPUTS_RECHECKED)
        assert decision.provenance is not None, "a step runs only when all it reads is known"
        fact = Materialized(
            id=task.materialization_id,
            run_id=self.run_id,
            step=decision.step.key,
            provenance=decision.provenance,
            outputs=tuple(self._kept(output) for output in outputs_of(decision.step, result).values()),
            started_at=self.clock.now(),
            duration_s=result.duration_s,
            published=not any(_says_no(answer) for answer in result.checks),
            trace=trace,
            metrics=result.metrics,
            figures=result.figures,
            links=result.links,
            reasons=_as_json(decision.reasons),
            python=_PYTHON,
            platform=_PLATFORM,
            undeclared=result.undeclared,
        )
        self._record(fact, self._answers(fact.outputs, result.checks), self._code(decision))
        return fact

    def restored(self, decision: StepDecision, task: StepTask, answers: tuple[CheckAnswer, ...]) -> Materialized:
        """Record that an earlier materialization answers again (or is published at last)."""
        origin = decision.reusable
        assert origin is not None and decision.provenance is not None
        fact = Materialized(
            id=task.materialization_id,
            run_id=self.run_id,
            step=decision.step.key,
            provenance=decision.provenance,
            outputs=origin.outputs,
            started_at=self.clock.now(),
            duration_s=0.0,
            published=not any(_says_no(answer) for answer in answers),
            origin=origin.origin or origin.id,
            metrics=origin.metrics,
            figures=origin.figures,
            links=origin.links,
            reasons=_as_json(decision.reasons),
            python=origin.python,
            platform=origin.platform,
            undeclared=origin.undeclared,
        )
        code = self._code(decision) if origin.id in self.from_elsewhere else []
        self._record(fact, self._answers(fact.outputs, answers), code)
        return fact

    def accepted(
        self, decision: StepDecision, recorded: tuple[Recorded, ...], id_: MaterializationId, *, is_verified: bool
    ) -> None:
        """Record that the latest outputs answer the present definition too."""
        origin = recorded[0].materialization
        assert decision.provenance is not None
        fact = replace(
            origin,
            id=id_,
            run_id=self.run_id,
            provenance=decision.provenance,
            outputs=tuple(r.output for r in recorded),
            started_at=self.clock.now(),
            duration_s=0.0,
            origin=origin.origin or origin.id,
            reasons=({"kind": "accepted", "verified": is_verified}, *_as_json(decision.reasons)),
        )
        self._record(fact, (), self._code(decision))

    def checked(self, outputs: Iterable[Output], answers: tuple[CheckAnswer, ...]) -> tuple[CheckRan, ...]:
        """Record answers about data that stay as they are."""
        ran = self._answers(tuple(outputs), answers)
        if ran:
            self.append(list(ran))
        return ran

    def failed(self, decision: StepDecision, error_type: str, message: str, duration_s: float) -> None:
        """Record a failed attempt; it is a reason to run again only while nothing changes."""
        provenance = decision.provenance.digest if decision.provenance else ProvenanceDigest("")
        fact = StepFailed(self.run_id, decision.step.key, provenance, error_type, message, self.clock.now(), duration_s)
        self.append([fact])
        self.deliberation.failures[decision.step.key] = fact

    def finished(self, finished: RunFinished) -> None:
        """Record the end of the run, if anything was recorded, and make it all durable."""
        if self._started:
            self.journal.append(
                [
                    RunFinishedFact(
                        self.run_id, self.clock.now(), finished.status, finished.duration_s, tuple(self.decisions)
                    )
                ]
            )
            reached(CrashPoint.RUN_FINISHED_RECORDED)
            self.journal.sync()

    def decided(self, keys: Iterable[AssetKey], action: str, reasons: tuple[Reason, ...]) -> None:
        """Remember what this run did about some assets, to be recorded at its end."""
        self.decisions.extend(Decision(key, action, _as_json(reasons)) for key in keys)

    def _record(self, fact: Materialized, ran: tuple[CheckRan, ...], code: list[Fact]) -> None:
        position = self.append([*code, fact, *ran])
        believe(self.deliberation, [(position, fact), *((position, r) for r in ran)])
        for output in fact.outputs:
            self.deliberation.states[output.asset] = OutputState.PRESENT
            self.deliberation.gone.discard(output.asset)

    def _kept(self, output: Output) -> Output:
        """Return the output already stored for the same data and codec, so that equal data are kept once.

        Not where a codec of the project's own wrote it: its code may no longer read what it wrote before.
        """
        recorded = self.deliberation.latest.get(output.asset)
        if recorded is None or output.codec.partition("/")[0] not in RESERVED:
            return output
        before = recorded.output
        same = before.value.version == output.value.version and before.codec == output.codec
        return before if same and self.data.state(before) is OutputState.PRESENT else output

    def _answers(self, outputs: tuple[Output, ...], answers: tuple[CheckAnswer, ...]) -> tuple[CheckRan, ...]:
        versions = {output.asset: output.value.version for output in outputs}
        ran = tuple(
            CheckRan(
                run_id=self.run_id,
                asset=a.task.asset,
                check=a.task.name,
                definition=a.task.definition,
                data_version=versions[a.task.asset],
                passed=a.passed,
                blocking=a.task.blocking,
                message=a.message,
                metrics=a.metrics,
                ran_at=self.clock.now(),
            )
            for a in answers
        )
        self.deliberation.checks.update({(r.definition, r.data_version): r for r in ran})
        return ran

    def _code(self, decision: StepDecision) -> list[Fact]:
        code: CodeIdentity = self.deliberation.identified[decision.step.key].code
        if code.version in self.known_code:
            return []
        self.known_code.add(code.version)
        if self._texts is None:
            self._texts = set(self.recorded_texts())
        return code_facts(code, self._texts)

    def _observations(self) -> list[Fact]:
        known = self.deliberation.snapshot.observed
        return [
            SourceObserved(self.run_id, key, seen.value, seen.size_bytes, self.clock.now())
            for key, seen in self.deliberation.observed.items()
            if key not in known or known[key].value.version != seen.value.version
        ]


def believe(deliberation: Deliberation, facts: Iterable[tuple[Position, Fact]]) -> list[Output]:
    """Let the deliberation know facts that were recorded since its snapshot, by this run or another process.

    Return the outputs that readers get from now on. Readers get the latest output, so what
    this run had settled on changes with it: a record that names the version before would lie.
    """
    published: list[Output] = []
    for position, fact in facts:
        if isinstance(fact, Materialized):
            deliberation.failures.pop(fact.step, None)
            if not fact.published and fact.trace is Trace.SOUND:  # held back: known, so not made again
                deliberation.traces = {**deliberation.traces, (fact.step, fact.provenance.digest): fact}
            for output in fact.outputs if fact.published else ():
                deliberation.latest[output.asset] = Recorded(position, fact, output)
                if deliberation.values.get(output.asset) is not None:
                    deliberation.values[output.asset] = output.value
                published.append(output)
        elif isinstance(fact, StepFailed):
            deliberation.failures[fact.step] = fact
        elif isinstance(fact, CheckRan):
            deliberation.checks[fact.definition, fact.data_version] = fact
        elif isinstance(fact, Retention):
            _believe_retention(deliberation, fact)
    return published


def _believe_retention(deliberation: Deliberation, fact: Retention) -> None:
    """Take in what a person decided meanwhile; what this run had settled on stays what its readers get."""
    match fact:
        case Pinned(asset, purpose=Purpose.SERVE):
            deliberation.pins[asset] = fact
        case Unpinned(asset, Purpose.SERVE, made):
            held = deliberation.pins.get(asset)
            if held is not None and made in (None, held.materialization_id):
                del deliberation.pins[asset]
        case Forgotten(assets):
            for key in assets:
                _forget(deliberation, key)
            gone = set(assets)
            kept = {k: m for k, m in deliberation.traces.items() if gone.isdisjoint(o.asset for o in m.outputs)}
            deliberation.traces = kept
        case Renamed(old, new):
            held = deliberation.pins.get(old)
            _forget(deliberation, old)
            if held is not None:
                deliberation.pins[new] = replace(held, asset=new)


def _forget(deliberation: Deliberation, key: AssetKey) -> None:
    if deliberation.values.get(key) is None:
        deliberation.latest.pop(key, None)
    deliberation.failures.pop(key, None)
    deliberation.pins.pop(key, None)
    for asked in [asked for asked, ran in deliberation.checks.items() if ran.asset == key]:
        del deliberation.checks[asked]


def _says_no(answer: CheckAnswer) -> bool:
    return answer.task.blocking and not answer.passed


def _as_json(reasons: tuple[Reason, ...]) -> tuple[Mapping[str, object], ...]:
    return tuple(to_json(reason) for reason in reasons)

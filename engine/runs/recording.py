"""Turn what a step gave into facts, append them, and tell the deliberation what is true now.

Store, then record: by the time anything here runs, the outputs' bytes are durable.
"""

from __future__ import annotations

import platform
import sys
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace

from assetctl.assets.ids import Target
from assetctl.engine.steps.perform import outputs_of
from assetctl.engine.steps.tasks import CheckAnswer, StepResult, StepTask
from assetctl.engine.workspace.checkout import Checkout
from assetctl.lineage.deciding.decide import Deliberation, StepDecision
from assetctl.lineage.deciding.events import RunFinished
from assetctl.lineage.deciding.reasons import Reason, to_json
from assetctl.lineage.facts.again import Recording, again
from assetctl.lineage.facts.ports import Clock, DataStore, Journal
from assetctl.lineage.facts.records import (
    CheckRan,
    CodeIdentity,
    CodeVersion,
    Decision,
    Digest,
    Fact,
    MaterializationId,
    Materialized,
    Output,
    Position,
    ProvenanceDigest,
    RunId,
    SourceObserved,
    StepFailed,
    Trace,
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

    def materialized(
        self,
        decision: StepDecision,
        task: StepTask,
        result: StepResult,
        trace: Trace,
        changed: tuple[str, ...] = (),
    ) -> Materialized:
        """Record that a step ran, and what changed meanwhile. Not published if a blocking check said no."""
        reached(CrashPoint.INPUTS_RECHECKED)
        assert decision.provenance is not None, "a step runs only when all it reads is known"
        fact = Materialized(
            id=task.materialization_id,
            run_id=self.run_id,
            step=decision.target,
            provenance=decision.provenance,
            outputs=tuple(
                self._kept(output) for output in outputs_of(decision.target, decision.step, result.outputs).values()
            ),
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
            changed=changed,
        )
        self._record(fact, self._answers(fact.outputs, result.checks), self._code(decision))
        return fact

    def restored(self, decision: StepDecision, task: StepTask, answers: tuple[CheckAnswer, ...]) -> Materialized:
        """Record that an earlier materialization answers again (or is published at last)."""
        origin = decision.reusable
        assert origin is not None and decision.provenance is not None
        recording = Recording(task.materialization_id, self.run_id, self.clock.now())
        fact = replace(
            again(origin, recording, _as_json(decision.reasons)),
            step=decision.target,
            provenance=decision.provenance,
            published=not any(_says_no(answer) for answer in answers),
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
        reasons = ({"kind": "accepted", "verified": is_verified}, *_as_json(decision.reasons))
        made = again(origin, Recording(id_, self.run_id, self.clock.now()), reasons)
        fact = replace(made, provenance=decision.provenance, outputs=tuple(r.output for r in recorded))
        self._record(fact, (), self._code(decision))

    def checked(self, outputs: Iterable[Output], answers: tuple[CheckAnswer, ...]) -> tuple[CheckRan, ...]:
        """Record answers about data that stay as they are."""
        ran = self._answers(tuple(outputs), answers)
        if ran:
            self._learn(self.append(list(ran)), *ran)
        return ran

    def failed(self, decision: StepDecision, error_type: str, message: str, duration_s: float) -> None:
        """Record a failed attempt; it is a reason to run again only while nothing changes."""
        provenance = decision.provenance.digest if decision.provenance else ProvenanceDigest("")
        fact = StepFailed(self.run_id, decision.target, provenance, error_type, message, self.clock.now(), duration_s)
        self._learn(self.append([fact]), fact)

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

    def decided(self, targets: Iterable[Target], action: str, reasons: tuple[Reason, ...]) -> None:
        """Remember what this run did about some targets, to be recorded at its end."""
        self.decisions.extend(Decision(target, action, _as_json(reasons)) for target in targets)

    def _record(self, fact: Materialized, ran: tuple[CheckRan, ...], code: list[Fact]) -> None:
        self._learn(self.append([*code, fact, *ran]), fact, *ran)
        self.deliberation.known.published(fact.outputs)

    def _learn(self, position: Position, *facts: Fact) -> None:
        for fact in facts:
            self.deliberation.known.learn(position, fact)

    def _kept(self, output: Output) -> Output:
        """Return the output already stored for the same data and codec, so that equal data are kept once.

        Not where a codec of the project's own wrote it: its code may no longer read what it wrote before.
        """
        recorded = self.deliberation.known.latest.get(output.target)
        if recorded is None or output.codec.partition("/")[0] not in RESERVED:
            return output
        before = recorded.output
        same = before.value.version == output.value.version and before.codec == output.codec
        return before if same and self.data.state(before) is OutputState.PRESENT else output

    def _answers(self, outputs: tuple[Output, ...], answers: tuple[CheckAnswer, ...]) -> tuple[CheckRan, ...]:
        versions = {output.target: output.value.version for output in outputs}
        return tuple(
            CheckRan(
                run_id=self.run_id,
                target=a.task.target,
                check=a.task.name,
                definition=a.task.definition,
                data_version=versions[a.task.target],
                passed=a.passed,
                blocking=a.task.blocking,
                message=a.message,
                metrics=a.metrics,
                ran_at=self.clock.now(),
            )
            for a in answers
        )

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
            SourceObserved(self.run_id, target, seen.value, seen.size_bytes, self.clock.now())
            for target, seen in self.deliberation.observed.items()
            if target not in known or known[target].value.version != seen.value.version
        ]


def _says_no(answer: CheckAnswer) -> bool:
    return answer.task.blocking and not answer.passed


def _as_json(reasons: tuple[Reason, ...]) -> tuple[Mapping[str, object], ...]:
    return tuple(to_json(reason) for reason in reasons)

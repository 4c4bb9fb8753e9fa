"""The run loop: decide, run, store, record, show, for one step after another.

It acts only through ports and decides nothing itself: every step is put to the same
`Deliberation.decide` that made the plan, right before it would run, so an undecided
asset whose upstreams came out equal is kept without running. A failure skips what is
downstream; other branches go on.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from datetime import datetime

from assetctl.assets.ids import Target, whole
from assetctl.engine.executors.base import Executor
from assetctl.engine.runs.cancel import CancelToken
from assetctl.engine.runs.ports import Surroundings
from assetctl.engine.runs.ready_queue import Schedule
from assetctl.engine.runs.recording import Recorder
from assetctl.engine.runs.result import (
    RunResult,
    held_back,
    is_nondeterministic,
    pin_text,
    refusal_in,
    warnings_of,
)
from assetctl.engine.runs.retry import retry_delay
from assetctl.engine.sharing.port import NotShared, Sharing, consult
from assetctl.engine.steps.tasks import CheckAnswer, Failure, StepResult, StepTask
from assetctl.lineage.deciding import events
from assetctl.lineage.deciding.decide import Action, Deliberation, StepDecision
from assetctl.lineage.deciding.events import Event, RunFinished
from assetctl.lineage.deciding.plan import Plan
from assetctl.lineage.deciding.relied_on import relied_on
from assetctl.lineage.facts.kinds import Outcome, RunStatus
from assetctl.lineage.facts.ports import Clock
from assetctl.lineage.facts.records import Output, Trace
from assetctl.lineage.facts.snapshot import OutputState
from assetctl.lineage.graph.asset_graph import Step

_POLL_S = 0.05  # how often a step that another process is building is looked at again
_LOOK_S = 0.2  # how often to look whether the run was cancelled, while steps run


@dataclass(slots=True)
class _Attempt:
    """A step that is being run: what was decided, its lock, and how often it was tried."""

    decision: StepDecision
    task: StepTask
    lock: AbstractContextManager[object]
    number: int = 1
    failed: StepResult | None = None  # what the last attempt gave, while the next one is delayed


@dataclass(slots=True)
class Run:
    """One run over a plan. `execute` is called once."""

    plan: Plan
    deliberation: Deliberation
    recorder: Recorder
    executor: Executor
    around: Surroundings
    clock: Clock
    show: Callable[[Event], None]
    cancel: CancelToken = field(default_factory=CancelToken)
    sharing: Sharing = field(default_factory=NotShared)
    _said: list[Event] = field(default_factory=list)
    _schedule: Schedule = field(init=False)
    _running: dict[Target, _Attempt] = field(default_factory=dict)
    _delayed: list[tuple[float, int, Target]] = field(default_factory=list)
    _blocked: list[Target] = field(default_factory=list)
    _broken: dict[Target, Target] = field(default_factory=dict)  # target -> the one whose failure broke it
    _done: dict[Outcome, list[Target]] = field(default_factory=dict)
    _waited_for: set[Target] = field(default_factory=set)
    _interrupted: bool = False
    _is_stopping: bool = False

    def execute(self) -> RunResult:
        """Bring everything in the plan up to date and return what happened."""
        began = self.clock.monotonic()
        self._schedule = Schedule(self.plan, self.deliberation)
        self.deliberation.known.unsettle(planned.target for planned in self.plan.steps)
        counts = {a: len(self.plan.with_action(a)) for a in Action}
        doing = counts[Action.RUN] + counts[Action.RESTORE] + counts[Action.HELD]
        self._say(events.RunStarted(self.recorder.run_id, doing, counts[Action.MAYBE], counts[Action.KEEP]))
        try:
            while (self._schedule or self._running or self._blocked) and not self._is_killed():
                self._start_ready()
                self._collect()
            for event in self.sharing.settle(lambda: self.cancel.is_cancelled):
                self._say(event)
        except KeyboardInterrupt:
            self._interrupted = True
        finally:
            for attempt in self._running.values():
                attempt.lock.__exit__(None, None, None)
        finished = self._finish(self.clock.monotonic() - began)
        self.recorder.finished(finished)
        self._say(finished)
        last = self._said[-1]
        assert isinstance(last, RunFinished)
        return RunResult(tuple(self._said), last, relied_on(self.deliberation))

    def _is_killed(self) -> bool:
        """Kill what runs if that was asked for, by a thread that is not this one."""
        if not self.cancel.must_kill or not self.executor.capabilities.cancels_running:
            return False
        self.executor.cancel()
        return True

    def _start_ready(self) -> None:
        for target in self._blocked:
            self._schedule.push(target)
        self._blocked.clear()
        while self._schedule and not self.cancel.is_cancelled:
            step = self._schedule.pop()
            broken = next((self._broken[u] for u in map(whole, step.upstream) if u in self._broken), None)
            if broken is not None:
                self._skip(step, broken)
                continue
            decision = self.deliberation.decide(step)
            is_work = decision.action is not Action.KEEP or bool(decision.pending_checks)
            if is_work and self.executor.n_free == 0:
                self._schedule.push(step.target)
                return
            self._carry_out(decision)
        if self.cancel.is_cancelled:
            self._schedule.clear()
            if self._running and not self._is_stopping:
                self._is_stopping = True
                self._say(events.Warned("stopping once what runs now has finished", "press Ctrl-C again to kill it"))

    def _carry_out(self, decision: StepDecision) -> None:
        decision = consult(self.sharing, self.deliberation, decision)
        if decision.action is Action.KEEP and not decision.pending_checks:
            self._keep(decision)
        elif decision.action is Action.HELD:
            self._give_up(decision, held_back(decision), 0.0, "")
        elif decision.action is Action.RUN and self._fetch_missing(decision):
            return
        else:
            self._submit(decision)

    def _fetch_missing(self, decision: StepDecision) -> bool:
        """Rebuild upstreams whose bytes are gone first, and come back to the step once they are there."""
        graph, steps = self.deliberation.graph, self._schedule.steps
        missing = [u for u in self.deliberation.unreadable(decision) if graph.steps[u.asset].target in steps]
        if not missing:
            return False
        self.deliberation.known.demand(missing)
        owners = {graph.steps[target.asset].target for target in missing}
        for done in self._done.values():
            done[:] = [target for target in done if graph.steps[target.asset].target not in owners]
        self._schedule.again(decision.target, sorted(owners))
        return True

    def _submit(self, decision: StepDecision) -> None:
        lock = self.around.try_lock(decision.step)
        if lock is None:
            self._blocked.append(decision.target)
            if decision.target not in self._waited_for:
                self._waited_for.add(decision.target)
                self._say(events.Warned(self.around.waits_for(decision.step)))
            return
        news = self.around.news()
        if news:
            for position, fact in news:
                for output in self.deliberation.known.learn(position, fact):
                    self.deliberation.known.looked_at(output, self.around.state(output))
            decision = consult(self.sharing, self.deliberation, self.deliberation.decide(decision.step))
        is_kept = decision.action is Action.KEEP and not decision.pending_checks
        if is_kept or decision.action is Action.HELD:  # another process answered meanwhile
            lock.__exit__(None, None, None)
            self._carry_out(decision)
            return
        if decision.action is Action.RUN:
            task = self.around.task(decision, self.around.new_id())
        else:
            task = self.around.check_task(decision, self._outputs_at_hand(decision), self.around.new_id())
        self._running[decision.target] = _Attempt(decision, task, lock)
        if decision.action is not Action.RUN and not task.checks:
            self._settle(StepResult(decision.target))
            return
        if decision.action is Action.RUN:
            self._say(events.StepStarted(decision.target, decision.targets, decision.reasons))
        self.executor.submit(task)

    def _outputs_at_hand(self, decision: StepDecision) -> tuple[Output, ...]:
        if decision.action is Action.RESTORE and decision.reusable is not None:
            return decision.reusable.outputs
        return tuple(self.deliberation.known.latest[target].output for target in decision.targets)

    def _collect(self) -> None:
        if len(self._running) > len(self._delayed):
            for result in self.executor.wait(_POLL_S if self._blocked or self._delayed else _LOOK_S):
                self._settle(result)
                self._start_ready()
        elif self._blocked or self._delayed:
            self.around.pause(_POLL_S)
        self._retry_delayed()

    def _retry_delayed(self) -> None:
        while self._delayed and self.cancel.is_cancelled:  # no more attempts: the last one is the answer
            failed = self._running[heapq.heappop(self._delayed)[2]].failed
            assert failed is not None, "only what failed is tried again"
            self._settle(failed)
        while self._delayed and self._delayed[0][0] <= self.clock.monotonic() and self.executor.n_free:
            _, _, key = heapq.heappop(self._delayed)
            attempt = self._running[key]
            self._say(events.StepStarted(key, attempt.decision.targets, attempt.decision.reasons, attempt.number))
            self.executor.submit(attempt.task)

    def _settle(self, result: StepResult) -> None:
        attempt = self._running[result.step]
        if result.failure is not None and self._try_again(attempt, result, result.failure):
            return
        del self._running[result.step]
        try:
            if result.failure is not None and result.failure.is_corruption and self._heal(attempt):
                return
            if result.failure is not None:
                self._fail(attempt, result.failure, result.duration_s)
            elif attempt.decision.action is Action.RUN:
                self._publish(attempt, result)
            elif attempt.decision.action is Action.RESTORE:
                self._restore(attempt, result.checks)
            else:
                self._answer(attempt, result.checks)
        finally:
            attempt.lock.__exit__(None, None, None)

    def _try_again(self, attempt: _Attempt, result: StepResult, failure: Failure) -> bool:
        step = attempt.decision.step
        if failure.is_corruption:
            return False
        n_attempts = 1 + step.declaration.options.retries
        if attempt.number >= n_attempts or self.cancel.is_cancelled:
            return False
        attempt.number += 1
        attempt.failed = result
        delay = retry_delay(attempt.number)
        heapq.heappush(self._delayed, (self.clock.monotonic() + delay, self._schedule.rank[step.target], step.target))
        self._say(
            events.StepRetried(step.target, attempt.number, n_attempts, failure.error_type, failure.message, delay)
        )
        return True

    def _heal(self, attempt: _Attempt) -> bool:
        """Look again at what the step read; what turned out corrupt is rebuilt, then the step comes back."""
        read = [b for b in attempt.decision.step.bindings if b.is_read and not b.is_source]
        outputs = [self.deliberation.known.latest[b.target].output for b in read]
        self.sharing.lacking(outputs)  # what arrives damaged from elsewhere does not count as there
        for output in outputs:
            state = self.around.state(output)
            if state is not OutputState.PRESENT:
                self.deliberation.known.lose(output, state)
        return self._fetch_missing(attempt.decision)

    def _publish(self, attempt: _Attempt, result: StepResult) -> None:
        decision, task = attempt.decision, attempt.task
        before = {target: self.deliberation.known.latest.get(target) for target in decision.targets}
        trace, changed_meanwhile = self.around.trace(decision, result)
        fact = self.recorder.materialized(decision, task, result, trace, changed_meanwhile)
        self._show_checks(fact.outputs, result.checks)
        refused = refusal_in(result.checks)
        if refused is not None:
            self._break(decision, refused, result.duration_s, self.around.log_tail(task))
            return
        if trace is Trace.SOUND:
            self.sharing.share(fact)
        is_random = is_nondeterministic(fact, before)
        changed = {
            output.target: (old := before[output.target]) is None or old.output.value.version != output.value.version
            for output in fact.outputs
        }
        self._deliver(fact.outputs)
        self._close(decision, Outcome.MATERIALIZED)
        self._say(
            events.StepFinished(
                decision.target,
                fact.outputs,
                decision.reasons,
                result.duration_s,
                changed,
                self.around.log_tail(task),
                warnings_of(
                    fact, self.deliberation.identified[fact.step.asset].code, result.notes, is_random=is_random
                ),
            )
        )
        self._schedule.release(decision.target)

    def _restore(self, attempt: _Attempt, answers: tuple[CheckAnswer, ...]) -> None:
        decision = attempt.decision
        fact = self.recorder.restored(decision, attempt.task, answers)
        self._show_checks(fact.outputs, answers)
        refused = refusal_in(answers)
        if refused is not None:
            self._break(decision, refused, 0.0, self.around.log_tail(attempt.task))
            return
        if decision.reusable is not None and not decision.reusable.published:
            self.sharing.share(fact)
        self._deliver(fact.outputs)
        self._close(decision, Outcome.RESTORED)
        self._say(events.StepRestored(decision.target, fact.outputs, decision.reasons, fact.origin or ""))
        self._schedule.release(decision.target)

    def _answer(self, attempt: _Attempt, answers: tuple[CheckAnswer, ...]) -> None:
        """Record the answers of checks that were asked about unchanged data."""
        decision = attempt.decision
        outputs = self._outputs_at_hand(decision)
        self.recorder.checked(outputs, answers)
        self._show_checks(outputs, answers)
        refused = refusal_in(answers, is_published=True)
        if refused is not None:
            self._break(decision, refused, 0.0, self.around.log_tail(attempt.task))
        else:
            self._keep(decision)

    def _keep(self, decision: StepDecision) -> None:
        outputs = [self.deliberation.known.latest[target].output for target in decision.targets]
        self._deliver(outputs)
        self._close(decision, Outcome.FRESH)
        first = self.plan[decision.target]
        by_cutoff, pin = first.action is Action.MAYBE, pin_text(decision)
        self._say(events.StepKept(decision.target, decision.targets, by_cutoff, pin))
        self._schedule.release(decision.target)

    def _fail(self, attempt: _Attempt, failure: Failure, duration_s: float) -> None:
        self.recorder.failed(attempt.decision, failure.error_type, failure.message, duration_s)
        self._give_up(attempt.decision, failure, duration_s, self.around.log_tail(attempt.task))

    def _break(self, decision: StepDecision, refused: Failure, duration_s: float, log: str) -> None:
        """A blocking check said no: the result is kept, not published, and nothing downstream is built."""
        self._give_up(decision, refused, duration_s, log)

    def _give_up(self, decision: StepDecision, failure: Failure, duration_s: float, log: str) -> None:
        self._close(decision, Outcome.FAILED)
        self._say(
            events.StepFailed(
                step=decision.target,
                outputs=decision.targets,
                reasons=decision.reasons,
                error_type=failure.error_type,
                message=failure.message,
                traceback=failure.traceback,
                log=log,
                duration_s=duration_s,
                hint=failure.hint,
            )
        )
        self._spoil(decision)

    def _spoil(self, decision: StepDecision) -> None:
        self._broken.update(dict.fromkeys(decision.targets, decision.target))
        self._schedule.release(decision.target)

    def _skip(self, step: Step, because: Target) -> None:
        self._broken.update(dict.fromkeys(step.targets, because))
        self._done.setdefault(Outcome.SKIPPED, []).extend(step.targets)
        self.recorder.decided(step.targets, Outcome.SKIPPED, ())
        self._say(events.StepSkipped(step.target, step.targets, because))
        self._schedule.release(step.target)

    def _deliver(self, outputs: Iterable[Output]) -> None:
        self.deliberation.known.deliver({output.target: output.value for output in outputs})

    def _close(self, decision: StepDecision, what: Outcome) -> None:
        self._done.setdefault(what, []).extend(decision.targets)
        self.recorder.decided(decision.targets, what, decision.reasons)

    def _show_checks(self, outputs: Iterable[Output], answers: tuple[CheckAnswer, ...]) -> None:
        versions = {output.target: output.value.version for output in outputs}
        for answer in answers:
            ran = self.deliberation.known.checks[answer.task.definition, versions[answer.task.target]]
            self._say(events.CheckFinished(ran))

    def _finish(self, duration_s: float) -> RunFinished:
        status = RunStatus.FAILED if self._done.get(Outcome.FAILED) else RunStatus.SUCCEEDED
        left = {planned.target for planned in self.plan.steps}.difference(*self._done.values())
        is_whole = status is RunStatus.SUCCEEDED and not left  # then the wish to stop came too late to change anything
        if not is_whole and (self._interrupted or self.cancel.is_cancelled):
            status = RunStatus.CANCELLED
        materialized, restored, fresh, failed, skipped = (tuple(self._done.get(what, ())) for what in Outcome)
        return RunFinished(
            self.recorder.run_id, status, materialized, restored, fresh, failed, skipped, duration_s=duration_s
        )

    def _say(self, event: Event) -> None:
        event = replace(event, seq=len(self._said) + 1, at=datetime.fromisoformat(self.clock.now()))
        self._said.append(event)
        self.show(event)

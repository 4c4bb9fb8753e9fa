"""What the run loop asks of a shared cache, and how its answers meet the one decision function.

Nothing here decides: an answer from elsewhere becomes one more trace, and the step is put
to `Deliberation.decide` again. Bytes are here, verified, before anything relies on them,
so a record never names bytes that this project does not have.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from typing import Protocol

from assetctl.lineage.deciding.decide import Action, Deliberation, StepDecision
from assetctl.lineage.deciding.events import Event
from assetctl.lineage.deciding.plan import Plan, make_plan
from assetctl.lineage.facts.records import Materialized, Output
from assetctl.lineage.facts.snapshot import OutputState, Traces


class Sharing(Protocol):
    """Results that other machines made, and the upload of ours."""

    def find(self, decisions: Collection[StepDecision]) -> list[Materialized]:
        """Return what other machines made of exactly these provenances; each answer is given once."""
        ...

    def bring(self, made: Materialized) -> bool:
        """Fetch all bytes of a materialization that are not here; return False if some cannot be fetched."""
        ...

    def lacking(self, outputs: Iterable[Output]) -> list[Output]:
        """Fetch the bytes of these outputs that are not here; return the outputs that cannot be fetched."""
        ...

    def share(self, fact: Materialized) -> None:
        """Upload a result for others, in the background."""
        ...

    def settle(self, is_cancelled: Callable[[], bool]) -> Iterator[Event]:
        """Wait for uploads under way and report how they went."""
        ...


class NotShared:
    """A project without a shared cache."""

    def find(self, decisions: Collection[StepDecision]) -> list[Materialized]:
        return []

    def bring(self, made: Materialized) -> bool:
        return True

    def lacking(self, outputs: Iterable[Output]) -> list[Output]:
        return []

    def share(self, fact: Materialized) -> None:
        """There is nobody to share with."""

    def settle(self, is_cancelled: Callable[[], bool]) -> Iterator[Event]:
        return iter(())


def plan_with_others(sharing: Sharing, plan: Plan, deliberation: Deliberation) -> tuple[Plan, Deliberation]:
    """Return the plan again, with what others made of the provenances that would run.

    Restoring an upstream makes more provenances known, so the cache is asked until it has nothing new.
    """
    while True:
        decisions = {planned.decision.target: planned.decision for planned in plan.steps}
        theirs = sharing.find([d for d in decisions.values() if _may_be_answered(deliberation, d)])
        if not theirs:
            return plan, deliberation
        deliberation = deliberation.begin_anew(_with(deliberation.known.traces, theirs))
        plan = make_plan(deliberation)


def consult(sharing: Sharing, deliberation: Deliberation, decision: StepDecision) -> StepDecision:
    """Return the decision after asking what others made, once the bytes that it relies on are here.

    A trace that cannot be fetched is dropped; a value that cannot be fetched counts as missing, and is built.
    """
    decision = _answered(sharing, deliberation, decision)
    lost = sharing.lacking(_relied_on(deliberation, decision))
    for output in lost:
        deliberation.known.lose(output, OutputState.MISSING)
    if not lost or decision.action is not Action.KEEP:
        return decision
    deliberation.known.demand([output.target for output in lost])
    return _answered(sharing, deliberation, deliberation.decide(decision.step))


def _answered(sharing: Sharing, deliberation: Deliberation, decision: StepDecision) -> StepDecision:
    while True:
        if _may_be_answered(deliberation, decision):
            theirs = sharing.find([decision])
            if not theirs:
                return decision
            deliberation.known.may_restore(theirs)
        elif decision.action is Action.RESTORE and decision.reusable is not None:
            made = decision.reusable
            if sharing.bring(made):
                return decision
            deliberation.known.cannot_restore(made)
        else:
            return decision
        decision = deliberation.decide(decision.step)


def _may_be_answered(deliberation: Deliberation, decision: StepDecision) -> bool:
    is_known = decision.action is Action.RUN and decision.provenance is not None
    return is_known and deliberation.is_restorable(decision.step)


def _with(traces: Traces, theirs: Iterable[Materialized]) -> Traces:
    return {**traces, **{(made.step, made.provenance.digest): made for made in theirs}}


def _relied_on(deliberation: Deliberation, decision: StepDecision) -> list[Output]:
    """Return the recorded outputs whose bytes are needed: inputs of a step that runs, kept values that were asked for.

    A kept value is asked for if the person named it or a check has yet to look at it.
    """
    if decision.action is Action.RUN:
        needed = {b.target for b in decision.step.bindings if b.is_read and not b.is_source}
    elif decision.action is Action.KEEP:
        needed = set(decision.targets) & (deliberation.request.named | decision.pending_checks.keys())
    else:
        return []
    latest = deliberation.known.latest
    return [latest[target].output for target in sorted(needed) if target in latest]

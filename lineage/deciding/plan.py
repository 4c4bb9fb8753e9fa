"""Make the plan: what would run, what may, and why, in topological order.

Pure. One loop over the graph asks `Deliberation.decide` for every step and lets it
assume the outcome; a second, backward look finds outputs that are missing and will be
read. The same declarations and the same records give the same plan, byte for byte.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from assetctl.assets.ids import AssetKey, Target, whole
from assetctl.lineage.deciding.decide import Action, Deliberation, StepDecision
from assetctl.lineage.deciding.html_table import table
from assetctl.lineage.deciding.reasons import Reason, describe
from assetctl.lineage.deciding.staleness import Fresh, Served, Stale, Undecided, Verdict


@dataclass(frozen=True, slots=True)
class PlannedAsset:
    """One target of a plan. `action` is its step's; `checks` are those that would have to be asked."""

    target: Target
    verdict: Verdict
    action: Action
    restorable: bool
    checks: tuple[str, ...]
    decision: StepDecision

    @property
    def reasons(self) -> tuple[Reason, ...]:
        return self.verdict.reasons if isinstance(self.verdict, Stale) else ()

    @property
    def served(self) -> Served | None:
        """The pin that keeps it fresh, if there is one."""
        return self.verdict.served if isinstance(self.verdict, Fresh) else None

    @property
    def unseen(self) -> tuple[str, ...]:
        """What the last run did that watching could not look into; `fresh` does not vouch for it."""
        return self.decision.unseen if self.action.is_keep else ()

    @property
    def waiting_on(self) -> tuple[Target, ...]:
        return self.verdict.waiting_on if isinstance(self.verdict, Undecided) else ()

    @property
    def why(self) -> str:
        """Why it would be built, in one line; "" if it would not."""
        parts = [self.served.describe()] if self.served is not None else []
        parts += [describe(reason) for reason in self.reasons]
        if self.waiting_on:
            parts.append(f"if {' or '.join(self.waiting_on)} changes")
        if self.checks and self.action.is_keep:
            parts.append(f"checks to ask: {', '.join(self.checks)}")
        return "; ".join(parts)


@dataclass(frozen=True, slots=True, repr=False)
class Plan:
    """Every asset asked about, upstreams first. Sources are observed, so they are no steps."""

    steps: tuple[PlannedAsset, ...]

    def __getitem__(self, key: str) -> PlannedAsset:
        return next(planned for planned in self.steps if planned.target == key)

    @property
    def is_fresh(self) -> bool:
        """Say that nothing has to be done: every verdict fresh, every check answered."""
        return all(planned.action is Action.KEEP and not planned.checks for planned in self.steps)

    def __repr__(self) -> str:
        return str(self)

    def __str__(self) -> str:
        width = max((len(p.target) for p in self.steps), default=0)
        words = {Action.KEEP: "fresh"}
        return "\n".join(
            f"{words.get(p.action, p.action.value):8}{p.target:{width}}  {p.why}".rstrip() for p in self.steps
        )

    def _repr_html_(self) -> str:
        return table(("", "asset", "why"), [(p.action.value, p.target, p.why) for p in self.steps])

    def with_action(self, action: Action) -> tuple[PlannedAsset, ...]:
        return tuple(planned for planned in self.steps if planned.action is action)


def make_plan(deliberation: Deliberation) -> Plan:
    """Return the plan for the deliberation's request; the deliberation then holds its assumptions."""
    decisions: dict[AssetKey, StepDecision] = {}
    scope = deliberation.request.scope
    order = [key for key in deliberation.graph.order if whole(key) in scope and key in deliberation.graph.steps]
    for key in order:
        step = deliberation.graph.steps[key]
        if step.key not in decisions:
            decisions[step.key] = deliberation.decide(step)
            deliberation.assume(decisions[step.key])
    _want_missing_outputs(deliberation, decisions)
    return Plan(tuple(_planned(whole(key), decisions[deliberation.graph.steps[key].key]) for key in order))


def _want_missing_outputs(deliberation: Deliberation, decisions: dict[AssetKey, StepDecision]) -> None:
    """Turn a kept step whose missing output will be read into one that runs, or may run."""
    for step_key in reversed(list(decisions)):
        decision = decisions[step_key]
        needed = [target for target in deliberation.unreadable(decision) if target in deliberation.request.scope]
        if decision.action is Action.RUN:
            deliberation.known.demand(needed)
        for target in needed:
            owner = deliberation.graph.steps[target.asset]
            if decisions[owner.key].action is not Action.KEEP:
                continue
            if decision.action is Action.RUN:
                decisions[owner.key] = deliberation.decide(owner)
            elif decision.action is Action.MAYBE and not decisions[owner.key].pins:
                decisions[owner.key] = _waiting(decisions[owner.key], target, decision)


def _waiting(owner: StepDecision, target: Target, reader: StepDecision) -> StepDecision:
    """Return a kept decision as one that runs only if its reader turns out to run."""
    verdicts = {**owner.verdicts, target: Undecided(reader.waiting_on)}
    return replace(owner, action=Action.MAYBE, verdicts=verdicts)


def _planned(target: Target, decision: StepDecision) -> PlannedAsset:
    return PlannedAsset(
        target=target,
        verdict=decision.verdicts[target],
        action=decision.action,
        restorable=decision.action is Action.RESTORE,
        checks=decision.pending_checks.get(target, ()),
        decision=decision,
    )

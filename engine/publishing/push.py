"""Upload what a selection has published and the shared cache does not have.

It decides nothing: whatever a plan keeps as it is may answer for other machines too,
unless the record says that nobody ran or verified it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from assetctl.assets.errors import EnvironmentFault, Problem, ProjectError
from assetctl.assets.ids import Target
from assetctl.engine.planning.planner import deliberate
from assetctl.engine.workspace.workspace import Workspace
from assetctl.lineage.deciding.decide import Action, StepDecision
from assetctl.lineage.deciding.events import ResultsShared, Warned
from assetctl.lineage.facts.records import Materialized, Trace


@dataclass(frozen=True, slots=True)
class Pushed:
    """What `push` did: `shared` was uploaded, `present` was there, `not_fresh` has nothing to share."""

    remote: str
    shared: tuple[Target, ...]
    present: tuple[Target, ...]
    not_fresh: tuple[Target, ...]
    size_bytes: int


def push(workspace: Workspace, selection: Sequence[str]) -> Pushed:
    """Upload the fresh results of a selection and what it needs.

    Raises:
        ProjectError: there is no shared cache, or it is read-only.
        EnvironmentFault: it cannot be reached, or did not take everything.
    """
    cache = workspace.stores.cache
    if cache is None:
        raise ProjectError.of(
            "no-shared-cache",
            "this project uses no shared cache",
            hint='set `remote = "s3://bucket/prefix"` in pyproject.toml; `remote_mode`, or ASSETCTL_REMOTE_MODE, may be "off"',
        )
    if cache.is_read_only:
        hint = "`remote_mode` in pyproject.toml or ASSETCTL_REMOTE_MODE in the environment says so"
        raise ProjectError.of("shared-cache-read-only", "the shared cache is read-only here", hint=hint)
    cache.link.require()
    made = deliberate(workspace, selection)
    plan, deliberation = made.plan, made.deliberation
    steps = {planned.decision.target: planned.decision for planned in plan.steps}
    records = {
        key: deliberation.known.latest[key].materialization for key, d in steps.items() if d.action is Action.KEEP
    }
    shareable = {key: made for key, made in records.items() if _may_be_shared(made, steps[key])}
    present = [key for key in shareable if cache.is_answered(steps[key])]
    new = [key for key in shareable if key not in present]
    for key in new:
        cache.share(shareable[key])
    cache.resume()
    events = list(cache.uploads.settle(lambda: False))
    cache.close()
    if cache.link.fault is not None:
        raise cache.link.as_error()
    left = [event for event in events if isinstance(event, Warned)]
    if left:
        facts = tuple(("reason", warning) for warning in cache.link.take_warnings())
        raise EnvironmentFault(
            Problem("not-all-pushed", left[0].message, facts, "run `assetctl doctor` to see what is damaged here")
        )
    done = [event for event in events if isinstance(event, ResultsShared) and not event.n_waiting]
    return Pushed(
        remote=cache.link.remote,
        shared=_outputs(steps, new),
        present=_outputs(steps, present),
        not_fresh=_outputs(steps, [key for key in steps if key not in shareable]),
        size_bytes=sum(event.size_bytes for event in done),
    )


def _may_be_shared(made: Materialized, decision: StepDecision) -> bool:
    is_claimed = any(reason.get("kind") == "accepted" and not reason.get("verified") for reason in made.reasons)
    is_whole = {output.target for output in made.outputs} == set(decision.targets)
    return made.published and made.trace is Trace.SOUND and is_whole and not is_claimed


def _outputs(steps: dict[Target, StepDecision], keys: Sequence[Target]) -> tuple[Target, ...]:
    return tuple(output for key in keys for output in steps[key].targets)

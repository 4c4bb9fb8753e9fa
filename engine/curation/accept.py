"""Accept a change of code that changes no result: carry an asset's record over to its present definition.

The present code is run on the recorded inputs and must give the recorded data; only then
is the record carried over. Unverified, nothing is run, and the record says so.
"""

from __future__ import annotations

from dataclasses import dataclass

from assetctl.assets.errors import AssetFailed, Problem, SelectionError
from assetctl.assets.ids import AssetKey
from assetctl.engine.executors.perform_here import perform_here
from assetctl.engine.planning.options import PlanOptions
from assetctl.engine.planning.planner import deliberate
from assetctl.engine.runs.recording import Recorder
from assetctl.engine.runs.surroundings import ProjectSurroundings
from assetctl.engine.steps.endings import exits_are_raised
from assetctl.engine.steps.perform import outputs_of
from assetctl.engine.workspace.checkout import checkout_of
from assetctl.engine.workspace.clock import SystemClock
from assetctl.engine.workspace.identifiers import new_identifier
from assetctl.engine.workspace.workspace import Workspace
from assetctl.lineage.deciding.decide import Action, Deliberation, StepDecision
from assetctl.lineage.deciding.events import RunFinished
from assetctl.lineage.deciding.reasons import (
    BuildSpecChanged,
    CodeChanged,
    ConfigChanged,
    EnvironmentChanged,
    ObservedChanged,
    Undecidable,
    UpstreamAdded,
    UpstreamRemoved,
    describe,
)
from assetctl.lineage.facts.kinds import RunStatus
from assetctl.lineage.facts.records import Input, Inputs, MaterializationId, Output, RunId
from assetctl.lineage.facts.snapshot import Recorded
from assetctl.storage.state.in_use import in_use
from assetctl.storage.state.lock import step_lock

_LOCK_WAIT_S = 60.0
_OF_DEFINITION = CodeChanged | BuildSpecChanged | ConfigChanged | EnvironmentChanged | Undecidable | ObservedChanged


@dataclass(frozen=True, slots=True)
class Accepted:
    """What was accepted. `changed` is False if the asset was fresh and nothing had to be carried over."""

    assets: tuple[AssetKey, ...]
    changed: bool
    verified: bool
    data_versions: tuple[str, ...]


def accept(workspace: Workspace, key: AssetKey, *, is_verified: bool) -> Accepted:
    """Carry an asset's record over to its present definition.

    Raises:
        SelectionError: it was never materialized, or more than its definition changed.
        AssetFailed: the present code fails, or gives other data.
        WaitTimeout: another process is building it.
    """
    with in_use(workspace.layout):
        return _accept(workspace, key, is_verified=is_verified)


def _accept(workspace: Workspace, key: AssetKey, *, is_verified: bool) -> Accepted:
    made = deliberate(workspace, (key,), PlanOptions(only=True))
    plan, deliberation = made.plan, made.deliberation
    decision = plan[key].decision
    recorded = _recorded(decision, deliberation)
    versions = tuple(r.output.value.version for r in recorded)
    _refuse_pinned(decision)
    if decision.action is Action.KEEP:
        return Accepted(decision.step.outputs, changed=False, verified=is_verified, data_versions=versions)
    _refuse_other_reasons(decision, recorded)
    with step_lock(workspace.layout, decision.target, _LOCK_WAIT_S):
        run_id = RunId(new_identifier())
        if is_verified:
            _verify(workspace, deliberation, decision, recorded, run_id)
        _record(workspace, deliberation, decision, recorded, run_id, is_verified=is_verified)
    workspace.stores.refresh()
    return Accepted(decision.step.outputs, changed=True, verified=is_verified, data_versions=versions)


def _recorded(decision: StepDecision, deliberation: Deliberation) -> tuple[Recorded, ...]:
    missing = [target for target in decision.targets if target not in deliberation.known.latest]
    if missing:
        raise SelectionError(
            Problem(
                "never-materialized",
                f"`{missing[0]}` was never materialized",
                hint=f"build it with `assetctl materialize {missing[0]}`",
            )
        )
    return tuple(deliberation.known.latest[target] for target in decision.targets)


def _refuse_pinned(decision: StepDecision) -> None:
    for key, pin in decision.pins.items():
        raise SelectionError(
            Problem(
                "pinned",
                f"`{key}` is pinned, so there is nothing to accept",
                (("pinned to", pin.data_version), ("since", pin.pinned_at)),
                f"lift the pin first with `assetctl rollback {key} --lift`",
            )
        )


def _refuse_other_reasons(decision: StepDecision, recorded: tuple[Recorded, ...]) -> None:
    others = [reason for reason in decision.reasons if not isinstance(reason, _OF_DEFINITION)]
    if others and all(isinstance(reason, UpstreamAdded | UpstreamRemoved) for reason in others):
        before = recorded[0].materialization.provenance.inputs
        others = [] if _read(before, decision.inputs) == _read(decision.inputs.inputs, decision.inputs) else others
    if others or decision.provenance is None:
        raise SelectionError(
            Problem(
                "not-acceptable",
                f"`{decision.step.key}` cannot be accepted: more than its definition changed",
                tuple(("also", describe(reason)) for reason in others),
                f"build it with `assetctl materialize {decision.step.key}`",
            )
        )


def _read(inputs: tuple[Input, ...], present: Inputs) -> list[tuple[str, str]]:
    """Return what is read, whatever the parameters are called: upstreams by their present names, and versions."""
    now = {alias: given.upstream for given in present.inputs for alias in given.aliases}
    return sorted((now.get(given.upstream, given.upstream), str(given.version)) for given in inputs)


def _verify(
    workspace: Workspace,
    deliberation: Deliberation,
    decision: StepDecision,
    recorded: tuple[Recorded, ...],
    run_id: RunId,
) -> None:
    around = ProjectSurroundings(workspace, deliberation, run_id, (), {})
    with exits_are_raised(decision.target):
        result = perform_here(workspace, around.task(decision, MaterializationId(new_identifier())))
    if result.failure is not None:
        failure = result.failure
        raise AssetFailed(
            Problem(
                "accepted-code-fails",
                f"`{decision.step.key}` fails with its present code: {failure.error_type}: {failure.message}",
                (("traceback", failure.traceback),) if failure.traceback else (),
                "nothing was accepted",
            )
        )
    made = outputs_of(decision.target, decision.step, result.outputs)
    problems = [
        _other_data(before.output, made[before.output.target])
        for before in recorded
        if made[before.output.target].value.version != before.output.value.version
    ]
    if problems:
        raise AssetFailed(*problems)


def _other_data(before: Output, after: Output) -> Problem:
    was = {column.name: column.digest for column in before.value.columns}
    differ = [column.name for column in after.value.columns if was.get(column.name) != column.digest]
    facts: list[tuple[str, str]] = [("recorded", before.value.version), ("now", after.value.version)]
    if differ:
        facts.append(("columns", ", ".join(differ)))
    return Problem(
        "accepted-data-differs",
        f"`{before.target}` is not what was recorded: its present code gives other data",
        tuple(facts),
        f"nothing was accepted; build it with `assetctl materialize {before.target}`",
    )


def _record(
    workspace: Workspace,
    deliberation: Deliberation,
    decision: StepDecision,
    recorded: tuple[Recorded, ...],
    run_id: RunId,
    *,
    is_verified: bool,
) -> None:
    targets = decision.targets
    recorder = Recorder(
        journal=workspace.stores.journal,
        clock=SystemClock(),
        data=workspace.stores.data,
        deliberation=deliberation,
        run_id=run_id,
        selection=targets,
        checkout=checkout_of(workspace.root),
        recorded_texts=workspace.stores.lineage.texts,
        command=f"accept {targets[0]}" + ("" if is_verified else " --unverified"),
    )
    recorder.accepted(decision, recorded, MaterializationId(new_identifier()), is_verified=is_verified)
    recorder.decided(targets, "accepted", decision.reasons)
    recorder.finished(RunFinished(run_id, RunStatus.SUCCEEDED, (), targets, (), (), (), 0.0))

"""Start a run: bring what it needs together, carry the plan out, and fold what was recorded."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from assetctl.engine.executors.choose import executor_for
from assetctl.engine.noop.remember import Beginning, remember_noop
from assetctl.engine.planning.options import PlanOptions
from assetctl.engine.planning.planner import deliberate
from assetctl.engine.runs.cancel import CancelToken
from assetctl.engine.runs.interruptions import interruptions
from assetctl.engine.runs.loop import Run
from assetctl.engine.runs.recording import Recorder
from assetctl.engine.runs.result import RunResult
from assetctl.engine.runs.surroundings import ProjectSurroundings
from assetctl.engine.secrets.secret_values import mask_of_environment
from assetctl.engine.workspace.checkout import checkout_of
from assetctl.engine.workspace.clock import SystemClock
from assetctl.engine.workspace.identifiers import new_identifier
from assetctl.engine.workspace.workspace import Workspace
from assetctl.lineage.deciding.decide import Deliberation
from assetctl.lineage.deciding.events import Event
from assetctl.lineage.deciding.plan import Plan
from assetctl.lineage.facts.kinds import RunStatus
from assetctl.lineage.facts.records import RunId
from assetctl.lineage.graph.asset_graph import AssetGraph
from assetctl.storage.state.crash_points import CrashPoint, reached
from assetctl.storage.state.format import ensure_state
from assetctl.storage.state.in_use import in_use
from assetctl.storage.state.roots import register


@dataclass(frozen=True, slots=True)
class Asked:
    """What a person asked of a run: which assets, how, how many at once, and who hears of it."""

    selection: tuple[str, ...]
    options: PlanOptions
    jobs: int | None
    on_event: Callable[[Event], None] | None
    cancel: CancelToken | None = None  # for whoever may want to stop it
    began: Beginning | None = None  # given where the same words may be answered from memory next time


def materialize(workspace: Workspace, asked: Asked) -> RunResult:
    """Bring a selection and what it needs up to date; a failed asset is a result, not an exception."""
    with in_use(workspace.layout):
        made = deliberate(workspace, asked.selection, asked.options)
        ensure_state(workspace.layout)  # only now: what cannot be planned leaves nothing behind
        register(workspace.layout)
        with in_use(workspace.layout):  # of what exists only now
            result = start_run(workspace, made.plan, made.deliberation, asked)
    if workspace.settings.lineage is not None:
        from assetctl.engine.publishing.team import share

        workspace.warn(*share(workspace))
    if asked.began is not None and result.is_noop and asked.options == PlanOptions() and not _is_team_behind(workspace):
        n_fresh, modules = len(result.finished.fresh), list(sys.modules.values())
        remember_noop(workspace, result.relied_on, n_fresh, asked.began, modules)
    return result


def _is_team_behind(workspace: Workspace) -> bool:
    """Say whether the next run has something to tell a team's lineage store, and so is no no-op."""
    if workspace.settings.lineage is None:
        return False
    from assetctl.engine.publishing.team import is_behind

    return is_behind(workspace)


def start_run(workspace: Workspace, plan: Plan, deliberation: Deliberation, asked: Asked) -> RunResult:
    """Carry out a plan, then fold what was recorded into the lineage store."""
    options = asked.options
    stores = workspace.stores
    run_id = RunId(new_identifier())
    around = ProjectSurroundings(workspace, deliberation, run_id, options.set, stores.folded_sizes)
    recorder = Recorder(
        journal=stores.journal,
        clock=SystemClock(),
        data=stores.data,
        deliberation=deliberation,
        run_id=run_id,
        selection=asked.selection,
        command=_command(asked.selection, options, deliberation.graph),
        checkout=checkout_of(workspace.root),
        own_segments=around.own_segments,
        recorded_texts=stores.lineage.texts,
        from_elsewhere=stores.cache.from_elsewhere if stores.cache is not None else (),
        known_code={r.materialization.provenance.definition.code for r in deliberation.known.latest.values()},
    )
    if stores.cache is not None and not plan.is_fresh:
        stores.cache.resume()
        stores.cache.start(p.decision.reusable for p in plan.steps if p.restorable and p.decision.reusable is not None)
    executor = executor_for(workspace, plan, asked.jobs or workspace.settings.jobs)
    cancel = asked.cancel or CancelToken()
    with interruptions(executor, cancel):
        run = Run(
            plan=plan,
            deliberation=deliberation,
            recorder=recorder,
            executor=executor,
            around=around,
            clock=SystemClock(),
            sharing=stores.sharing,
            show=_announcing(asked.on_event),
            cancel=cancel,
        )
        try:
            result = run.execute()
        finally:
            executor.close()
            stores.close()
    if result.finished.status is not RunStatus.SUCCEEDED or not plan.is_fresh:
        stores.refresh()
    return result


def _announcing(on_event: Callable[[Event], None] | None) -> Callable[[Event], None]:
    def show(event: Event) -> None:
        if on_event is not None:
            on_event(event)
        reached(CrashPoint.STEP_SHOWN)

    return show


def _command(selection: Sequence[str], options: PlanOptions, graph: AssetGraph) -> str:
    """Return the command as it is recorded: without values of secret parameters, or of secret variables."""
    flags = [name for name, given in (("--force", options.force), ("--only", options.only)) if given]
    secret = {f"{n}.{p}" for k, s in graph.steps.items() for n in (k, s.name) for p in s.declaration.options.secret}
    for assignment in options.set:
        target = assignment.partition("=")[0].strip()
        flags.append(f"--set {target}=***" if target in secret else f"--set {assignment}")
    return mask_of_environment().text(" ".join(["materialize", *selection, *flags]))

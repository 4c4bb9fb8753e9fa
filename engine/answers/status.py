"""One line of state per asset, and the picture of who reads whom, both coloured by one plan."""

from __future__ import annotations

from collections.abc import Sequence

from assetctl.assets.ids import AssetKey, whole
from assetctl.engine.answers.draw import render
from assetctl.engine.answers.values import AssetStatus
from assetctl.engine.planning.planner import deliberate, select
from assetctl.engine.workspace.workspace import Workspace
from assetctl.lineage.deciding.plan import PlannedAsset
from assetctl.lineage.deciding.states import state_of
from assetctl.lineage.facts.records import SourceObserved
from assetctl.lineage.facts.snapshot import OutputState, Recorded
from assetctl.lineage.graph.asset_graph import AssetGraph
from assetctl.lineage.pictures.drawing import LineageView, view_lineage


def states_of(workspace: Workspace, selection: Sequence[str]) -> list[AssetStatus]:
    """Return one line of state per asset of a selection (everything if empty)."""
    graph = workspace.graph()
    made = deliberate(workspace, tuple(selection) or graph.order)  # all of them by name: lost bytes count
    plan = {planned.target: planned for planned in made.plan.steps}
    snapshot = made.deliberation.snapshot
    states: list[AssetStatus] = []
    for key in made.selected:
        if key in graph.sources:
            states.append(_source_status(graph, key, snapshot.observed.get(whole(key))))
            continue
        recorded = snapshot.latest.get(whole(key))
        is_gone = recorded is not None and workspace.stores.data.state(recorded.output) is not OutputState.PRESENT
        states.append(_status(plan[whole(key)], recorded, is_gone))
    return states


def _source_status(graph: AssetGraph, key: AssetKey, seen: SourceObserved | None) -> AssetStatus:
    return AssetStatus(
        asset=key,
        state="source",
        last_materialized=seen.observed_at if seen else None,
        data_version=seen.value.version if seen else None,
        n_rows=seen.value.n_rows if seen else None,
        size_bytes=seen.size_bytes if seen else None,
        duration_s=None,
        reasons=(),
        group=graph.sources[key].group,
    )


def _status(planned: PlannedAsset, recorded: Recorded | None, is_gone: bool) -> AssetStatus:
    return AssetStatus(
        asset=planned.target.asset,
        state="missing" if is_gone else state_of(planned),
        last_materialized=recorded.materialization.started_at if recorded else None,
        data_version=recorded.output.value.version if recorded else None,
        n_rows=recorded.output.value.n_rows if recorded else None,
        size_bytes=recorded.output.size_bytes if recorded else None,
        duration_s=recorded.materialization.duration_s if recorded else None,
        reasons=planned.reasons,
        group=planned.decision.step.declaration.options.group,
        planned=planned,
    )


def draw_lineage(
    workspace: Workspace, selection: Sequence[str], exclude: Sequence[str], depth: int | None = None
) -> LineageView:
    """Return the picture of a selection with its upstreams (at most `depth` away), coloured by what a plan says now."""
    graph = workspace.graph()
    chosen = select(workspace, selection, exclude)
    keys = graph.ancestry(chosen) - set(select(workspace, exclude) if exclude else ())
    steps = sorted(key for key in keys if key in graph.steps)
    made = deliberate(workspace, steps) if steps else None
    latest = made.deliberation.snapshot.latest if made is not None else {}
    used = {key: latest[whole(key)].materialization.undeclared for key in steps if whole(key) in latest}
    view = view_lineage(graph, made.plan if made is not None else None, keys, render, used)
    return view if depth is None else view.within(depth, chosen)

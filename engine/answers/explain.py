"""Explain verdicts: reasons, their root causes upstream, and the symbols that changed."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from assetctl.assets.errors import Problem, SelectionError
from assetctl.assets.ids import AssetKey
from assetctl.engine.answers.since import recorded_since
from assetctl.engine.answers.values import AssetStatus, Explanation, RootCause, SymbolChange
from assetctl.lineage.deciding.decide import Action
from assetctl.lineage.deciding.plan import Plan, PlannedAsset
from assetctl.lineage.deciding.reasons import (
    CodeChanged,
    LastAttemptFailed,
    NeverMaterialized,
    OutputMissing,
    UpstreamChanged,
)
from assetctl.lineage.deciding.staleness import Demand, Fresh, Memory, Undecided, judge
from assetctl.lineage.facts.records import Symbol
from assetctl.lineage.facts.snapshot import OutputState, Recorded
from assetctl.storage.lineage_store.history import recorded_symbols

if TYPE_CHECKING:
    from assetctl.engine.project import Project
    from assetctl.lineage.pictures.drawing import LineageView


def explain(project: Project, key: AssetKey, since: str | None) -> Explanation:
    """Return why an asset has its verdict, or what differs from an earlier point of its history.

    Raises:
        SelectionError: there is no such asset.
    """
    if key not in project.graph().order:
        near = difflib.get_close_matches(key, project.graph().order, n=1)
        hint = f"did you mean `{near[0]}`?" if near else "see `assetctl ls`"
        raise SelectionError(Problem(f"there is no asset `{key}`", hint=hint))
    if key in project.graph().sources:
        return Explanation(key, None, (), (), None, ())
    plan = project.plan(key)
    planned = plan[key]
    recorded = project.stores.lineage.snapshot([key]).latest.get(key)
    if since is not None:
        recorded = recorded_since(project.stores, project.root, key, since)
        planned = replace(planned, verdict=judge(planned.decision.inputs, Memory(recorded), Demand()))
    return Explanation(
        asset=key,
        planned=planned,
        causes=tuple(root_causes(plan, key)),
        symbols=_symbol_changes(project, planned, recorded),
        recorded=recorded,
        is_dynamic=project.identified(key).code.dynamic,
    )


def root_causes(plan: Plan, key: AssetKey) -> Iterable[RootCause]:
    """Yield every upstream with reasons of its own that this asset's verdict goes back to, nearest first."""
    planned = {step.asset: step for step in plan.steps}
    waiting: list[tuple[AssetKey, ...]] = [(key,)]
    seen = {key}
    while waiting:
        path = waiting.pop(0)
        step = planned.get(path[-1])
        if step is None:
            continue
        own = tuple(r for r in step.reasons if not isinstance(r, UpstreamChanged))
        if own and len(path) > 1:
            yield RootCause(path, own)
        changed = [r.upstream for r in step.reasons if isinstance(r, UpstreamChanged)]
        for upstream in (*changed, *step.waiting_on, *_unsettled(step, planned)):
            if upstream not in seen:
                seen.add(upstream)
                waiting.append((*path, upstream))


def _unsettled(step: PlannedAsset, planned: Mapping[AssetKey, PlannedAsset]) -> list[AssetKey]:
    """Return upstreams that would be rebuilt before this one, though it is stale for reasons of its own."""
    upstream = step.decision.step.upstream
    return [u for u in upstream if u in planned and planned[u].action is not Action.KEEP]


def _symbol_changes(project: Project, planned: PlannedAsset, recorded: Recorded | None) -> tuple[SymbolChange, ...]:
    if recorded is None or not any(isinstance(r, CodeChanged) for r in planned.reasons):
        return ()
    before = recorded_symbols(project.stores.lineage, recorded.materialization.provenance.definition.code)
    after = project.identified(planned.asset).code.symbols
    return tuple(compare_symbols(before, after)) if before else ()


def compare_symbols(before: Sequence[Symbol], after: Sequence[Symbol]) -> Iterable[SymbolChange]:
    """Yield what differs between two sets of symbols, in the order in which the code reaches them."""
    was, now = {s.name: s for s in before}, {s.name: s for s in after}
    for name in dict.fromkeys((*now, *was)):
        old, new = was.get(name), now.get(name)
        if old is not None and new is not None and (old.digest == new.digest or old.source == new.source):
            continue  # same, or the same text whose callees differ: those are listed themselves
        shown = new or old
        assert shown is not None, "a name comes from one of the two"
        change = "added" if old is None else "removed" if new is None else "changed"
        path = _path(shown, now if new is not None else was)
        yield SymbolChange(name, change, shown.where, path, _unified(old, new, name))


def _path(symbol: Symbol, symbols: Mapping[str, Symbol]) -> tuple[str, ...]:
    path = [symbol.name]
    while symbol.via and symbol.via not in path:
        path.append(symbol.via)
        if symbol.via not in symbols:
            break
        symbol = symbols[symbol.via]
    return tuple(reversed(path))


def _unified(old: Symbol | None, new: Symbol | None, name: str) -> str:
    before = old.source.splitlines() if old else []
    after = new.source.splitlines() if new else []
    lines = difflib.unified_diff(before, after, f"recorded/{name}", f"now/{name}", lineterm="")
    return "\n".join(lines)


def state_words(plan: Plan) -> dict[AssetKey, set[str]]:
    """Return the words by which a selection finds assets in some state: stale, failed, missing, and more."""
    found: dict[AssetKey, set[str]] = {}
    for planned in plan.steps:
        words = {_state(planned)}
        if planned.reasons:
            words.add("stale")
        if any(isinstance(r, NeverMaterialized | OutputMissing) for r in planned.reasons):
            words.add("missing")
        if any(isinstance(r, LastAttemptFailed) for r in planned.reasons) or planned.action is Action.HELD:
            words.add("failed")
        if planned.action is Action.HELD:
            words.add("held")
        if planned.restorable:
            words.add("restorable")
        if planned.decision.pins:
            words.add("pinned")
        found[planned.asset] = words
    return found


def states_of(project: Project, selection: Sequence[str]) -> list[AssetStatus]:
    """Return one line of state per asset of a selection (everything if empty)."""
    graph = project.graph()
    keys = project.select(selection)
    plan = {planned.asset: planned for planned in project.plan(*keys).steps} if keys else {}
    snapshot = project.stores.lineage.snapshot(keys)
    found: list[AssetStatus] = []
    for key in keys:
        if key in graph.sources:
            seen = snapshot.observed.get(key)
            found.append(
                AssetStatus(
                    key,
                    "source",
                    seen.observed_at if seen else None,
                    seen.value.version if seen else None,
                    seen.value.n_rows if seen else None,
                    seen.size_bytes if seen else None,
                    None,
                    (),
                    graph.sources[key].group,
                )
            )
            continue
        recorded = snapshot.latest.get(key)
        is_gone = recorded is not None and project.stores.data.state(recorded.output) is not OutputState.PRESENT
        found.append(_status(plan[key], recorded, is_gone))
    return found


def _status(planned: PlannedAsset, recorded: Recorded | None, is_gone: bool) -> AssetStatus:
    return AssetStatus(
        asset=planned.asset,
        state="missing" if is_gone else _state(planned),
        last_materialized=recorded.materialization.started_at if recorded else None,
        data_version=recorded.output.value.version if recorded else None,
        n_rows=recorded.output.value.n_rows if recorded else None,
        size_bytes=recorded.output.size_bytes if recorded else None,
        duration_s=recorded.materialization.duration_s if recorded else None,
        reasons=planned.reasons,
        group=planned.decision.step.declaration.options.group,
        planned=planned,
    )


def _state(planned: PlannedAsset) -> str:
    if any(isinstance(r, LastAttemptFailed) for r in planned.reasons) or planned.action is Action.HELD:
        return "failed"
    if any(isinstance(r, NeverMaterialized | OutputMissing) for r in planned.reasons):
        return "missing"
    if isinstance(planned.verdict, Fresh):
        return "fresh"
    return "undecided" if isinstance(planned.verdict, Undecided) else "stale"


def draw_lineage(project: Project, selection: Sequence[str], exclude: Sequence[str]) -> LineageView:
    """Return the picture of a selection with its upstreams, coloured by what a plan says now."""
    from assetctl.engine.answers.draw import render
    from assetctl.lineage.pictures.drawing import view_lineage

    graph = project.graph()
    keys = graph.ancestry(project.select(selection, exclude)) - set(project.select(exclude) if exclude else ())
    steps = sorted(key for key in keys if key in graph.steps)
    plan = project.plan(*steps) if steps else None
    return view_lineage(graph, plan, keys, render)

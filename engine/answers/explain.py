"""Explain verdicts: reasons, their root causes upstream, and the symbols that changed."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from assetctl.assets.errors import Problem, SelectionError
from assetctl.assets.hints import did_you_mean
from assetctl.assets.ids import AssetKey, Target, whole
from assetctl.engine.answers.since import recorded_since
from assetctl.engine.answers.values import Explanation, RootCause, SymbolChange
from assetctl.engine.planning.options import PlanOptions
from assetctl.engine.planning.planner import deliberate
from assetctl.engine.workspace.workspace import Workspace
from assetctl.lineage.deciding.decide import Action
from assetctl.lineage.deciding.plan import Plan, PlannedAsset
from assetctl.lineage.deciding.reasons import (
    CodeChanged,
    UpstreamChanged,
)
from assetctl.lineage.deciding.staleness import Demand, Memory, judge
from assetctl.lineage.facts.kinds import SymbolKind
from assetctl.lineage.facts.records import Symbol
from assetctl.lineage.facts.snapshot import Recorded
from assetctl.storage.lineage_store.history import recorded_symbols


def explain(workspace: Workspace, key: AssetKey, since: str | None, settings: Sequence[str] = ()) -> Explanation:
    """Return why an asset has its verdict, or what differs from an earlier point of its history.

    `settings` give parameters other values, as `--set` does.

    Raises:
        SelectionError: there is no such asset.
    """
    graph = workspace.graph()
    if key not in graph.order:
        hint = did_you_mean(key, graph.order) or "see `assetctl ls`"
        raise SelectionError(Problem("unknown-asset", f"there is no asset `{key}`", hint=hint))
    if key in graph.sources:
        return Explanation(key, None, (), (), None, ())
    made = deliberate(workspace, (key,), PlanOptions(set=tuple(settings)))
    target = whole(key)
    planned = made.plan[target]
    code = made.deliberation.identified[planned.decision.step.key].code
    recorded = made.deliberation.snapshot.latest.get(target)
    if since is not None:
        recorded = recorded_since(workspace, key, since)
        planned = replace(planned, verdict=judge(planned.decision.inputs, Memory(recorded), Demand()))
    symbols = _symbol_changes(workspace, planned, recorded, code.symbols)
    return Explanation(
        asset=key,
        planned=planned,
        causes=tuple(root_causes(made.plan, target)),
        symbols=symbols,
        recorded=recorded,
        is_dynamic=code.dynamic,
        is_code_unexplained=_is_code_unexplained(planned, symbols),
        sources={
            b.target.asset: graph.sources[b.target.asset].path
            for b in planned.decision.step.bindings
            if b.target.asset in graph.sources
        },
    )


def root_causes(plan: Plan, target: Target) -> Iterable[RootCause]:
    """Yield every upstream with reasons of its own that this asset's verdict goes back to, nearest first."""
    planned = {step.target: step for step in plan.steps}
    waiting: list[tuple[Target, ...]] = [(target,)]
    seen = {target}
    while waiting:
        path = waiting.pop(0)
        step = planned.get(path[-1])
        if step is None:
            continue
        own = tuple(r for r in step.reasons if not isinstance(r, UpstreamChanged))
        if own and len(path) > 1:
            yield RootCause(path, own)
        changed = [whole(r.upstream) for r in step.reasons if isinstance(r, UpstreamChanged)]
        for upstream in (*changed, *step.waiting_on, *_unsettled(step, planned)):
            if upstream not in seen:
                seen.add(upstream)
                waiting.append((*path, upstream))


def _unsettled(step: PlannedAsset, planned: Mapping[Target, PlannedAsset]) -> list[Target]:
    """Return upstreams that would be rebuilt before this one, though it is stale for reasons of its own."""
    upstream = map(whole, step.decision.step.upstream)
    return [u for u in upstream if u in planned and planned[u].action is not Action.KEEP]


def _symbol_changes(
    workspace: Workspace, planned: PlannedAsset, recorded: Recorded | None, now: Sequence[Symbol]
) -> tuple[SymbolChange, ...]:
    if recorded is None or not any(isinstance(r, CodeChanged) for r in planned.reasons):
        return ()
    before = recorded_symbols(workspace.stores.lineage, recorded.materialization.provenance.definition.code)
    return tuple(compare_symbols(before, now)) if before else ()


def _is_code_unexplained(planned: PlannedAsset, symbols: Sequence[SymbolChange]) -> bool:
    return not symbols and any(isinstance(reason, CodeChanged) for reason in planned.reasons)


def compare_symbols(before: Sequence[Symbol], after: Sequence[Symbol]) -> Iterable[SymbolChange]:
    """Yield what differs between two sets of symbols, in the order in which the code reaches them."""
    was, now = {s.name: s for s in before}, {s.name: s for s in after}
    changes: list[SymbolChange] = []
    values: set[str] = set()
    for name in dict.fromkeys((*now, *was)):
        old, new = was.get(name), now.get(name)
        if old is not None and new is not None and old.digest == new.digest:
            continue
        shown = new or old
        assert shown is not None, "a name comes from one of the two"
        change = "added" if old is None else "removed" if new is None else "changed"
        path = _path(shown, now if new is not None else was)
        changes.append(SymbolChange(name, change, shown.where, path, _unified(old, new, name)))
        values |= {name} if shown.kind == SymbolKind.VALUE else set()
    changes = _members_as_one(changes, was, now)
    telling = [change for change in changes if change.diff]
    named = {name for change in telling for name in change.path}
    for differing in changes:
        # The same text: what it leads to differs, and is listed itself; or it is a value, shown by its type alone.
        if differing.diff or not telling or (differing.name in values and differing.name not in named):
            yield differing


def _members_as_one(
    changes: Sequence[SymbolChange], was: Mapping[str, Symbol], now: Mapping[str, Symbol]
) -> list[SymbolChange]:
    """Show a captured member of an enum that became another as one change, not by each part of its state.

    A class whose text is the same has the members that it had, and they their parts: these are listed only while
    nothing else names them.
    """
    captured = [name.removesuffix("._name_") for name in (*was, *now) if name.endswith("._name_")]
    pairs = {name: (was[name], now[name]) for name in captured if name in was and name in now}
    replaced = {name: pair for name, pair in pairs.items() if pair[0].source != pair[1].source}
    classes = {new.source.partition(" = ")[0].rpartition(".")[0] for _, new in replaced.values()}
    unchanged = {name for name in classes if name in was and name in now and was[name].source == now[name].source}
    of_state = tuple(f"{name}{mark}" for name in replaced for mark in ".[")
    told = [
        SymbolChange(name, "changed", new.where, _path(new, now), _unified(old, new, name))
        for name, (old, new) in replaced.items()
    ]
    for change in changes:
        is_still_there = change.change != "changed" and change.name.rpartition(".")[0] in {*unchanged, *pairs}
        is_same_member = bool(replaced) and change.name in pairs and not change.diff
        if not (is_still_there or is_same_member or change.name in replaced or change.name.startswith(of_state)):
            told.append(change)
    return told


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

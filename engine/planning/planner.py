"""Plan: look at all that counts once, then ask the one decision function.

It binds declarations, identity, stores and sources together and decides nothing:
verdicts come from `lineage.deciding`. A question about states (`stale`, `failed`) is
answered from a plan of everything, and the plan that was asked for goes on from what
that one looked at.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Self

from assetctl.assets.ids import AssetKey, Target, whole
from assetctl.engine.planning.options import PlanOptions
from assetctl.engine.planning.refusals import (
    gone_outside,
    refuse_dynamic,
    refuse_nothing,
    require_recorded,
    spare_pinned,
)
from assetctl.engine.sharing.port import plan_with_others
from assetctl.engine.workspace.workspace import Workspace
from assetctl.lineage.deciding.decide import Deliberation, Identified, Observation, Question, Request
from assetctl.lineage.deciding.plan import Plan, make_plan
from assetctl.lineage.deciding.states import state_words
from assetctl.lineage.deciding.traces import trace_keys, usable_traces
from assetctl.lineage.facts.kinds import UndeclaredKind
from assetctl.lineage.facts.records import Digest, Undeclared
from assetctl.lineage.facts.snapshot import OutputState, Snapshot, Traces
from assetctl.lineage.graph.asset_graph import AssetGraph, with_former_names
from assetctl.lineage.graph.configure import configure
from assetctl.lineage.graph.selection import resolve

_AS_DECLARED = PlanOptions()


@dataclass(frozen=True, slots=True)
class Deliberated:
    """A plan, and the deliberation behind it: what was known when it was made.

    `selected` are the keys that the selection means, sources included, in topological order.
    """

    plan: Plan
    deliberation: Deliberation
    selected: tuple[AssetKey, ...]


@dataclass(frozen=True, slots=True)
class _Evidence:
    """What was looked at for some keys; `graph` has the names that renamed assets had."""

    graph: AssetGraph
    snapshot: Snapshot
    identified: Mapping[AssetKey, Identified]
    observed: Mapping[Target, Observation]
    states: Mapping[Target, OutputState]
    gone: frozenset[Target] | None = None  # None: the assets' own probes were not asked yet

    @classmethod
    def behind(cls, made: Deliberation) -> Self:
        """Return what a deliberation was made from."""
        return cls(
            made.graph, made.snapshot, made.identified, made.observed, made.known.states, frozenset(made.known.gone)
        )

    def gone_in(self, scope: frozenset[AssetKey]) -> frozenset[Target]:
        """Return the assets of a scope whose own probe says that what they did outside is not there any more."""
        if self.gone is not None:
            return frozenset(target for target in self.gone if target.asset in scope)
        recorded = {target.asset for target in self.snapshot.latest}
        return frozenset(map(whole, gone_outside(self.graph, scope & recorded)))


def deliberate(workspace: Workspace, selection: Sequence[str] = (), options: PlanOptions = _AS_DECLARED) -> Deliberated:
    """Return the plan for a selection, and the deliberation that a run goes on with. Executes nothing.

    Raises:
        DeclarationError: with every problem of every declaration.
        SelectionError: with every term that names nothing, or what the options do not allow.
    """
    question = _Question(workspace, options)
    refuse_nothing(question.declared, workspace.settings.assets)
    selected = question.resolve(selection, options.exclude)
    scope = question.scope(selected)
    borders = {u for k in scope for u in question.declared.upstream(k) if u not in scope}
    evidence = question.evidence(scope, borders)
    graph = evidence.graph
    request = question.request(selected, scope, is_named=bool(selection))
    request = spare_pinned(graph, request, evidence.snapshot.pins)
    if workspace.settings.dynamic == "strict":
        refuse_dynamic(graph, evidence.identified)
    require_recorded(graph, request, borders, evidence.snapshot)
    deliberation = Deliberation(
        Question(
            graph=graph,
            request=request,
            identified=evidence.identified,
            observed=evidence.observed,
            snapshot=evidence.snapshot,
            states=evidence.states,
            class_code=workspace.declarations.identification().class_code,
            current_digest=_DigestNow(workspace),
        )
    )
    deliberation.known.missed_outside(evidence.gone_in(scope))
    plan = make_plan(deliberation)
    if any(not planned.action.is_keep for planned in plan.steps):
        waiting = {p.decision.step.key for p in plan.steps if not p.action.is_keep}
        deliberation = deliberation.begin_anew(_traces(workspace, graph, waiting))
        plan, deliberation = plan_with_others(workspace.stores.sharing, make_plan(deliberation), deliberation)
    return Deliberated(plan, deliberation, selected)


def select(workspace: Workspace, selection: Sequence[str] = (), exclude: Sequence[str] = ()) -> tuple[AssetKey, ...]:
    """Return the keys that a selection means, in topological order.

    Raises:
        SelectionError: with every term that names nothing.
        DeclarationError: with everything that `code_deps` of these assets name and that is not there.
    """
    keys = _Question(workspace, _AS_DECLARED).resolve(selection, exclude)
    refuse_unmatched(workspace, keys)
    return keys


def identify(workspace: Workspace, keys: Collection[AssetKey]) -> dict[AssetKey, Identified]:
    """Return code and definition of the steps that produce these assets, without looking at what is recorded.

    But for earlier names: those of a step's outputs are part of its definition.

    Raises:
        DeclarationError: with everything that `code_deps` name and that is not there.
    """
    refuse_unmatched(workspace, keys)
    graph = workspace.graph()
    if any(graph.steps[key].declaration.options.outs for key in keys):
        graph = with_former_names(graph, workspace.stores.lineage.names())
    identification = workspace.declarations.identification()
    return {key: identification.identify(graph.steps[key], graph) for key in keys}


def refuse_unmatched(workspace: Workspace, keys: Collection[AssetKey]) -> None:
    """Refuse assets whose `code_deps` name what is not there.

    Raises:
        DeclarationError: with everything that they name in vain.
    """
    graph = workspace.graph()
    steps = {graph.steps[key].key: graph.steps[key] for key in keys if key in graph.steps}
    workspace.declarations.identification().refuse_unmatched(steps.values())


class _Question:
    """What is asked of the planner once; keeps a plan of everything if a term (`stale`) needed one."""

    def __init__(self, workspace: Workspace, options: PlanOptions) -> None:
        self._workspace = workspace
        self._options = options
        self._everything: Deliberated | None = None
        self.declared = configure(workspace.graph(), options.set)

    def resolve(self, selection: Sequence[str], exclude: Sequence[str]) -> tuple[AssetKey, ...]:
        return resolve(self.declared, selection, exclude, self._states)

    def scope(self, selected: Collection[AssetKey]) -> frozenset[AssetKey]:
        """Return what is acted on: what is selected and, unless `only`, what it needs; co-outputs always."""
        options, graph = self._options, self.declared
        needed = frozenset(selected) if options.only else graph.ancestry(selected)
        excluded = frozenset(self.resolve(options.exclude, ())) if options.exclude else frozenset()
        kept = needed - excluded
        return kept | {o for k in kept if k in graph.steps for o in graph.steps[k].outputs}

    def request(self, selected: Collection[AssetKey], scope: Collection[AssetKey], *, is_named: bool) -> Request:
        chosen = frozenset(map(whole, selected))
        named: frozenset[Target] = chosen if is_named else frozenset()
        forced: frozenset[Target] = chosen if self._options.force else frozenset()
        return Request(frozenset(map(whole, scope)), named, forced)

    def evidence(self, scope: Collection[AssetKey], borders: Collection[AssetKey]) -> _Evidence:
        """Look at all that counts for these keys, unless the plan of everything has done so already."""
        if self._everything is not None and not self._options.set:
            return _Evidence.behind(self._everything.deliberation)
        return _look(self._workspace, self.declared, frozenset(scope), frozenset(borders))

    def _states(self) -> dict[AssetKey, set[str]]:
        if self._everything is None:
            self._everything = deliberate(self._workspace)
        return {target.asset: words for target, words in state_words(self._everything.plan).items()}


def _look(
    workspace: Workspace, declared: AssetGraph, scope: frozenset[AssetKey], borders: frozenset[AssetKey]
) -> _Evidence:
    keys = scope | borders
    stores = workspace.stores
    stores.refresh()
    snapshot = stores.lineage.snapshot(set(map(whole, keys)))
    stores.look(recorded.output for recorded in snapshot.latest.values())
    graph = with_former_names(declared, snapshot.names)
    return _Evidence(
        graph=graph,
        snapshot=snapshot,
        identified=workspace.declarations.identification().identify_all(graph, scope),
        observed=stores.observer(workspace.root).observe_all(graph, keys),
        states={target: stores.data.state(recorded.output) for target, recorded in snapshot.latest.items()},
    )


def _traces(workspace: Workspace, graph: AssetGraph, keys: Collection[AssetKey]) -> Traces:
    """Return the traces of these steps whose outputs can all be read, those under earlier names included."""
    lookup = trace_keys(graph, keys)
    return usable_traces(workspace.stores.lineage.traces(lookup.keys()), lookup, workspace.stores.state_here)


@dataclass(frozen=True, slots=True)
class _DigestNow:
    """The digest now of something a step was seen to use, or None if it is gone."""

    workspace: Workspace

    def __call__(self, used: Undeclared) -> Digest | None:
        declarations = self.workspace.declarations
        match used.kind:
            case UndeclaredKind.CODEC:
                return declarations.identification().codec_code(declarations.codecs(), used.name)
            case UndeclaredKind.SYMBOL | UndeclaredKind.MODULE:
                return declarations.identification().class_code(used.name)
            case _:  # what only a later release can name counts as gone
                return self.workspace.seen().digest(used.kind, used.name)

"""The lineage picture: which assets read which, what state each is in, and where a change began.

Pure: made from a graph and, where there is one, a plan. It writes DOT, Mermaid, JSON and
plain text by itself; pictures in pixels or SVG need the renderer that is handed in.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

from assetctl.assets.errors import AssetctlError
from assetctl.assets.ids import AssetKey, Target, whole
from assetctl.lineage.deciding.decide import Action
from assetctl.lineage.deciding.plan import Plan, PlannedAsset
from assetctl.lineage.deciding.reasons import (
    NeverMaterialized,
    ObservedChanged,
    OutputMissing,
    Reason,
    SourceChanged,
    UpstreamChanged,
    describe,
)
from assetctl.lineage.facts.kinds import UndeclaredKind
from assetctl.lineage.facts.records import Undeclared
from assetctl.lineage.graph.asset_graph import AssetGraph
from assetctl.lineage.pictures.dot import to_dot
from assetctl.lineage.pictures.mermaid import to_mermaid
from assetctl.lineage.pictures.nodes import LOOKS, Edge, Node

_NO_NODE = frozenset((UndeclaredKind.SYMBOL, UndeclaredKind.MODULE, UndeclaredKind.CODEC, UndeclaredKind.UNSEEN))
Renderer = Callable[[str, str], bytes]
"""(DOT text, "svg" or "png") -> the picture's bytes."""


@dataclass(frozen=True, slots=True)
class LineageView:
    """A part of the graph, ready to be drawn: `nodes` in graph order, `edges` among them."""

    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    render: Renderer | None = field(default=None, compare=False, repr=False)

    def within(self, n_hops: int, of: Collection[AssetKey]) -> LineageView:
        """Return the view without upstreams that are more than `n_hops` away from the assets in `of`."""
        kept, edge = set[str](of), set[str](of)
        for _ in range(n_hops):
            edge = {up for up, down in self.edges if down in edge} - kept
            kept |= edge
        nodes = tuple(node for node in self.nodes if node.key in kept)
        return replace(self, nodes=nodes, edges=tuple(e for e in self.edges if kept.issuperset(e)))

    def to_dot(self) -> str:
        return to_dot(self.nodes, self.edges)

    def to_mermaid(self) -> str:
        return to_mermaid(self.nodes, self.edges)

    def to_json(self) -> dict[str, Any]:
        """Return the view as JSON of schema `assetctl.lineage/1`."""
        nodes = [
            {
                "key": node.key,
                "kind": node.kind,
                "group": node.group,
                "state": node.state,
                "changed": node.is_changed,
                "why": node.why,
            }
            for node in self.nodes
            if node.kind != "undeclared"
        ]
        shown = {node["key"] for node in nodes}
        edges = [{"from": up, "to": down} for up, down in sorted(self.edges) if up in shown]
        return {"schema": "assetctl.lineage/1", "nodes": nodes, "edges": edges, "undeclared": self._undeclared()}

    def _undeclared(self) -> list[dict[str, Any]]:
        return [
            {
                "kind": node.key.partition(" ")[0],
                "name": node.key.partition(" ")[2],
                "changed": node.is_changed,
                "used_by": sorted(down for up, down in self.edges if up == node.key),
            }
            for node in self.nodes
            if node.kind == "undeclared"
        ]

    def to_text(self) -> str:
        """Return one line per asset, upstreams first: symbol, key, state, what it reads, why."""
        reads: dict[str, list[str]] = {}
        for upstream, downstream in sorted(self.edges):
            reads.setdefault(downstream, []).append(upstream)
        rows = [
            (f"{LOOKS[n.state].symbol or '·'} {n.key}", LOOKS[n.state].word, ", ".join(reads.get(n.key, ())), n.why)
            for n in self.nodes
        ]
        widths = [max((len(row[column]) for row in rows), default=0) for column in range(2)]
        lines = []
        for name, word, read, why in rows:
            tail = "  ".join(part for part in (f"← {read}" if read else "", f"({why})" if why else "") if part)
            lines.append(f"{name:<{widths[0]}}  {word:<{widths[1]}}  {tail}".rstrip())
        return "\n".join(lines) + "\n"

    def __str__(self) -> str:
        return self.to_text()

    def _repr_svg_(self) -> str | None:
        """Return the picture for notebooks, None where nothing can render it."""
        if self.render is None:
            return None
        try:
            return self.render(self.to_dot(), "svg").decode()
        except AssetctlError:
            return None

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        """Return SVG where a renderer works, and always the text."""
        svg = self._repr_svg_()
        text = {"text/plain": self.to_text()}
        return {"image/svg+xml": svg, **text} if svg is not None else text


def view_lineage(
    graph: AssetGraph,
    plan: Plan | None,
    keys: Collection[AssetKey],
    render: Renderer | None = None,
    used: Mapping[AssetKey, Sequence[Undeclared]] = MappingProxyType({}),
) -> LineageView:
    """Return the view of these assets; without a plan no state is known.

    `used` says what their steps were seen to use last without declaring it.
    """
    planned = {p.target: p for p in plan.steps} if plan is not None else {}
    changed = _changed_sources(planned.values())
    asked = frozenset(keys)
    shown = [key for key in graph.order if key in asked]
    nodes = tuple(_node(graph, key, planned.get(whole(key)), changed) for key in shown)
    edges = tuple((str(up), str(key)) for key in shown for up in graph.upstream(key) if up in asked)
    besides, uses = _besides({key: used.get(key, ()) for key in shown}, planned)
    return LineageView((*besides, *nodes), (*edges, *uses), render)


def _besides(
    used: Mapping[AssetKey, Sequence[Undeclared]], planned: Mapping[Target, PlannedAsset]
) -> tuple[list[Node], list[Edge]]:
    """Return what is used without being declared, code apart (it is a part of the asset), and who uses it."""
    nodes: dict[str, Node] = {}
    edges: list[Edge] = []
    for key, things in used.items():
        plan = planned.get(whole(key))
        reasons = [r for r in plan.reasons if isinstance(r, ObservedChanged)] if plan is not None else []
        changed = {name for reason in reasons for name in reason.what}
        for thing in things:
            if thing.kind in _NO_NODE:
                continue
            name = f"{thing.kind} {thing.name}"
            is_changed = thing.name in changed
            why = "changed since it was used" if is_changed else ""
            if name not in nodes or is_changed:
                nodes[name] = Node(name, "undeclared", None, "undeclared", is_changed, why)
            edges.append((name, str(key)))
    return [nodes[name] for name in sorted(nodes)], list(dict.fromkeys(edges))


def state_of(planned: PlannedAsset) -> str:
    """Return the one word for what a plan says of an asset; one of `nodes.LOOKS`."""
    nothing_stored = any(isinstance(r, NeverMaterialized | OutputMissing) for r in planned.reasons)
    match planned.action:
        case Action.KEEP:
            return "pinned" if planned.served is not None else "fresh"
        case Action.MAYBE:
            return "undecided"
        case Action.RESTORE:
            return "restorable"
        case Action.HELD:
            return "held"
        case Action.RUN:
            return "missing" if nothing_stored else "stale"


def is_own(reason: Reason) -> bool:
    """Say whether a reason lies in the asset itself, rather than upstream or in never having run."""
    return not isinstance(reason, NeverMaterialized | OutputMissing | UpstreamChanged | SourceChanged)


def _changed_sources(planned: Iterable[PlannedAsset]) -> dict[AssetKey, str]:
    changes: dict[AssetKey, str] = {}
    for reason in (r for p in planned for r in p.reasons):
        if isinstance(reason, SourceChanged):
            columns = f" ({', '.join(reason.columns)})" if reason.columns else ""
            changes.setdefault(reason.source, f"content changed{columns}")
    return changes


def _node(
    graph: AssetGraph, key: AssetKey, planned: PlannedAsset | None, changed_sources: Mapping[AssetKey, str]
) -> Node:
    if key in graph.sources:
        why = changed_sources.get(key, "")
        return Node(key, "source", graph.sources[key].group, "source", bool(why), why)
    group = graph.steps[key].declaration.options.group
    if planned is None:
        return Node(key, "asset", group, "unknown")
    own = [r for r in planned.reasons if is_own(r)]
    ordered = [*own, *(r for r in planned.reasons if not is_own(r))]
    why = "; ".join(describe(r) for r in ordered)
    if planned.served is not None:
        why = planned.served.describe()
    if planned.waiting_on:
        why = f"if {', '.join(planned.waiting_on)} changes"
    return Node(key, "asset", group, state_of(planned), bool(own), why)

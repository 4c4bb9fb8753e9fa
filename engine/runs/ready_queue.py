"""Which step may go next: upstreams first, then the one with the longest chain of work behind it.

It knows only the order; whether a step has anything to do is decided elsewhere.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable

from assetctl.assets.ids import Target
from assetctl.lineage.deciding.decide import Deliberation
from assetctl.lineage.deciding.plan import Plan
from assetctl.lineage.graph.asset_graph import AssetGraph, Step


class Schedule:
    """The steps of one plan, by their targets. A step is ready once all it waits for was released."""

    def __init__(self, plan: Plan, deliberation: Deliberation) -> None:
        self.steps: dict[Target, Step] = {}
        for planned in plan.steps:
            self.steps.setdefault(planned.decision.target, planned.decision.step)
        self._graph = deliberation.graph
        self._waiting: dict[Target, set[Target]] = {}
        self._readers: dict[Target, list[Target]] = {}
        self._ready: list[tuple[int, Target]] = []
        self.rank = {key: rank for rank, key in enumerate(self._by_critical_path(deliberation))}
        for key, step in self.steps.items():
            self._waiting[key] = set()
            self._wait_for(key, {self._graph.steps[u].target for u in step.upstream if u in self._graph.steps})
            if not self._waiting[key]:
                self.push(key)

    def __bool__(self) -> bool:
        return bool(self._ready)

    def push(self, key: Target) -> None:
        """Make a step ready (again)."""
        if (self.rank[key], key) not in self._ready:
            heapq.heappush(self._ready, (self.rank[key], key))

    def pop(self) -> Step:
        return self.steps[heapq.heappop(self._ready)[1]]

    def clear(self) -> None:
        """Start nothing more."""
        self._ready.clear()

    def release(self, key: Target) -> None:
        """Say that a step is settled; what waited only for it becomes ready."""
        for reader in self._readers.get(key, ()):
            if key in self._waiting[reader]:
                self._waiting[reader].discard(key)
                if not self._waiting[reader]:
                    self.push(reader)

    def again(self, reader: Target, owners: Iterable[Target]) -> None:
        """Make settled steps ready again, and a step that reads them wait for them."""
        self._wait_for(reader, owners)
        for owner in owners:
            self.push(owner)

    def _wait_for(self, key: Target, owners: Iterable[Target]) -> None:
        for owner in owners:
            if owner in self.steps:
                self._waiting[key].add(owner)
                readers = self._readers.setdefault(owner, [])
                if key not in readers:
                    readers.append(key)

    def _by_critical_path(self, deliberation: Deliberation) -> list[Target]:
        """Return steps by how long the chain that they begin took last time, longest first, ties in plan order."""
        length: dict[Target, float] = {}
        for key in reversed(list(self.steps)):
            recorded = deliberation.known.latest.get(key)
            own = recorded.materialization.duration_s if recorded is not None else 0.0
            length[key] = own + max((length.get(r, 0.0) for r in _readers(self._graph, self.steps[key])), default=0.0)
        return sorted(self.steps, key=lambda key: -length[key])


def _readers(graph: AssetGraph, step: Step) -> set[Target]:
    return {graph.steps[reader].target for output in step.outputs for reader in graph.downstream.get(output, ())}

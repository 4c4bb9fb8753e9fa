"""What an answer rests on, once it is given: enough to tell later whether it would be given again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from assetctl.assets.ids import Target
from assetctl.lineage.deciding.decide import Deliberation
from assetctl.lineage.facts.records import Pinned
from assetctl.lineage.facts.snapshot import Recorded
from assetctl.lineage.graph.asset_graph import AssetGraph


@dataclass(frozen=True, slots=True)
class ReliedOn:
    """The graph, the sources that were observed, and what was recorded last of all that was acted on."""

    graph: AssetGraph
    sources: tuple[Target, ...]
    latest: Mapping[Target, Recorded]
    pins: Mapping[Target, Pinned]


def relied_on(deliberation: Deliberation) -> ReliedOn:
    """Return what the answer to this deliberation's request rests on now."""
    scope, known = deliberation.request.scope, deliberation.known
    return ReliedOn(
        graph=deliberation.graph,
        sources=tuple(deliberation.observed),
        latest={target: recorded for target, recorded in known.latest.items() if target in scope},
        pins={target: pin for target, pin in known.pins.items() if target in scope},
    )

"""Which earlier materializations may answer for a step: its own, and those under its earlier names."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import replace

from assetctl.assets.ids import AssetKey, Target, whole
from assetctl.lineage.facts.records import Materialized, Output, ProvenanceDigest
from assetctl.lineage.facts.snapshot import OutputState, Traces
from assetctl.lineage.graph.asset_graph import AssetGraph, Step

Lookup = Mapping[Target, tuple[Step, ...]]


def trace_keys(graph: AssetGraph, keys: Collection[AssetKey]) -> Lookup:
    """Return every key to look up, with the steps it may answer for: a name can have passed from one to another."""
    lookup: dict[Target, tuple[Step, ...]] = {}
    for key in keys:
        step = graph.steps[key]
        for name in dict.fromkeys((step.key, *step.former.get(step.key, ()))):
            lookup[whole(name)] = (*lookup.get(whole(name), ()), step)
    return lookup


def usable_traces(
    traces: Traces, lookup: Lookup, state: Callable[[Output], OutputState]
) -> dict[tuple[Target, ProvenanceDigest], Materialized]:
    """Return the traces whose outputs can all be read, under the keys that steps have now.

    Equal provenance means equal values, whatever the name: so a trace may answer for
    every step that had its name. A step's own come before those of an earlier name.
    """
    usable: dict[tuple[Target, ProvenanceDigest], Materialized] = {}
    for (target, provenance), made in traces.items():
        if not all(state(output) is OutputState.PRESENT for output in made.outputs):
            continue
        for step in lookup[target]:
            answer = renamed(made, step)
            if target == step.target:
                usable[step.target, provenance] = answer
            else:
                usable.setdefault((step.target, provenance), answer)
    return usable


def renamed(made: Materialized, step: Step) -> Materialized:
    """Return a materialization under the present names; outputs of equal provenance are in the same order."""
    if len(made.outputs) != len(step.outputs) or not step.former:
        return made
    pairs = zip(made.outputs, step.targets, strict=True)
    return replace(made, step=step.target, outputs=tuple(replace(output, target=target) for output, target in pairs))

"""Which earlier materializations may answer for a step: its own, and those under its earlier names."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import replace

from assetctl.assets.ids import AssetKey
from assetctl.lineage.facts.records import Materialized, Output, ProvenanceDigest
from assetctl.lineage.facts.snapshot import OutputState, Traces
from assetctl.lineage.graph.asset_graph import AssetGraph, Step

Lookup = Mapping[AssetKey, tuple[Step, ...]]


def trace_keys(graph: AssetGraph, keys: Collection[AssetKey]) -> Lookup:
    """Return every key to look up, with the steps it may answer for: a name can have passed from one to another."""
    found: dict[AssetKey, tuple[Step, ...]] = {}
    for key in keys:
        step = graph.steps[key]
        for name in dict.fromkeys((step.key, *step.former.get(step.key, ()))):
            found[name] = (*found.get(name, ()), step)
    return found


def usable_traces(
    traces: Traces, lookup: Lookup, state: Callable[[Output], OutputState]
) -> dict[tuple[AssetKey, ProvenanceDigest], Materialized]:
    """Return the traces whose outputs can all be read, under the keys that steps have now.

    Equal provenance means equal values, whatever the name: so a trace may answer for
    every step that had its name. A step's own come before those of an earlier name.
    """
    found: dict[tuple[AssetKey, ProvenanceDigest], Materialized] = {}
    for (key, provenance), made in traces.items():
        if not all(state(output) is OutputState.PRESENT for output in made.outputs):
            continue
        for step in lookup[key]:
            answer = renamed(made, step)
            if key == step.key:
                found[step.key, provenance] = answer
            else:
                found.setdefault((step.key, provenance), answer)
    return found


def renamed(made: Materialized, step: Step) -> Materialized:
    """Return a materialization under the present names; outputs of equal provenance are in the same order."""
    if len(made.outputs) != len(step.outputs) or not step.former:
        return made
    outputs = tuple(replace(output, asset=key) for output, key in zip(made.outputs, step.outputs, strict=True))
    return replace(made, step=step.key, outputs=outputs)

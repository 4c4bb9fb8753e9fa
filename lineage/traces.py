"""Which earlier materializations may answer for a step: its own, and those under its earlier names."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace

from assetctl.assets.ids import AssetKey
from assetctl.lineage.graph import AssetGraph
from assetctl.lineage.records import Materialized, Output, OutputState, ProvenanceDigest, Traces


def trace_keys(graph: AssetGraph, keys: Collection[AssetKey]) -> dict[AssetKey, AssetKey]:
    """Return every key to look up, mapped to the step it answers for."""
    found = {AssetKey(a): key for key in keys for a in graph.steps[key].declaration.options.aliases}
    return {**found, **{key: key for key in keys}}


def usable_traces(
    traces: Traces, names: dict[AssetKey, AssetKey], state: Callable[[Output], OutputState]
) -> dict[tuple[AssetKey, ProvenanceDigest], Materialized]:
    """Return the traces whose outputs can all be read, under the keys that steps have now."""
    found: dict[tuple[AssetKey, ProvenanceDigest], Materialized] = {}
    for (key, provenance), made in traces.items():
        now = names[key]
        is_present = all(state(output) is OutputState.PRESENT for output in made.outputs)
        if is_present and now == key:
            found[now, provenance] = made
        elif is_present and len(made.outputs) == 1:
            found.setdefault((now, provenance), renamed(made, now))
    return found


def renamed(made: Materialized, key: AssetKey) -> Materialized:
    """Return a single-output materialization under the key that its asset has now."""
    return replace(made, step=key, outputs=(replace(made.outputs[0], asset=key),))

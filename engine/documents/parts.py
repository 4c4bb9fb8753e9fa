"""Pieces that several documents have in common: a pin, a verdict, a materialization, a stored output."""

from __future__ import annotations

from typing import Any

from assetctl.lineage.deciding.plan import PlannedAsset
from assetctl.lineage.deciding.reasons import to_json
from assetctl.lineage.facts.records import Output, Pinned
from assetctl.lineage.facts.snapshot import Recorded


def pin_json(pin: Pinned) -> dict[str, Any]:
    """Return one pin."""
    return {
        "asset": pin.target.asset,
        "purpose": pin.purpose.value,
        "data_version": pin.data_version,
        "materialization_id": pin.materialization_id,
        "since": pin.pinned_at,
        "note": pin.note,
    }


def pinned_json(planned: PlannedAsset) -> dict[str, Any] | None:
    """Return the pin that keeps an asset from being built, and what would otherwise be reasons to; None without."""
    pin = planned.decision.pins.get(planned.target)
    if pin is None:
        return None
    served = planned.served
    return {
        "data_version": pin.data_version,
        "since": pin.pinned_at,
        "note": pin.note,
        "would_be_stale": [to_json(reason) for reason in served.would_be] if served is not None else [],
        "output": served.output.value if served is not None else None,
    }


def planned_json(planned: PlannedAsset) -> dict[str, Any]:
    """Return one step of a plan."""
    return {
        "asset": planned.target.asset,
        "partition": planned.target.partition_key,
        "verdict": type(planned.verdict).__name__.lower(),
        "action": planned.action.value,
        "restorable": planned.restorable,
        "reasons": [to_json(reason) for reason in planned.reasons],
        "waiting_on": list(planned.waiting_on),
        "checks": list(planned.checks),
        "outputs": list(planned.decision.step.outputs),
        "pinned": pinned_json(planned),
        "unseen": list(planned.unseen),
    }


def recorded_json(recorded: Recorded) -> dict[str, Any]:
    """Return one materialization of one asset."""
    made = recorded.materialization
    return {
        **output_json(recorded.output),
        "materialization_id": made.id,
        "run_id": made.run_id,
        "started_at": made.started_at,
        "duration_s": made.duration_s,
        "origin": made.origin,
        "trace": made.trace.value,
        "definition": made.provenance.definition.digest,
        "code_version": made.provenance.definition.code,
        "provenance": made.provenance.digest,
        "inputs": [
            {"name": i.name, "upstream": i.upstream, "version": i.version, "columns": list(i.columns)}
            for i in made.provenance.inputs
        ],
        "metrics": dict(made.metrics),
        "figures": dict(made.figures),
        "links": dict(made.links),
        "reasons": list(made.reasons),
    }


def output_json(output: Output) -> dict[str, Any]:
    """Return what one stored output is."""
    return {
        "data_version": output.value.version,
        "kind": output.value.kind,
        "n_rows": output.value.n_rows,
        "columns": [{"name": c.name, "type": c.type} for c in output.value.columns],
        "size_bytes": output.size_bytes,
        "codec": output.codec,
    }

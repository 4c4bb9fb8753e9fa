"""Answers as JSON documents: the one place where what `--json` prints is made.

Fields are only ever added. The schemas in `cli/schemas/` describe every document, and
the tests hold each output against its schema.
"""

from __future__ import annotations

import ast
import json
from collections.abc import Collection, Mapping
from typing import Any

from assetctl.assets.ids import AssetKey
from assetctl.engine.answers.values import pin_json, pinned_json
from assetctl.engine.planning.planner import identify
from assetctl.engine.workspace.workspace import Workspace
from assetctl.lineage.deciding.decide import Identified
from assetctl.lineage.deciding.plan import Plan, PlannedAsset
from assetctl.lineage.deciding.reasons import to_json
from assetctl.lineage.facts.records import Output
from assetctl.lineage.facts.snapshot import Recorded
from assetctl.lineage.graph.asset_graph import AssetGraph


def assets_json(workspace: Workspace, keys: Collection[AssetKey]) -> dict[str, Any]:
    """Return what is declared as schema `assetctl.assets/1`."""
    workspace.stores.refresh()
    pins: dict[str, list[dict[str, Any]]] = {}
    for pin in workspace.stores.lineage.pins():
        pins.setdefault(pin.target, []).append(pin_json(pin))
    graph = workspace.graph()
    identified = identify(workspace, [key for key in keys if key in graph.steps])
    assets = [{**_asset(graph, key, identified), "pins": pins.get(key, [])} for key in keys]
    return {"schema": "assetctl.assets/1", "assets": assets}


def _asset(graph: AssetGraph, key: AssetKey, steps: Mapping[AssetKey, Identified]) -> dict[str, Any]:
    source = graph.sources.get(key)
    common = {"key": key, "defined_in": graph.where[key], "downstream": list(graph.downstream.get(key, ()))}
    if source is not None:
        return {
            **common,
            "kind": "source",
            "group": source.group,
            "tags": dict(source.tags),
            "owners": list(source.owners),
            "description": source.description,
            "path": source.path,
            "upstream": [],
            "config": {},
            "code_version": None,
            "definition": None,
            "dynamic": [],
        }
    step, identified = graph.steps[key], steps[key]
    options = step.declaration.options
    return {
        **common,
        "kind": "asset",
        "kinds": list(options.kinds),
        "group": options.group,
        "tags": dict(options.tags),
        "owners": list(options.owners),
        "description": options.description,
        "upstream": list(graph.upstream(key)),
        "outputs": list(step.outputs),
        "config": {name: _config_json(text) for name, text in identified.definition.config.items()},
        "code_version": identified.code.version,
        "definition": identified.definition.digest,
        "dynamic": list(identified.code.dynamic),
        "undecidable": list(identified.code.undecidable),
        "checks": [check.name for check in graph.checks.get(key, ())],
    }


def _config_json(text: str) -> Any:
    """Return a recorded config value as JSON: a tuple is a list; a number that JSON does not have is text."""
    try:
        return json.loads(text, parse_constant=str)
    except ValueError:
        return _listed(ast.parse(text, mode="eval").body)


def _listed(node: ast.expr) -> Any:
    """Return what a piece of canonical config text stands for; `true` and `inf` are names to Python."""
    match node:
        case ast.Tuple(elts) | ast.List(elts):
            return [_listed(item) for item in elts]
        case ast.Dict(keys, values):
            return {_listed(key): _listed(value) for key, value in zip(keys, values, strict=True) if key is not None}
        case ast.Name(name):
            return {"true": True, "false": False, "null": None}.get(name, name)
        case ast.UnaryOp(operand=ast.Name(name)):
            return f"-{name}"
    return ast.literal_eval(node)


def plan_json(plan: Plan) -> dict[str, Any]:
    """Return the plan as schema `assetctl.plan/1`."""
    return {"schema": "assetctl.plan/1", "fresh": plan.is_fresh, "steps": [planned_json(p) for p in plan.steps]}


def planned_json(planned: PlannedAsset) -> dict[str, Any]:
    """Return one step of a plan; also the verdict part of other documents."""
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

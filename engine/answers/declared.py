"""What is declared, asset by asset, with the versions that its code has now and the pins that hold it."""

from __future__ import annotations

import ast
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from assetctl.assets.definition import SourceDef
from assetctl.assets.ids import AssetKey
from assetctl.engine.planning.planner import identify, select
from assetctl.engine.workspace.workspace import Workspace
from assetctl.lineage.deciding.decide import Identified
from assetctl.lineage.facts.records import Pinned
from assetctl.lineage.graph.asset_graph import AssetGraph


@dataclass(frozen=True, slots=True)
class DeclaredAsset:
    """One asset or source, as its declaration says it.

    `path` is a source's alone. `step` is what only an asset has, which is computed.
    """

    key: AssetKey
    defined_in: str
    group: str | None
    tags: Mapping[str, str]
    owners: tuple[str, ...]
    description: str | None
    upstream: tuple[AssetKey, ...]
    downstream: tuple[AssetKey, ...]
    pins: tuple[Pinned, ...]
    path: str | None
    step: DeclaredStep | None

    @property
    def is_source(self) -> bool:
        return self.step is None


@dataclass(frozen=True, slots=True)
class DeclaredStep:
    """How an asset is computed: all outputs of its step, its parameters as plain data, and its versions now.

    `dynamic` and `undecidable` name places of its code that cannot be followed.
    """

    kinds: tuple[str, ...]
    outputs: tuple[AssetKey, ...]
    config: Mapping[str, Any]
    code_version: str
    definition: str
    dynamic: tuple[str, ...]
    undecidable: tuple[str, ...]
    checks: tuple[str, ...]


def declared_assets(workspace: Workspace, selection: Sequence[str], exclude: Sequence[str]) -> list[DeclaredAsset]:
    """Return the assets of a selection, in topological order.

    Raises:
        SelectionError: with every term that names nothing.
    """
    return describe_declared(workspace, select(workspace, selection, exclude))


def describe_declared(workspace: Workspace, keys: Collection[AssetKey]) -> list[DeclaredAsset]:
    """Return what is declared under these keys."""
    workspace.stores.refresh()
    pins: dict[AssetKey, list[Pinned]] = {}
    for pin in workspace.stores.lineage.pins():
        pins.setdefault(pin.target.asset, []).append(pin)
    graph = workspace.graph()
    identified = identify(workspace, [key for key in keys if key in graph.steps])
    return [_describe(graph, key, identified.get(key), tuple(pins.get(key, ()))) for key in keys]


def _describe(graph: AssetGraph, key: AssetKey, step: Identified | None, pins: tuple[Pinned, ...]) -> DeclaredAsset:
    said = graph.sources[key] if key in graph.sources else graph.steps[key].declaration.options
    return DeclaredAsset(
        key=key,
        defined_in=graph.where[key],
        group=said.group,
        tags=dict(said.tags),
        owners=tuple(said.owners),
        description=said.description,
        upstream=tuple(graph.upstream(key)),
        downstream=tuple(graph.downstream.get(key, ())),
        pins=pins,
        path=said.path if isinstance(said, SourceDef) else None,
        step=_step(graph, key, step) if step is not None else None,
    )


def _step(graph: AssetGraph, key: AssetKey, identified: Identified) -> DeclaredStep:
    step = graph.steps[key]
    return DeclaredStep(
        kinds=tuple(step.declaration.options.kinds),
        outputs=tuple(step.outputs),
        config={name: config_value(text) for name, text in identified.definition.config.items()},
        code_version=identified.code.version,
        definition=identified.definition.digest,
        dynamic=tuple(identified.code.dynamic),
        undecidable=tuple(identified.code.undecidable),
        checks=tuple(check.name for check in graph.checks.get(key, ())),
    )


def config_value(text: str) -> Any:
    """Return a recorded config value as plain data: a tuple is a list; a number that JSON does not have is text."""
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

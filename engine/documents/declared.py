"""What is declared, as JSON: schema `assetctl.assets/1`, also a part of `assetctl.show/1`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from assetctl.engine.answers.declared import DeclaredAsset
from assetctl.engine.documents.parts import pin_json


def assets_json(assets: Sequence[DeclaredAsset]) -> dict[str, Any]:
    """Return what is declared as schema `assetctl.assets/1`."""
    return {"schema": "assetctl.assets/1", "assets": [declared_json(asset) for asset in assets]}


def declared_json(asset: DeclaredAsset) -> dict[str, Any]:
    """Return one asset or source, as its declaration says it."""
    pins = [pin_json(pin) for pin in asset.pins]
    common = {"key": asset.key, "defined_in": asset.defined_in, "downstream": list(asset.downstream)}
    said = {
        "group": asset.group,
        "tags": dict(asset.tags),
        "owners": list(asset.owners),
        "description": asset.description,
    }
    step = asset.step
    if step is None:
        return {
            **common,
            "kind": "source",
            **said,
            "path": asset.path,
            "upstream": [],
            "config": {},
            "code_version": None,
            "definition": None,
            "dynamic": [],
            "pins": pins,
        }
    return {
        **common,
        "kind": "asset",
        "kinds": list(step.kinds),
        **said,
        "upstream": list(asset.upstream),
        "outputs": list(step.outputs),
        "config": dict(step.config),
        "code_version": step.code_version,
        "definition": step.definition,
        "dynamic": list(step.dynamic),
        "undecidable": list(step.undecidable),
        "checks": list(step.checks),
        "pins": pins,
    }

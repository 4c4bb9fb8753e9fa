"""Hand out the value of a recorded version: as the asset returned it, or as a file in its ordinary format."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from assetctl.assets.ids import AssetKey
from assetctl.engine.answers.find import find_recorded
from assetctl.engine.workspace.workspace import Workspace
from assetctl.lineage.facts.ports import Wanted
from assetctl.storage.state.in_use import in_use


def load_value(workspace: Workspace, key: AssetKey, version: str | None) -> Any:
    """Return a fresh value, decoded from verified bytes."""
    recorded = find_recorded(workspace, key, version)
    with in_use(workspace.layout):
        workspace.require_bytes(recorded)
        if recorded.output.value.classes:  # they are found where the project's modules are
            workspace.graph()
        return workspace.stores.data.load(recorded.output, Wanted())


def export_value(workspace: Workspace, key: AssetKey, target: Path, version: str | None) -> Path:
    """Write a value to a file or folder and return the path."""
    recorded = find_recorded(workspace, key, version)
    with in_use(workspace.layout):
        workspace.require_bytes(recorded)
        workspace.stores.data.export(recorded.output, target)
    return target

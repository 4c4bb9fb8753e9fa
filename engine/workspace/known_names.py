"""The names that a shell can complete, kept in the state folder's cache so that no project is imported for them.

Commands that read the declarations save the names there. They may be slightly out of date,
and nothing else depends on them.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from assetctl.storage.state.modes import make_folders
from assetctl.storage.state.whole import write_whole

if TYPE_CHECKING:
    from assetctl.assets.definition import AssetOptions, SourceDef
    from assetctl.lineage.graph.asset_graph import AssetGraph

_STATE_FOLDER = ".assetctl"
_NAMES = Path("cache-v1") / "names.txt"


def remember_names(state: Path, graph: AssetGraph) -> None:
    """Keep the names of assets, groups and tags in a state folder that exists; failing to write them is no error."""
    groups = {f"group:{o.group}" for o in _options(graph) if o.group}
    tags = {f"tag:{k}={v}" for o in _options(graph) for k, v in o.tags.items()}
    kept = "\n".join([*sorted(graph.order), *sorted(groups), *sorted(tags)]) + "\n"
    path = state / _NAMES
    if not state.is_dir() or _read(path) == kept:
        return
    with suppress(OSError):  # what needs the disk has reported it, or will
        make_folders(path.parent)
        write_whole(path, kept.encode(), durable=False)


def remembered_names(start: Path) -> list[str]:
    """Return the names kept for the project that a folder lies in; [] if there is none."""
    for folder in (start, *start.parents):
        if (folder / _STATE_FOLDER).is_dir():
            return _read(folder / _STATE_FOLDER / _NAMES).split()
    return []


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError:
        return ""


def _options(graph: AssetGraph) -> list[AssetOptions | SourceDef]:
    return [*graph.sources.values(), *(step.declaration.options for step in graph.steps.values())]

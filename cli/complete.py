"""Complete asset names in a shell, without importing the project.

Commands that read the declarations leave the names in the state folder's cache; a
completion only reads that list. It may be a little behind; nothing else depends on it.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from click.shell_completion import CompletionItem

if TYPE_CHECKING:
    import click

    from assetctl.assets.definition import AssetOptions, SourceDef
    from assetctl.lineage.graph.asset_graph import AssetGraph

_STATE_FOLDER = ".assetctl"
_NAMES = Path("cache-v1") / "names.txt"
_STATES = ("stale", "failed", "missing")


def remember_names(state: Path, graph: AssetGraph) -> None:
    """Keep the names of assets, groups and tags for later completions; a disk that refuses is no error here."""
    groups = {f"group:{o.group}" for o in _options(graph) if o.group}
    tags = {f"tag:{k}={v}" for o in _options(graph) for k, v in o.tags.items()}
    kept = "\n".join([*sorted(graph.order), *sorted(groups), *sorted(tags)]) + "\n"
    path = state / _NAMES
    if not state.is_dir() or _read(path) == kept:
        return
    temporary = path.with_name(f"names.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(exist_ok=True)
        temporary.write_text(kept, encoding="utf-8")
        temporary.replace(path)
    except OSError:
        return  # a disk that refuses has been or will be reported by what needs it


def complete_asset(ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Return the assets whose name begins with what was typed."""
    return [CompletionItem(name) for name in _names(ctx) if ":" not in name and name.startswith(incomplete)]


def complete_selection(ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Return the terms that begin with what was typed, after any `+`, `@` or `a,` before it."""
    rest = incomplete.rpartition(",")[2].lstrip("+@0123456789")
    before = incomplete[: len(incomplete) - len(rest)]
    return [CompletionItem(before + name) for name in (*_names(ctx), *_STATES) if name.startswith(rest)]


def _names(ctx: click.Context) -> list[str]:
    given = next(
        (c.params.get("project") for c in (ctx, ctx.parent) if c is not None and c.params.get("project")), None
    )
    start = Path(given or ".").absolute()
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

"""Complete asset names in a shell, without importing the project."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from click.shell_completion import CompletionItem

from assetctl.engine.workspace.known_names import remembered_names

if TYPE_CHECKING:
    import click

_STATES = ("stale", "failed", "missing")


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
    return remembered_names(Path(given or ".").absolute())

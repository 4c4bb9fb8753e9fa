"""The notebook extension: `%load_ext assetctl` gives `%plan`, `%materialize`, `%why` and `%lineage`.

Each magic is one call of `Project`; assets declared in cells are part of the project as
they are when the call is made, and run in the kernel.
"""

from __future__ import annotations

import shlex
from typing import Any

from assetctl.engine.planning.options import PlanOptions
from assetctl.engine.project import Project

_projects: dict[str, Project] = {}


def current_project() -> Project:
    """Return the project of the kernel's working directory, the same one at every call."""
    from pathlib import Path

    here = str(Path.cwd())
    if here not in _projects:
        _projects[here] = Project.open(here)
    return _projects[here]


def load_ipython_extension(shell: Any) -> None:
    """Register the magics with an IPython shell."""
    for name in ("plan", "materialize", "why", "lineage"):
        shell.register_magic_function(globals()[f"_{name}"], "line", name)


def _plan(line: str) -> Any:
    """%plan [SELECTION]: what would run, and why."""
    return current_project().plan(*shlex.split(line))


def _materialize(line: str) -> Any:
    """%materialize [SELECTION] [--force]: bring assets up to date."""
    words = shlex.split(line)
    options = PlanOptions(force="--force" in words)
    return current_project().materialize(*(w for w in words if w != "--force"), options=options)


def _why(line: str) -> Any:
    """%why ASSET: why it is stale, or what it was built from."""
    return current_project().why(line.strip())


def _lineage(line: str) -> Any:
    """%lineage [SELECTION]: the picture of assets and their upstreams."""
    return current_project().lineage(*shlex.split(line))

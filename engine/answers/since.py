"""Find the recorded point that a person names: a version, a materialization, a run, or a git commit."""

from __future__ import annotations

import subprocess
from datetime import datetime
from pathlib import Path

from assetctl.assets.errors import Problem, SelectionError
from assetctl.assets.ids import AssetKey
from assetctl.engine.answers.find import is_named
from assetctl.engine.workspace.workspace import Workspace
from assetctl.lineage.facts.moments import moment_of
from assetctl.lineage.facts.snapshot import Recorded
from assetctl.storage.lineage_store.history import last_counter_of_run, past_materializations
from assetctl.storage.state.holders import waiting_for

_GIT_S = 10.0


def recorded_since(workspace: Workspace, key: AssetKey, since: str) -> Recorded:
    """Return what was recorded of an asset at a point: a version, a run (as it left the asset), or a git ref.

    A git ref stands for the last materialization that began before the commit was made.

    Raises:
        SelectionError: nothing recorded answers to it.
    """
    stores = workspace.stores
    stores.refresh()
    published = [r for r in past_materializations(stores.lineage, key) if r.materialization.published]
    for recorded in published:
        if is_named(recorded, since) or recorded.materialization.run_id == since:
            return recorded
    counter = last_counter_of_run(stores.lineage, since)
    if counter is not None:
        before = [r for r in published if r.position.counter < counter]
    else:
        moment = _commit_time(workspace.root, since)
        before = [r for r in published if _began_by(r, moment)]
    if before:
        return before[0]
    raise SelectionError(
        Problem(
            "unknown-version",
            f"nothing is recorded of `{key}` at `{since}`",
            (("looked for", "a data version, a materialization, a run, a git commit"),),
            f"see `assetctl history {key}`",
        )
    )


def _began_by(recorded: Recorded, moment: datetime | None) -> bool:
    began = moment_of(recorded.materialization.started_at)
    return moment is not None and began is not None and began <= moment


def _commit_time(root: Path, ref: str) -> datetime | None:
    """Return when a commit was made, or None if git knows no such commit here."""
    command = ["git", "-C", str(root), "show", "-s", "--format=%cI", "--end-of-options", f"{ref}^{{commit}}"]
    try:
        with waiting_for("git", _GIT_S):
            said = subprocess.run(command, capture_output=True, text=True, check=False, timeout=_GIT_S)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return moment_of(said.stdout.strip()) if said.returncode == 0 else None

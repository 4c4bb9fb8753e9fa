"""The front door: open a project, then plan, materialize, load and ask about its assets.

One line a method: what each does is a use case of its own room, and takes the
`Workspace` beneath. Nothing of the person's code is imported until a question needs it,
and no lock or database stays open between two calls.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assetctl.assets.ids import AssetKey
from assetctl.engine.answers.compare import compare_versions
from assetctl.engine.answers.explain import explain
from assetctl.engine.answers.find import find_recorded, history_of
from assetctl.engine.answers.read import export_value, load_value
from assetctl.engine.answers.sql import answer
from assetctl.engine.answers.status import draw_lineage, states_of
from assetctl.engine.answers.values import AssetStatus, Explanation, HistoryEntry, VersionDiff
from assetctl.engine.curation.accept import Accepted, accept
from assetctl.engine.curation.forget import ForgottenAssets, forget
from assetctl.engine.curation.pin import Pins, keep, pins_in_force, stop_keeping
from assetctl.engine.curation.rename import Moved, move
from assetctl.engine.curation.rollback import RolledBack, roll_back_or_lift
from assetctl.engine.planning.options import PlanOptions
from assetctl.engine.planning.planner import deliberate, identify, select
from assetctl.engine.runs.result import RunResult
from assetctl.engine.runs.start import Asked, materialize
from assetctl.engine.workspace.workspace import Workspace
from assetctl.lineage.deciding.decide import Identified
from assetctl.lineage.deciding.events import Event
from assetctl.lineage.deciding.plan import Plan
from assetctl.lineage.facts.snapshot import Recorded
from assetctl.lineage.graph.asset_graph import AssetGraph

if TYPE_CHECKING:
    import pyarrow as pa

    from assetctl.engine.noop.remember import Beginning
    from assetctl.lineage.pictures.drawing import LineageView
    from assetctl.storage.lineage_store.user_sql import Answer

_AS_DECLARED = PlanOptions()


class Project:
    """A project that was found; made by `Project.open`."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        self.root = workspace.root

    @classmethod
    def open(cls, path: str | Path = ".", *, file: str | Path | None = None) -> Project:
        """Find the project that a folder lies in, or take one file as the project.

        Raises:
            ProjectError: there is no project, or its settings cannot be read.
            EnvironmentFault: its state folder was written by a newer release.
        """
        return cls(Workspace.open(path, file=file))

    def __repr__(self) -> str:
        return f"<assetctl project {self.root}>"

    @property
    def warnings(self) -> tuple[str, ...]:
        """What went wrong without stopping anything, in plain words."""
        return self.workspace.warnings

    # --- what should exist -----------------------------------------------------------------

    def graph(self) -> AssetGraph:
        """Return the graph of what is declared now, importing the project's code if that is needed.

        Raises:
            DeclarationError: with every problem of every declaration.
        """
        return self.workspace.graph()

    def identified(self, key: str) -> Identified:
        """Return code and definition of the step that produces an asset."""
        return identify(self.workspace, [AssetKey(key)])[AssetKey(key)]

    def select(self, selection: Sequence[str] = (), exclude: Sequence[str] = ()) -> tuple[AssetKey, ...]:
        """Return the keys that a selection means, in topological order.

        Raises:
            SelectionError: with every term that names nothing.
        """
        return select(self.workspace, selection, exclude)

    # --- what is true, and making it so ------------------------------------------------------

    def plan(self, *selection: str, options: PlanOptions = _AS_DECLARED) -> Plan:
        """Return what bringing a selection up to date would do, and why. Executes nothing."""
        return deliberate(self.workspace, selection, options).plan

    def materialize(
        self,
        *selection: str,
        options: PlanOptions = _AS_DECLARED,
        jobs: int | None = None,
        on_event: Callable[[Event], None] | None = None,
        began: Beginning | None = None,
    ) -> RunResult:
        """Bring a selection and what it needs up to date; a failed asset is a result, not an exception.

        `jobs` is the number of steps that may run at once (default: the project's setting,
        or one per core). Events are handed over as they happen. `began` says how the command
        began; with it a run that had nothing to do is remembered, for the next such command.
        """
        return materialize(self.workspace, Asked(selection, options, jobs, on_event, began))

    def accept(self, key: str, *, is_verified: bool = True) -> Accepted:
        """Carry an asset's record over to its present code, which gives the same data.

        Raises:
            AssetFailed: it does not, or it fails.
            SelectionError: more than the asset's own definition changed.
        """
        return accept(self.workspace, AssetKey(key), is_verified=is_verified)

    def pins(self) -> Pins:
        """Return every pin in force, oldest first."""
        return pins_in_force(self.workspace)

    def pin(self, key: str, version: str | None = None, *, note: str = "") -> Pins:
        """Keep the bytes of a version (the latest, if none is named) from being cleaned up."""
        return keep(self.workspace, AssetKey(key), version, note)

    def unpin(self, key: str, version: str | None = None) -> Pins:
        """Lift the pins that keep an asset's bytes: all of them, or those of one version."""
        return stop_keeping(self.workspace, AssetKey(key), version)

    def rollback(self, key: str, version: str | None = None, *, note: str = "") -> RolledBack:
        """Publish an earlier version again and hold it there; without a version, lift that."""
        return roll_back_or_lift(self.workspace, AssetKey(key), version, note)

    def move(self, old: str, new: str) -> Moved:
        """Let the history of `old` go on as `new`, which the code declares already."""
        return move(self.workspace, AssetKey(old), AssetKey(new))

    def forget(self, *keys: str, dry_run: bool = False) -> ForgottenAssets:
        """Record that nothing recorded about these assets answers any more; bytes go with the next clean-up."""
        return forget(self.workspace, tuple(map(AssetKey, keys)), dry_run=dry_run)

    # --- values and records ------------------------------------------------------------------

    def load(self, key: str, version: str | None = None) -> Any:
        """Return an asset's value as the asset returned it; a fresh one at every call.

        `version` is a data version (8 or more hex digits), or a materialization id.

        Raises:
            SelectionError: nothing was ever materialized under this key or version.
            CorruptionError: its stored bytes are not what was recorded.
        """
        return load_value(self.workspace, AssetKey(key), version)

    def find(self, key: str, version: str | None = None) -> Recorded:
        """Return the record of an asset's latest published version, or of the one named."""
        return find_recorded(self.workspace, AssetKey(key), version)

    def export(self, key: str, target: str | Path, version: str | None = None) -> Path:
        """Write an asset to a file or folder in its ordinary format and return the path."""
        return export_value(self.workspace, AssetKey(key), Path(target), version)

    def sql(self, query: str) -> pa.Table:
        """Answer SQL over the lineage tables and over every table asset (a view of its own name).

        Raises:
            SelectionError: the query does more than read, or cannot be understood.
            CorruptionError: what it asks is not what was recorded.
        """
        with self.ask(query) as asked:
            return asked.table()

    def ask(self, query: str) -> AbstractContextManager[Answer]:
        """Give the answer to SQL a batch of rows at a time; see `sql`."""
        return answer(self.workspace, query)

    def history(self, key: str | None = None, limit: int = 20) -> list[HistoryEntry]:
        """Return materializations, newest first; of all assets, or of one that may be gone from the code."""
        return history_of(self.workspace, AssetKey(key) if key is not None else None, limit)

    # --- explaining --------------------------------------------------------------------------

    def why(self, key: str, since: str | None = None) -> Explanation:
        """Explain an asset's verdict: its reasons, their root causes, and the symbols that changed.

        `since` compares with an earlier point instead: a data version, a materialization or
        run id, or a git ref.
        """
        return explain(self.workspace, AssetKey(key), since)

    def status(self, *selection: str) -> list[AssetStatus]:
        """Return one line of state per asset, sources included, in topological order."""
        return states_of(self.workspace, selection)

    def diff(self, key: str, old: str | None = None, new: str | None = None) -> VersionDiff:
        """Compare two versions of an asset; by default the latest with the one before."""
        return compare_versions(self.workspace, AssetKey(key), old, new)

    def lineage(self, *selection: str, exclude: Sequence[str] = ()) -> LineageView:
        """Return the picture of a selection and its upstreams, coloured by verdict."""
        return draw_lineage(self.workspace, selection, exclude)

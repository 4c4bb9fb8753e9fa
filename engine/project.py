"""The front door: open a project, then plan, materialize, load and ask about its assets.

One use case a method: each lives in a room of its own, takes the `Workspace` beneath, and
is imported when it is first called, so that a plan does not wait for what only a run or a
clean-up needs. Nothing of the person's code is imported until a question needs it, and no
lock or database stays open between two calls. What comes back are plain values;
`assetctl.engine.documents` turns them into JSON.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from assetctl.assets.ids import AssetKey
from assetctl.engine.planning.options import PlanOptions
from assetctl.engine.planning.planner import deliberate, identify, select
from assetctl.engine.workspace.workspace import Workspace

if TYPE_CHECKING:
    import pyarrow as pa

    from assetctl.engine.answers.declared import DeclaredAsset
    from assetctl.engine.answers.logs import Log
    from assetctl.engine.answers.read import Written
    from assetctl.engine.answers.show import Shown
    from assetctl.engine.answers.sql import Answer
    from assetctl.engine.answers.values import AssetStatus, Explanation, HistoryEntry, VersionDiff
    from assetctl.engine.care.clean_up import CleanedUp, CleanUpOptions
    from assetctl.engine.care.examine import Examined
    from assetctl.engine.care.verify import OnProgress, Verified, VerifyOptions
    from assetctl.engine.curation.accept import Accepted
    from assetctl.engine.curation.forget import ForgottenAssets
    from assetctl.engine.curation.pin import Pins
    from assetctl.engine.curation.rename import Moved
    from assetctl.engine.curation.rollback import RolledBack
    from assetctl.engine.noop.remember import Beginning
    from assetctl.engine.publishing.keys import Keys, PublicKey
    from assetctl.engine.publishing.push import Pushed
    from assetctl.engine.publishing.team import Synced
    from assetctl.engine.runs.result import RunResult
    from assetctl.lineage.deciding.decide import Identified
    from assetctl.lineage.deciding.events import Event
    from assetctl.lineage.deciding.plan import Plan
    from assetctl.lineage.facts.snapshot import Recorded
    from assetctl.lineage.graph.asset_graph import AssetGraph
    from assetctl.lineage.pictures.drawing import LineageView

_AS_DECLARED = PlanOptions()


class Project:
    """A project on this machine; made by `Project.open`.

    Every method may raise `DeclarationError` (the code declares something that cannot be),
    `EnvironmentFault` (a disk or another system refused) and `WaitTimeout` (another process
    holds what is needed); all errors are `AssetctlError`s. What else a method raises, it says.
    """

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

    def assets(self, *selection: str, exclude: Sequence[str] = ()) -> list[DeclaredAsset]:
        """Return what is declared of each asset of a selection (of all, if it is empty), in topological order.

        Raises:
            SelectionError: with every term that names nothing.
        """
        from assetctl.engine.answers.declared import declared_assets

        return declared_assets(self.workspace, selection, exclude)

    # --- what is true, and making it so ------------------------------------------------------

    def plan(self, *selection: str, options: PlanOptions = _AS_DECLARED) -> Plan:
        """Return what bringing a selection up to date would do, and why. Executes nothing.

        Raises:
            SelectionError: with every term that names nothing, or what the options do not allow.
        """
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

        Raises:
            SelectionError: with every term that names nothing, or what the options do not allow.
        """
        from assetctl.engine.runs.start import Asked, materialize

        return materialize(self.workspace, Asked(selection, options, jobs, on_event, began))

    def accept(self, key: str, *, is_verified: bool = True) -> Accepted:
        """Carry an asset's record over to its present code, which gives the same data.

        Raises:
            AssetFailed: it does not, or it fails.
            SelectionError: more than the asset's own definition changed.
        """
        from assetctl.engine.curation.accept import accept

        return accept(self.workspace, AssetKey(key), is_verified=is_verified)

    # --- versions: what is kept, served, renamed, forgotten ----------------------------------

    def pins(self) -> Pins:
        """Return every pin in force, oldest first."""
        from assetctl.engine.curation.pin import pins_in_force

        return pins_in_force(self.workspace)

    def pin(self, key: str, version: str | None = None, *, note: str = "") -> Pins:
        """Keep the bytes of a version (the latest, if none is named) from being cleaned up.

        Raises:
            SelectionError: there is no such version, or its bytes are gone.
        """
        from assetctl.engine.curation.pin import keep

        return keep(self.workspace, AssetKey(key), version, note)

    def unpin(self, key: str, version: str | None = None) -> Pins:
        """Lift the pins that keep an asset's bytes: all of them, or those of one version.

        Raises:
            SelectionError: there is no such pin.
        """
        from assetctl.engine.curation.pin import stop_keeping

        return stop_keeping(self.workspace, AssetKey(key), version)

    def rollback(self, key: str, version: str | None = None, *, note: str = "") -> RolledBack:
        """Publish an earlier version again and hold it there; without a version, lift that.

        Raises:
            SelectionError: no such version was published, its bytes are gone, the code does
                not declare it any more; or there is nothing to lift.
        """
        from assetctl.engine.curation.rollback import roll_back_or_lift

        return roll_back_or_lift(self.workspace, AssetKey(key), version, note)

    def move(self, old: str, new: str) -> Moved:
        """Let the history of `old` go on as `new`, which the code declares already.

        Raises:
            SelectionError: the code says otherwise, nothing is recorded of `old`, or `new`
                has a record of its own.
        """
        from assetctl.engine.curation.rename import move

        return move(self.workspace, AssetKey(old), AssetKey(new))

    def forget(self, *keys: str, dry_run: bool = False) -> ForgottenAssets:
        """Record that nothing recorded about these assets answers any more; bytes go with the next clean-up.

        Raises:
            SelectionError: one of them was never recorded, or is pinned; nothing was recorded.
        """
        from assetctl.engine.curation.forget import forget

        return forget(self.workspace, tuple(map(AssetKey, keys)), dry_run=dry_run)

    # --- values and records ------------------------------------------------------------------

    def load(self, key: str, version: str | None = None) -> Any:
        """Return an asset's value as the asset returned it; a fresh one at every call.

        `version` is a data version (8 or more hex digits), or a materialization id.

        Raises:
            SelectionError: nothing was ever materialized under this key or version.
            CorruptionError: its stored bytes are not what was recorded.
        """
        from assetctl.engine.answers.read import load_value

        return load_value(self.workspace, AssetKey(key), version)

    def find(self, key: str, version: str | None = None) -> Recorded:
        """Return the record of an asset's latest published version, or of the one named.

        Raises:
            SelectionError: nothing was ever materialized under this key or version.
        """
        from assetctl.engine.answers.find import find_recorded

        return find_recorded(self.workspace, AssetKey(key), version)

    def show(self, key: str, version: str | None = None) -> Shown:
        """Return everything about one asset: its declaration, its record, its checks, a look at its value.

        Raises:
            SelectionError: it is neither declared nor recorded, or has no such version.
        """
        from assetctl.engine.answers.show import look_at

        return look_at(self.workspace, AssetKey(key), version)

    def export(self, key: str, target: str | Path, version: str | None = None) -> Path:
        """Write an asset to a file or folder in its ordinary format and return the path; what is there is replaced.

        Raises:
            SelectionError: nothing was ever materialized under this key or version.
            CorruptionError: its stored bytes are not what was recorded.
        """
        from assetctl.engine.answers.read import export_value

        return export_value(self.workspace, AssetKey(key), Path(target), version)

    def get(self, key: str, to: str | Path = ".", version: str | None = None, *, replace: bool = False) -> Written:
        """Write an asset in its ordinary format to a file, or into a folder under the asset's own name.

        Raises:
            SelectionError: nothing was ever materialized under this key or version, or the
                file is there already and `replace` is False.
            CorruptionError: its stored bytes are not what was recorded.
        """
        from assetctl.engine.answers.read import write_file

        return write_file(self.workspace, AssetKey(key), Path(to), version, replace=replace)

    def open_file(self, key: str, version: str | None = None) -> AbstractContextManager[BinaryIO]:
        """Give an asset's ordinary format as bytes to read, for as long as the context lasts.

        Raises:
            SelectionError: nothing was ever materialized under this key or version, or it is
                a folder of files.
            CorruptionError: its stored bytes are not what was recorded.
        """
        from assetctl.engine.answers.read import open_file

        return open_file(self.workspace, AssetKey(key), version)

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
        from assetctl.engine.answers.sql import answer

        return answer(self.workspace, query)

    def ask_team(self, query: str) -> AbstractContextManager[Answer]:
        """Give the answer of the team's lineage store to SQL, in PostgreSQL's own, a batch of rows at a time.

        Raises:
            ProjectError: the project has no such store.
            SelectionError: the query does more than read, or cannot be understood.
        """
        from assetctl.engine.publishing.team import asked

        return asked(self.workspace, query)

    def history(self, key: str | None = None, limit: int = 20) -> list[HistoryEntry]:
        """Return materializations, newest first; of all assets, or of one that may be gone from the code.

        Raises:
            SelectionError: there is no such asset.
        """
        from assetctl.engine.answers.find import history_of

        return history_of(self.workspace, AssetKey(key) if key is not None else None, limit)

    def logs(self, what: str | None = None, tail: int | None = None) -> list[Log]:
        """Return what steps printed: of an asset's last run, of a run (its id or the beginning of it), or of the last.

        `tail` leaves only the last so many lines of each.

        Raises:
            SelectionError: there is no such asset or run.
        """
        from assetctl.engine.answers.logs import logs_of

        return logs_of(self.workspace, what, tail)

    # --- explaining --------------------------------------------------------------------------

    def why(self, key: str, since: str | None = None) -> Explanation:
        """Explain an asset's verdict: its reasons, their root causes, and the symbols that changed.

        `since` compares with an earlier point instead: a data version, a materialization or
        run id, or a git ref.

        Raises:
            SelectionError: there is no such asset, or nothing is recorded of it at that point.
        """
        from assetctl.engine.answers.explain import explain

        return explain(self.workspace, AssetKey(key), since)

    def status(self, *selection: str) -> list[AssetStatus]:
        """Return one line of state per asset, sources included, in topological order.

        Raises:
            SelectionError: with every term that names nothing.
        """
        from assetctl.engine.answers.status import states_of

        return states_of(self.workspace, selection)

    def diff(self, key: str, old: str | None = None, new: str | None = None) -> VersionDiff:
        """Compare two versions of an asset; by default the latest with the one before.

        Raises:
            SelectionError: there are not two versions to compare.
        """
        from assetctl.engine.answers.compare import compare_versions

        return compare_versions(self.workspace, AssetKey(key), old, new)

    def lineage(self, *selection: str, exclude: Sequence[str] = (), depth: int | None = None) -> LineageView:
        """Return the picture of a selection and its upstreams (at most `depth` away), coloured by verdict.

        A notebook shows it as it is; `assetctl.engine.answers.picture` has its other formats.

        Raises:
            SelectionError: with every term that names nothing.
        """
        from assetctl.engine.answers.status import draw_lineage

        return draw_lineage(self.workspace, selection, exclude, depth)

    def picture(
        self, *selection: str, form: str = "svg", exclude: Sequence[str] = (), depth: int | None = None
    ) -> bytes:
        """Return the picture of `lineage` as a file holds it: "svg", "png", "dot", "mermaid", "text" or "json".

        Raises:
            SelectionError: with every term that names nothing.
            EnvironmentFault: svg or png cannot be drawn on this machine.
        """
        from assetctl.engine.answers.picture import picture

        return picture(self.lineage(*selection, exclude=exclude, depth=depth), form)

    # --- taking care of what is stored -------------------------------------------------------

    def gc(
        self,
        options: CleanUpOptions | None = None,
        *,
        apply: bool = False,
        on_root_forgotten: Callable[[Path], None] | None = None,
    ) -> CleanedUp:
        """Say which stored bytes nothing needs, and with `apply` delete them. Records always stay.

        Without options the project's settings say what is kept. `on_root_forgotten` hears of
        each folder in `options.forget_roots` once it no longer counts.

        Raises:
            SelectionError: a root to forget is none, or branches are to be kept outside of git.
        """
        from assetctl.engine.care.clean_up import CleanUpOptions, clean_up

        return clean_up(self.workspace, options or CleanUpOptions(), apply=apply, on_root_forgotten=on_root_forgotten)

    def verify(
        self, *selection: str, options: VerifyOptions | None = None, on_progress: OnProgress | None = None
    ) -> Verified:
        """Hash the stored bytes of a selection again (of everything, if it is empty). Nothing is changed or moved.

        `on_progress` is called with the bytes read so far and those to read, from several
        threads, one at a time.

        Raises:
            SelectionError: a term names neither a declared nor a recorded asset.
        """
        from assetctl.engine.care.verify import VerifyOptions, verify

        return verify(self.workspace, selection, options or VerifyOptions(), on_progress=on_progress)

    def doctor(self, *, deep: bool = False) -> Examined:
        """Look for damage in the state folder; with `deep` every stored byte is hashed."""
        from assetctl.engine.care.examine import examine_state

        return examine_state(self.workspace, deep=deep)

    def rebuild(self) -> bool:
        """Fold the lineage database anew from the journal; False if nothing was ever recorded."""
        from assetctl.engine.care.examine import rebuild_database

        return rebuild_database(self.workspace)

    # --- sharing with others -----------------------------------------------------------------

    def push(self, *selection: str) -> Pushed:
        """Upload the fresh results of a selection, and of what it needs, to the shared cache.

        Raises:
            ProjectError: there is no shared cache, or it is read-only.
            EnvironmentFault: it cannot be reached, or did not take everything.
        """
        from assetctl.engine.publishing.push import push

        return push(self.workspace, selection)

    def sync(self) -> Synced:
        """Send everything that the team's lineage store lacks, however long it takes.

        Raises:
            ProjectError: the project has no such store.
            EnvironmentFault: the store does not answer or refuses.
        """
        from assetctl.engine.publishing.team import sync

        return sync(self.workspace)

    def keys(self) -> Keys:
        """Return one's own keys, and those that this project trusts; only their public halves.

        Raises:
            EnvironmentFault: a key cannot be read, or the package `cryptography` is not installed.
        """
        from assetctl.engine.publishing.keys import keys_of

        return keys_of(self.workspace)

    @staticmethod
    def signing_key() -> PublicKey:
        """Return the public half of the key that signs what is shared from here.

        Raises:
            SelectionError: there is none.
        """
        from assetctl.engine.publishing.keys import own_signing_key

        return own_signing_key()

    @staticmethod
    def make_signing_key() -> PublicKey:
        """Write a new signing key to the person's configuration folder and return its public half.

        Raises:
            SelectionError: there is one already.
        """
        from assetctl.engine.publishing.keys import make_signing_key

        return make_signing_key()

    # --- for a command line ------------------------------------------------------------------

    @property
    def sql_history(self) -> Path:
        """The file that keeps what was typed at a SQL prompt; it may be lost, and need not be there."""
        return self.workspace.layout.cache / "sql_history"

    def remember_names(self) -> None:
        """Keep the names of assets, groups and tags, so that a shell can complete them without importing anything."""
        from assetctl.engine.workspace.known_names import remember_names

        remember_names(self.workspace.layout.state, self.graph())

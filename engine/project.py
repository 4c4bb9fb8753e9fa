"""The front door: open a project, then plan, materialize, load and ask about its assets.

One line a method: what each does is a use case of its own room, and takes the `Workspace`
beneath. Nothing of the person's code is imported until a question needs it, and no lock or
database stays open between two calls. What comes back are plain values;
`assetctl.engine.documents` turns them into JSON.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from assetctl.assets.ids import AssetKey
from assetctl.engine import use_cases
from assetctl.engine.answers.versions import named
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
    from assetctl.engine.runs.cancel import CancelToken
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

    All errors are `AssetctlError`s. Any method may raise `DeclarationError` (with every problem
    of every declaration), `EnvironmentFault` (a disk or another system refused) and
    `WaitTimeout` (another process holds what is needed). One that takes a selection raises
    `SelectionError` with every term that names nothing; one that takes options, if they do not
    fit; one that takes a key and a version, if nothing was ever materialized under them. One
    that reads stored bytes raises `CorruptionError` if they are not what was recorded. What
    else a method raises, it says.

    A version is a data version (6 or more of its hex digits), a materialization id, or
    `candidate` for what a blocking check held back. It may be a part of the key: `model@3f9a12cd`.
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
        """Return the graph of what is declared now, importing the project's code if that is needed."""
        return self.workspace.graph()

    def identified(self, key: str) -> Identified:
        """Return code and definition of the step that produces an asset."""
        return identify(self.workspace, [AssetKey(key)])[AssetKey(key)]

    def select(self, selection: Sequence[str] = (), exclude: Sequence[str] = ()) -> tuple[AssetKey, ...]:
        """Return the keys that a selection means, in topological order.

        Raises:
            DeclarationError: with everything that `code_deps` of these assets name and that is not there.
        """
        return select(self.workspace, selection, exclude)

    def assets(self, *selection: str, exclude: Sequence[str] = ()) -> list[DeclaredAsset]:
        """Return what is declared of each asset of a selection (of all, if it is empty), in topological order."""
        return use_cases.declared_assets(self.workspace, selection, exclude)

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
        cancel: CancelToken | None = None,
        began: Beginning | None = None,
    ) -> RunResult:
        """Bring a selection and what it needs up to date; a failed asset is a result, not an exception.

        `jobs` is the number of steps that may run at once (default: the project's setting,
        or one per core). Events are handed over as they happen. `cancel` stops the run
        from another thread. `began` says how the command began; with it a run that had
        nothing to do is remembered, for the next such command.
        """
        return use_cases.materialize(self.workspace, use_cases.Asked(selection, options, jobs, on_event, cancel, began))

    def accept(self, key: str, *, is_verified: bool = True) -> Accepted:
        """Carry an asset's record over to its present code, which gives the same data.

        Raises:
            AssetFailed: it does not, or it fails.
            SelectionError: more than the asset's own definition changed.
        """
        return use_cases.accept(self.workspace, AssetKey(key), is_verified=is_verified)

    # --- versions: what is kept, served, renamed, forgotten ----------------------------------

    def pins(self) -> Pins:
        """Return every pin in force, oldest first."""
        return use_cases.pins_in_force(self.workspace)

    def pin(self, key: str, version: str | None = None, *, note: str = "") -> Pins:
        """Keep the bytes of a version (the latest, if none is named) from being cleaned up.

        Raises:
            SelectionError: its bytes are gone.
        """
        return use_cases.keep(self.workspace, *named(key, version), note)

    def unpin(self, key: str, version: str | None = None) -> Pins:
        """Lift the pins that keep an asset's bytes: all of them, or those of one version.

        Raises:
            SelectionError: there is no such pin.
        """
        return use_cases.stop_keeping(self.workspace, *named(key, version))

    def rollback(self, key: str, version: str | None = None, *, note: str = "") -> RolledBack:
        """Publish an earlier version again and hold it there; without a version, lift that.

        Raises:
            SelectionError: it was never published, its bytes are gone, or the code does not declare it any more.
        """
        return use_cases.roll_back_or_lift(self.workspace, *named(key, version), note)

    def move(self, old: str, new: str) -> Moved:
        """Let the history of `old` go on as `new`, which the code declares already.

        Raises:
            SelectionError: the code says otherwise, or `new` has a record of its own.
        """
        return use_cases.move(self.workspace, AssetKey(old), AssetKey(new))

    def forget(self, *keys: str, dry_run: bool = False) -> ForgottenAssets:
        """Record that nothing recorded about these assets answers any more; bytes go with the next clean-up.

        Raises:
            SelectionError: one of them was never recorded, or is pinned; nothing was recorded.
        """
        return use_cases.forget(self.workspace, tuple(map(AssetKey, keys)), dry_run=dry_run)

    # --- values and records ------------------------------------------------------------------

    def load(self, key: str, version: str | None = None) -> Any:
        """Return an asset's value as the asset returned it; a fresh one at every call."""
        return use_cases.load_value(self.workspace, *named(key, version))

    def find(self, key: str, version: str | None = None) -> Recorded:
        """Return the record of an asset's latest published version, or of the one named."""
        return use_cases.find_recorded(self.workspace, *named(key, version))

    def show(self, key: str, version: str | None = None) -> Shown:
        """Return everything about one asset: its declaration, its record, its checks, a look at its value."""
        return use_cases.look_at(self.workspace, *named(key, version))

    def export(self, key: str, target: str | Path, version: str | None = None) -> Path:
        """Write an asset as `get` does, replacing what is there, and return the path."""
        return use_cases.export_value(self.workspace, *named(key, version), target)

    def get(self, key: str, to: str | Path = ".", version: str | None = None, *, replace: bool = False) -> Written:
        """Write an asset to a file in the format that its name ends in, or into a folder in its ordinary format.

        Raises:
            SelectionError: the file is there already and `replace` is False, or the value has no such format.
        """
        return use_cases.write_file(self.workspace, *named(key, version), to, replace=replace)

    def open_file(self, key: str, version: str | None = None) -> AbstractContextManager[BinaryIO]:
        """Give an asset's ordinary format as bytes to read, for as long as the context lasts.

        Raises:
            SelectionError: it is a folder of files.
        """
        return use_cases.open_file(self.workspace, *named(key, version))

    def sql(self, query: str, *, read: Sequence[str | Path] = ()) -> pa.Table:
        """Answer SQL over the lineage tables and over every table asset (a view of its own name).

        It may read files of the project that it names, and of the folders `read`.

        Raises:
            SelectionError: the query does more than read, or cannot be understood.
        """
        with self.ask(query, read=read) as asked:
            return asked.table()

    def ask(self, query: str, *, read: Sequence[str | Path] = ()) -> AbstractContextManager[Answer]:
        """Give the answer to SQL a batch of rows at a time; see `sql`."""
        return use_cases.answer(self.workspace, query, [Path(folder) for folder in read])

    def ask_team(self, query: str) -> AbstractContextManager[Answer]:
        """Give the answer of the team's lineage store to SQL, in PostgreSQL's own, a batch of rows at a time.

        Raises:
            ProjectError: the project has no such store.
            SelectionError: the query does more than read, or cannot be understood.
        """
        return use_cases.asked(self.workspace, query)

    def history(self, key: str | None = None, limit: int = 20) -> list[HistoryEntry]:
        """Return materializations, newest first; of all assets, or of one that may be gone from the code."""
        return use_cases.history_of(self.workspace, AssetKey(key) if key is not None else None, limit)

    def logs(self, what: str | None = None, tail: int | None = None) -> list[Log]:
        """Return what steps printed: of an asset's last run, of a run (its id or the beginning of it), or of the last.

        `tail` leaves only the last so many lines of each.

        Raises:
            SelectionError: there is no such asset or run.
        """
        return use_cases.logs_of(self.workspace, what, tail)

    # --- explaining --------------------------------------------------------------------------

    def why(self, key: str, since: str | None = None, *, set: Sequence[str] = ()) -> Explanation:  # noqa: A002
        """Explain an asset's verdict: its reasons, their root causes, and the symbols that changed.

        `since` compares with an earlier point instead: a data version, a materialization or
        run id, or a git ref. `set` gives parameters other values, as for a plan.

        Raises:
            SelectionError: there is no such asset, or nothing is recorded of it at that point.
        """
        return use_cases.explain(self.workspace, AssetKey(key), since, set)

    def status(self, *selection: str) -> list[AssetStatus]:
        """Return one line of state per asset, sources included, in topological order."""
        return use_cases.states_of(self.workspace, selection)

    def diff(self, key: str, old: str | None = None, new: str | None = None) -> VersionDiff:
        """Compare two versions of an asset; by default the latest with the one before.

        Raises:
            SelectionError: there are not two versions to compare.
        """
        return use_cases.compare_versions(self.workspace, AssetKey(key), old, new)

    def lineage(self, *selection: str, exclude: Sequence[str] = (), depth: int | None = None) -> LineageView:
        """Return the picture of a selection and its upstreams (at most `depth` away), coloured by verdict.

        A notebook shows it as it is; `assetctl.engine.answers.picture` has its other formats.
        """
        return use_cases.draw_lineage(self.workspace, selection, exclude, depth)

    def picture(
        self, *selection: str, form: str = "svg", exclude: Sequence[str] = (), depth: int | None = None
    ) -> bytes:
        """Return the picture of `lineage` as a file holds it: "svg", "png", "dot", "mermaid", "text" or "json"."""
        return use_cases.picture(self.lineage(*selection, exclude=exclude, depth=depth), form)

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
            SelectionError: a root to forget keeps nothing in this store, or branches are to be kept outside of git.
        """
        return use_cases.clean_up(
            self.workspace, options or use_cases.CleanUpOptions(), apply=apply, on_root_forgotten=on_root_forgotten
        )

    def verify(
        self, *selection: str, options: VerifyOptions | None = None, on_progress: OnProgress | None = None
    ) -> Verified:
        """Hash the stored bytes of a selection again (of everything, if it is empty). Nothing is changed or moved.

        `on_progress` is called with the bytes read so far and those to read, from several
        threads, one at a time.

        Raises:
            SelectionError: a term names neither a declared nor a recorded asset.
        """
        return use_cases.verify(
            self.workspace, selection, options or use_cases.VerifyOptions(), on_progress=on_progress
        )

    def doctor(self, *, deep: bool = False) -> Examined:
        """Look for damage in the state folder; with `deep` every stored byte is hashed."""
        return use_cases.examine_state(self.workspace, deep=deep)

    def rebuild(self) -> bool:
        """Fold the lineage database anew from the journal; False if nothing was ever recorded."""
        return use_cases.rebuild_database(self.workspace)

    # --- sharing with others -----------------------------------------------------------------

    def push(self, *selection: str) -> Pushed:
        """Upload the fresh results of a selection, and of what it needs, to the shared cache.

        Raises:
            ProjectError: there is no shared cache, or it is read-only.
            EnvironmentFault: it cannot be reached, or did not take everything.
        """
        return use_cases.push(self.workspace, selection)

    def sync(self) -> Synced:
        """Send everything that the team's lineage store lacks, however long it takes.

        Raises:
            ProjectError: the project has no such store.
            EnvironmentFault: the store does not answer or refuses.
        """
        return use_cases.sync(self.workspace)

    def keys(self) -> Keys:
        """Return one's own keys, and those that this project trusts; only their public halves."""
        return use_cases.keys_of(self.workspace)

    @staticmethod
    def signing_key() -> PublicKey:
        """Return the public half of the key that signs what is shared from here.

        Raises:
            SelectionError: there is none.
        """
        return use_cases.own_signing_key()

    @staticmethod
    def make_signing_key() -> PublicKey:
        """Write a new signing key to the person's configuration folder and return its public half.

        Raises:
            SelectionError: there is one already.
        """
        return use_cases.make_signing_key()

    # --- for a command line ------------------------------------------------------------------

    @property
    def sql_history(self) -> Path:
        """The file that keeps what was typed at a SQL prompt; it may be lost, and need not be there."""
        return self.workspace.layout.cache / "sql_history"

    def remember_names(self) -> None:
        """Keep the names of assets, groups and tags, so that a shell can complete them without importing anything."""
        use_cases.remember_names(self.workspace.layout.state, self.graph())

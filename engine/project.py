"""The front door: open a project, then plan, materialize, load and ask about its assets.

It binds declarations, identity, stores and the run loop together, and decides nothing:
verdicts come from `lineage.decide`. Nothing of the person's code is imported until a
question needs it, and no lock or database stays open between two calls.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assetctl.assets.errors import CorruptionError, Problem, ProjectError, SelectionError
from assetctl.assets.ids import AssetKey
from assetctl.engine.answers.values import AssetStatus, Explanation, HistoryEntry, VersionDiff
from assetctl.engine.planning.options import PlanOptions
from assetctl.engine.planning.refusals import gone_outside, refuse_dynamic, require_recorded, spare_pinned
from assetctl.engine.runs.result import RunResult
from assetctl.engine.sharing.port import plan_with_others
from assetctl.engine.steps.tasks import StepResult, StepTask
from assetctl.engine.workspace.declarations import Declarations, notebook_namespace
from assetctl.engine.workspace.settings import Settings, find_settings
from assetctl.lineage.deciding.decide import Deliberation, Identified, Request
from assetctl.lineage.deciding.events import Event
from assetctl.lineage.deciding.plan import Plan, make_plan
from assetctl.lineage.deciding.traces import trace_keys, usable_traces
from assetctl.lineage.facts.ports import Wanted
from assetctl.lineage.facts.records import Digest, Undeclared
from assetctl.lineage.facts.snapshot import OutputState, Recorded, Traces
from assetctl.lineage.graph.asset_graph import AssetGraph, with_former_names
from assetctl.lineage.graph.configure import configure
from assetctl.lineage.graph.selection import Selected, resolve
from assetctl.storage.remote.keys import hide_signing_key
from assetctl.storage.state.format import check_state, ensure_state
from assetctl.storage.state.in_use import in_use
from assetctl.storage.state.roots import locate, register

if TYPE_CHECKING:
    import pyarrow as pa

    from assetctl.engine.curation.accept import Accepted
    from assetctl.engine.curation.forget import ForgottenAssets
    from assetctl.engine.curation.pin import Pins
    from assetctl.engine.curation.rename import Moved
    from assetctl.engine.curation.rollback import RolledBack
    from assetctl.engine.secrets.masking import Mask
    from assetctl.engine.workspace.stores import Stores
    from assetctl.lineage.pictures.drawing import LineageView
    from assetctl.storage.lineage_store.user_sql import Answer


class Project:
    """A project that was found; made by `Project.open`."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.root = settings.root
        self.layout = locate(settings.root, settings.store)
        self._declarations = Declarations(settings)
        self._stores: Stores | None = None
        self._of_the_team: list[str] = []  # what there is to warn of its store
        hide_signing_key()  # before any code of the person's is imported

    @classmethod
    def open(cls, path: str | Path = ".", *, file: str | Path | None = None) -> Project:
        """Find the project that a folder lies in, or take one file as the project.

        Raises:
            ProjectError: there is no project, or its settings cannot be read.
            EnvironmentFault: its state folder was written by a newer release.
        """
        start = Path(path).absolute()
        try:
            settings = find_settings(start, Path(file) if file is not None else None)
        except ProjectError:
            if file is not None or notebook_namespace() is None or not start.is_dir():
                raise
            settings = Settings(start.resolve(), (), start)  # a notebook's cells may be all there is
        project = cls(settings)
        check_state(project.layout)
        return project

    def __repr__(self) -> str:
        return f"<assetctl project {self.root}>"

    # --- what should exist -----------------------------------------------------------------

    def graph(self) -> AssetGraph:
        """Return the graph of what is declared now, importing the project's code if that is needed.

        Raises:
            DeclarationError: with every problem of every declaration.
        """
        return self._declarations.graph()

    def identified(self, key: str) -> Identified:
        """Return code and definition of the step that produces an asset."""
        graph = self.graph()
        if graph.steps[AssetKey(key)].declaration.options.outs:  # output names are part of the definition
            graph = with_former_names(graph, self.stores.lineage.names())
        return self._declarations.identification().identify(graph.steps[AssetKey(key)], graph)

    def select(self, selection: Sequence[str] = (), exclude: Sequence[str] = ()) -> tuple[AssetKey, ...]:
        """Return the keys that a selection means, in topological order.

        Raises:
            SelectionError: with every term that names nothing.
        """
        return self._resolve(self.graph(), selection, exclude).keys

    # --- what is true, and making it so ------------------------------------------------------

    def plan(self, *selection: str, options: PlanOptions = PlanOptions()) -> Plan:  # noqa: B008  it is frozen
        """Return what bringing a selection up to date would do, and why. Executes nothing."""
        return self.deliberate(selection, options)[0]

    def materialize(
        self,
        *selection: str,
        options: PlanOptions = PlanOptions(),  # noqa: B008  it is frozen
        jobs: int | None = None,
        on_event: Callable[[Event], None] | None = None,
    ) -> RunResult:
        """Bring a selection and what it needs up to date; a failed asset is a result, not an exception.

        `jobs` is the number of steps that may run at once (default: the project's setting,
        or one per core). Events are handed over as they happen.
        """
        from assetctl.engine.runs.surroundings import Asked, start_run

        with in_use(self.layout):
            plan, deliberation = self.deliberate(selection, options)
            ensure_state(self.layout)  # only now: what cannot be planned leaves nothing behind
            register(self.layout)
            with in_use(self.layout):  # of what exists only now
                asked = Asked(selection, options, jobs or self.settings.jobs, on_event)
                result = start_run(self, plan, deliberation, asked)
        if self.settings.lineage is not None:
            from assetctl.engine.publishing.team import share

            self._of_the_team.extend(share(self))
        return result

    def accept(self, key: str, *, is_verified: bool = True) -> Accepted:
        """Carry an asset's record over to its present code, which gives the same data.

        Raises:
            AssetFailed: it does not, or it fails.
            SelectionError: more than the asset's own definition changed.
        """
        from assetctl.engine.curation.accept import accept

        with in_use(self.layout):
            return accept(self, AssetKey(key), is_verified=is_verified)

    def pin(self, key: str, version: str | None = None, *, note: str = "") -> Pins:
        """Keep the bytes of a version (the latest, if none is named) from being cleaned up."""
        from assetctl.engine.curation.pin import keep

        return keep(self, AssetKey(key), version, note)

    def unpin(self, key: str, version: str | None = None) -> Pins:
        """Lift the pins that keep an asset's bytes: all of them, or those of one version."""
        from assetctl.engine.curation.pin import stop_keeping

        return stop_keeping(self, AssetKey(key), version)

    def rollback(self, key: str, version: str | None = None, *, note: str = "") -> RolledBack:
        """Publish an earlier version again and hold it there; without a version, lift that."""
        from assetctl.engine.curation.rollback import lift, roll_back

        return roll_back(self, AssetKey(key), version, note) if version is not None else lift(self, AssetKey(key))

    def move(self, old: str, new: str) -> Moved:
        """Let the history of `old` go on as `new`, which the code declares already."""
        from assetctl.engine.curation.rename import move

        return move(self, AssetKey(old), AssetKey(new))

    def forget(self, *keys: str, dry_run: bool = False) -> ForgottenAssets:
        """Record that nothing recorded about these assets answers any more; bytes go with the next clean-up."""
        from assetctl.engine.curation.forget import forget

        return forget(self, tuple(map(AssetKey, keys)), dry_run=dry_run)

    def perform(self, task: StepTask) -> StepResult:
        """Perform one task in this process; used by workers and the in-process executor."""
        from assetctl.engine.runs.surroundings import perform_here

        return perform_here(self, task)

    def mask_of(self, task: StepTask) -> Mask:
        """Return the mask of the secrets that a task's step may show."""
        from assetctl.engine.runs.surroundings import mask_of_task

        return mask_of_task(self, task)

    # --- values and records ------------------------------------------------------------------

    def load(self, key: str, version: str | None = None) -> Any:
        """Return an asset's value as the asset returned it; a fresh one at every call.

        `version` is a data version (8 or more hex digits), or a materialization id.

        Raises:
            SelectionError: nothing was ever materialized under this key or version.
            CorruptionError: its stored bytes are not what was recorded.
        """
        found = self.find(key, version)
        with in_use(self.layout):
            self._require_bytes(found)
            if found.output.value.classes:  # they are found where the project's modules are
                self.graph()
            return self.stores.data.load(found.output, Wanted())

    def find(self, key: str, version: str | None = None) -> Recorded:
        """Return the record of an asset's latest published version, or of the one named."""
        from assetctl.engine.answers.find import find_recorded

        return find_recorded(self.stores, AssetKey(key), version, self._known_keys)

    def export(self, key: str, target: str | Path, version: str | None = None) -> Path:
        """Write an asset to a file or folder in its ordinary format and return the path."""
        found = self.find(key, version)
        path = Path(target)
        with in_use(self.layout):
            self._require_bytes(found)
            self.stores.data.export(found.output, path)
        return path

    def sql(self, query: str) -> pa.Table:
        """Answer SQL over the lineage tables and over every table asset (a view of its own name).

        Raises:
            SelectionError: the query does more than read, or cannot be understood.
            CorruptionError: what it asks is not what was recorded.
        """
        with self.ask(query) as answer:
            return answer.table()

    def ask(self, query: str) -> AbstractContextManager[Answer]:
        """Give the answer to SQL a batch of rows at a time; see `sql`."""
        from assetctl.engine.answers.sql import answer

        return answer(self, query)

    def history(self, key: str | None = None, limit: int = 20) -> list[HistoryEntry]:
        """Return materializations, newest first; of all assets, or of one that may be gone from the code."""
        from assetctl.engine.answers.find import history_of

        return history_of(self.stores, AssetKey(key) if key is not None else None, limit, self._known_keys)

    # --- explaining --------------------------------------------------------------------------

    def why(self, key: str, since: str | None = None) -> Explanation:
        """Explain an asset's verdict: its reasons, their root causes, and the symbols that changed.

        `since` compares with an earlier point instead: a data version, a materialization or
        run id, or a git ref.
        """
        from assetctl.engine.answers.explain import explain

        return explain(self, AssetKey(key), since)

    def status(self, *selection: str) -> list[AssetStatus]:
        """Return one line of state per asset, sources included, in topological order."""
        from assetctl.engine.answers.explain import states_of

        return states_of(self, selection)

    def diff(self, key: str, old: str | None = None, new: str | None = None) -> VersionDiff:
        """Compare two versions of an asset; by default the latest with the one before."""
        from assetctl.engine.answers.compare import compare_versions

        with in_use(self.layout):
            return compare_versions(self, AssetKey(key), old, new)

    def lineage(self, *selection: str, exclude: Sequence[str] = ()) -> LineageView:
        """Return the picture of a selection and its upstreams, coloured by verdict."""
        from assetctl.engine.answers.explain import draw_lineage

        return draw_lineage(self, selection, exclude)

    # --- inside ------------------------------------------------------------------------------

    @property
    def stores(self) -> Stores:
        """The journal, the lineage store and the data store of this project."""
        if self._stores is None:
            from assetctl.engine.workspace.stores import Stores

            self._stores = Stores(self.layout, self._declarations.codecs, self.settings.remote)
        return self._stores

    @property
    def declarations(self) -> Declarations:
        return self._declarations

    @property
    def warnings(self) -> tuple[str, ...]:
        """What went wrong without stopping anything, in plain words."""
        return (*(self._stores.warnings if self._stores is not None else ()), *self._of_the_team)

    def _known_keys(self) -> Collection[AssetKey]:
        return self.graph().order

    def _require_bytes(self, found: Recorded) -> None:
        state = self.stores.data.state(found.output)
        if state is not OutputState.PRESENT:
            if self.stores.cache is not None and self.stores.cache.link.fault is not None:
                raise self.stores.cache.link.as_error()
            key = found.output.asset
            kind = CorruptionError if state is OutputState.CORRUPT else SelectionError
            raise kind(
                Problem(
                    f"the stored output of `{key}` is {state.value}",
                    (("data version", found.output.value.version),),
                    f"build it again with `assetctl materialize {key}`",
                )
            )

    def _resolve(self, graph: AssetGraph, selection: Sequence[str], exclude: Sequence[str]) -> Selected:
        def states() -> dict[AssetKey, set[str]]:
            from assetctl.engine.answers.explain import state_words

            return state_words(self.plan())

        return resolve(graph, selection, exclude, states)

    def deliberate(self, selection: Sequence[str], options: PlanOptions) -> tuple[Plan, Deliberation]:
        """Return the plan for a selection, and the deliberation that a run goes on with."""
        declared = configure(self.graph(), options.set)
        request = self._request(declared, selection, options)
        borders = {u for k in request.scope for u in declared.upstream(k) if u not in request.scope}
        keys = request.scope | borders
        self.stores.refresh()
        snapshot = self.stores.lineage.snapshot(keys)
        self.stores.look(recorded.output for recorded in snapshot.latest.values())
        graph = with_former_names(declared, snapshot.names)
        request = spare_pinned(graph, request, snapshot.pins)
        identified = self._declarations.identification().identify_all(graph, request.scope)
        if self.settings.dynamic == "strict":
            refuse_dynamic(graph, identified)
        deliberation = Deliberation(
            graph=graph,
            request=request,
            identified=identified,
            observed=self.stores.observer(self.root).observe_all(graph, keys),
            snapshot=snapshot,
            states={key: self.stores.data.state(recorded.output) for key, recorded in snapshot.latest.items()},
            traces={},
            class_code=self._declarations.identification().class_code,
            current_digest=self._current_digest,
        )
        require_recorded(graph, request, borders, deliberation)
        deliberation.gone.update(gone_outside(graph, request.scope & snapshot.latest.keys()))
        plan = make_plan(deliberation)
        if any(not planned.action.is_keep for planned in plan.steps):
            waiting = {p.decision.step.key for p in plan.steps if not p.action.is_keep}
            deliberation = deliberation.begin_anew(self._usable_traces(graph, waiting))
            plan, deliberation = plan_with_others(self.stores.sharing, make_plan(deliberation), deliberation)
        return plan, deliberation

    def _current_digest(self, used: Undeclared) -> Digest | None:
        """Return the digest now of something a step was seen to use, or None if it is gone."""
        if used.kind == "codec":
            return self._declarations.identification().codec_code(self._declarations.codecs(), used.name)
        if used.kind in {"symbol", "module"}:
            return self._declarations.identification().class_code(used.name)
        path = self.root / used.name
        return self.stores.digests.of(path) if path.is_file() else None

    def _request(self, graph: AssetGraph, selection: Sequence[str], options: PlanOptions) -> Request:
        selected = self._resolve(graph, selection, options.exclude)
        chosen = frozenset(selected.keys)
        scope = chosen if options.only else graph.ancestry(chosen)
        excluded = frozenset(self._resolve(graph, options.exclude, ()).keys) if options.exclude else frozenset()
        co_outputs = {o for k in scope - excluded if k in graph.steps for o in graph.steps[k].outputs}
        named: frozenset[AssetKey] = chosen if selection else frozenset()
        forced: frozenset[AssetKey] = chosen if options.force else frozenset()
        return Request((scope - excluded) | co_outputs, named, forced)

    def _usable_traces(self, graph: AssetGraph, keys: Collection[AssetKey]) -> Traces:
        """Return the traces of these steps whose outputs can all be read, those under earlier names included."""
        lookup = trace_keys(graph, keys)
        return usable_traces(self.stores.lineage.traces(lookup.keys()), lookup, self.stores.state_here)

"""A small world for the planner and the run loop: real decisions, real loop, stores in memory.

The oracle is what ran: every function notes its call. Code versions are given as text,
so that a test says what changed rather than having it found out.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from assetctl.assets.collect import Declared
from assetctl.assets.compute import PythonFunction
from assetctl.assets.definition import AssetDef, AssetOptions, CheckDef, SourceDef, SourceShape
from assetctl.assets.ids import AssetKey, Target, whole
from assetctl.engine.executors.inprocess import InProcessExecutor
from assetctl.engine.runs.cancel import CancelToken
from assetctl.engine.runs.loop import Run
from assetctl.engine.runs.recording import Recorder
from assetctl.engine.runs.result import RunResult
from assetctl.engine.steps.loading import Loader
from assetctl.engine.steps.perform import perform
from assetctl.engine.steps.tasks import CheckTask, OutputInput, StepResult, StepTask
from assetctl.engine.workspace.identifiers import new_identifier
from assetctl.lineage.deciding.decide import Deliberation, Identified, Observation, Question, Request
from assetctl.lineage.deciding.events import Event
from assetctl.lineage.deciding.plan import Plan, make_plan
from assetctl.lineage.deciding.staleness import Verdict
from assetctl.lineage.deciding.traces import trace_keys, usable_traces
from assetctl.lineage.facts.records import (
    CodeIdentity,
    CodeVersion,
    DataVersion,
    Digest,
    MaterializationId,
    Output,
    RunId,
    Trace,
    Undeclared,
    ValueIdentity,
)
from assetctl.lineage.facts.snapshot import OutputState
from assetctl.lineage.graph.asset_graph import AssetGraph, Step, build_graph
from assetctl.lineage.identity.define import define, define_check
from assetctl.lineage.identity.encode import digest_bytes
from assetctl.storage.state.layout import Layout
from tests.storage.memory import MemoryDataStore, MemoryJournal, MemoryLineageStore


class FakeClock:
    """Stands still until told otherwise; may go backwards."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def now(self) -> str:
        return (datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=self.seconds)).isoformat(timespec="microseconds")

    def monotonic(self) -> float:
        return self.seconds

    def tick(self, seconds: float = 1.0) -> None:
        self.seconds += seconds


@dataclass
class _Spec:
    code: str
    make: Callable[..., Any]
    upstream: tuple[str, ...]
    options: dict[str, Any]


@dataclass(frozen=True)
class Built:
    """What one build did, as lists of keys."""

    result: RunResult
    ran: list[str]

    def __getattr__(self, name: str) -> list[str]:
        return list(getattr(self.result.finished, name))


class _CancelledWhen(CancelToken):
    """A token that is cancelled once a condition holds."""

    def __init__(self, holds: Callable[[], bool]) -> None:
        super().__init__()
        self._holds = holds

    @property
    def count(self) -> int:
        return int(self._holds())


@dataclass
class World:
    """Declare with `asset`, `source`, `check`; change with `edit`; then `plan` and `build`."""

    clock: FakeClock = field(default_factory=FakeClock)
    journal: MemoryJournal = field(default_factory=MemoryJournal)
    data: MemoryDataStore = field(default_factory=MemoryDataStore)
    specs: dict[str, _Spec] = field(default_factory=dict)
    sources: dict[str, str] = field(default_factory=dict)
    checks: dict[str, tuple[str, str, Callable[[Any], Any], bool]] = field(default_factory=dict)
    code_format: str = ""  # a later format of code versions, in which they all look different
    calls: list[str] = field(default_factory=list)
    undeclared: dict[str, Digest] = field(default_factory=dict)  # what steps use without declaring it, by name
    classes: dict[str, str] = field(default_factory=dict)  # code of first-party classes, by name

    def asset(
        self, name: str, *, code: str = "v1", data: Any = None, upstream: Iterable[str] = (), **options: Any
    ) -> World:
        """Declare an asset. `data` is its value, or a function of its upstreams' values (in order)."""
        make = data if callable(data) else (lambda *_: name if data is None else data)
        self.specs[name] = _Spec(code, make, tuple(upstream), options)
        return self

    def source(self, name: str, content: str) -> World:
        self.sources[name] = content
        return self

    def check(
        self, name: str, asset: str, ask: Callable[[Any], Any], *, code: str = "v1", blocking: bool = True
    ) -> World:
        self.checks[name] = (asset, code, ask, blocking)
        return self

    def edit(
        self, name: str, *, code: str | None = None, data: Any = ..., upstream: Iterable[str] | None = None
    ) -> World:
        spec = self.specs[name]
        self.asset(
            name,
            code=code or spec.code,
            data=spec.make if data is ... else data,
            upstream=spec.upstream if upstream is None else upstream,
            **spec.options,
        )
        return self

    # --- asking ------------------------------------------------------------------------

    def plan(self, *keys: str, **asked: Any) -> dict[str, Verdict]:
        return {planned.target: planned.verdict for planned in self.full_plan(*keys, **asked).steps}

    def actions(self, *keys: str, **asked: Any) -> dict[str, str]:
        return {planned.target: planned.action.value for planned in self.full_plan(*keys, **asked).steps}

    def full_plan(self, *keys: str, **asked: Any) -> Plan:
        return self._deliberate(keys, **asked)[0]

    def deliberate(self, *keys: str, **asked: Any) -> tuple[Plan, Deliberation]:
        """Return a plan, and what it was made from, with nothing assumed yet."""
        plan, deliberation = self._deliberate(keys, **asked)
        return plan, deliberation.begin_anew(deliberation.known.traces)

    def build(self, *keys: str, is_cancelled: Callable[[], bool] = lambda: False, **asked: Any) -> Built:
        """Run the real loop over the plan."""
        plan, deliberation = self._deliberate(keys, **asked)
        before = len(self.calls)
        run_id = RunId(new_identifier())
        around = _Around(self, deliberation, run_id)
        events: list[Event] = []
        run = Run(
            plan=plan,
            deliberation=deliberation,
            recorder=Recorder(self.journal, self.clock, self.data, deliberation, run_id, tuple(keys), "test"),
            executor=InProcessExecutor(lambda task: self._perform(task, deliberation.graph)),
            around=around,
            clock=self.clock,
            show=events.append,
            cancel=_CancelledWhen(is_cancelled),
        )
        return Built(run.execute(), self.calls[before:])

    # --- making it so --------------------------------------------------------------------

    def output(self, name: str) -> Output:
        store = MemoryLineageStore(self.journal)
        store.refresh()
        return store.snapshot([whole(AssetKey(name))]).latest[whole(AssetKey(name))].output

    def value(self, name: str) -> Any:
        from assetctl.lineage.facts.ports import Wanted

        return self.data.load(self.output(name), Wanted())

    def _graph(self) -> AssetGraph:
        collected = [Declared(AssetKey(n), SourceDef(n, SourceShape.FILE), f"world:{n}", n) for n in self.sources]
        declared: dict[str, AssetDef] = {}
        for name, spec in self.specs.items():
            declaration = AssetDef(PythonFunction(self._function(name, spec)), AssetOptions(**spec.options))
            key = None if spec.options.get("outs") else AssetKey(name)
            collected.append(Declared(key, declaration, f"world.py:{name}", name))
            declared[name] = declaration
        for name, (asset, _, ask, blocking) in self.checks.items():
            collected.append(Declared(None, CheckDef(PythonFunction(ask), asset, blocking), f"world.py:{name}", name))
        return build_graph(collected)

    def _function(self, name: str, spec: _Spec) -> Callable[..., Any]:
        def function(**values: Any) -> Any:
            self.calls.append(name)
            return spec.make(*(values[u] for u in spec.upstream if u in values))

        function.__name__ = name
        parameters = [inspect.Parameter(u, inspect.Parameter.KEYWORD_ONLY) for u in spec.upstream]
        function.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        return function

    def _deliberate(self, keys: Iterable[str], *, force: bool = False, only: bool = False) -> tuple[Plan, Deliberation]:
        graph = self._graph()
        chosen = frozenset(map(AssetKey, keys)) or frozenset(graph.order)
        scope = chosen if only else graph.ancestry(chosen)
        named = chosen if tuple(keys) else frozenset()
        store = MemoryLineageStore(self.journal)
        store.refresh()
        borders = {u for k in scope for u in graph.upstream(k)}
        snapshot = store.snapshot(set(map(whole, scope | borders)))
        request = Request(
            frozenset(map(whole, scope)), frozenset(map(whole, named)), frozenset(map(whole, chosen if force else ()))
        )
        question = Question(
            graph=graph,
            request=request,
            identified={s.key: self._identified(s, graph) for s in graph.steps.values()},
            observed={whole(AssetKey(n)): _observed(content) for n, content in self.sources.items()},
            snapshot=snapshot,
            states={t: self.data.state(r.output) for t, r in snapshot.latest.items()},
            class_code=lambda name: Digest(self.classes.get(name, "same")),
            current_digest=lambda used: self.undeclared.get(used.name),
        )
        names = trace_keys(graph, {s.key for s in graph.steps.values()})
        present = usable_traces(store.traces(names.keys()), names, self.data.state)
        deliberation = Deliberation(question, present)
        return make_plan(deliberation), deliberation

    def _identified(self, step: Step, graph: AssetGraph) -> Identified:
        spec = self.specs[step.name]
        checks = {
            key: {
                c.name: define_check(c, CodeIdentity(CodeVersion(f"check {self.checks[c.name][1]}")), {})
                for c in graph.checks[key]
            }
            for key in step.outputs
            if key in graph.checks
        }
        code = CodeIdentity(CodeVersion(f"{self.code_format} {spec.code}" if self.code_format else spec.code))
        earlier = CodeIdentity(CodeVersion(spec.code))
        former = (define(step, earlier, {}).digest,) if self.code_format else ()
        return Identified(code, define(step, code, {}), checks, former)

    def _perform(self, task: StepTask, graph: AssetGraph) -> StepResult:
        result = perform(task, graph, Loader(self.data, graph.sources, _NoFiles()), Layout.of(Path("/nowhere")))
        used = tuple(Undeclared("file", name, digest) for name, digest in sorted(self.undeclared.items()))
        return replace(result, undeclared=used)


class _NoFiles:
    """The steps of a world are not handed its sources."""

    def version(self, declaration: SourceDef) -> None:
        raise AssertionError("a source was read")

    def paths(self, declaration: SourceDef) -> tuple[str, ...]:
        raise AssertionError("a source was read")


def _observed(content: str) -> Observation:
    return Observation(ValueIdentity(DataVersion(digest_bytes(content.encode())), "file"), len(content))


@dataclass
class _Around:
    """`run.Surroundings` without disk, locks or other processes."""

    world: World
    deliberation: Deliberation
    run_id: RunId

    def task(self, decision: Any, materialization_id: MaterializationId) -> StepTask:
        step = decision.step
        checks = self.deliberation.identified[step.key].checks
        return StepTask(
            step=decision.target,
            definition=self.deliberation.identified[step.key].definition.digest,
            provenance=decision.provenance.digest,
            run_id=self.run_id,
            materialization_id=materialization_id,
            inputs=tuple(
                OutputInput(b.name, self.deliberation.known.latest[b.target].output, b.wanted)
                for b in step.bindings
                if b.is_read and not b.is_source
            ),
            checks=self._checks(step, {whole(key): tuple(names) for key, names in checks.items()}),
        )

    def check_task(self, decision: Any, outputs: tuple[Output, ...], materialization_id: MaterializationId) -> StepTask:
        return StepTask(
            step=decision.target,
            definition=self.deliberation.identified[decision.step.key].definition.digest,
            provenance=decision.provenance.digest,
            run_id=self.run_id,
            materialization_id=materialization_id,
            checks=self._checks(decision.step, decision.pending_checks),
            stored=outputs,
        )

    def _checks(self, step: Step, wanted: Mapping[Target, tuple[str, ...]]) -> tuple[CheckTask, ...]:
        definitions = self.deliberation.identified[step.key].checks
        return tuple(
            CheckTask(target, check.name, definitions[target.asset][check.name], check.declaration.blocking)
            for target in wanted
            for check in self.deliberation.graph.checks.get(target.asset, ())
            if check.name in wanted[target]
        )

    def try_lock(self, step: Step) -> Any:
        return nullcontext()

    def waits_for(self, step: Step) -> str:
        raise AssertionError(f"nobody else builds `{step.target}` here")

    def news(self) -> list[Any]:
        return []

    def state(self, output: Output) -> OutputState:
        return self.world.data.state(output)

    def trace(self, decision: Any, result: StepResult) -> tuple[Trace, tuple[str, ...]]:
        changed = tuple(
            key.asset
            for key, seen in self.deliberation.observed.items()
            if key.asset in decision.step.upstream and _observed(self.world.sources[key]).value != seen.value
        )
        return Trace.INPUT_CHANGED if changed else Trace.SOUND, changed

    def log_tail(self, task: StepTask) -> str:
        return ""

    def new_id(self) -> MaterializationId:
        return MaterializationId(new_identifier())

    def pause(self, seconds: float) -> None:
        self.world.clock.tick(seconds)

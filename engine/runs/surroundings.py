"""What a run needs of its project: tasks, locks, news from other processes, the check of what was read."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from assetctl.assets.errors import WaitTimeout
from assetctl.assets.ids import AssetKey
from assetctl.engine.executors.base import Executor
from assetctl.engine.executors.inprocess import InProcessExecutor
from assetctl.engine.executors.pool import PoolExecutor
from assetctl.engine.planning.options import PlanOptions
from assetctl.engine.runs.loop import Run
from assetctl.engine.runs.recording import Recorder
from assetctl.engine.runs.result import RunResult
from assetctl.engine.secrets.masking import Mask
from assetctl.engine.secrets.secret_values import mask_of_environment, mask_of_step
from assetctl.engine.steps.capture import tail
from assetctl.engine.steps.masked import mask_result
from assetctl.engine.steps.perform import perform
from assetctl.engine.steps.tasks import CheckTask, OutputInput, SourceInput, StepResult, StepTask
from assetctl.engine.watching.touched import Touched
from assetctl.engine.watching.watching import watching
from assetctl.engine.workspace.checkout import checkout_of
from assetctl.engine.workspace.clock import SystemClock
from assetctl.engine.workspace.declarations import notebook_namespace
from assetctl.engine.workspace.identifiers import new_identifier
from assetctl.lineage.deciding.decide import Action, Deliberation, StepDecision
from assetctl.lineage.deciding.events import Event
from assetctl.lineage.deciding.plan import Plan
from assetctl.lineage.facts.records import Fact, MaterializationId, Output, Position, RunId, Trace, Undeclared
from assetctl.lineage.facts.snapshot import OutputState
from assetctl.lineage.graph.asset_graph import AssetGraph, Step
from assetctl.storage.state.crash_points import CrashPoint, reached
from assetctl.storage.state.lock import hold, step_lock_file

if TYPE_CHECKING:
    from assetctl.engine.project import Project


@dataclass(slots=True)
class ProjectSurroundings:
    """Implements `run.Surroundings` for one run of one project."""

    project: Project
    deliberation: Deliberation
    run_id: RunId
    set_config: tuple[str, ...]
    seen: dict[str, int]
    own_segments: set[str] = field(default_factory=set)

    def task(self, decision: StepDecision, materialization_id: MaterializationId) -> StepTask:
        """Return the task that runs a step, with its inputs as they are now."""
        step, provenance = decision.step, decision.provenance
        assert provenance is not None, "a step runs only when all it reads is known"
        identified = self.deliberation.identified[step.key]
        latest = self.deliberation.latest
        return StepTask(
            step=step.key,
            definition=identified.definition.digest,
            provenance=provenance.digest,
            run_id=self.run_id,
            materialization_id=materialization_id,
            inputs=tuple(self._inputs(step)),
            checks=self._checks(step, {key: tuple(identified.checks.get(key, ())) for key in step.outputs}),
            set_config=self.set_config,
            former_names=step.former,
            upstream_metrics={u: latest[u].materialization.metrics for u in step.upstream if u in latest},
            captures_values=any(symbol.kind == "value" for symbol in identified.code.symbols),
            log=str(self._log(step)),
            timeout_s=step.declaration.options.timeout_s,
        )

    def check_task(
        self, decision: StepDecision, outputs: tuple[Output, ...], materialization_id: MaterializationId
    ) -> StepTask:
        """Return the task that only asks a step's pending checks about outputs that exist."""
        step = decision.step
        provenance = decision.provenance
        assert provenance is not None, "checks are asked about data whose making is known"
        return StepTask(
            step=step.key,
            definition=self.deliberation.identified[step.key].definition.digest,
            provenance=provenance.digest,
            run_id=self.run_id,
            materialization_id=materialization_id,
            checks=self._checks(step, decision.pending_checks),
            stored=outputs,
            set_config=self.set_config,
            former_names=step.former,
            log=str(self._log(step)),
        )

    def try_lock(self, step: Step) -> AbstractContextManager[object] | None:
        lock = hold(step_lock_file(self.project.layout, step.key), 0, "")
        try:
            lock.__enter__()
        except WaitTimeout:
            return None
        return lock

    def news(self) -> list[tuple[Position, Fact]]:
        journal = self.project.stores.journal
        sizes = journal.sizes()
        self.seen.update({name: sizes[name] for name in self.own_segments if name in sizes})
        if all(self.seen.get(name) == size for name, size in sizes.items()):
            return []
        facts, self.seen = journal.read_since(self.seen)
        return facts

    def state(self, output: Output) -> OutputState:
        return self.project.stores.data.state(output)

    def trace(self, decision: StepDecision, result: StepResult) -> Trace:
        if result.code_changed:
            return Trace.CODE_CHANGED
        observer = self.project.stores.observer(self.project.root)
        for binding in decision.step.bindings:
            if binding.is_source:
                declaration = self.deliberation.graph.sources[binding.upstream]
                now = observer.version(declaration)
                if now != self.deliberation.observed[binding.upstream].value.version:
                    return Trace.INPUT_CHANGED
        return Trace.SOUND

    def log_tail(self, task: StepTask) -> str:
        return tail(Path(task.log)) if task.log else ""

    def new_id(self) -> MaterializationId:
        return MaterializationId(new_identifier())

    def pause(self, seconds: float) -> None:
        time.sleep(seconds)

    def _inputs(self, step: Step) -> Iterator[OutputInput | SourceInput]:
        observer = self.project.stores.observer(self.project.root)
        for binding in step.bindings:
            if not binding.is_read:
                continue
            if binding.is_source:
                source = self.deliberation.graph.sources[binding.upstream]
                paths = observer.paths(source)
                yield SourceInput(binding.name, binding.upstream, source.shape, paths, binding.wanted)
            else:
                yield OutputInput(binding.name, self.deliberation.latest[binding.upstream].output, binding.wanted)

    def _checks(self, step: Step, wanted: Mapping[AssetKey, tuple[str, ...]]) -> tuple[CheckTask, ...]:
        definitions = self.deliberation.identified[step.key].checks
        return tuple(
            CheckTask(key, check.name, definitions[key][check.name], check.declaration.blocking)
            for key in step.outputs
            for check in self.deliberation.graph.checks.get(key, ())
            if check.name in wanted.get(key, ())
        )

    def _log(self, step: Step) -> Path:
        return self.project.layout.log(self.run_id, step.key)


@dataclass(frozen=True, slots=True)
class Asked:
    """What a person asked of a run: which assets, how, how many at once, and who hears of it."""

    selection: tuple[str, ...]
    options: PlanOptions
    jobs: int | None
    on_event: Callable[[Event], None] | None


def start_run(project: Project, plan: Plan, deliberation: Deliberation, asked: Asked) -> RunResult:
    """Carry out a plan, then fold what was recorded into the lineage store."""
    options = asked.options
    stores = project.stores
    run_id = RunId(new_identifier())
    around = ProjectSurroundings(project, deliberation, run_id, options.set, stores.folded_sizes)
    recorder = Recorder(
        journal=stores.journal,
        clock=SystemClock(),
        data=stores.data,
        deliberation=deliberation,
        run_id=run_id,
        selection=asked.selection,
        command=_command(asked.selection, options, deliberation.graph),
        checkout=checkout_of(project.root),
        own_segments=around.own_segments,
        recorded_texts=stores.lineage.texts,
        from_elsewhere=stores.cache.from_elsewhere if stores.cache is not None else (),
        known_code={r.materialization.provenance.definition.code for r in deliberation.latest.values()},
    )
    if stores.cache is not None and not plan.is_fresh:
        stores.cache.resume()
        stores.cache.start(p.decision.reusable for p in plan.steps if p.restorable and p.decision.reusable is not None)
    executor = _executor(project, plan, asked.jobs)
    with _interruptions(executor) as interruptions:
        run = Run(
            plan=plan,
            deliberation=deliberation,
            recorder=recorder,
            executor=executor,
            around=around,
            clock=SystemClock(),
            sharing=stores.sharing,
            show=_announcing(asked.on_event),
            is_cancelled=lambda: interruptions.count > 0,
        )
        try:
            result = run.execute()
        finally:
            executor.close()
            stores.close()
    if result.finished.status != "succeeded" or not plan.is_fresh:
        stores.refresh()
    return result


def _announcing(on_event: Callable[[Event], None] | None) -> Callable[[Event], None]:
    def show(event: Event) -> None:
        if on_event is not None:
            on_event(event)
        reached(CrashPoint.STEP_SHOWN)

    return show


def perform_here(project: Project, task: StepTask) -> StepResult:
    """Perform a task in this process, and look whether the step changed what its code had captured."""
    graph = project.declarations.current(task.set_config, task.former_names)
    with watching(project.root) as touched:
        result = perform(task, graph, project.stores.data, project.layout)
    result = mask_result(result, mask_of_task(project, task))
    if result.failure is not None or task.stored:
        return result
    identification = project.declarations.identification()
    step = graph.steps[task.step]
    if task.captures_values and not identification.is_unchanged(step):
        result = replace(result, code_changed=True)
    used = [
        *_undeclared_files(project, task, touched),
        *identification.undeclared_symbols(step, touched.executed, graph),
        *identification.undeclared_modules(step, touched.imported, graph),
        *identification.used_codecs(project.declarations.codecs(), result.outputs),
    ]
    return replace(result, undeclared=tuple(used)) if used else result


def mask_of_task(project: Project, task: StepTask) -> Mask:
    """Return the mask for what a task's step prints, raises or answers."""
    graph = project.declarations.current(task.set_config)
    step = graph.steps[task.step]
    return mask_of_step(step, project.declarations.identification().identify(step, graph))


def _undeclared_files(project: Project, task: StepTask, touched: Touched) -> list[Undeclared]:
    """Return the project files that were read and that no source of the step stands for."""
    declared = [path for needed in task.inputs if isinstance(needed, SourceInput) for path in needed.paths]
    found: list[Undeclared] = []
    for text in sorted(touched.read - touched.written):
        path = Path(text)
        if path.is_file() and not any(text == d or text.startswith(d + os.sep) for d in declared):
            name = path.relative_to(project.root).as_posix()
            found.append(Undeclared("file", name, project.stores.digests.of(path)))
    return found


def _executor(project: Project, plan: Plan, jobs: int | None) -> Executor:
    """Choose where steps run: in a pool, unless at most one can run at a time or only this process knows the code."""
    work = [p for p in plan.steps if p.action in (Action.RUN, Action.MAYBE)]
    steps = {p.decision.step.key: p.decision.step for p in work}
    n_workers = min(jobs or os.cpu_count() or 1, len(steps))
    has_timeout = any(step.declaration.options.timeout_s is not None for step in steps.values())
    if notebook_namespace() is not None or (n_workers <= 1 and not has_timeout) or not steps:
        return InProcessExecutor(project.perform, project.mask_of)
    settings = project.settings
    file = [str(settings.where)] if settings.where.suffix == ".py" else []
    return PoolExecutor(n_workers, [str(settings.root), *file])


@dataclass(slots=True)
class _Interruptions:
    count: int = 0


@contextmanager
def _interruptions(executor: Executor) -> Iterator[_Interruptions]:
    """While steps run: Ctrl-C (or SIGTERM) once starts nothing more, twice kills what runs.

    In this process the first one interrupts the function that is running, as Python does.
    """
    seen = _Interruptions()
    if threading.current_thread() is not threading.main_thread():
        yield seen
        return

    def on_signal(number: int, frame: object) -> None:
        seen.count += 1
        if isinstance(executor, InProcessExecutor) or seen.count > 1:
            executor.cancel()
            raise KeyboardInterrupt

    before = {number: signal.signal(number, on_signal) for number in (signal.SIGINT,)}
    try:
        yield seen
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _command(selection: Sequence[str], options: PlanOptions, graph: AssetGraph) -> str:
    """Return the command as it is recorded: without values of secret parameters, or of secret variables."""
    flags = [name for name, given in (("--force", options.force), ("--only", options.only)) if given]
    secret = {f"{n}.{p}" for k, s in graph.steps.items() for n in (k, s.name) for p in s.declaration.options.secret}
    for assignment in options.set:
        target = assignment.partition("=")[0].strip()
        flags.append(f"--set {target}=***" if target in secret else f"--set {assignment}")
    return mask_of_environment().text(" ".join(["materialize", *selection, *flags]))

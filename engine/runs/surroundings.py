"""What a run needs of its project: tasks, locks, news from other processes, the check of what was read."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path

from assetctl.assets.errors import WaitTimeout
from assetctl.assets.ids import Target, whole
from assetctl.engine.steps.capture import tail
from assetctl.engine.steps.tasks import CheckTask, OutputInput, SourceInput, StepResult, StepTask
from assetctl.engine.workspace.identifiers import new_identifier
from assetctl.engine.workspace.workspace import Workspace
from assetctl.lineage.deciding.decide import Deliberation, StepDecision
from assetctl.lineage.facts.kinds import SymbolKind
from assetctl.lineage.facts.records import Fact, MaterializationId, Output, Position, RunId, Trace
from assetctl.lineage.facts.snapshot import OutputState
from assetctl.lineage.graph.asset_graph import Step
from assetctl.storage.state.holders import holders, named
from assetctl.storage.state.lock import hold, step_lock_file, still_held

_LOOK_S = 1.0  # how often to look whether a process that is waited for is stopped
_STOPPED_S = 120.0  # for how long it may be


@dataclass(slots=True)
class ProjectSurroundings:
    """Implements `run.Surroundings` for one run of one workspace."""

    workspace: Workspace
    deliberation: Deliberation
    run_id: RunId
    set_config: tuple[str, ...]
    seen: dict[str, int]
    own_segments: set[str] = field(default_factory=set)
    stopped_since: dict[Path, float] = field(default_factory=dict)  # lock files whose holders do nothing
    look_again_at: float = 0.0

    def task(self, decision: StepDecision, materialization_id: MaterializationId) -> StepTask:
        """Return the task that runs a step, with its inputs as they are now."""
        step, provenance = decision.step, decision.provenance
        assert provenance is not None, "a step runs only when all it reads is known"
        identified = self.deliberation.identified[step.key]
        latest = self.deliberation.known.latest
        return StepTask(
            step=decision.target,
            definition=identified.definition.digest,
            provenance=provenance.digest,
            run_id=self.run_id,
            materialization_id=materialization_id,
            inputs=tuple(self._inputs(step)),
            checks=self._checks(
                step, {target: tuple(identified.checks.get(target.asset, ())) for target in decision.targets}
            ),
            set_config=self.set_config,
            former_names=step.former,
            upstream_metrics={u: latest[whole(u)].materialization.metrics for u in step.upstream if whole(u) in latest},
            captures_values=any(symbol.kind == SymbolKind.VALUE for symbol in identified.code.symbols),
            isolate=step.declaration.options.isolate,
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
            step=decision.target,
            definition=self.deliberation.identified[step.key].definition.digest,
            provenance=provenance.digest,
            run_id=self.run_id,
            materialization_id=materialization_id,
            checks=self._checks(step, decision.pending_checks),
            stored=outputs,
            set_config=self.set_config,
            former_names=step.former,
        )

    def try_lock(self, step: Step) -> AbstractContextManager[object] | None:
        file = step_lock_file(self.workspace.layout, step.target)
        lock = hold(file, 0, "")
        try:
            lock.__enter__()
        except WaitTimeout:
            self._require_moving(step, file)
            return None
        self.stopped_since.pop(file, None)
        return lock

    def waits_for(self, step: Step) -> str:
        who = named(step_lock_file(self.workspace.layout, step.target))
        return f"waiting for {who}, which is building `{step.target}`"

    def _require_moving(self, step: Step, file: Path) -> None:
        """Wait as long as it takes for a process that builds, but not for one that is stopped and may never go on."""
        if time.monotonic() < self.look_again_at:
            return
        self.look_again_at = time.monotonic() + _LOOK_S
        building = holders(file)
        if not building or not all(holder.is_stopped for holder in building):
            self.stopped_since.pop(file, None)
        elif time.monotonic() - self.stopped_since.setdefault(file, time.monotonic()) > _STOPPED_S:
            raise still_held(file, _STOPPED_S, f"`{step.target}` is being built by a process that is stopped")

    def news(self) -> list[tuple[Position, Fact]]:
        journal = self.workspace.stores.journal
        sizes = journal.sizes()
        self.seen.update({name: sizes[name] for name in self.own_segments if name in sizes})
        if all(self.seen.get(name) == size for name, size in sizes.items()):
            return []
        facts, self.seen = journal.read_since(self.seen)
        return facts

    def state(self, output: Output) -> OutputState:
        return self.workspace.stores.data.state(output)

    def trace(self, decision: StepDecision, result: StepResult) -> tuple[Trace, tuple[str, ...]]:
        if result.code_changed:
            return Trace.CODE_CHANGED, ()
        changed = tuple(self._changed_sources(decision.step))
        return Trace.INPUT_CHANGED if changed or result.inputs_changed else Trace.SOUND, changed

    def _changed_sources(self, step: Step) -> Iterator[str]:
        observer = self.workspace.stores.observer(self.workspace.root)
        for binding in step.bindings:
            if binding.is_source:
                now = observer.version(self.deliberation.graph.sources[binding.upstream])
                if now != self.deliberation.observed[binding.target].value.version:
                    yield binding.upstream

    def log_tail(self, task: StepTask) -> str:
        return tail(self.workspace.layout.log(task.run_id, task.step))

    def new_id(self) -> MaterializationId:
        return MaterializationId(new_identifier())

    def pause(self, seconds: float) -> None:
        time.sleep(seconds)

    def _inputs(self, step: Step) -> Iterator[OutputInput | SourceInput]:
        for binding in step.bindings:
            if not binding.is_read:
                continue
            if binding.is_source:
                version = self.deliberation.observed[binding.target].value.version
                yield SourceInput(binding.name, binding.upstream, version, binding.wanted)
            else:
                yield OutputInput(binding.name, self.deliberation.known.latest[binding.target].output, binding.wanted)

    def _checks(self, step: Step, wanted: Mapping[Target, tuple[str, ...]]) -> tuple[CheckTask, ...]:
        definitions = self.deliberation.identified[step.key].checks
        return tuple(
            CheckTask(target, check.name, definitions[target.asset][check.name], check.declaration.blocking)
            for target in wanted
            for check in self.deliberation.graph.checks.get(target.asset, ())
            if check.name in wanted[target]
        )

"""Perform one task in this process: for the in-process executor, for workers, and for `accept`."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path

from assetctl.engine.executors.captures import Captures
from assetctl.engine.executors.looks import status_of_all, undeclared_looks
from assetctl.engine.secrets.masking import Mask
from assetctl.engine.secrets.secret_values import mask_of_step
from assetctl.engine.steps.capture import captured_streams
from assetctl.engine.steps.loading import Loader
from assetctl.engine.steps.masked import mask_result
from assetctl.engine.steps.perform import perform
from assetctl.engine.steps.tasks import SourceInput, StepResult, StepTask
from assetctl.engine.watching.touched import ALL_VARIABLES, Touched
from assetctl.engine.watching.watching import watching
from assetctl.engine.workspace.seen import LOST, UNSEEN, Seen
from assetctl.engine.workspace.workspace import Workspace
from assetctl.lineage.facts.kinds import LOST_LOOK, UndeclaredKind
from assetctl.lineage.facts.records import Undeclared


def perform_here(workspace: Workspace, task: StepTask) -> StepResult:
    """Perform a task in this process, put back what it changed of what its code captures, and note what it looked at."""
    graph = workspace.declarations.current(task.set_config, task.former_names)
    loader = Loader(workspace.stores.data, graph.sources, workspace.stores.observer(workspace.root))
    sources = [] if task.stored else _sources(task, loader)
    before, environment = status_of_all(sources), dict(os.environ)
    captures = Captures(workspace, task, graph)
    mask = mask_of_task(workspace, task)  # before the step, which may change the environment
    with watching(workspace.root) as touched:
        result = perform(task, graph, loader, workspace.layout)
    result = mask_result(replace(result, captured_changes=captures.put_back()), mask)
    if result.failure is not None or task.stored:
        return result
    identification = workspace.declarations.identification()
    step = graph.steps[task.step.asset]
    seen = workspace.seen(environment)
    files = [path for path in touched.looks if identification.is_declared_file(step, path)]
    looks = undeclared_looks(touched, seen, sources, files)
    if looks.changed or status_of_all(sources) != before:
        result = replace(result, inputs_changed=True)
    variables = identification.declared_variables(step, graph) if touched.variables else set()
    used = [
        *looks.used,
        *_variables(seen, touched.variables - variables),
        *_not_seen(touched),
        *identification.undeclared_symbols(step, touched.executed, graph),
        *identification.undeclared_modules(step, touched.imported, graph),
        *identification.used_codecs(workspace.declarations.codecs(), result.outputs),
    ]
    return mask_result(replace(result, undeclared=tuple(used)), mask) if used else result


def captured_here(workspace: Workspace, task: StepTask) -> AbstractContextManager[None]:
    """Send what Python prints in this process to the task's log while the block runs, without the step's secrets."""
    return captured_streams(log_of_task(workspace, task), mask_of_task(workspace, task))


def log_of_task(workspace: Workspace, task: StepTask) -> Path:
    """Return where the state folder keeps what the step prints in this run."""
    return workspace.layout.log(task.run_id, task.step)


def mask_of_task(workspace: Workspace, task: StepTask) -> Mask:
    """Return the mask for what a task's step prints, raises or answers."""
    graph = workspace.declarations.current(task.set_config)
    step = graph.steps[task.step.asset]
    return mask_of_step(step, workspace.declarations.identification().identify(step, graph))


def _sources(task: StepTask, loader: Loader) -> list[str]:
    """Return the absolute paths of the sources that a task reads."""
    return [path for needed in task.inputs if isinstance(needed, SourceInput) for path in loader.paths(needed)]


def _not_seen(touched: Touched) -> Iterator[Undeclared]:
    """Yield what the recorder could not look into, and what it failed to note: that never is as it was."""
    for what in sorted(touched.unseen):
        yield Undeclared(UndeclaredKind.UNSEEN, what, UNSEEN)
    for error in sorted(touched.lost):
        yield Undeclared(UndeclaredKind.UNSEEN, f"{LOST_LOOK} ({error})", LOST)


def _variables(seen: Seen, names: Collection[str]) -> Iterator[Undeclared]:
    """Yield what is recorded of variables; where all were read, no single one."""
    for name in [ALL_VARIABLES] if ALL_VARIABLES in names else sorted(names):  # `APP_*` is such a name, too
        digest = seen.digest(UndeclaredKind.VARIABLE, name)
        if digest is not None:
            yield Undeclared(UndeclaredKind.VARIABLE, name, digest)

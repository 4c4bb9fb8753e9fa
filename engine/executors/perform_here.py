"""Perform one task in this process: for the in-process executor, for workers, and for `accept`."""

from __future__ import annotations

import os
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path

from assetctl.engine.secrets.masking import Mask
from assetctl.engine.secrets.secret_values import mask_of_step
from assetctl.engine.steps.capture import captured_streams
from assetctl.engine.steps.loading import Loader
from assetctl.engine.steps.masked import mask_result
from assetctl.engine.steps.perform import perform
from assetctl.engine.steps.tasks import SourceInput, StepResult, StepTask
from assetctl.engine.watching.touched import Touched
from assetctl.engine.watching.watching import watching
from assetctl.engine.workspace.workspace import Workspace
from assetctl.lineage.facts.kinds import UndeclaredKind
from assetctl.lineage.facts.records import Undeclared


def perform_here(workspace: Workspace, task: StepTask) -> StepResult:
    """Perform a task in this process, and look whether the step changed what its code had captured."""
    graph = workspace.declarations.current(task.set_config, task.former_names)
    loader = Loader(workspace.stores.data, graph.sources, workspace.stores.observer(workspace.root))
    with watching(workspace.root) as touched:
        result = perform(task, graph, loader, workspace.layout)
    result = mask_result(result, mask_of_task(workspace, task))
    if result.failure is not None or task.stored:
        return result
    identification = workspace.declarations.identification()
    step = graph.steps[task.step.asset]
    if task.captures_values and not identification.is_unchanged(step):
        result = replace(result, code_changed=True)
    used = [
        *_undeclared_files(workspace, loader, task, touched),
        *identification.undeclared_symbols(step, touched.executed, graph),
        *identification.undeclared_modules(step, touched.imported, graph),
        *identification.used_codecs(workspace.declarations.codecs(), result.outputs),
    ]
    return replace(result, undeclared=tuple(used)) if used else result


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


def _undeclared_files(workspace: Workspace, loader: Loader, task: StepTask, touched: Touched) -> list[Undeclared]:
    """Return the project files that were read and that no source of the step stands for."""
    identification = workspace.declarations.identification()
    step = workspace.declarations.current(task.set_config, task.former_names).steps[task.step.asset]
    declared = [path for needed in task.inputs if isinstance(needed, SourceInput) for path in loader.paths(needed)]
    undeclared: list[Undeclared] = []
    for text in sorted(touched.read - touched.written):
        path = Path(text)
        is_declared = any(text == d or text.startswith(d + os.sep) for d in declared)
        if path.is_file() and not is_declared and not identification.is_declared_file(step, text):
            name = path.relative_to(workspace.root).as_posix()
            undeclared.append(Undeclared(UndeclaredKind.FILE, name, workspace.stores.digests.of(path)))
    return undeclared

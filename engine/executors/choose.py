"""Choose where the steps of a run are performed."""

from __future__ import annotations

import os
from functools import partial

from assetctl.engine.executors.base import Executor
from assetctl.engine.executors.inprocess import InProcessExecutor
from assetctl.engine.executors.perform_here import mask_of_task, perform_here
from assetctl.engine.executors.pool import PoolExecutor
from assetctl.engine.workspace.declarations import notebook_namespace
from assetctl.engine.workspace.workspace import Workspace
from assetctl.lineage.deciding.decide import Action
from assetctl.lineage.deciding.plan import Plan


def executor_for(workspace: Workspace, plan: Plan, jobs: int | None) -> Executor:
    """Choose where steps run: in a pool, unless at most one can run at a time or only this process knows the code."""
    work = [p for p in plan.steps if p.action in (Action.RUN, Action.MAYBE)]
    steps = {p.decision.step.key: p.decision.step for p in work}
    n_workers = min(jobs or os.cpu_count() or 1, len(steps))
    has_timeout = any(step.declaration.options.timeout_s is not None for step in steps.values())
    if notebook_namespace() is not None or (n_workers <= 1 and not has_timeout) or not steps:
        return InProcessExecutor(partial(perform_here, workspace), partial(mask_of_task, workspace))
    settings = workspace.settings
    file = [str(settings.where)] if settings.where.suffix == ".py" else []
    return PoolExecutor(n_workers, [str(settings.root), *file])

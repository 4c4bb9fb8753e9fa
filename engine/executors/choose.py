"""Choose where the steps of a run are performed."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial

from assetctl.assets.errors import EnvironmentFault
from assetctl.engine.executors.base import Executor
from assetctl.engine.executors.fitness import Fitness
from assetctl.engine.executors.inprocess import InProcessExecutor
from assetctl.engine.executors.perform_here import captured_here, perform_here
from assetctl.engine.executors.pool import PoolExecutor
from assetctl.engine.workspace.declarations import notebook_namespace
from assetctl.engine.workspace.workspace import Workspace
from assetctl.lineage.deciding.decide import Action
from assetctl.lineage.deciding.plan import Plan


def executor_for(workspace: Workspace, plan: Plan, jobs: int | None) -> Executor:
    """Return the executor that the settings name, or the one that suits the plan.

    That is a pool, unless at most one step can run at a time. Code that only this process
    knows runs here, whatever the settings say. A timeout that will not be enforced is a
    warning: a run that hangs must not come as a surprise.

    Raises:
        EnvironmentFault: its workers do not see this machine's files, and there is no shared cache.
    """
    work = [p for p in plan.steps if p.action in (Action.RUN, Action.MAYBE)]
    steps = {p.decision.step.key: p.decision.step for p in work}
    n_workers = min(jobs or os.cpu_count() or 1, len(steps))
    timed = [key for key, step in steps.items() if step.declaration.options.timeout_s is not None]
    if notebook_namespace() is not None or not steps:
        name = "inprocess"
    else:
        fits_here = n_workers <= 1 and not (timed and not InProcessExecutor.capabilities.enforces_timeout)
        name = workspace.settings.executor or ("inprocess" if fits_here else "pool")
    executor = EXECUTORS[name](workspace, n_workers)
    if not executor.capabilities.shares_files and workspace.stores.cache is None:
        executor.close()
        raise EnvironmentFault.of(
            "no-shared-cache",
            f"the executor `{name}` runs steps where this state folder is not, and there is no shared cache",
            ("state folder", str(workspace.layout.state)),
            hint='name a place that all machines reach: `remote = "…"` in `[tool.assetctl]` (docs/shared-cache.md)',
        )
    if timed and not executor.capabilities.enforces_timeout:
        named = ", ".join(f"`{key}`" for key in timed)
        workspace.warn(f"no timeout is enforced ({named}): steps run in this process, without workers")
    return executor


def _in_process(workspace: Workspace, n_workers: int) -> Executor:
    in_notebook = notebook_namespace() is not None  # no other process has the code of its cells
    return InProcessExecutor(
        partial(perform_here, workspace),
        partial(captured_here, workspace),
        Fitness(workspace).use,
        None if in_notebook else partial(_pool, workspace, 1),
    )


def _pool(workspace: Workspace, n_workers: int) -> Executor:
    settings = workspace.settings
    file = [str(settings.where)] if settings.where.suffix == ".py" else []
    return PoolExecutor(n_workers, [str(settings.root), *file])


EXECUTORS: dict[str, Callable[[Workspace, int], Executor]] = {"inprocess": _in_process, "pool": _pool}

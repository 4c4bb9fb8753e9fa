"""Whether this process is still as it was after import, as far as the code of one step can see.

Steps share a process. One that fills a memo, makes a singleton or replaces a function of the
project leaves that behind, so before a step runs where another one ran, its code is identified
anew from the live objects: the process is fit if that gives what was identified after import.
"""

from __future__ import annotations

from assetctl.engine.isolation.starting_state import StartingState
from assetctl.engine.steps.tasks import StepTask
from assetctl.engine.workspace.declarations import notebook_namespace
from assetctl.engine.workspace.workspace import Workspace


class Fitness:
    """Of one process, for one workspace."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    def use(self, task: StepTask) -> bool:
        """Say whether a task may be performed here; if so, it is taken for performed from now on."""
        declarations = self._workspace.declarations
        if declarations.is_used and not self._is_fit(task):
            return False
        declarations.is_used = True
        return True

    def _is_fit(self, task: StepTask) -> bool:
        if task.isolate or StartingState.lost:
            return False
        declarations = self._workspace.declarations
        graph = declarations.current(task.set_config, task.former_names)
        step = graph.steps.get(task.step.asset)
        if step is None:
            return False
        identification = declarations.identification()
        if identification.identify(step, graph).definition.digest != task.definition:
            return False
        if notebook_namespace() is None and not identification.is_hidden_state_kept(step):
            return False
        return not task.captures_values or not identification.changes(step)

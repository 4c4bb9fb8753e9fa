"""What a step did to the objects that its code captures, and undoing it where that is possible."""

from __future__ import annotations

from assetctl.engine.steps.tasks import StepTask
from assetctl.engine.workspace.declarations import notebook_namespace
from assetctl.engine.workspace.workspace import Workspace
from assetctl.lineage.graph.asset_graph import AssetGraph


class Captures:
    """The captured objects of one task's step, as they are when this is made: right before the step."""

    def __init__(self, workspace: Workspace, task: StepTask, graph: AssetGraph) -> None:
        self._graph = graph
        self._identification = workspace.declarations.identification()
        self._step = graph.steps[task.step.asset]
        self._captures_values = task.captures_values
        self._before = None if task.stored else self._identification.captured(self._step)

    def put_back(self) -> tuple[str, ...]:
        """Undo what the step changed, and return the names and places of what that was.

        In a notebook, whose objects are looked at again, what could not be undone is remembered.
        """
        if self._before is None:
            return ()
        self._identification.spoil_caches(self._before.put_back_unseen())
        has_other_names = self._before.has_other_names()
        changes = self._identification.changes(self._step) if self._captures_values or has_other_names else ()
        if changes or has_other_names:
            self._before.put_back()
        if changes and notebook_namespace() is not None:
            self._identification.remember_changes(self._graph)
        return changes

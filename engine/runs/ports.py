"""What the run loop needs of the project besides its ports: tasks, locks, news, and the check of what was read.

`surroundings.py` implements it for a real project, tests for a world of literals.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Protocol

from assetctl.engine.steps.tasks import StepResult, StepTask
from assetctl.lineage.deciding.decide import StepDecision
from assetctl.lineage.facts.records import Fact, MaterializationId, Output, Position, Trace
from assetctl.lineage.facts.snapshot import OutputState
from assetctl.lineage.graph.asset_graph import Step


class Surroundings(Protocol):
    """What the loop needs of the project besides its ports."""

    def task(self, decision: StepDecision, materialization_id: MaterializationId) -> StepTask: ...

    def check_task(
        self, decision: StepDecision, outputs: tuple[Output, ...], materialization_id: MaterializationId
    ) -> StepTask: ...

    def try_lock(self, step: Step) -> AbstractContextManager[object] | None:
        """Return the step's lock, held, or None while another process has it.

        Raises:
            WaitTimeout: that process has been stopped for too long to be waited for.
        """
        ...

    def waits_for(self, step: Step) -> str:
        """Say which process has the step's lock, in a sentence."""
        ...

    def news(self) -> list[tuple[Position, Fact]]:
        """Return facts that other processes recorded since the last look."""
        ...

    def state(self, output: Output) -> OutputState: ...

    def trace(self, decision: StepDecision, result: StepResult) -> tuple[Trace, tuple[str, ...]]:
        """Say whether what the step read is still what it was, and name what is not where that is known."""
        ...

    def log_tail(self, task: StepTask) -> str: ...

    def new_id(self) -> MaterializationId: ...

    def pause(self, seconds: float) -> None: ...

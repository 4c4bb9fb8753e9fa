"""Run steps here and now, one at a time, in the calling thread."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext

from assetctl.engine.executors.base import Capabilities
from assetctl.engine.steps.tasks import StepResult, StepTask


class InProcessExecutor:
    """Performs a task when its result is asked for, so that it is shown as started before it runs."""

    capabilities = Capabilities(shares_files=True, enforces_timeout=False, cancels_running=False)

    def __init__(
        self,
        perform: Callable[[StepTask], StepResult],
        captured: Callable[[StepTask], AbstractContextManager[object]] = lambda task: nullcontext(),
    ) -> None:
        self._perform = perform
        self._captured = captured  # sends what is printed to the task's log
        self._waiting: deque[StepTask] = deque()

    @property
    def n_free(self) -> int:
        return 0 if self._waiting else 1

    def submit(self, task: StepTask) -> None:
        self._waiting.append(task)

    def wait(self, timeout_s: float | None) -> Iterable[StepResult]:
        while self._waiting:
            task = self._waiting.popleft()
            with self._captured(task):
                result = self._perform(task)
            yield result

    def cancel(self) -> None:
        self._waiting.clear()

    def close(self) -> None:
        self._waiting.clear()

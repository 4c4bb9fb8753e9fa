"""Run steps here and now, one at a time, in the calling thread."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace

from assetctl.engine.executors.base import Capabilities, Executor
from assetctl.engine.isolation.under_way import under_way
from assetctl.engine.steps.descriptors import standard_descriptors_kept
from assetctl.engine.steps.endings import exits_are_raised
from assetctl.engine.steps.perform import failure_of
from assetctl.engine.steps.tasks import StepResult, StepTask


class InProcessExecutor:
    """Performs a task when its result is asked for, so that it is shown as started before it runs.

    What this process is not fit for is performed `elsewhere`; where there is no such place, it
    is performed here, and its result says that it ran with other code than was identified.
    """

    capabilities = Capabilities(shares_files=True, enforces_timeout=False, cancels_running=False)

    def __init__(
        self,
        perform: Callable[[StepTask], StepResult],
        captured: Callable[[StepTask], AbstractContextManager[object]] = lambda task: nullcontext(),
        is_fit: Callable[[StepTask], bool] = lambda task: True,
        elsewhere: Callable[[], Executor] | None = None,
    ) -> None:
        self._perform = perform
        self._captured = captured  # sends what is printed to the task's log
        self._is_fit = is_fit
        self._elsewhere = elsewhere
        self._other: Executor | None = None  # once it was needed
        self._waiting: deque[StepTask] = deque()
        self._is_cancelled = False

    @property
    def n_free(self) -> int:
        return 0 if self._waiting else 1

    def submit(self, task: StepTask) -> None:
        self._waiting.append(task)

    def wait(self, timeout_s: float | None) -> Iterable[StepResult]:
        while self._waiting:
            task = self._waiting.popleft()
            is_fit = self._is_fit(task)
            if not is_fit and self._elsewhere is not None:
                yield self._performed_elsewhere(task, self._elsewhere)
                continue
            ran = under_way(f"`{task.step}` ran")
            with standard_descriptors_kept(), self._captured(task), exits_are_raised(task.step), ran:
                result = self._performed(task)
            yield result if is_fit else replace(result, code_changed=True)

    def _performed_elsewhere(self, task: StepTask, elsewhere: Callable[[], Executor]) -> StepResult:
        if self._other is None:
            self._other = elsewhere()
        self._other.submit(task)
        while True:
            for result in self._other.wait(None):
                return result

    def _performed(self, task: StepTask) -> StepResult:
        began = time.monotonic()
        try:
            return self._perform(task)
        except KeyboardInterrupt as error:
            if self._is_cancelled:
                raise
            return StepResult(task.step, duration_s=time.monotonic() - began, failure=failure_of(error))

    def cancel(self) -> None:
        self._is_cancelled = True
        self._waiting.clear()
        if self._other is not None:
            self._other.cancel()

    def close(self) -> None:
        self._waiting.clear()
        if self._other is not None:
            self._other.close()

"""What the run loop needs from a way to run steps."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from assetctl.engine.steps.tasks import StepResult, StepTask


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What an executor can do.

    `shares_files`: its workers use this machine's state folder; those that do not need the
    shared cache, to fetch inputs from and to upload outputs to. `enforces_timeout`: a step is
    killed when its timeout is over. `cancels_running`: `cancel` kills what runs, rather than
    only what waits.
    """

    shares_files: bool
    enforces_timeout: bool
    cancels_running: bool


class Executor(Protocol):
    """Runs tasks; results come back in the order in which they finish.

    Only keys, digests and versions travel: whoever performs a task finds the project's code,
    its sources and the data store where it runs. By the time a result is returned, what the
    step printed is in the run's log in this machine's state folder (`Layout.log`), also if
    the step was killed. `submit` is called only while `n_free` is positive.
    """

    @property
    def capabilities(self) -> Capabilities: ...

    @property
    def n_free(self) -> int:
        """How many more tasks can be taken now."""
        ...

    def submit(self, task: StepTask) -> None: ...

    def wait(self, timeout_s: float | None) -> Iterable[StepResult]:
        """Return finished tasks; block until there is one or the time is over."""
        ...

    def cancel(self) -> None:
        """Stop what is running as soon as possible; nothing more is returned."""
        ...

    def close(self) -> None:
        """Release everything; waits for nothing that runs."""
        ...

"""A worker process: open the project, then perform one task after another until the socket ends.

    python -m assetctl.engine.executors.worker FD ROOT [FILE]

It computes the definition of each step after its own import and refuses a task whose
definition differs, since files may change between two imports.
"""

from __future__ import annotations

import os
import select
import signal
import sys
import threading
from multiprocessing.connection import Connection
from pathlib import Path

from assetctl.assets.errors import AssetctlError, EnvironmentFault
from assetctl.engine.executors.fitness import Fitness
from assetctl.engine.executors.perform_here import log_of_task, mask_of_task, perform_here
from assetctl.engine.isolation.randomness import note_entropy
from assetctl.engine.secrets.secret_values import mask_of_environment
from assetctl.engine.steps.capture import captured_descriptors
from assetctl.engine.steps.masked import mask_result
from assetctl.engine.steps.perform import failure_of
from assetctl.engine.steps.tasks import BEGUN, UNFIT, Failure, StepResult, StepTask
from assetctl.engine.workspace.workspace import Workspace


def main(arguments: list[str]) -> int:
    """Serve tasks; return when the other end closes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides what Ctrl-C means
    connection: Connection[object, StepTask] = Connection(int(arguments[0]))
    file = Path(arguments[2]) if len(arguments) > 2 else None
    note_entropy()
    workspace = Workspace.open(Path(arguments[1]), file=file)
    fitness = Fitness(workspace)
    threading.Thread(target=_die_with_parent, args=(connection.fileno(),), daemon=True).start()
    while True:
        try:
            task = connection.recv()
        except (EOFError, OSError):
            return 0
        try:
            connection.send(_serve(workspace, task, connection) if fitness.use(task) else UNFIT)
        except ConnectionError:
            return 0


def _die_with_parent(descriptor: int) -> None:
    """Kill this process and what it started as soon as the other end is gone, whatever it is doing.

    The run that was killed held the step's lock: a function that went on without it could
    run beside the next run's.
    """
    poll = select.poll()
    poll.register(descriptor, select.POLLHUP)
    while not any(event & (select.POLLHUP | select.POLLERR) for _, event in poll.poll()):
        pass
    os.killpg(0, signal.SIGKILL)


def _serve(
    workspace: Workspace, task: StepTask, connection: Connection[object, StepTask]
) -> StepResult | EnvironmentFault:
    log = log_of_task(workspace, task)
    try:
        if not workspace.declarations.is_collected:
            with captured_descriptors(log, mask_of_environment()):  # which secrets the step has is not known yet
                workspace.declarations.current()
        mismatch = _mismatch(workspace, task)
        if mismatch is not None:
            return mismatch
        with captured_descriptors(log, mask_of_task(workspace, task)):
            if task.timeout_s is not None:  # importing the project is not the step's time
                connection.send(BEGUN)
            return perform_here(workspace, task)
    except EnvironmentFault as fault:
        return fault
    except AssetctlError as error:
        return mask_result(StepResult(task.step, failure=failure_of(error)), mask_of_environment())


def _mismatch(workspace: Workspace, task: StepTask) -> StepResult | None:
    graph = workspace.declarations.current(task.set_config, task.former_names)
    if task.step.asset not in graph.steps:
        return _changed(task)
    identified = workspace.declarations.identification().identify(graph.steps[task.step.asset], graph)
    return None if identified.definition.digest == task.definition else _changed(task)


def _changed(task: StepTask) -> StepResult:
    message = "its code changed between planning and running"
    return StepResult(task.step, failure=Failure("CodeChanged", message, hint="run the same command again"))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

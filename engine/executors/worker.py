"""A worker process: open the project, then perform one task after another until the socket ends.

    python -m assetctl.engine.executors.worker RUN SOCKET PIPE ROOT [FILE]

RUN is the process id of the run, SOCKET where tasks come from, PIPE ends when the run does.
It computes the definition of each step after its own import and refuses a task whose
definition differs, since files may change between two imports.
"""

from __future__ import annotations

import os
import signal
import sys
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path

from assetctl.assets.errors import AssetctlError, EnvironmentFault
from assetctl.engine.executors.fitness import Fitness
from assetctl.engine.executors.leash import die_with, start_keeper
from assetctl.engine.executors.perform_here import log_of_task, mask_of_task, perform_here
from assetctl.engine.isolation.forked import forks_end_here
from assetctl.engine.isolation.randomness import note_entropy
from assetctl.engine.secrets.secret_values import mask_of_environment
from assetctl.engine.steps.capture import captured_descriptors
from assetctl.engine.steps.descriptors import identity, out_of_the_way
from assetctl.engine.steps.masked import mask_result
from assetctl.engine.steps.perform import failure_of
from assetctl.engine.steps.tasks import BEGUN, CONNECTION_LOST, UNFIT, Failure, StepResult, StepTask
from assetctl.engine.workspace.workspace import Workspace


def main(arguments: list[str]) -> int:
    """Serve tasks; return when the other end closes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides what Ctrl-C means
    run, socket, pipe = map(int, arguments[:3])
    die_with(run)
    start_keeper(pipe)
    connection = _private(socket)
    file = Path(arguments[4]) if len(arguments) > 4 else None
    note_entropy()
    workspace = Workspace.open(Path(arguments[3]), file=file)
    fitness = Fitness(workspace)
    known = identity(connection.fileno())
    while True:
        try:
            task = connection.recv()
        except (EOFError, OSError):
            return 0
        with forks_end_here():
            answer = _serve(workspace, task, connection) if fitness.use(task) else UNFIT
        if identity(connection.fileno()) != known:
            return CONNECTION_LOST  # it may be a file of the step by now: nothing is written to it
        try:
            connection.send(answer)
        except ConnectionError:
            return 0


def _private(socket: int) -> Connection[object, StepTask]:
    """Return the connection on a descriptor that is in nobody's way, and that neither children nor programs inherit.

    A child that held it would keep the run waiting for a worker that has died.
    """
    descriptor = out_of_the_way(socket)
    os.close(socket)
    os.register_at_fork(after_in_child=lambda: _close_in_child(descriptor))
    return Connection(descriptor)


def _close_in_child(descriptor: int) -> None:
    with suppress(OSError):
        os.close(descriptor)


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
    except KeyboardInterrupt as error:  # Ctrl-C is ignored here: the function raised it
        return mask_result(StepResult(task.step, failure=failure_of(error)), mask_of_task(workspace, task))
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

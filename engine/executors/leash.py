"""Tie a worker, and whatever its steps start, to the life of the run that started it.

The run that was killed held the step's lock: a function that went on without it could run
beside the next run's. No thread of the worker can be relied on to notice, because a step
may never let Python's lock go. So the system kills the worker, where it can (Linux), and a
keeper, a process of its own that waits for the end of a pipe from the run, kills the group.
"""

from __future__ import annotations

import os
import signal
import sys

LET_GO = b"."  # from the run to a keeper: the worker has left in order, nothing is to be killed
_PR_SET_PDEATHSIG = 1


def die_with(run: int) -> None:
    """Let the system kill this process as soon as the run (a process id, this one's parent) is gone."""
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != run:  # it went before this was asked for
        os._exit(1)


def start_keeper(pipe: int) -> None:
    """Start the process that kills this process group once the other end of the pipe is gone; closes the pipe here.

    To be called while there is one thread only. The keeper is nobody's child, so that a step
    that waits for all of its children does not wait for it.
    """
    between = os.fork()
    if between == 0:
        try:
            if os.fork() == 0:
                _keep(pipe)
        finally:
            os._exit(0)
    os.waitpid(between, 0)
    os.close(pipe)


def _keep(pipe: int) -> None:
    os.closerange(0, pipe)
    os.closerange(pipe + 1, os.sysconf("SC_OPEN_MAX"))
    if os.read(pipe, 1) != LET_GO:
        os.killpg(0, signal.SIGKILL)

"""The places where a crash matters, named so that tests can kill a process at each of them.

`ASSETCTL_FAULT=POINT@N` makes a process kill itself, as `kill -9` would, when it reaches
that place for the N-th time; each process counts for itself. `POINT@N@FILE` first adds a
line to FILE, which proves that a process of that group died there. Without the variable, reaching a
place costs one comparison. What holds after a death at each of them is in `tests/e2e/test_crash_points.py`.

A value goes the way of `COMMIT_ORDER`, from its inputs to the lineage database. Its bytes
are durable under their final name before its record is written, so a crash leaves a blob
that nothing refers to at worst.
"""

from __future__ import annotations

import os
import signal
from enum import Enum


class CrashPoint(Enum):
    """A moment just after something happened."""

    INPUTS_HASHED = "inputs_hashed"  # what the function reads was loaded and verified
    FUNCTION_RETURNED = "function_returned"
    OUTPUT_WRITTEN = "output_written"  # all of it, under a temporary name
    OUTPUT_HASHED = "output_hashed"
    OUTPUT_DURABLE = "output_durable"
    BLOB_RENAMED = "blob_renamed"
    BLOB_FOLDER_SYNCED = "blob_folder_synced"
    INPUTS_RECHECKED = "inputs_rechecked"
    RECORD_APPENDED = "record_appended"  # `write` returned
    STEP_SHOWN = "step_shown"
    RUN_FINISHED_RECORDED = "run_finished_recorded"
    JOURNAL_SYNCED = "journal_synced"
    FOLD_BEGUN = "fold_begun"
    FOLD_INSERTED = "fold_inserted"
    FOLD_COMMITTED = "fold_committed"
    # Care of the store; each may come in between.
    BLOB_DELETED = "blob_deleted"
    REBUILD_FOLDED = "rebuild_folded"  # the new database is whole, beside the old one
    REBUILD_WAL_REMOVED = "rebuild_wal_removed"


COMMIT_ORDER = tuple(CrashPoint)[: tuple(CrashPoint).index(CrashPoint.FOLD_COMMITTED) + 1]


class _Fault:
    """Where a process was told to kill itself."""

    def __init__(self, point: str, arrivals: int, witness: str) -> None:
        self.point = point
        self.left = arrivals
        self.witness = witness

    def arrive(self, point: CrashPoint) -> None:
        if point.value != self.point:
            return
        self.left -= 1
        if self.left == 0:
            if self.witness:
                with open(self.witness, "a", encoding="utf-8") as file:  # noqa: PTH123  # a plain name, from a test
                    file.write(f"{self.point} {os.getpgrp()}\n")  # a worker has a group of its own
            os.kill(os.getpid(), signal.SIGKILL)


def _asked_for(text: str) -> _Fault | None:
    point, _, rest = text.partition("@")
    arrivals, _, witness = rest.partition("@")
    return _Fault(point, int(arrivals), witness) if arrivals.isdigit() else None


_fault = _asked_for(os.environ.get("ASSETCTL_FAULT", ""))


def reached(point: CrashPoint) -> None:
    """Mark a point as reached; the process ends here if that was asked for."""
    if _fault is not None:
        _fault.arrive(point)

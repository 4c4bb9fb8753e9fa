"""Ask a run to stop, from any thread or from a signal handler."""

from __future__ import annotations


class CancelToken:
    """Handed to a run, and kept by whoever may want to stop it.

    Asked once, the run starts nothing more and records what finishes. Asked again, what runs
    is killed, where the executor can do that. A token stays cancelled: take a new one for the
    next run.
    """

    def __init__(self) -> None:
        # One entry per call: appending is atomic, so neither a thread nor a signal handler
        # in the middle of another call is lost, and nothing can wait for a lock.
        self._calls: list[None] = []

    def cancel(self) -> None:
        """Ask once more."""
        self._calls.append(None)

    @property
    def count(self) -> int:
        """How often it was asked."""
        return len(self._calls)

    @property
    def is_cancelled(self) -> bool:
        """Say whether nothing more may start."""
        return self.count > 0

    @property
    def must_kill(self) -> bool:
        """Say whether what runs is to be killed too."""
        return self.count > 1

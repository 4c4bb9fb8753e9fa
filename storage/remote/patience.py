"""Retries of a remote: which failures are tried again, when, and when to stop asking altogether.

`Patience` is a value and `delay_before` pure; only `Persistent` waits. Once a call has
used up its patience, the remote counts as down and every later call fails at once, so
that an unreachable remote costs one bounded delay and no more.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from assetctl.storage.remote.transport import Absent, Denied, RemoteFault, Unreachable

_T = TypeVar("_T")

_LONGEST_DELAY_S = 4.0
_SLOWEST_BYTES_S = 50_000  # a transfer that is slower than this is given up


@dataclass(frozen=True, slots=True)
class Patience:
    """At most `n_attempts`, none of which begins after, or lasts beyond, `whole_s` seconds."""

    n_attempts: int
    whole_s: float
    first_delay_s: float = 0.2


LOOKUP = Patience(3, 5.0, 0.1)


def transfer(n_bytes: int) -> Patience:
    """Return the patience for transferring this many bytes."""
    return Patience(5, 30.0 + n_bytes / _SLOWEST_BYTES_S)


def delay_before(attempt: int, patience: Patience, chance: float) -> float:
    """Return the seconds to wait before attempt number `attempt` (2 for the first retry).

    It doubles each time; `chance` (0 to 1) takes up to half off, so that machines that
    failed together do not come back together.
    """
    delay = min(_LONGEST_DELAY_S, patience.first_delay_s * 2.0 ** (attempt - 2))
    return delay * (1.0 - chance / 2)


class Persistent:
    """Retries what may succeed later, and remembers when a remote is down."""

    def __init__(
        self,
        *,
        sleep: Callable[[float], object] = time.sleep,
        monotonic: Callable[[], float] = time.monotonic,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self.down: RemoteFault | None = None
        self._sleep = sleep
        self._monotonic = monotonic
        self._chance = chance

    def call(self, patience: Patience, action: Callable[[float], _T]) -> _T:
        """Return what the action returns; it is told how many seconds it may take.

        Raises:
            Absent: there is no such thing; the remote works.
            Denied: the remote says no, now or earlier.
            Unreachable: it does not answer, now or earlier.
        """
        began = self._monotonic()
        for attempt in range(1, patience.n_attempts + 1):
            if self.down is not None:
                raise type(self.down)(str(self.down))
            left = patience.whole_s - (self._monotonic() - began)
            try:
                return action(max(left, 0.1))
            except Absent:
                raise
            except Denied as fault:
                self.down = fault
                raise
            except Unreachable as fault:
                delay = delay_before(attempt + 1, patience, self._chance())
                if attempt == patience.n_attempts or self._monotonic() - began + delay >= patience.whole_s:
                    self.down = fault
                    raise
                self._sleep(delay)
        raise AssertionError("a patience has at least one attempt")

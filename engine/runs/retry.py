"""When to try a failed step again: exponential backoff with jitter."""

from __future__ import annotations

import random

_FIRST_DELAY_S = 0.5
_LONGEST_DELAY_S = 60.0


def retry_delay(attempt: int) -> float:
    """Return the seconds to wait before attempt number `attempt` (2 for the first retry).

    Doubles with every attempt up to a minute; jitter of up to half keeps steps that failed
    together from coming back together.
    """
    delay = min(_LONGEST_DELAY_S, _FIRST_DELAY_S * 2.0 ** (attempt - 2))
    return delay * random.uniform(0.5, 1.0)

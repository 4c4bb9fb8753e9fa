"""Time-ordered unique ids for runs and materializations."""

from __future__ import annotations

import secrets
import threading
import time

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's base 32: no i, l, o, u
_lock = threading.Lock()
_last = [0]


def new_identifier() -> str:
    """Return 26 characters: milliseconds since 1970, then randomness; increasing within a process."""
    with _lock:
        number = max((time.time_ns() // 1_000_000 << 80) | secrets.randbits(80), _last[0] + 1)
        _last[0] = number
    digits = []
    for _ in range(26):
        number, digit = divmod(number, 32)
        digits.append(_ALPHABET[digit])
    return "".join(reversed(digits))

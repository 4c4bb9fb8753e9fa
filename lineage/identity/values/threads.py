"""The threads that hash large values; started on first use, anew in a forked child."""

from __future__ import annotations

import functools
import os
from concurrent.futures import ThreadPoolExecutor


@functools.cache
def hashing_threads() -> ThreadPoolExecutor:
    """Return the threads that hash columns; BLAKE3 and numpy let go of the interpreter lock."""
    return ThreadPoolExecutor(os.cpu_count() or 1, thread_name_prefix="assetctl-hash")


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=hashing_threads.cache_clear)  # threads do not survive a fork

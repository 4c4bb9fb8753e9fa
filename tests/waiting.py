"""Waiting in tests: for something to happen, never for time to pass; and what never came is named."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from pathlib import Path

PATIENCE_S = 300.0  # for what takes a second: a busy machine may need that long, and a test that hangs ends


def wait_until(condition: Callable[[], object], what: str) -> None:
    """Return once the condition holds.

    Raises:
        AssertionError: it never did; with `what` was waited for.
    """
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, f"waited {PATIENCE_S:.0f} s until {what}"
        time.sleep(0.01)


def wait_for_file(path: Path, process: subprocess.Popen[str]) -> None:
    """Return once a file is there, which something that the process runs writes."""

    def is_there() -> bool:
        assert path.exists() or process.poll() is None, (f"ended before it wrote {path}", process.communicate())
        return path.exists()

    wait_until(is_there, f"{path} is there")

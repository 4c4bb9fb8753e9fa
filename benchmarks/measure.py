"""Time things against their floor, and print ratios; a ratio of one run is comparable across machines, seconds are not."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Row:
    """One measurement. `value` and `floor` have the same unit; `limit` is the greatest ratio that is within budget."""

    name: str
    value: float
    floor: float
    unit: str
    floor_name: str
    limit: float | None = None

    @property
    def ratio(self) -> float:
        return self.value / self.floor

    def __str__(self) -> str:
        budget = (
            "" if self.limit is None else f"  (budget {self.limit:.3g}x{', over' if self.ratio > self.limit else ''})"
        )
        return (
            f"{self.name:<44} {self.value:9.3f} {self.unit:<9} {self.ratio:8.2f}x of {self.floor_name}"
            f" ({self.floor:.3f}){budget}"
        )


def assetctl() -> str:
    """Return the installed command beside this Python: a real install, as its users start it."""
    command = Path(sys.executable).parent / "assetctl"
    if not command.exists():
        raise SystemExit("error: assetctl is not installed beside this Python; run ./dev setup")
    return str(command)


def time_commands(commands: Mapping[str, Sequence[str]], cwd: Path, runs: int) -> dict[str, float]:
    """Return the median wall time of each command in milliseconds.

    Round robin, after one uncounted run each: a noisy minute hits all of them, and caches are warm.
    """
    samples: dict[str, list[float]] = {name: [] for name in commands}
    for turn in range(runs + 1):
        for name, command in commands.items():
            started = time.perf_counter()
            done = subprocess.run(list(command), cwd=cwd, capture_output=True, check=False, env=environment())
            elapsed = (time.perf_counter() - started) * 1000
            if done.returncode != 0:
                raise SystemExit(f"error: {list(command)} ended with {done.returncode}: {done.stderr.decode()[-2000:]}")
            if turn:
                samples[name].append(elapsed)
    return {name: statistics.median(values) for name, values in samples.items()}


def best_of(function: Callable[[], object], runs: int) -> float:
    """Return the shortest of several runs in seconds, after one uncounted."""
    function()
    times = []
    for _ in range(runs):
        started = time.perf_counter()
        function()
        times.append(time.perf_counter() - started)
    return min(times)


def environment() -> dict[str, str]:
    """Return this environment without what would change how a command starts."""
    return {name: value for name, value in os.environ.items() if name not in {"PYTHONPATH", "PYTHONSTARTUP"}}

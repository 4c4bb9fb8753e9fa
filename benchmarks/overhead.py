"""What the run loop adds to each step, on a chain and a wide graph of trivial assets.

The floor is the same functions called plainly, and one checksummed line appended to a file per step with one fdatasync
at the end: the least that running and remembering a step can cost.
"""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import tempfile
import time
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from measure import Row, environment

FLOOR = "call and journal line"
LINE = b"x" * 600  # about what one materialization takes in the journal


def chain(n_steps: int) -> str:
    """Return a project in which each asset reads the one before."""
    steps = [f"@asset\ndef a{index}(a{index - 1}):\n    return a{index - 1} + 1\n" for index in range(1, n_steps)]
    return "from assetctl import asset\n\n@asset\ndef a0():\n    return 0\n\n" + "\n".join(steps)


def wide(n_steps: int) -> str:
    """Return a project in which all assets but the first read the first."""
    steps = [f"@asset\ndef a{index}(a0):\n    return a0 + {index}\n" for index in range(1, n_steps)]
    return "from assetctl import asset\n\n@asset\ndef a0():\n    return 0\n\n" + "\n".join(steps)


@dataclass(frozen=True, slots=True)
class Case:
    """One graph, built one way; `limit_ms` is what a step may cost."""

    shape: str
    where: str
    jobs: int
    limit_ms: float


SHAPES: dict[str, Callable[[int], str]] = {"chain": chain, "wide": wide}
CASES = [
    Case(shape, where, jobs, limit_ms)
    for shape in SHAPES
    for where, jobs, limit_ms in (("in this process", 1, 1.0), ("in 2 warm workers", 2, 1.5))
]


def rows(n_steps: int = 1000) -> Iterator[Row]:
    for case in CASES:
        # A process for each: nothing of one case is imported, warm or remembered in the next.
        script = [sys.executable, __file__, case.shape, str(case.jobs), str(n_steps)]
        took = json.loads(subprocess.run(script, check=True, stdout=subprocess.PIPE, env=environment()).stdout)
        per_step = {name: seconds * 1000 / n_steps for name, seconds in took.items()}
        name, floor = f"{case.shape} of {n_steps:,}, {case.where}", per_step["plain"] + per_step["line"]
        yield Row(f"{name}: build", per_step["build"], floor, "ms/step", FLOOR, case.limit_ms / floor)
        yield Row(f"{name}: no-op", per_step["noop"], floor, "ms/step", FLOOR)


def measure_case(shape: str, jobs: int, n_steps: int) -> dict[str, float]:
    """Build one graph in a new project, then again, and return seconds by what was done."""
    from assetctl import Project

    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        (folder / "pyproject.toml").write_text('[tool.assetctl]\nassets = ["steps.py"]\n')
        (folder / "steps.py").write_text(SHAPES[shape](n_steps))
        project = Project.open(folder)
        project.plan()  # collecting, and reading the code, are not the run loop's
        started = time.perf_counter()
        result = project.materialize(jobs=jobs)
        build = time.perf_counter() - started
        started = time.perf_counter()
        project.materialize(jobs=jobs)
        noop = time.perf_counter() - started
        n_ran = len(result.finished.materialized)
        if n_ran != n_steps:
            raise SystemExit(f"error: {n_ran} of {n_steps} assets were built")
        return {
            "build": build,
            "noop": noop,
            "plain": _plain(folder / "steps.py", n_steps),
            "line": _append(folder / "floor.log", n_steps),
        }


def _plain(file: Path, n_steps: int) -> float:
    """Return the seconds that calling the functions in order takes."""
    spec = importlib.util.spec_from_file_location(f"plain_{file.parent.name}", file)
    if spec is None or spec.loader is None:
        raise SystemExit(f"error: {file} cannot be imported")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    functions = [getattr(module, f"a{index}").fn for index in range(n_steps)]
    is_chain = functions[-1].__code__.co_varnames[0] != "a0"
    started = time.perf_counter()
    first = value = functions[0]()
    for function in functions[1:]:
        value = function(value if is_chain else first)
    return time.perf_counter() - started


def _append(file: Path, n_steps: int) -> float:
    """Return the seconds that remembering each step by one durable line takes."""
    started = time.perf_counter()
    descriptor = os.open(file, os.O_CREAT | os.O_APPEND | os.O_WRONLY)
    for _ in range(n_steps):
        os.write(descriptor, b"%08x %s\n" % (zlib.crc32(LINE), LINE))
    os.fdatasync(descriptor)
    os.close(descriptor)
    return time.perf_counter() - started


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(json.dumps(measure_case(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))))
    else:
        print(*rows(), sep="\n")

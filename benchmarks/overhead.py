"""What the run loop adds to each step, on a chain and a wide graph of trivial assets.

Two floors: the same functions called plainly, and one checksummed line appended to a file per step with one fdatasync
at the end, which is the least that remembering a step can cost.
"""

from __future__ import annotations

import importlib.util
import os
import tempfile
import time
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from measure import Row

LINE = b"x" * 600  # about what one materialization takes in the journal


def chain(n_steps: int) -> str:
    """Return a project in which each asset reads the one before."""
    steps = [f"@asset\ndef a{index}(a{index - 1}):\n    return a{index - 1} + 1\n" for index in range(1, n_steps)]
    return "from assetctl import asset\n\n@asset\ndef a0():\n    return 0\n\n" + "\n".join(steps)


def wide(n_steps: int) -> str:
    """Return a project in which all assets but the first read the first."""
    steps = [f"@asset\ndef a{index}(a0):\n    return a0 + {index}\n" for index in range(1, n_steps)]
    return "from assetctl import asset\n\n@asset\ndef a0():\n    return 0\n\n" + "\n".join(steps)


def rows(n_steps: int = 1000) -> Iterator[Row]:
    for name, shape in (("chain", chain), ("wide", wide)):
        for jobs, where, limit_ms in ((1, "in this process", 1.0), (2, "in 2 warm workers", 1.5)):
            with tempfile.TemporaryDirectory() as folder:
                yield from _rows_of(
                    Case(f"{name} of {n_steps:,}, {where}", shape, n_steps, jobs, limit_ms), Path(folder)
                )


@dataclass(frozen=True, slots=True)
class Case:
    """One graph, built one way; `limit_ms` is what a step may cost."""

    name: str
    shape: Callable[[int], str]
    n_steps: int
    jobs: int
    limit_ms: float


def _rows_of(case: Case, folder: Path) -> Iterator[Row]:
    from assetctl import Project

    (folder / "pyproject.toml").write_text('[tool.assetctl]\nassets = ["steps.py"]\n')
    (folder / "steps.py").write_text(case.shape(case.n_steps))
    calls = _plain(folder / "steps.py", case.n_steps)
    append = _append(folder / "floor.log", case.n_steps)
    project = Project.open(folder)
    started = time.perf_counter()
    result = project.materialize(jobs=case.jobs)
    build = time.perf_counter() - started
    started = time.perf_counter()
    project.materialize(jobs=case.jobs)
    noop = time.perf_counter() - started
    n_ran = len(result.finished.materialized)
    if n_ran != case.n_steps:
        raise SystemExit(f"error: {n_ran} of {case.n_steps} assets were built")
    per_step = 1000 / case.n_steps
    line, plain = append * per_step, calls * per_step
    limit = case.limit_ms / line
    yield Row(f"{case.name}: build", build * per_step, line, "ms/step", "one journal line a step", limit)
    yield Row(f"{case.name}: build", build * per_step, plain, "ms/step", "calling the functions plainly")
    yield Row(f"{case.name}: no-op", noop * per_step, line, "ms/step", "one journal line a step")


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
    print(*rows(), sep="\n")

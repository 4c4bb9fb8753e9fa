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
        with tempfile.TemporaryDirectory() as folder:
            yield from _rows_of(name, shape, Path(folder), n_steps)


def _rows_of(name: str, shape: Callable[[int], str], folder: Path, n_steps: int) -> Iterator[Row]:
    from assetctl import Project

    (folder / "pyproject.toml").write_text('[tool.assetctl]\nassets = ["steps.py"]\n')
    (folder / "steps.py").write_text(shape(n_steps))
    calls = _plain(folder / "steps.py", n_steps)
    append = _append(folder / "floor.log", n_steps)
    project = Project.open(folder)
    started = time.perf_counter()
    result = project.materialize()
    cold = time.perf_counter() - started
    started = time.perf_counter()
    project.materialize()
    noop = time.perf_counter() - started
    n_ran = len(result.materialized)
    if n_ran != n_steps:
        raise SystemExit(f"error: {n_ran} of {n_steps} assets were built")
    per_step = 1000 / n_steps
    label = f"{name} of {n_steps:,} trivial assets"
    yield Row(f"{label}: build", cold * per_step, append * per_step, "ms/step", "one journal line a step")
    yield Row(f"{label}: build", cold * per_step, calls * per_step, "ms/step", "calling the functions plainly")
    yield Row(f"{label}: no-op", noop * per_step, append * per_step, "ms/step", "one journal line a step")


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

"""What identifying code costs beside importing it: 2,000 functions in 200 modules, with and without what was kept.

A new process for each sample. `cold` has an empty cache, `warm` finds everything that a cold one kept; both are the time
of identifying all assets, after importing; the floor is the time of importing the same modules.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from measure import Row, environment

N_MODULES, N_FUNCTIONS = 200, 10
COLD_LIMIT_S, WARM_LIMIT_S = 3.0, 0.1


def rows(runs: int = 7) -> Iterator[Row]:
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch).resolve()
        write_project(folder)
        samples = {"cold": [], "warm": [], "import": []}
        for turn in range(runs + 1):
            _forget(folder)
            for name in ("cold", "warm"):
                done = subprocess.run(
                    [sys.executable, __file__, str(folder)], check=True, stdout=subprocess.PIPE, env=environment()
                )
                took = json.loads(done.stdout)
                if turn:
                    samples[name].append(took["identify"])
                    samples["import"].append(took["import"])
    took = {name: statistics.median(values) for name, values in samples.items()}
    for name, limit in (("cold", COLD_LIMIT_S), ("warm", WARM_LIMIT_S)):
        title = f"identify {N_MODULES * N_FUNCTIONS:,} functions, {name}"
        yield Row(title, took[name] * 1000, took["import"] * 1000, "ms", "importing them", limit / took["import"])


def write_project(folder: Path) -> None:
    """Write modules of helpers, and one asset for each that calls them all."""
    (folder / ".assetctl").mkdir()
    helpers = "\n\n".join(
        f"def f{i}(x, k={i}):\n    y = [v * k for v in x if v > {i}]\n    return sum(y) + K" for i in range(N_FUNCTIONS)
    )
    assets = ["from assetctl import asset"]
    for module in range(N_MODULES):
        (folder / f"m{module}.py").write_text(f"K = {module}\n\n\n{helpers}\n")
        calls = ", ".join(f"m{module}.f{i}(x)" for i in range(N_FUNCTIONS))
        assets.append(f"import m{module}\n\n\n@asset\ndef a{module}(x=()):\n    return [{calls}]\n")
    (folder / "pipeline.py").write_text("\n".join(assets))


def measure(folder: Path) -> dict[str, float]:
    """Import the project, identify its assets, and return the seconds of each."""
    import importlib

    from assetctl.assets import importing
    from assetctl.engine.workspace.code_world import ProjectWorld
    from assetctl.engine.workspace.text_cache import TextCache
    from assetctl.lineage.identity.code.identify import CodeIdentifier

    importing.install()
    importing.activate(folder)
    started = time.perf_counter()
    module = importlib.import_module("pipeline")
    imported = time.perf_counter()
    identifier = CodeIdentifier(ProjectWorld(folder, b"benchmark", TextCache(folder / ".assetctl" / "cache-v1")))
    found = [identifier.identify(getattr(module, f"a{number}")) for number in range(N_MODULES)]
    identifier.keep()
    ended = time.perf_counter()
    n_functions = sum(symbol.kind == "function" for code in found for symbol in code.symbols)
    if n_functions != N_MODULES * (N_FUNCTIONS + 1):
        raise SystemExit(f"error: {n_functions} functions were reached")
    return {"import": imported - started, "identify": ended - imported}


def _forget(folder: Path) -> None:
    import shutil

    shutil.rmtree(folder / ".assetctl" / "cache-v1", ignore_errors=True)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(json.dumps(measure(Path(sys.argv[1]))))
    else:
        print(*rows(), sep="\n")

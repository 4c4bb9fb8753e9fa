"""What it costs to be told that nothing is to be done, on the flights example."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from measure import Row, assetctl, environment, time_commands

EXAMPLE = Path(__file__).resolve().parents[1] / "examples" / "flights"
TARGETS = ["model", "metrics"]


def rows(runs: int = 11) -> Iterator[Row]:
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "flights"
        shutil.copytree(EXAMPLE, folder, ignore=shutil.ignore_patterns(".assetctl", "__pycache__"))
        command = [assetctl(), "materialize", *TARGETS]
        started = time.perf_counter()
        subprocess.run(command, cwd=folder, check=True, capture_output=True, env=environment())
        cold = time.perf_counter() - started
        took = time_commands(
            {"noop": command, "plan": [assetctl(), "plan", *TARGETS], "click": [sys.executable, "-c", "import click"]},
            folder,
            runs,
        )
    yield Row("no-op materialize of the example", took["noop"], took["click"], "ms", "python -c 'import click'", 0.7)
    yield Row("plan of the fresh example", took["plan"], took["click"], "ms", "python -c 'import click'")
    yield Row("no-op, of the cold build", took["noop"] / 1000, cold, "s", "the cold build")


if __name__ == "__main__":
    print(*rows(), sep="\n")

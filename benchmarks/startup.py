"""What starting costs: the version command and the imports a user's module makes, against Python's own start."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from measure import Row, assetctl, time_commands


def rows(runs: int = 15) -> Iterator[Row]:
    python = sys.executable
    with tempfile.TemporaryDirectory() as folder:
        took = time_commands(
            {
                "pass": [python, "-c", "pass"],
                "click": [python, "-c", "import click"],
                "assetctl version": [assetctl(), "version"],
                "import assetctl": [python, "-c", "import assetctl"],
                "from assetctl import asset": [python, "-c", "from assetctl import asset"],
            },
            Path(folder),
            runs,
        )
    yield Row("assetctl version", took["assetctl version"], took["click"], "ms", "python -c 'import click'", 0.7)
    for name in ("import assetctl", "from assetctl import asset"):
        yield Row(name, took[name], took["pass"], "ms", "python -c pass")


if __name__ == "__main__":
    print(*rows(), sep="\n")

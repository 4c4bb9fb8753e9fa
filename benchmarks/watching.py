"""What noticing undeclared files and functions adds: to a hot loop of Python calls, and to a step of the example.

The floor is the same work, unwatched, in the same run. Python 3.12 and later watch by
`sys.monitoring`, Python 3.11 by samples of the stack.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from measure import Row, best_of

EXAMPLE = Path(__file__).resolve().parents[1] / "examples" / "flights"


def called(number: int) -> int:
    return number + 1


def hot_loop() -> int:
    """Three million calls of a small function."""
    number = 0
    while number < 3_000_000:
        number = called(number)
    return number


def rows(runs: int = 7) -> Iterator[Row]:
    with tempfile.TemporaryDirectory() as scratch:
        yield _row("a hot loop of Python calls", hot_loop, Path(scratch), runs, 1.10)
    sys.path.insert(0, str(EXAMPLE))
    import pandas as pd
    from delays import departures, features, raw

    flights = raw.flights(Path(raw.flights_archive.path))
    weather, planes = pd.read_csv(raw.weather.path), pd.read_csv(raw.planes.path)

    def prepare() -> object:
        return features.features(departures.departures(flights.copy(), weather.copy(), planes.copy()))

    yield _row("departures and features of the example", prepare, EXAMPLE, runs, 1.03)


def _row(name: str, work: Callable[[], object], root: Path, runs: int, limit: float) -> Row:
    from assetctl.engine.watching.watching import watching

    def watched() -> object:
        with watching(root):
            return work()

    # Turn about, so that a noisy minute hits both.
    times = [(best_of(work, 1), best_of(watched, 1)) for _ in range(runs)]
    plain, seen = (min(column) for column in zip(*times, strict=True))
    return Row(name, seen * 1000, plain * 1000, "ms", "unwatched", limit)


if __name__ == "__main__":
    print(*rows(), sep="\n")

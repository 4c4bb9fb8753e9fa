"""How fast tables are identified, against plain multi-threaded BLAKE3 over the same bytes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from measure import Row, best_of

if TYPE_CHECKING:
    import pyarrow as pa

N_ROWS = 4_000_000


def rows(runs: int = 3) -> Iterator[Row]:
    import blake3

    from assetctl.lineage.identity.values import identify_value

    for name, table in tables().items():
        buffers = [
            buffer for column in table.columns for chunk in column.chunks for buffer in chunk.buffers() if buffer
        ]
        n_bytes = sum(buffer.size for buffer in buffers)

        def plain(buffers: list[pa.Buffer] = buffers) -> str:
            hasher = blake3.blake3(max_threads=blake3.blake3.AUTO)
            for buffer in buffers:
                hasher.update(memoryview(buffer))
            return str(hasher.hexdigest())

        floor = best_of(plain, runs)
        ours = best_of(lambda table=table: identify_value(table), runs)
        gigabytes = n_bytes / 1e9
        yield Row(f"identify {name} ({gigabytes:.2f} GB)", ours / gigabytes, floor / gigabytes, "s/GB", "BLAKE3", 1.6)


def tables() -> dict[str, pa.Table]:
    """Return tables of numbers, of numbers with missing values, and of strings; the same at each call."""
    import numpy as np
    import pyarrow as pa

    chance = np.random.default_rng(1)
    numbers = {f"x{index}": chance.standard_normal(N_ROWS) for index in range(8)}
    holes = chance.random(N_ROWS) < 0.1
    words = np.array([f"word-{index}-{'y' * (index % 13)}" for index in range(5000)])
    return {
        "numbers": pa.table(numbers),
        "numbers with nulls": pa.table({name: pa.array(values, mask=holes) for name, values in numbers.items()}),
        "strings": pa.table({f"s{index}": pa.array(chance.choice(words, N_ROWS)) for index in range(2)}),
    }


if __name__ == "__main__":
    print(*rows(), sep="\n")

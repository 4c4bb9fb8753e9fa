"""A stream of record batches is identified in little memory, and gives what the whole table gives."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from assetctl.lineage.identity.values.identify import identify_value
from assetctl.lineage.identity.values.tables import TableHasher

ROOT = Path(__file__).parents[2]
ROWS = 200_000  # of a batch: 16 bytes a row and more

CHILD = """
import resource, sys
import numpy as np, pyarrow as pa
from assetctl.lineage.identity.values.tables import TableHasher
from tests.lineage.test_value_streaming import ROWS, batches

hasher = None
for number, batch in enumerate(batches(int(sys.argv[1]))):
    hasher = hasher or TableHasher(batch.schema)
    hasher.feed(batch)
    if number == 3:  # everything is loaded, the threads run: from here on little more memory is given
        used = int(next(line for line in open("/proc/self/status") if line.startswith("VmSize")).split()[1]) << 10
        resource.setrlimit(resource.RLIMIT_AS, (used + int(sys.argv[2]), used + int(sys.argv[2])))
print(hasher.finish().version)
"""


def batches(n_batches: int):
    """Yield batches of numbers, texts and lists, each made when it is asked for."""
    for number in range(n_batches):
        values = np.arange(number * ROWS, (number + 1) * ROWS)
        texts = pa.array(values % 1000).cast(pa.string())
        lists = pa.ListArray.from_arrays(pa.array(np.arange(ROWS + 1, dtype=np.int32)), pa.array(values * 0.5))
        yield pa.RecordBatch.from_arrays([pa.array(values, mask=values % 7 == 0), texts, lists], ["n", "t", "l"])


def streamed(n_batches: int) -> str:
    hasher = TableHasher(next(batches(1)).schema)
    for batch in batches(n_batches):
        hasher.feed(batch)
    return hasher.finish().version


def test_a_stream_is_the_table_of_its_batches() -> None:
    assert streamed(8) == identify_value(pa.Table.from_batches(list(batches(8)))).version


@pytest.mark.skipif(sys.platform != "linux", reason="memory is capped by its own system's means")
def test_a_table_larger_than_memory_is_identified_while_it_streams() -> None:
    n_batches, allowed = 120, 128 << 20
    assert n_batches * next(batches(1)).nbytes > 4 * allowed
    run = subprocess.run(
        [sys.executable, "-c", CHILD, str(n_batches), str(allowed)],
        env={"PYTHONPATH": str(ROOT), "ARROW_DEFAULT_MEMORY_POOL": "system", "MALLOC_ARENA_MAX": "2"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert run.stderr == ""
    assert run.stdout.strip() == streamed(n_batches)

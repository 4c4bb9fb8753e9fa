"""Digest of a table's rows as a multiset: their order does not matter, how often each occurs does.

Each row is hashed by itself from canonical cells, and the sorted row digests are
hashed. Slower than hashing columns; used where an asset says its rows have no order.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from blake3 import blake3

from assetctl.lineage.identity.arrays import one_nan
from assetctl.lineage.identity.arrow_blocks import decoded, write_block
from assetctl.lineage.identity.encode import Framed
from assetctl.lineage.records import Digest

_BLOCK_ROWS = 1 << 16
_LENGTH_BYTES = 8
_t = pa.types

Cells = Callable[[int], bytes]


def unordered_digest(columns: Sequence[pa.ChunkedArray], n_rows: int) -> Digest:
    """Return the digest of the multiset of rows; types and names are the caller's to add."""
    rows: list[bytes] = []
    for start in range(0, n_rows, _BLOCK_ROWS):
        block = [column.slice(start, _BLOCK_ROWS).combine_chunks() for column in columns]
        rows.extend(_row_digests(block, min(_BLOCK_ROWS, n_rows - start)))
    rows.sort()
    return Framed("av/1").tag("multiset").length(len(rows)).raw(b"".join(rows)).hexdigest()


def _row_digests(columns: list[Any], n_rows: int) -> list[bytes]:
    cells = [_cells(_single(column)) for column in columns]
    return [blake3(b"".join([cell(row) for cell in cells])).digest() for row in range(n_rows)]


def _single(column: Any) -> pa.Array:
    if isinstance(column, pa.ChunkedArray):
        return column.chunk(0) if column.num_chunks == 1 else pa.concat_arrays(column.chunks)
    return column


def _cells(array: pa.Array) -> Cells:
    """Return a function from a row to its cell's bytes: fixed in size, or begun with their length."""
    array = decoded(array)
    kind = array.type
    if _t.is_integer(kind) or _t.is_floating(kind) or (_t.is_temporal(kind) and not _t.is_interval(kind)):
        return _fixed_cells(array, kind.bit_width // 8)
    if any(test(kind) for test in (_t.is_string, _t.is_large_string, _t.is_binary, _t.is_large_binary)):
        return _text_cells(array)
    return _any_cells(array)


def _fixed_cells(array: pa.Array, width: int) -> Cells:
    dtype = np.dtype(f"f{width}" if _t.is_floating(array.type) else f"i{width}")
    values = np.frombuffer(array.buffers()[1], dtype, len(array), array.offset * width)
    if dtype.kind == "f":
        values = one_nan(values)
    cells = np.zeros((len(array), width + 1), np.uint8)
    valid = array.is_valid().to_numpy(zero_copy_only=False)
    cells[:, 0] = valid
    cells[:, 1:] = values.view(np.uint8).reshape(-1, width) * valid[:, None]
    content = cells.tobytes()
    return lambda row: content[row * (width + 1) : (row + 1) * (width + 1)]


def _text_cells(array: pa.Array) -> Cells:
    content = array.cast(pa.large_binary()).to_pylist()

    def cell(row: int) -> bytes:
        text = content[row]
        return b"\0" if text is None else b"\1" + len(text).to_bytes(_LENGTH_BYTES, "little") + text

    return cell


def _any_cells(array: pa.Array) -> Cells:
    def cell(row: int) -> bytes:
        out = Framed("av/1")
        write_block(out, array.slice(row, 1))
        return out.raw_digest()

    return cell

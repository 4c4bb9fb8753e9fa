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

from assetctl.lineage.facts.records import Digest
from assetctl.lineage.identity.encode import Framed
from assetctl.lineage.identity.values.arrays import one_nan
from assetctl.lineage.identity.values.arrow_blocks import write_plain
from assetctl.lineage.identity.values.arrow_plain import bare, is_binary, is_text, plain_block, width_of

_BLOCK_ROWS = 1 << 16
_LENGTH_BYTES = 8
_t = pa.types

Cells = Callable[[int], bytes]


def unordered_digest(columns: Sequence[pa.ChunkedArray], n_rows: int) -> Digest:
    """Return the digest of the multiset of rows; types and names are the caller's to add."""
    rows: list[bytes] = []
    for start in range(0, n_rows, _BLOCK_ROWS):
        cells = [_cells(column.slice(start, _BLOCK_ROWS)) for column in columns]
        n_block = min(_BLOCK_ROWS, n_rows - start)
        rows.extend(blake3(b"".join([cell(row) for cell in cells])).digest() for row in range(n_block))
    rows.sort()
    return Framed("av/1").tag("multiset").length(len(rows)).raw(b"".join(rows)).hexdigest()


def _cells(column: pa.ChunkedArray) -> Cells:
    """Return a function from a row to its cell's bytes: fixed in size, or begun with their length."""
    array, kind = plain_block(column.chunks), bare(column.type)
    if _t.is_integer(kind) or _t.is_floating(kind) or (_t.is_temporal(kind) and not _t.is_interval(kind)):
        return _fixed_cells(array, np.dtype(f"{'f' if _t.is_floating(kind) else 'i'}{width_of(kind)}"))
    if is_text(kind) or is_binary(kind):
        return _text_cells(array)
    return _any_cells(array, kind)


def _fixed_cells(array: pa.Array, dtype: np.dtype[Any]) -> Cells:
    width = dtype.itemsize
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
    content = array.to_pylist()

    def cell(row: int) -> bytes:
        text = content[row]
        return b"\0" if text is None else b"\1" + len(text).to_bytes(_LENGTH_BYTES, "little") + text

    return cell


def _any_cells(array: pa.Array, kind: pa.DataType) -> Cells:
    def cell(row: int) -> bytes:
        out = Framed("av/1")
        write_plain(out, kind, array.slice(row, 1))
        return out.raw_digest()

    return cell

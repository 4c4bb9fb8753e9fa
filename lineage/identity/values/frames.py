"""Identity of dataframe columns: Arrow cells plus what the column's dtype adds to them.

Shared by pandas and polars. A column whose dtype adds nothing has the digest of the
Arrow column; where it does (categories, nullable or object dtypes), a digest of both.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa

from assetctl.lineage.facts.records import ColumnDigest, Digest, ValueIdentity
from assetctl.lineage.identity.encode import Framed
from assetctl.lineage.identity.values.arrow_blocks import logical_type
from assetctl.lineage.identity.values.tables import column_digests, table_version, unordered_version
from assetctl.lineage.identity.values.walk import FORMAT


@dataclass(frozen=True, slots=True)
class Column:
    """Cells of a column; `frame` is the digest of what its dtype adds (None: nothing)."""

    name: str
    cells: pa.ChunkedArray
    frame: Digest | None = None
    type: str = ""  # as shown to people; "": the Arrow type


def identify_frame(
    kind: str, columns: Sequence[Column], n_rows: int, *, labels: Digest | None = None, unordered: bool = False
) -> ValueIdentity:
    """Identify a table from prepared columns."""
    if unordered:
        frames = Framed(FORMAT).tag("frames")
        for column in columns:
            frames.none() if column.frame is None else frames.child(column.frame)
        if labels is not None:
            frames.tag("labels").child(labels)
        named = [(column.name, column.cells) for column in columns]
        return unordered_version(kind, named, n_rows, frames.hexdigest())
    digests = column_digests([column.cells for column in columns])
    described = (
        ColumnDigest(c.name, c.type or logical_type(c.cells.type), framed(c, digest))
        for c, digest in zip(columns, digests, strict=True)
    )
    return table_version(kind, n_rows, described, labels)


def framed(column: Column, cells: Digest) -> Digest:
    """Return a column's digest from that of its cells."""
    if column.frame is None:
        return cells
    return Framed(FORMAT).tag("framed").child(column.frame).child(cells).hexdigest()

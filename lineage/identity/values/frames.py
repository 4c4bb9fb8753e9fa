"""Identity of dataframe columns: Arrow cells plus what the column's dtype adds to them.

Shared by pandas and polars. A column whose dtype adds nothing has the digest of the
Arrow column; where it does (categories, nullable or object dtypes), a digest of both.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa

from assetctl.lineage.facts.records import ColumnDigest, Digest, ValueIdentity
from assetctl.lineage.identity.values.arrow_blocks import logical_type
from assetctl.lineage.identity.values.tables import (
    column_digests,
    digest_of_frames,
    framed,
    table_version,
    unordered_version,
)


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
        beside = digest_of_frames([column.frame for column in columns], labels)
        return unordered_version(kind, [(column.name, column.cells) for column in columns], n_rows, beside)
    digests = column_digests([column.cells for column in columns])
    described = (
        ColumnDigest(c.name, c.type or logical_type(c.cells.type), framed(c.frame, digest))
        for c, digest in zip(columns, digests, strict=True)
    )
    return table_version(kind, n_rows, described, labels)

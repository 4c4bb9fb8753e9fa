"""Identity of scipy's sparse matrices: format, dtype, shape and entries in coordinate order.

The order of entries, duplicates still to be summed and the width of indices leave no
trace; entries stored as zero stay entries.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from scipy import sparse

from assetctl.lineage.identity.encode import Framed
from assetctl.lineage.identity.values.walk import Child, Encoder, Walk, is_of


def _write(walk: Walk, out: Framed, value: Any) -> Iterator[Child]:
    if not is_of(type(value), "scipy"):
        walk.refuse(value)
    out.tag("sparse.array" if isinstance(value, sparse.sparray) else "sparse.matrix").text(value.format)
    entries = value.tocoo(copy=True)
    entries.sum_duplicates()
    out.text(str(tuple(map(int, value.shape))))
    coordinates = entries.coords if hasattr(entries, "coords") else (entries.row, entries.col)
    order = np.lexsort(coordinates[::-1])  # scipy's own order differs by version
    for axis in coordinates:
        yield out, np.asarray(axis, np.int64)[order], ".coords"
    yield out, entries.data[order], ".data"


def encoders() -> dict[type, Encoder]:
    """Return how scipy's sparse classes are written."""
    encoder = Encoder(_write, is_compound=True, whole=True)
    # Named, since they are dicts too, and a dict would be asked first.
    of_keys = dict.fromkeys((sparse.dok_matrix, sparse.dok_array), encoder)
    return {sparse.spmatrix: encoder, sparse.sparray: encoder, **of_keys}

"""Identity of polars frames and series: their columns as Arrow columns, so digests are shared.

A categorical is its strings; an enum's categories count. Lazy frames are recipes, not
values, and have no identity.
"""

from __future__ import annotations

from typing import Any

import polars as pl
import pyarrow as pa

from assetctl.lineage.identity.frames import Column, identify_frame
from assetctl.lineage.identity.tables import table_encoder
from assetctl.lineage.identity.values import digest_of
from assetctl.lineage.identity.walk import Encoder, Unencodable
from assetctl.lineage.records import ValueIdentity


def _column(series: pl.Series) -> Column:
    dtype = series.dtype
    if dtype == pl.Object:
        raise Unencodable(f"[{series.name!r}]", "polars.Object")
    frame = None
    if isinstance(dtype, pl.Enum):
        frame = digest_of(["polars.Enum", dtype.categories.to_list()])
    elif dtype in (pl.Int128, getattr(pl, "UInt128", pl.Int128)):
        frame, series = digest_of(str(dtype)), series.cast(pl.String)
    array = series.to_arrow()
    return Column(series.name, pa.chunked_array([array]), frame)


def identify_polars(frame: pl.DataFrame, unordered: bool = False) -> ValueIdentity:
    """Identify a polars frame."""
    columns = [_column(series) for series in frame.get_columns()]
    return identify_frame("polars.DataFrame", columns, frame.height, unordered=unordered)


def identify_series(series: pl.Series, unordered: bool = False) -> ValueIdentity:
    """Identify a polars series."""
    return identify_frame("polars.Series", [_column(series)], len(series), unordered=unordered)


def encoders() -> dict[type, Encoder]:
    """Return how polars' classes are written."""
    found: dict[type, Any] = {
        pl.DataFrame: table_encoder(identify_polars),
        pl.Series: table_encoder(identify_series),
    }
    return found

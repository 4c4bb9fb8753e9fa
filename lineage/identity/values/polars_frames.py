"""Identity of polars frames and series: their columns as Arrow columns, so digests are shared.

A categorical is its strings; an enum's categories count. Lazy frames are recipes, not
values, and have no identity.
"""

from __future__ import annotations

from typing import Any

import polars as pl
import pyarrow as pa

from assetctl.lineage.facts.records import ValueIdentity
from assetctl.lineage.identity.values.frames import Column, identify_frame
from assetctl.lineage.identity.values.identify import digest_of
from assetctl.lineage.identity.values.tables import table_encoder
from assetctl.lineage.identity.values.walk import Encoder, Unencodable

_WIDE = tuple(kind for name in ("Int128", "UInt128") if (kind := getattr(pl, name, None)) is not None)
_UNKNOWN = tuple(
    kind for name in ("Object", "Unknown", "BaseExtension") if (kind := getattr(pl, name, None)) is not None
)


def _column(series: pl.Series) -> Column:
    dtype = series.dtype
    added: list[object] = []
    carried = _carried(dtype, added, series.name)
    if carried != dtype:
        series = series.cast(carried)
    frame = None
    if isinstance(dtype, pl.Enum):
        frame = digest_of(["polars.Enum", dtype.categories.to_list()])
    elif isinstance(dtype, _WIDE):
        frame = digest_of(str(dtype))
    elif added:
        frame = digest_of(["polars", *added])
    return Column(series.name, pa.chunked_array([series.to_arrow()]), frame)


def _carried(dtype: pl.DataType, added: list[object], column: str) -> Any:
    """Return the dtype that Arrow carries in place of another; `added` takes what it loses, in order.

    Raises:
        Unencodable: the dtype holds anything, or is somebody's own.
    """
    if isinstance(dtype, _UNKNOWN):
        raise Unencodable(f"[{column!r}]", f"polars.{type(dtype).__name__}")
    if isinstance(dtype, pl.Enum):
        added.append(["Enum", dtype.categories.to_list()])
    elif isinstance(dtype, _WIDE):
        added.append(str(dtype))
        return pl.String()
    elif isinstance(dtype, pl.List):
        return pl.List(_inner(dtype.inner, added, column, "[]"))
    elif isinstance(dtype, pl.Array):
        return pl.Array(_inner(dtype.inner, added, column, "[]"), dtype.size)
    elif isinstance(dtype, pl.Struct):
        return pl.Struct([pl.Field(f.name, _inner(f.dtype, added, column, f.name)) for f in dtype.fields])
    elif hasattr(pl, "Map") and isinstance(dtype, pl.Map):
        return pl.Map(_inner(dtype.key, added, column, "keys"), _inner(dtype.value, added, column, "values"))
    return dtype


def _inner(dtype: Any, added: list[object], column: str, step: str) -> Any:
    below: list[object] = []
    carried = _carried(dtype, below, column)
    if below:
        added.append([step, *below])
    return carried


def identify_polars(frame: pl.DataFrame, unordered: bool = False) -> ValueIdentity:
    """Identify a polars frame."""
    columns = [_column(series) for series in frame.get_columns()]
    return identify_frame("polars.DataFrame", columns, frame.height, unordered=unordered)


def identify_series(series: pl.Series, unordered: bool = False) -> ValueIdentity:
    """Identify a polars series."""
    return identify_frame("polars.Series", [_column(series)], len(series), unordered=unordered)


def encoders() -> dict[type, Encoder]:
    """Return how polars' classes are written."""
    by_class: dict[type, Any] = {
        pl.DataFrame: table_encoder(identify_polars),
        pl.Series: table_encoder(identify_series),
    }
    return by_class

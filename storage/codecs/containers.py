"""Convert table containers to Arrow and back, for Parquet files and for consumers in another family.

What a pandas frame has beyond Arrow travels in the schema's metadata: pandas' own, and
ours for object columns of strings and for the name of a series.
"""

from __future__ import annotations

import json
import sys
import warnings
from typing import Any, assert_never

from assetctl.lineage.facts.ports import Form
from assetctl.storage.codecs.arrow_types import settled
from assetctl.storage.codecs.base import NotEncodable

_OBJECTS = b"assetctl.object_columns"
_UNNAMED = b"assetctl.unnamed_series"
_BESIDE = b"assetctl.beside"

TABLE_KINDS = frozenset(
    ("arrow.Table", "arrow.RecordBatch", "pandas.DataFrame", "pandas.Series", "polars.DataFrame", "polars.Series")
)


def kind_of_table(value: object) -> str | None:
    """Return the container kind of a table, or None for anything else; imports nothing."""
    cls = type(value)
    root = cls.__module__.partition(".")[0]
    kind = f"arrow.{cls.__name__}" if root == "pyarrow" else f"{root}.{cls.__name__}"
    return kind if kind in TABLE_KINDS and sys.modules.get(root) is not None else None


def to_arrow(value: Any, kind: str | None = None) -> Any:
    """Return a table as a `pyarrow.Table` from which `from_arrow` can restore it.

    Raises:
        NotEncodable: Arrow has no type for one of its columns.
    """
    import pyarrow as pa

    kind = kind or kind_of_table(value)
    try:
        match kind:
            case "arrow.Table":
                return value
            case "arrow.RecordBatch":
                return pa.Table.from_batches([value])
            case "pandas.DataFrame":
                return _from_pandas(value, {})
            case "pandas.Series":
                unnamed = {_UNNAMED: b"1"} if value.name is None else {}
                frame = value.to_frame("0" if value.name is None else value.name)
                frame.flags.allows_duplicate_labels = value.flags.allows_duplicate_labels
                return _from_pandas(frame, unnamed)
            case "polars.DataFrame":
                return value.to_arrow()
            case "polars.Series":
                return pa.table({value.name: value.to_arrow()})
    except (pa.ArrowException, TypeError, ValueError, OverflowError) as cause:
        raise NotEncodable(f"it has no Arrow form: {cause}") from cause
    raise NotEncodable(f"`{type(value).__qualname__}` is not a table")


def _from_pandas(frame: Any, extra: dict[bytes, bytes]) -> Any:
    table = _arrow_of(frame, None)
    objects = [
        table.column_names[place]
        for place, dtype in enumerate(frame.dtypes)
        if type(dtype).__module__ == "numpy.dtypes"
        and dtype.kind == "O"
        and all(item is None or type(item) is str for item in frame.iloc[:, place])
    ]
    metadata = dict(table.schema.metadata or {}) | extra | {_OBJECTS: json.dumps(objects).encode()}
    beside = _beside(frame)
    if beside:
        metadata[_BESIDE] = json.dumps(beside).encode()
    return table.replace_schema_metadata(metadata)


def _beside(frame: Any) -> dict[str, Any]:
    """Return what pyarrow does not keep of a frame: its flags, frequencies, and labels that only look like a range."""
    from assetctl.lineage.identity.values.pandas_frames import frequency_text, is_plain_range

    beside: dict[str, Any] = {"rows": frequency_text(frame.index), "columns": frequency_text(frame.columns)}
    beside |= {
        "plain": is_plain_range(frame.columns) or None,
        "unique": not frame.flags.allows_duplicate_labels or None,
    }
    return {name: said for name, said in beside.items() if said is not None}


def _put_beside(frame: Any, beside: dict[str, Any]) -> Any:
    """Give a frame read from Arrow what `_beside` said of the one written; labels that look like a range are one."""
    import pandas as pd

    from assetctl.lineage.identity.values.pandas_frames import is_plain_range

    if "plain" not in beside and is_plain_range(frame.columns):
        first, step = int(frame.columns[0]), int(frame.columns[1] - frame.columns[0]) if frame.shape[1] > 1 else 1
        stop = first + step * frame.shape[1]
        frame.columns = pd.RangeIndex(first, stop, step, name=frame.columns.name)
    elif type(frame.columns) is pd.Index and frame.columns.dtype == "int64" and not len(frame.columns):
        frame.columns = pd.RangeIndex(0, name=frame.columns.name)
    for axis, labels in (("rows", frame.index), ("columns", frame.columns)):
        if axis in beside:
            labels.freq = beside[axis]
    if "unique" in beside:
        frame.flags.allows_duplicate_labels = False
    return frame


def from_arrow(table: Any, kind: str) -> Any:
    """Restore a container of the given kind from the table that `to_arrow` made of it."""
    match kind:
        case "arrow.Table":
            return settled(table)
        case "arrow.RecordBatch":
            import pyarrow as pa

            table = settled(table)
            batches = table.combine_chunks().to_batches()
            return batches[0] if batches else pa.RecordBatch.from_pylist([], table.schema)
        case "pandas.DataFrame":
            return _to_pandas(table)
        case "pandas.Series":
            frame = _to_pandas(table)
            series = frame.iloc[:, 0]
            series.flags.allows_duplicate_labels = frame.flags.allows_duplicate_labels
            return series.rename(None) if _UNNAMED in (table.schema.metadata or {}) else series
        case "polars.DataFrame":
            import polars as pl

            return pl.from_arrow(table)
        case "polars.Series":
            import polars as pl

            return pl.DataFrame(table).to_series(0)
    raise ValueError(kind)


def _to_pandas(table: Any) -> Any:
    import pandas as pd

    frame = table.to_pandas()
    for name in json.loads((table.schema.metadata or {}).get(_OBJECTS, b"[]")):
        place = table.column_names.index(name) if name in table.column_names else None
        if place is not None and place < frame.shape[1]:
            values = pd.Series(table.column(place).to_pylist(), index=frame.index, dtype=object)
            frame.isetitem(place, values)
    return _put_beside(frame, json.loads((table.schema.metadata or {}).get(_BESIDE, b"{}")))


def project(value: Any, columns: tuple[str, ...]) -> Any:
    """Return a table of the named columns in that order; of everything when none is named.

    What belongs to the table as a whole stays behind: whoever reads columns depends on those alone.
    """
    if not columns:
        return value
    match kind_of_table(value):
        case "arrow.Table" | "arrow.RecordBatch":
            return value.select(list(columns)).replace_schema_metadata(None)
        case "polars.DataFrame":
            return value.select(list(columns))
        case "pandas.DataFrame":
            chosen = value[list(columns)].copy()
            chosen.attrs = {}
            return chosen.set_flags(allows_duplicate_labels=True)
    return value


def convert(value: Any, form: Form) -> Any:
    """Return a value in the family a consumer asked for.

    Raises:
        NotEncodable: there is no such conversion.
    """
    if form is Form.NUMPY:
        return _to_numpy(value)
    kind = kind_of_table(value)
    if kind is None:
        raise NotEncodable(f"a `{type(value).__qualname__}` cannot be given as {form}")
    if kind.startswith(form + "."):
        return value
    table = plain_arrow(value, kind)
    match form:
        case Form.ARROW:
            return table
        case Form.READER:
            return table.to_reader()
        case Form.PANDAS:
            return table.to_pandas()
        case Form.POLARS:
            import polars as pl

            return pl.from_arrow(table)
        case Form.STORED | Form.PATH:
            raise NotEncodable(f"no table is converted to the form `{form}`")
        case _:
            assert_never(form)


def plain_arrow(value: Any, kind: str) -> Any:
    """Return an Arrow table of the columns, and of a pandas index that has a name.

    Raises:
        NotEncodable: Arrow has no type for one of its columns.
    """
    if kind.startswith("pandas."):
        frame = value.to_frame() if kind == "pandas.Series" else value
        return _arrow_of(frame, any(name is not None for name in frame.index.names))
    return to_arrow(value, kind)


def has_default_index(frame: Any) -> bool:
    """Say whether a pandas frame's index only counts its rows."""
    import pandas as pd

    return isinstance(frame.index, pd.RangeIndex) and frame.index.name is None and frame.index.step == 1


def _arrow_of(frame: Any, preserve_index: bool | None) -> Any:
    import pyarrow as pa

    with warnings.catch_warnings():  # pyarrow 25 asks pandas 3.1 for zoned values in the way it deprecates
        warnings.filterwarnings("ignore", message=r"\w+\.values returning an ndarray")
        warnings.filterwarnings("ignore", message="The DataFrame has column names of mixed type")
        warnings.filterwarnings("ignore", message="Could not serialize pd.DataFrame.attrs")  # noticed when it is read
        try:
            return pa.Table.from_pandas(frame, preserve_index=preserve_index)
        except (pa.ArrowException, TypeError, ValueError, OverflowError) as cause:
            raise NotEncodable(f"it has no Arrow form: {cause}") from cause


def _to_numpy(value: Any) -> Any:
    import numpy as np

    if isinstance(value, np.ndarray):
        return value
    kind = kind_of_table(value)
    if kind is None:
        if isinstance(value, list | tuple | int | float):
            return np.asarray(value)
        raise NotEncodable(f"a `{type(value).__qualname__}` cannot be given as an array")
    if kind.startswith("arrow."):
        value = value.to_pandas()
    return value.to_numpy()

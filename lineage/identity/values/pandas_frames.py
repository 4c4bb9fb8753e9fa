"""Identity of pandas values: columns, index, dtypes, labels, and `attrs` and flags where there are any; not blocks.

The index always counts, a default one too. Object columns count by Python values:
1, "1" and True differ, and so do None, NaN and NA.
"""

from __future__ import annotations

import datetime
import zoneinfo
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from assetctl.lineage.facts.records import Digest, ValueIdentity
from assetctl.lineage.identity.encode import Framed
from assetctl.lineage.identity.values.arrays import array_digest
from assetctl.lineage.identity.values.frames import Column, identify_frame
from assetctl.lineage.identity.values.identify import digest_of
from assetctl.lineage.identity.values.tables import column_digests, framed, table_encoder
from assetctl.lineage.identity.values.walk import Child, Encoder, Unencodable, Walk, is_of, type_name

_PLAIN_KINDS = "biufmM"


def identify_pandas(frame: pd.DataFrame, unordered: bool = False) -> ValueIdentity:
    """Identify a frame: index columns first (named "index:NAME"), then columns by position."""
    columns = [
        *_index_columns(frame.index, unordered),
        *(_column(_shown(label), frame.iloc[:, place].array) for place, label in enumerate(frame.columns)),
    ]
    marks = [*_label_marks(frame.columns), *beside(frame)]
    labels = _labels(frame.index, [list(frame.columns), list(frame.columns.names)], marks)
    return identify_frame("pandas.DataFrame", columns, len(frame), labels=labels, unordered=unordered)


def identify_series(series: pd.Series[Any], unordered: bool = False) -> ValueIdentity:
    """Identify a series: its index, its values and its name."""
    columns = [*_index_columns(series.index, unordered), _column(_shown(series.name), series.array)]
    labels = _labels(series.index, [series.name], beside(series))
    return identify_frame("pandas.Series", columns, len(series), labels=labels, unordered=unordered)


def identify_index(index: pd.Index[Any], unordered: bool = False) -> ValueIdentity:
    """Identify an index by itself."""
    if not is_of(type(index), "pandas"):
        raise Unencodable("", type_name(type(index)))
    columns = _index_columns(index, unordered)
    marks = _level_marks(index)
    labels = digest_of([list(index.names), marks] if marks else list(index.names))
    return identify_frame("pandas.Index", columns, len(index), labels=labels, unordered=unordered)


def _labels(index: pd.Index[Any], labels: list[object], marks: list[object]) -> Digest:
    """Return the digest of labels and names, and of what they do not say about the indexes they are in."""
    marks = [*_level_marks(index), *marks]
    return digest_of([*labels, list(index.names), *([marks] if marks else [])])


def _level_marks(index: pd.Index[Any]) -> list[object]:
    """Tell a one-level MultiIndex from the plain index of its values."""
    return ["levels", 1] if isinstance(index, pd.MultiIndex) and index.nlevels == 1 else []


def _label_marks(columns: pd.Index[Any]) -> list[object]:
    """Tell labels apart whose values are equal: those of a dtype with more to it, or narrower than what they show."""
    n_levels = columns.nlevels if isinstance(columns, pd.MultiIndex) else 1
    levels = [columns.get_level_values(place) if n_levels > 1 else columns for place in range(n_levels)]
    marks: list[object] = [
        (place, level.dtype) for place, level in enumerate(levels) if not _says_all(getattr(level, "dtype", None))
    ]
    marks = [*_level_marks(columns), *marks, *frequency(columns)]
    if is_plain_range(columns):
        marks.append("numbers of a range")
    return ["columns", *marks] if marks else []


def beside(held: Any) -> list[object]:
    """Return what a frame or series has beside its data, as far as a person set it."""
    marks: list[object] = [["attrs", held.attrs]] if held.attrs else []
    return marks if held.flags.allows_duplicate_labels else [*marks, "no duplicate labels"]


def frequency(index: pd.Index[Any]) -> list[object]:
    """Return the frequency of an index of times: its text, and what the text does not say."""
    freq = _freq(index)
    if freq is None:
        return []
    if frequency_text(index) is not None:
        return ["freq", freq.freqstr]
    said = sorted((name, repr(item)) for name, item in freq.kwds.items() if name != "calendar")
    return ["freq", freq.freqstr, type(freq).__name__, freq.n, freq.normalize, said]


def _freq(index: pd.Index[Any]) -> Any:
    """Return the frequency of an index of times; that of an index of periods is in its dtype."""
    return index.freq if isinstance(index, (pd.DatetimeIndex, pd.TimedeltaIndex)) else None


def frequency_text(index: pd.Index[Any]) -> str | None:
    """Return the text that says all of an index's frequency; None if it has none, or one that no text says."""
    freq = _freq(index)
    try:
        return (
            str(freq.freqstr) if freq is not None and pd.tseries.frequencies.to_offset(freq.freqstr) == freq else None
        )
    except ValueError:
        return None


def is_plain_range(labels: pd.Index[Any]) -> bool:
    """Say whether labels are numbers with one step between them, and yet no `RangeIndex`, as which such come back."""
    if type(labels) is not pd.Index or labels.dtype != np.dtype("i8") or not len(labels):
        return False
    steps = np.diff(labels.to_numpy())
    return bool(len(steps) == 0 or (steps[0] != 0 and (steps == steps[0]).all()))


def _says_all(dtype: object) -> bool:
    """Say whether the labels of an index tell its dtype by themselves (or it is one that no person chooses)."""
    if isinstance(dtype, pd.StringDtype):
        return dtype.na_value is not pd.NA
    if isinstance(dtype, np.dtype):
        return dtype.kind in "OMm" or dtype in (np.dtype(bool), np.dtype("i8"), np.dtype("f8"), np.dtype("c16"))
    return isinstance(dtype, (pd.DatetimeTZDtype, pd.PeriodDtype, pd.IntervalDtype))


def _index_columns(index: pd.Index[Any], unordered: bool) -> list[Column]:
    if isinstance(index, pd.RangeIndex):
        if unordered and index.start == 0 and index.step == 1:
            return []  # a default index is the row's position
        start, step = (index.start, index.step) if len(index) else (0, 1)
        step = step if len(index) > 1 else 1
        frame = digest_of(["RangeIndex", start, start + step * len(index), step])
        cells = pa.chunked_array([pa.nulls(len(index))])
        if unordered:
            cells = pa.chunked_array([pa.array(index.to_numpy())])
        return [Column(f"index:{_shown(index.name)}", cells, frame, "RangeIndex")]
    if isinstance(index, pd.MultiIndex):
        levels = [(name, index.get_level_values(place)) for place, name in enumerate(index.names)]
        return [_column(f"index:{_shown(name)}", level.array) for name, level in levels]
    column = _column(f"index:{_shown(index.name)}", index.array)
    freq = frequency(index)
    return [replace(column, frame=digest_of([*freq, column.frame]))] if freq else [column]


def _shown(label: object) -> str:
    """Return a label as text for people; its type and value are hashed apart."""
    if type(label) is str:
        return label
    if label is None:
        return ""
    if type(label) is tuple:
        return "(" + ", ".join(map(_shown, label)) + ")"
    return (
        str(label) if type(label).__module__.partition(".")[0] in ("builtins", "numpy", "pandas", "datetime") else "?"
    )


def _column(name: str, array: Any) -> Column:
    if type(array) is pd.arrays.NumpyExtensionArray:
        array = np.asarray(array)
    dtype = array.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        codes = pa.array(np.asarray(array.codes, np.int64))
        frame = digest_of(["category", _digest(array.categories.array), bool(dtype.ordered)])
        return Column(name, pa.chunked_array([codes]), frame, "category")
    if isinstance(dtype, np.dtype):
        return _numpy_column(name, np.asarray(array), dtype)
    if isinstance(dtype, pd.DatetimeTZDtype):
        moments = pa.array(
            array.asi8, mask=np.asarray(array.isna())
        )  # `pa.array(array)` asks pandas what it deprecates
        return Column(name, _chunked(moments.cast(pa.timestamp(dtype.unit, _zone_name(name, dtype.tz)))))
    if isinstance(dtype, pd.StringDtype):
        cells = _texts(array)
        return Column(name, cells, None if dtype.na_value is not pd.NA else digest_of("string[NA]"), str(dtype))
    if isinstance(dtype, pd.ArrowDtype):
        return Column(name, _chunked(pa.array(array, dtype.pyarrow_dtype)), digest_of("ArrowDtype"), str(dtype))
    return _extension_column(name, array, dtype)


def _extension_column(name: str, array: Any, dtype: Any) -> Column:
    if isinstance(dtype, pd.PeriodDtype):
        cells = pa.array(array.asi8, mask=np.asarray(array.isna()))
        return Column(name, _chunked(cells), digest_of(str(dtype)), str(dtype))
    if isinstance(dtype, pd.IntervalDtype):
        frame = digest_of(["interval", dtype.closed, _digest(array.left.array), _digest(array.right.array)])
        return Column(name, pa.chunked_array([pa.nulls(len(array))]), frame, str(dtype))
    if isinstance(dtype, pd.SparseDtype):
        dense = _digest(pd.Series(array.to_dense()).array)
        frame = digest_of(["sparse", dtype.fill_value, dense])
        return Column(name, pa.chunked_array([pa.nulls(len(array))]), frame, str(dtype))
    if is_of(type(dtype), "pandas") and hasattr(array, "_mask"):  # Int64, Float32, boolean, ...
        return Column(name, _masked_cells(array), digest_of(["nullable", str(dtype)]), str(dtype))
    raise Unencodable(f"[{name!r}]", f"pandas column of dtype {dtype}")


def _masked_cells(array: Any) -> pa.ChunkedArray:
    return _chunked(pa.array(array._data, mask=array._mask, from_pandas=False))


def _numpy_column(name: str, values: Any, dtype: Any) -> Column:
    if dtype.kind == "O":
        return _object_column(name, values.tolist())
    if dtype.kind in _PLAIN_KINDS and dtype.itemsize <= 8:
        if not values.flags.c_contiguous or not dtype.isnative:
            values = np.ascontiguousarray(values, dtype.newbyteorder("="))
        return Column(name, _chunked(pa.array(values, from_pandas=False)))
    frame = digest_of(["numpy", array_digest(values)])
    return Column(name, pa.chunked_array([pa.nulls(len(values))]), frame, str(dtype))


def _object_column(name: str, values: list[object]) -> Column:
    """Take an object column by its values: strings and None at once, anything else cell by cell."""
    kinds = set(map(id, map(type, values)))
    if kinds <= {id(str), id(type(None))}:
        return Column(name, _texts(values), digest_of("object texts"), "object")
    cells: list[bytes] = []
    for row, value in enumerate(values):
        try:
            cells.append(bytes.fromhex(digest_of(value).removeprefix("b3:")))
        except Unencodable as refused:
            raise Unencodable(f"[{name!r}][{row}]{refused.where}", refused.type_name) from None
    return Column(name, _chunked(pa.array(cells, pa.binary(32))), digest_of("objects"), "object")


def _texts(values: Any) -> pa.ChunkedArray:
    try:
        return _chunked(pa.array(values, pa.large_string()))
    except UnicodeEncodeError:  # lone surrogates, which Arrow's text cannot hold
        texts = (value if isinstance(value, str) else None for value in values)
        cells = [None if text is None else text.encode("utf-8", "surrogatepass") for text in texts]
        return _chunked(pa.array(cells, pa.large_binary()))


def _zone_name(column: str, zone: Any) -> str:
    """Return a zone's name; a zone read from a file is known by where that lay, which says nothing."""
    if isinstance(zone, datetime.timezone) or hasattr(zone, "key") or hasattr(zone, "zone"):
        return str(zone)
    raise Unencodable(f"[{column!r}]", f"pandas column in the zone {type_name(type(zone))}")


def _chunked(array: pa.Array | pa.ChunkedArray) -> pa.ChunkedArray:
    return array if isinstance(array, pa.ChunkedArray) else pa.chunked_array([array])


def _digest(array: Any) -> Digest:
    column = _column("", array)
    return framed(column.frame, column_digests([column.cells])[0])


def _write_timestamp(walk: Walk, out: Framed, value: Any) -> Iterator[Child]:
    out.tag("pandas.Timestamp").text(value.unit).integer(value._value)
    yield out, _portable(value.tzinfo), ".tz"


def _portable(zone: Any) -> object:
    """Return the zone of the standard library that pandas 3 takes where older ones take one of pytz."""
    if not hasattr(zone, "localize"):
        return zone
    if zone.zone is None:
        return datetime.timezone(zone.utcoffset(None))
    return datetime.UTC if zone.zone == "UTC" else zoneinfo.ZoneInfo(zone.zone)


def _write_timedelta(walk: Walk, out: Framed, value: Any) -> None:
    out.tag("pandas.Timedelta").text(value.unit).integer(value._value)


def _write_interval(walk: Walk, out: Framed, value: Any) -> Iterator[Child]:
    out.tag("pandas.Interval").text(value.closed)
    yield out, value.left, ".left"
    yield out, value.right, ".right"


def _write_period(walk: Walk, out: Framed, value: Any) -> None:
    out.tag("pandas.Period").text(value.freqstr).integer(value.ordinal)


def _write_dtype(walk: Walk, out: Framed, value: Any) -> Iterator[Child]:
    if not is_of(type(value), "pandas"):
        walk.refuse(value)
    out.tag("pandas.dtype").text(str(value))
    if isinstance(value, pd.CategoricalDtype):
        yield out, value.categories, ".categories"
        yield out, value.ordered, ".ordered"


def _write_array(walk: Walk, out: Framed, value: Any) -> None:
    if not is_of(type(value), "pandas"):
        walk.refuse(value)
    out.tag("pandas.array").child(_digest(value))


def _constant(tag: str) -> Encoder:
    def write(walk: Walk, out: Framed, value: object) -> None:
        out.tag(tag)

    return Encoder(write, whole=True)


def encoders() -> dict[type, Encoder]:
    """Return how pandas' classes are written."""
    index = table_encoder(identify_index)
    return {
        pd.DataFrame: table_encoder(identify_pandas),
        pd.Series: table_encoder(identify_series),
        pd.Index: Encoder(index.write, whole=True, identify=identify_index),
        pd.Timestamp: Encoder(_write_timestamp, is_compound=True),
        pd.Timedelta: Encoder(_write_timedelta),
        pd.Interval: Encoder(_write_interval, is_compound=True),
        pd.Period: Encoder(_write_period),
        type(pd.NaT): _constant("pandas.NaT"),
        type(pd.NA): _constant("pandas.NA"),
        pd.api.extensions.ExtensionDtype: Encoder(_write_dtype, is_compound=True, whole=True),
        pd.api.extensions.ExtensionArray: Encoder(_write_array, whole=True),
    }

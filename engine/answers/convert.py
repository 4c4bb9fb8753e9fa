"""Write a value to a file by one of the writers of `endings`.

Heavy libraries are imported by the writer that needs them. What a format cannot say is
refused with the words of whoever refused it; a table's cells that CSV, Excel or HTML
have nothing for are written as text.
"""

from __future__ import annotations

import gzip
import importlib.util
import io
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from assetctl.assets.errors import EnvironmentFault, Problem
from assetctl.engine.answers.endings import COMPRESSED, Family, Writer
from assetctl.engine.answers.plain_json import readable
from assetctl.engine.answers.rows import write_rows
from assetctl.storage.codecs.containers import has_default_index, kind_of_table, to_arrow

if TYPE_CHECKING:
    import pyarrow as pa

_ROWS = frozenset((Writer.PARQUET, Writer.ARROW, Writer.CSV, Writer.TSV, Writer.ROWS, Writer.LINES, Writer.HTML))


class Unwritable(Exception):
    """This value cannot be written so; the message is shown to people."""


@dataclass(frozen=True, slots=True)
class _Batches:
    schema: pa.Schema
    batches: Any


def family_of(value: object) -> Family:
    """Return what a loaded value is to someone who wants a file of it; imports nothing."""
    if kind_of_table(value) is not None or _is_of(value, "pyarrow", "RecordBatchReader"):
        return Family.TABLE
    if _is_of(value, "numpy", "ndarray"):
        return Family.ARRAY
    sparse = sys.modules.get("scipy.sparse")
    if sparse is not None and sparse.issparse(value):
        return Family.SPARSE
    if _is_of(value, "PIL.Image", "Image"):
        return Family.IMAGE
    if isinstance(value, Path):
        return Family.FOLDER if value.is_dir() else Family.FILE
    if isinstance(value, str):
        return Family.TEXT
    if isinstance(value, bytes | bytearray):
        return Family.BYTES
    is_plain = isinstance(value, dict | list | tuple | int | float) or _is_of(value, "numpy", "generic")
    return Family.DATA if is_plain else Family.OBJECT


def _is_of(value: object, module: str, name: str) -> bool:
    cls = getattr(sys.modules.get(module), name, None)
    return cls is not None and isinstance(value, cls)


def write_value(writer: Writer, value: Any, ending: str, sink: BinaryIO) -> None:
    """Write a value to a binary stream.

    Raises:
        Unwritable: the format cannot say it.
        EnvironmentFault: the library for it is missing.
    """
    if not ending.endswith(COMPRESSED):
        _write_explained(writer, value, ending, sink)
        return
    with gzip.GzipFile(filename="", mode="wb", fileobj=sink, mtime=0) as stream:
        _write_explained(writer, value, ending.removesuffix(COMPRESSED), cast("BinaryIO", stream))


def _write_explained(writer: Writer, value: Any, ending: str, sink: BinaryIO) -> None:
    try:
        _write(writer, value, ending, sink)
    except (EnvironmentFault, OSError, MemoryError):
        raise
    except Exception as refused:
        said = str(refused).strip().splitlines()
        raise Unwritable(said[0] if said else type(refused).__name__) from refused


def _write(writer: Writer, value: Any, ending: str, sink: BinaryIO) -> None:
    if writer in _ROWS:
        is_typed = writer in (Writer.PARQUET, Writer.ARROW)
        write_rows(_batches_of(value if is_typed else _in_words(value)), writer, sink, is_file=True)
        return
    match writer:
        case Writer.JSON:
            sink.write((json.dumps(readable(value), indent=2, ensure_ascii=False) + "\n").encode())
        case Writer.EXCEL:
            _write_excel(value, sink)
        case Writer.NPY | Writer.NPZ:
            import numpy as np

            np.save(sink, value, allow_pickle=False) if writer is Writer.NPY else np.savez(
                sink, value, allow_pickle=False
            )
        case Writer.SPARSE_NPZ:
            from scipy import sparse

            sparse.save_npz(sink, value)
        case Writer.MATRIX_MARKET:
            from scipy import io as scipy_io

            scipy_io.mmwrite(sink, value)
        case Writer.PICTURE:
            whole = io.BytesIO()  # some formats go back in what they have written
            value.save(whole, format={"jpg": "jpeg"}.get(ending[1:], ending[1:]))
            sink.write(whole.getvalue())
        case Writer.PICKLE:
            from assetctl.storage.codecs.plain import dumps

            sink.write(dumps(value))
        case Writer.JOBLIB:
            require("joblib", "ml")
            import joblib

            joblib.dump(value, sink)


def _batches_of(value: Any) -> _Batches:
    """Return a table's rows; what a pandas index says beyond counting them comes first, an array's columns are numbered."""
    import pyarrow as pa

    if isinstance(value, pa.RecordBatchReader):
        return _Batches(value.schema, value)
    if _is_of(value, "numpy", "ndarray"):
        table = _table_of_array(value)
    else:
        kind = kind_of_table(value) or ""
        table = (
            pa.Table.from_pandas(_flat(value), preserve_index=False) if kind.startswith("pandas.") else to_arrow(value)
        )
        table = table.replace_schema_metadata(None) if kind.startswith("pandas.") else table
    return _Batches(table.schema, table.to_batches())


def _in_words(value: Any) -> Any:
    """Return a pandas frame with periods and intervals as text: Arrow has numbers and structs for them."""
    if not (kind_of_table(value) or "").startswith("pandas."):
        return value
    frame = _flat(value)
    for place, dtype in enumerate(frame.dtypes):
        inner = getattr(getattr(dtype, "categories", None), "dtype", dtype)
        if str(inner).startswith(("period[", "interval[")):
            texts = frame.iloc[:, place].astype(object)
            frame = frame.copy(deep=False)
            frame.isetitem(place, texts.map(str, na_action="ignore"))
    return frame


def _flat(value: Any) -> Any:
    frame = value.to_frame("value" if value.name is None else value.name) if hasattr(value, "to_frame") else value
    return frame if has_default_index(frame) else frame.reset_index(allow_duplicates=False)


def _table_of_array(array: Any) -> Any:
    import pyarrow as pa

    if array.dtype.names:
        return pa.table({name: array[name] for name in array.dtype.names})
    if array.ndim not in (1, 2):
        raise ValueError(f"an array of {array.ndim} dimensions has no rows and columns")
    columns = array.reshape(len(array), -1).T
    return pa.table({str(place): pa.array(column) for place, column in enumerate(columns)})


def _write_excel(value: Any, sink: BinaryIO) -> None:
    for library in ("pandas", "openpyxl"):
        require(library, "excel")
    table = value if (kind_of_table(value) or "").startswith("pandas.") else _batches_of(value)
    if isinstance(table, _Batches):
        import pyarrow as pa

        frame = pa.Table.from_batches(table.batches, table.schema).to_pandas()
    else:
        frame = _flat(table)
    whole = io.BytesIO()
    frame.to_excel(whole, index=False, engine="openpyxl")
    sink.write(whole.getvalue())


def require(library: str, extra: str) -> None:
    """Refuse if a library is not installed.

    Raises:
        EnvironmentFault: it is not; the hint says what installs it.
    """
    if importlib.util.find_spec(library) is None:
        raise EnvironmentFault(
            Problem(
                "library-missing",
                f"writing this needs the library `{library}`, which is not installed",
                hint=f"pip install 'assetctl[{extra}]', or choose another ending",
            )
        )

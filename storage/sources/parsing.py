"""Parse a file into an Arrow table, by its extension.

Nulls are read as pyarrow reads them: an empty field or "NA" in numeric and temporal CSV
columns; text stays text.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from assetctl.assets.errors import DeclarationError, Problem

_COMPRESSIONS = (".gz", ".zst", ".bz2", ".lz4")
_DEEPEST_JSON = 200
_STREAM_ROWS = 1 << 17
_JSON_BLOCK_BYTES = 1 << 24
_BACKSLASH = ord("\\")


def table_format(path: Path) -> str | None:
    """Return the name of the format a file's extension stands for, or None."""
    name = path.name.lower()
    for compression in _COMPRESSIONS:
        name = name.removesuffix(compression)
    for extension, (format_name, _) in _READERS.items():
        if name.endswith(extension):
            return format_name
    return None


def reader_name(path: Path) -> str:
    """Name what would parse a file: format, library and its major version."""
    import pyarrow as pa

    return f"{table_format(path)} pyarrow-{pa.__version__.split('.')[0]}"


def parse_table(path: Path, columns: tuple[str, ...] = ()) -> Any:
    """Return the `pyarrow.Table` a file holds; of a Parquet file just these columns, if it has them all.

    Raises:
        DeclarationError: the extension is not known, or the file is not what it says.
    """
    file_format = table_format(path)
    reader = next((read for name, read in _READERS.values() if name == file_format), None)
    if reader is None:
        raise _not_a_table(path, "its extension is not one of " + ", ".join(_READERS))
    with _explained(path):
        return _read_parquet(path, columns) if reader is _read_parquet else reader(path)


def open_table(path: Path, columns: tuple[str, ...] = ()) -> Any:
    """Return a `RecordBatchReader` over the table a file holds, with just these columns if it has them all.

    A Parquet file is read a batch at a time; others are parsed as a whole.

    Raises:
        DeclarationError: as `parse_table`; while it is read, too.
    """
    if table_format(path) != "parquet":
        table = parse_table(path)
        return (
            table.select(list(columns)) if set(columns) <= set(table.column_names) and columns else table
        ).to_reader()
    import pyarrow as pa
    from pyarrow import parquet

    with _explained(path):
        file = parquet.ParquetFile(path, pre_buffer=False)  # it would hold all of the file
        names = _chosen(file, columns)
        schema = file.schema_arrow if names is None else pa.schema([file.schema_arrow.field(name) for name in names])

    def batches() -> Iterator[Any]:
        with _explained(path), file:
            for batch in file.iter_batches(_STREAM_ROWS, columns=names):
                yield batch if names is None else batch.select(names)

    return pa.RecordBatchReader.from_batches(schema, batches())


def _chosen(file: Any, columns: tuple[str, ...]) -> list[str] | None:
    """Return the columns to read of a Parquet file: None, all of them, unless it has each that is asked for."""
    return list(columns) if columns and set(columns) <= set(file.schema_arrow.names) else None


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    """Turn what parsers raise into what a person reads."""
    import pyarrow as pa

    try:
        yield
    except (FileNotFoundError, PermissionError, IsADirectoryError):
        raise
    except (
        pa.ArrowException,
        ValueError,
        TypeError,
        ArithmeticError,
        OSError,
        EOFError,
        MemoryError,
        RecursionError,
    ) as cause:
        raise _not_a_table(path, str(cause).splitlines()[0] if str(cause) else type(cause).__name__) from cause


def _not_a_table(path: Path, reason: str) -> DeclarationError:
    return DeclarationError(
        Problem(
            "source-not-a-table",
            f"`{path.name}` cannot be read as a table: {reason}",
            (("file", str(path)),),
            "annotate the parameter as `pathlib.Path` and read the file in the asset",
        )
    )


def _read_csv(path: Path, delimiter: str = ",") -> Any:
    import pyarrow as pa
    from pyarrow import csv

    options = csv.ParseOptions(delimiter=delimiter, newlines_in_values=True)
    try:
        return csv.read_csv(path, parse_options=options)
    except pa.ArrowInvalid:  # types are inferred from the first block: let it be the whole file
        with pa.input_stream(str(path)) as stream:
            content = stream.read_buffer()
        whole = csv.ReadOptions(block_size=min(len(content) + 1, (1 << 31) - 1))
        return csv.read_csv(pa.BufferReader(content), read_options=whole, parse_options=options)


def _read_tsv(path: Path) -> Any:
    return _read_csv(path, "\t")


def _read_json(path: Path) -> Any:
    import json as plain_json

    import pyarrow as pa
    from pyarrow import json

    with pa.input_stream(str(path)) as stream:
        content = stream.read_buffer()
    _refuse_depth(content)
    if bytes(memoryview(content)[:64]).lstrip()[:1] == b"[":  # one array of records, not a record a line
        records = plain_json.loads(content.to_pybytes())
        if not all(type(record) is dict for record in records):
            raise ValueError("it is a JSON array of something else than records")
        return pa.Table.from_pylist(records)
    options = json.ReadOptions(block_size=min(max(len(content) + 1, 1 << 20), (1 << 31) - 1))
    return json.read_json(pa.BufferReader(content), read_options=options)


def _refuse_depth(content: Any) -> None:
    """Refuse JSON nested deeper than real data is: the parser would overflow its stack and take the process down."""
    import numpy as np

    text = np.frombuffer(content, np.uint8)
    is_inside, depth, start = False, 0, 0
    while start < len(text):
        end = min(start + _JSON_BLOCK_BYTES, len(text))
        while end < len(text) and text[end - 1] == _BACKSLASH:  # what it escapes belongs to the same block
            end += 1
        block = text[start:end]
        is_quote = block == ord('"')
        is_quote[_escaped(block)] = False
        is_text = np.bitwise_xor.accumulate(is_quote) ^ is_inside
        shape = block | 0x20  # "[" and "{" differ in this bit, and so do "]" and "}"
        places = np.flatnonzero((shape == ord("{")) | (shape == ord("}")))
        brackets = shape[places[~is_text[places]]]
        depths = depth + np.cumsum(np.where(brackets == ord("{"), 1, -1))
        if len(depths) and depths.max() > _DEEPEST_JSON:
            raise ValueError(f"it is nested deeper than {_DEEPEST_JSON} levels")
        is_inside, depth = bool(is_text[-1]), int(depths[-1]) if len(depths) else depth
        start = end


def _escaped(block: Any) -> Any:
    """Return the places after an odd number of backslashes in a row."""
    import numpy as np

    slashes = np.flatnonzero(block == _BACKSLASH)
    first = slashes[np.diff(slashes, prepend=-2) != 1]
    last = slashes[np.diff(slashes, append=len(block) + 1) != 1]
    after = last[(last - first) % 2 == 0] + 1
    return after[after < len(block)]


def _read_parquet(path: Path, columns: tuple[str, ...] = ()) -> Any:
    from pyarrow import parquet

    with parquet.ParquetFile(path) as file:
        names = _chosen(file, columns)
        return file.read() if names is None else file.read(columns=names).select(names)


def _read_arrow(path: Path) -> Any:
    import pyarrow as pa

    with pa.OSFile(str(path)) as source:
        content = source.read_buffer()
    if bytes(memoryview(content)[:4]) == b"FEA1":  # its reader trusts every offset in it, and is about to go
        raise ValueError("it is Feather of version 1, from before 2020; write it anew as version 2")
    is_file = bytes(memoryview(content)[:6]) == b"ARROW1"
    table = (pa.ipc.open_file if is_file else pa.ipc.open_stream)(content).read_all()
    table.validate(full=True)  # offsets that lead out of it are noticed by nothing else
    return table


_READERS: dict[str, tuple[str, Callable[[Path], Any]]] = {
    ".csv": ("csv", _read_csv),
    ".tsv": ("tsv", _read_tsv),
    ".parquet": ("parquet", _read_parquet),
    ".json": ("json", _read_json),
    ".jsonl": ("jsonl", _read_json),
    ".ndjson": ("ndjson", _read_json),
    ".arrow": ("arrow", _read_arrow),
    ".feather": ("feather", _read_arrow),
    ".ipc": ("ipc", _read_arrow),
}

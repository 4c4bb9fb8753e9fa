"""Parse a file into an Arrow table, by its extension.

What a reader takes for null is pyarrow's: in numeric and temporal CSV columns an empty
field or "NA"; text stays text.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from assetctl.assets.errors import DeclarationError, Problem

_COMPRESSIONS = (".gz", ".zst", ".bz2", ".lz4")


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


def parse_table(path: Path) -> Any:
    """Return the `pyarrow.Table` a file holds.

    Raises:
        DeclarationError: the extension is not known, or the file is not what it says.
    """
    import pyarrow as pa

    found = table_format(path)
    reader = next((read for name, read in _READERS.values() if name == found), None)
    if reader is None:
        raise _not_a_table(path, "its extension is not one of " + ", ".join(_READERS))
    try:
        return reader(path)
    except (pa.ArrowException, ValueError) as cause:
        raise _not_a_table(path, str(cause).splitlines()[0] if str(cause) else type(cause).__name__) from cause


def _not_a_table(path: Path, reason: str) -> DeclarationError:
    return DeclarationError(
        Problem(
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
    if bytes(memoryview(content)[:64]).lstrip()[:1] == b"[":  # one array of records, not a record a line
        return pa.Table.from_pylist(plain_json.loads(content.to_pybytes()))
    options = json.ReadOptions(block_size=min(max(len(content) + 1, 1 << 20), (1 << 31) - 1))
    return json.read_json(pa.BufferReader(content), read_options=options)


def _read_parquet(path: Path) -> Any:
    from pyarrow import parquet

    with parquet.ParquetFile(path) as file:
        return file.read()


def _read_arrow(path: Path) -> Any:
    import pyarrow as pa

    with pa.OSFile(str(path)) as source:
        content = source.read_buffer()
    if bytes(memoryview(content)[:6]) == b"ARROW1":
        return pa.ipc.open_file(content).read_all()
    if bytes(memoryview(content)[:4]) == b"FEA1":
        from pyarrow import feather

        return feather.read_table(str(path))
    return pa.ipc.open_stream(content).read_all()


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

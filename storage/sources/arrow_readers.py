"""Read files as `pyarrow.Table`, as pyarrow's own readers do, with their options by name.

What is more than theirs: a line break inside of quotes and a type that shows late in a CSV
file are read in files of any size, a JSON file may be one array of records, and an Arrow
file is validated.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from assetctl.storage.sources.formats import content_of
from assetctl.storage.sources.json_depth import refuse_depth

Options = Mapping[str, Any]
_STREAM_ROWS = 1 << 17
_CSV_READ = ("autogenerate_column_names", "block_size", "column_names", "encoding", "skip_rows",
             "skip_rows_after_names", "use_threads")  # fmt: skip
_CSV_PARSE = ("delimiter", "double_quote", "escape_char", "ignore_empty_lines", "newlines_in_values", "quote_char")
_CSV_CONVERT = (
    "auto_dict_encode", "auto_dict_max_cardinality", "check_utf8", "column_types", "decimal_point",
    "default_column_type", "false_values", "include_columns", "include_missing_columns", "null_values",
    "quoted_strings_can_be_null", "strings_can_be_null", "timestamp_parsers", "true_values",
)  # fmt: skip
_JSON_PARSE = ("explicit_schema", "newlines_in_values", "unexpected_field_behavior")
_JSON_READ = ("block_size", "use_threads")
_IPC = ("columns",)


def known_options(format_name: str) -> tuple[str, ...]:
    """Return the options that Arrow's reader of a format has."""
    match format_name:
        case "csv" | "tsv":
            return (*_CSV_READ, *_CSV_PARSE, *_CSV_CONVERT)
        case "json" | "jsonl" | "ndjson":
            return (*_JSON_PARSE, *_JSON_READ)
        case "parquet":
            import inspect

            from pyarrow import parquet

            return tuple(inspect.signature(parquet.read_table).parameters)[1:]
        case _:
            return _IPC


def read_arrow(path: Path, format_name: str, columns: tuple[str, ...], options: Options) -> Any:
    """Return the table of a file; of a Parquet file just these columns, if it has them all."""
    if format_name == "parquet":
        return _read_parquet(path, columns, options)
    return _READERS[format_name](path, options)


def stream_parquet(path: Path, columns: tuple[str, ...], explained: Callable[[], Any]) -> Any:
    """Return a `RecordBatchReader` that reads a Parquet file a batch at a time; errors pass through `explained()`."""
    import pyarrow as pa
    from pyarrow import parquet

    with explained():
        file = parquet.ParquetFile(path, pre_buffer=False)  # it would hold all of the file
        names = _chosen(file, columns)
        schema = file.schema_arrow if names is None else pa.schema([file.schema_arrow.field(name) for name in names])

    def batches() -> Iterator[Any]:
        with explained(), file:
            for batch in file.iter_batches(_STREAM_ROWS, columns=names):
                yield batch if names is None else batch.select(names)

    return pa.RecordBatchReader.from_batches(schema, batches())


def _chosen(file: Any, columns: tuple[str, ...]) -> list[str] | None:
    """Return the columns to read of a Parquet file: None, all of them, unless it has each that is asked for."""
    return list(columns) if columns and set(columns) <= set(file.schema_arrow.names) else None


def _read_csv(path: Path, options: Options) -> Any:
    import pyarrow as pa
    from pyarrow import csv

    reading, converting = _some(options, _CSV_READ), csv.ConvertOptions(**_some(options, _CSV_CONVERT))
    parsing = csv.ParseOptions(**{"newlines_in_values": True, **_some(options, _CSV_PARSE)})
    try:
        return csv.read_csv(path, csv.ReadOptions(**reading), parsing, converting)
    except pa.ArrowInvalid:  # types are inferred from the first block: let it be the whole file
        content = content_of(path)
        whole = csv.ReadOptions(**{"block_size": min(len(content) + 1, (1 << 31) - 1), **reading})
        return csv.read_csv(pa.BufferReader(content), whole, parsing, converting)


def _read_tsv(path: Path, options: Options) -> Any:
    return _read_csv(path, {"delimiter": "\t", **options})


def _read_json(path: Path, options: Options) -> Any:
    import json as plain_json

    import pyarrow as pa
    from pyarrow import json

    content = content_of(path)
    refuse_depth(content)
    if bytes(memoryview(content)[:64]).lstrip()[:1] == b"[":  # one array of records, not a record a line
        records = plain_json.loads(content.to_pybytes())
        if not all(type(record) is dict for record in records):
            raise ValueError("it is a JSON array of something else than records")
        return pa.Table.from_pylist(records, options.get("explicit_schema"))
    size = min(max(len(content) + 1, 1 << 20), (1 << 31) - 1)
    reading = json.ReadOptions(**{"block_size": size, **_some(options, _JSON_READ)})
    return json.read_json(pa.BufferReader(content), reading, json.ParseOptions(**_some(options, _JSON_PARSE)))


def _read_parquet(path: Path, columns: tuple[str, ...], options: Options) -> Any:
    from pyarrow import parquet

    if options or path.is_dir():
        return parquet.read_table(path, **options)
    with parquet.ParquetFile(path) as file:
        names = _chosen(file, columns)
        return file.read() if names is None else file.read(columns=names).select(names)


def read_ipc(path: Path, options: Options) -> Any:
    """Return the validated table of an Arrow or Feather file, or of a file with an Arrow stream."""
    import pyarrow as pa

    with pa.OSFile(str(path)) as source:
        content = source.read_buffer()
    if bytes(memoryview(content)[:4]) == b"FEA1":  # its reader trusts every offset in it, and is about to go
        raise ValueError("it is Feather of version 1, from before 2020; write it anew as version 2")
    table = (pa.ipc.open_file if is_ipc_file(content) else pa.ipc.open_stream)(content).read_all()
    table.validate(full=True)  # offsets that lead out of it are noticed by nothing else
    return table.select(list(options["columns"])) if options.get("columns") is not None else table


def is_ipc_file(content: Any) -> bool:
    """Say whether bytes begin an Arrow file, which is not the same as a stream."""
    return bytes(memoryview(content)[:6]) == b"ARROW1"


def _some(options: Options, names: tuple[str, ...]) -> dict[str, Any]:
    return {name: options[name] for name in names if name in options}


_READERS: dict[str, Callable[[Path, Options], Any]] = {
    "csv": _read_csv,
    "tsv": _read_tsv,
    "json": _read_json,
    "jsonl": _read_json,
    "ndjson": _read_json,
    "arrow": read_ipc,
    "feather": read_ipc,
    "ipc": read_ipc,
}

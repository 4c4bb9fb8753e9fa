"""Write rows a batch at a time, of a query or of a stored table: JSON, lines of JSON, CSV, TSV, Parquet, Arrow, HTML.

However many rows there are, no more than a batch of them is held. What a format cannot
say (a list in CSV, an interval in Parquet) is written as text.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from html import escape
from itertools import chain
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol

from assetctl.engine.answers.plain_json import plain

if TYPE_CHECKING:
    import pyarrow as pa

FORMATS = ("table", "json", "csv", "parquet", "arrow")
BINARY = frozenset(["parquet", "arrow"])
SUFFIXES = {
    ".json": "json",
    ".csv": "csv",
    ".parquet": "parquet",
    ".arrow": "arrow",
    ".feather": "arrow",
    ".ipc": "arrow",
}


class Rows(Protocol):
    """Rows that come a batch at a time."""

    @property
    def schema(self) -> pa.Schema: ...

    @property
    def batches(self) -> Iterable[pa.RecordBatch]: ...


def write_rows(answer: Rows, form: str, sink: BinaryIO, *, is_file: bool) -> None:
    """Write all rows to a binary stream; an Arrow *file* if they go to one, else an Arrow stream."""
    match form:
        case "json":
            sink.writelines(text.encode("ascii") for text in _json(answer))
        case "json lines":
            sink.writelines(text.encode() for text in _lines(answer))
        case "html":
            sink.writelines(text.encode() for text in _html(answer))
        case "csv":
            _write_csv(answer, sink, ",")
        case "tsv":
            _write_csv(answer, sink, "\t")
        case "parquet":
            _write_parquet(answer, sink)
        case _:
            import pyarrow as pa

            begin = pa.ipc.new_file if is_file else pa.ipc.new_stream
            with begin(sink, _named_once(answer.schema)) as writer:
                for batch in answer.batches:
                    writer.write_batch(pa.RecordBatch.from_arrays(batch.columns, schema=_named_once(answer.schema)))


def first_rows(answer: Rows, limit: int) -> tuple[pa.Table, int]:
    """Return the first rows as a table, and how many there are in all."""
    import pyarrow as pa

    kept: list[pa.RecordBatch] = []
    n_rows = 0
    for batch in answer.batches:
        if n_rows < limit:
            kept.append(batch.slice(0, limit - n_rows))
        n_rows += batch.num_rows
    return pa.Table.from_batches(kept, answer.schema), n_rows


def _json(answer: Rows) -> Iterator[str]:
    """Yield a list of rows as `json.dumps(..., indent=2)` would write it, in a tenth of the time."""
    names = [json.dumps(name) for name in _named_once(answer.schema).names]
    is_first = True
    for batch in answer.batches:
        columns = [[_json_value(value) for value in column.to_pylist()] for column in batch.columns]
        for row in zip(*columns, strict=True):
            fields = ",\n    ".join([f"{name}: {text}" for name, text in zip(names, row, strict=True)])
            yield f"{'[' if is_first else ','}\n  {{\n    {fields}\n  }}"
            is_first = False
    yield "[]\n" if is_first else "\n]\n"


def _json_value(value: object) -> str:
    if value is None or isinstance(value, str | int):
        return json.dumps(value)
    return json.dumps(plain(value), indent=2, allow_nan=False).replace("\n", "\n    ")


def _lines(answer: Rows) -> Iterator[str]:
    names = [json.dumps(name) for name in _named_once(answer.schema).names]
    for batch in answer.batches:
        columns = [[json.dumps(plain(value)) for value in column.to_pylist()] for column in batch.columns]
        for row in zip(*columns, strict=True):
            yield "{" + ", ".join([f"{name}: {text}" for name, text in zip(names, row, strict=True)]) + "}\n"


def _html(answer: Rows) -> Iterator[str]:
    """Yield a page with one table."""
    yield '<!DOCTYPE html>\n<html><head><meta charset="utf-8"></head><body>\n<table border="1">\n<thead><tr>'
    yield "".join(f"<th>{escape(name)}</th>" for name in answer.schema.names)
    yield "</tr></thead>\n<tbody>\n"
    for batch in answer.batches:
        columns = [_texts(column).to_pylist() for column in batch.columns]
        for row in zip(*columns, strict=True):
            cells = [f"<td>{escape(text or '')}</td>" for text in row]
            yield f"<tr>{''.join(cells)}</tr>\n"
    yield "</tbody>\n</table>\n</body></html>\n"


def _write_csv(answer: Rows, sink: BinaryIO, delimiter: str) -> None:
    from pyarrow import csv

    batches, schema = _as_text(answer, _is_for_csv)
    with csv.CSVWriter(sink, schema, write_options=csv.WriteOptions(delimiter=delimiter)) as writer:
        for batch in batches:
            writer.write_batch(batch)


def _write_parquet(answer: Rows, sink: BinaryIO) -> None:
    from pyarrow import parquet

    batches, schema = _as_text(answer, _is_for_parquet)
    with parquet.ParquetWriter(sink, schema, compression="zstd") as writer:
        for batch in batches:
            writer.write_batch(batch)


def _as_text(answer: Rows, is_kept: Any) -> tuple[Iterator[pa.RecordBatch], pa.Schema]:
    """Return the batches with every column of another type as text, and their schema."""
    import pyarrow as pa

    schema = _named_once(answer.schema)
    kept = [is_kept(field.type) for field in schema]
    fields = [field if keep else pa.field(field.name, pa.string()) for field, keep in zip(schema, kept, strict=True)]
    written = pa.schema(fields)

    def columns(batch: pa.RecordBatch) -> list[Any]:
        return [column if keep else _texts(column) for column, keep in zip(batch.columns, kept, strict=True)]

    return (pa.RecordBatch.from_arrays(columns(batch), schema=written) for batch in answer.batches), written


def _texts(column: Any) -> Any:
    import pyarrow as pa

    def text(value: object) -> str | None:
        if value is None or isinstance(value, str):
            return value
        return json.dumps(plain(value)) if isinstance(value, dict | list) else str(plain(value))

    return pa.array([text(value) for value in column.to_pylist()], pa.string())


def _is_for_csv(kind: Any) -> bool:
    from pyarrow import types

    is_plain = types.is_integer(kind) or types.is_floating(kind) or types.is_boolean(kind) or types.is_decimal(kind)
    return is_plain or types.is_string(kind) or (types.is_temporal(kind) and not types.is_interval(kind))


def _is_for_parquet(kind: Any) -> bool:
    from pyarrow import types

    return not (types.is_interval(kind) or types.is_union(kind) or types.is_null(kind) or _is_empty_struct(kind))


def _is_empty_struct(kind: Any) -> bool:
    from pyarrow import types

    return bool(types.is_struct(kind) and kind.num_fields == 0)


def _named_once(schema: pa.Schema) -> pa.Schema:
    """Return the schema with names that occur again numbered (`n`, `n_1`): formats know columns by name."""
    import pyarrow as pa

    taken: set[str] = set()
    fields = []
    for field in schema:
        names = chain([field.name], (f"{field.name}_{n}" for n in range(1, len(schema) + 1)))
        name = next(name for name in names if name not in taken)
        taken.add(name)
        fields.append(field.with_name(name))
    return pa.schema(fields)

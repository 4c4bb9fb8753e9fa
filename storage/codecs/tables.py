"""Codecs for tables: Parquet first, Arrow IPC for types that Parquet does not keep, CSV on request.

Parquet is written with zstd and content-defined chunks, so that appending rows leaves
most bytes of the file as they were, and read by column.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, BinaryIO

from assetctl.storage.codecs.arrow_types import (
    dictionaries_restored,
    refuse_for_ipc,
    refuse_for_parquet,
    settled,
    settled_schema,
    without_views,
)
from assetctl.storage.codecs.base import Encoded, NotEncodable
from assetctl.storage.codecs.containers import from_arrow, kind_of_table, project, to_arrow

_PARQUET_OPTIONS: dict[str, Any] = {"compression": "zstd", "use_content_defined_chunking": True}
_STREAM_ROWS = 1 << 17
_GROUP_ROWS, _GROUP_BYTES = 1 << 20, 1 << 26  # a row group of a stream ends with the first that is reached


class ParquetCodec:
    """Tables of any container as Parquet."""

    name = "parquet/1"
    extension = ".parquet"
    may_inline = False  # tables stay files that other tools open

    def takes(self, value: object) -> bool:
        return kind_of_table(value) is not None

    def encode(self, value: Any, sink: BinaryIO) -> None:
        import pyarrow as pa
        from pyarrow import parquet

        try:
            table = without_views(to_arrow(value))
            refuse_for_parquet(table.schema)
            parquet.write_table(table, sink, **_PARQUET_OPTIONS)
        except (pa.ArrowException, ValueError, TypeError) as cause:
            raise NotEncodable(f"Parquet does not take it: {cause}") from cause

    def decode(self, stored: Encoded, kind: str, columns: tuple[str, ...]) -> Any:
        from pyarrow import parquet

        with parquet.ParquetFile(stored.arrow_source()) as file:
            table = file.read(columns=list(columns) or None, use_pandas_metadata=kind.startswith("pandas."))
            if kind.startswith("arrow."):
                table = dictionaries_restored(table, file.metadata.metadata)
        if not columns:
            return from_arrow(table, kind)
        if kind.startswith("pandas."):
            return project(from_arrow(table, kind), columns)
        return from_arrow(table.select(list(columns)).replace_schema_metadata(None), kind)

    def is_lossless(self, value: Any) -> bool:
        if kind_of_table(value) not in ("arrow.Table", "arrow.RecordBatch") or not value.num_columns:
            return False
        from assetctl.lineage.identity.values.metadata import field_digest, schema_digest

        if schema_digest(value.schema) or any(map(field_digest, value.schema)):
            return False
        return all(map(_is_plain, value.schema.types))

    def write_stream(self, reader: Any, hasher: Any, sink: BinaryIO) -> None:
        """Write a `RecordBatchReader` to its end, feeding every batch to `hasher` too; holds a row group at a time."""
        import pyarrow as pa
        from pyarrow import parquet

        refuse_for_parquet(reader.schema)
        with parquet.ParquetWriter(sink, reader.schema, **_PARQUET_OPTIONS) as writer:
            waiting: list[Any] = []
            for batch in reader:
                hasher.feed(batch)
                waiting.append(batch)
                if sum(b.num_rows for b in waiting) >= _GROUP_ROWS or sum(b.nbytes for b in waiting) >= _GROUP_BYTES:
                    writer.write_table(pa.Table.from_batches(waiting))
                    waiting = []
            if waiting:
                writer.write_table(pa.Table.from_batches(waiting))

    def read_stream(self, stored: Encoded, columns: tuple[str, ...]) -> Any:
        """Return a `RecordBatchReader` over the rows; holds a batch at a time."""
        import pyarrow as pa
        from pyarrow import parquet

        file = parquet.ParquetFile(stored.arrow_source(), pre_buffer=False)  # it would hold all of the file
        schema = file.schema_arrow
        if columns:
            schema = pa.schema([schema.field(name) for name in columns])
        schema = settled_schema(schema)

        def batches() -> Iterator[Any]:
            for batch in file.iter_batches(_STREAM_ROWS, columns=list(columns) or None):
                chosen = batch.select(schema.names) if columns else batch
                yield from (
                    settled(pa.Table.from_batches([chosen])).replace_schema_metadata(schema.metadata).to_batches()
                )

        return pa.RecordBatchReader.from_batches(schema, batches())


def _is_plain(kind: Any) -> bool:
    """Say whether tests prove that Parquet gives a type back: numbers, strings, dates and times."""
    from pyarrow import types

    tests = (
        types.is_integer,
        types.is_boolean,
        types.is_string,
        types.is_large_string,
        types.is_date32,
        types.is_binary,
    )
    is_float = types.is_float32(kind) or types.is_float64(kind)
    return is_float or (types.is_timestamp(kind) and kind.unit != "s") or any(test(kind) for test in tests)


class IpcCodec:
    """Tables and arrays as an Arrow IPC file."""

    name = "arrow-ipc/1"
    extension = ".arrow"
    may_inline = False

    def takes(self, value: object) -> bool:
        return kind_of_table(value) is not None or _is_array(value)

    def encode(self, value: Any, sink: BinaryIO) -> None:
        import pyarrow as pa

        table = pa.table({"": value}) if _is_array(value) else to_arrow(value)
        refuse_for_ipc(table.schema)
        options = pa.ipc.IpcWriteOptions(compression="zstd", unify_dictionaries=True)
        try:
            with pa.ipc.new_file(sink, table.schema, options=options) as writer:
                writer.write_table(table)
        except (pa.ArrowException, ValueError, TypeError) as cause:
            raise NotEncodable(f"Arrow IPC does not take it: {cause}") from cause

    def decode(self, stored: Encoded, kind: str, columns: tuple[str, ...]) -> Any:
        import pyarrow as pa

        with pa.ipc.open_file(stored.arrow_source()) as reader:
            table = reader.read_all()
        if kind == "arrow.Array":
            return table.column(0).combine_chunks()
        if kind == "arrow.ChunkedArray":
            return table.column(0)
        return project(from_arrow(table, kind), columns)

    def is_lossless(self, value: Any) -> bool:
        return False


def _is_array(value: object) -> bool:
    import sys

    pa = sys.modules.get("pyarrow")
    return pa is not None and isinstance(value, pa.Array | pa.ChunkedArray)


class CsvCodec:
    """Tables as CSV, where reading it again infers the same types."""

    name = "csv/1"
    extension = ".csv"
    may_inline = False

    def takes(self, value: object) -> bool:
        return kind_of_table(value) is not None

    def encode(self, value: Any, sink: BinaryIO) -> None:
        import pyarrow as pa
        from pyarrow import csv

        try:
            csv.write_csv(to_arrow(value), sink)
        except (pa.ArrowException, ValueError) as cause:
            raise NotEncodable(f"CSV does not take it: {cause}") from cause

    def decode(self, stored: Encoded, kind: str, columns: tuple[str, ...]) -> Any:
        from pyarrow import csv

        options = csv.ParseOptions(newlines_in_values=True)
        return project(from_arrow(csv.read_csv(stored.arrow_source(), parse_options=options), kind), columns)

    def is_lossless(self, value: Any) -> bool:
        return False

"""Identity of tables: a digest for each column, and one of container kind, row count and columns.

A column is hashed in fixed granules of 2^20 rows, each fed in blocks of 2^17, however
the table is chunked. Granules are independent, so they hash in parallel, and equal
rows in two versions of a table give equal granules.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import pyarrow as pa

from assetctl.lineage.facts.records import ColumnDigest, DataVersion, Digest, ValueIdentity
from assetctl.lineage.identity.encode import Framed
from assetctl.lineage.identity.values.arrow_blocks import logical_type, write_block
from assetctl.lineage.identity.values.arrow_plain import type_text
from assetctl.lineage.identity.values.metadata import field_digest, metadata_digest, schema_digest
from assetctl.lineage.identity.values.rows import unordered_digest
from assetctl.lineage.identity.values.threads import hashing_threads
from assetctl.lineage.identity.values.walk import FORMAT, Encoder, Walk

GRANULE_ROWS = 1 << 20
BLOCK_ROWS = 1 << 17
_THREADS_FROM_BYTES = 1 << 20

ARROW_TABLE = "arrow.Table"


def column_digests(columns: Sequence[pa.ChunkedArray]) -> list[Digest]:
    """Return the digest of each column's values and logical type."""
    parts = [
        (index, start)
        for index, column in enumerate(columns)
        for start in range(0, len(column), GRANULE_ROWS)
    ]  # fmt: skip

    def hash_part(part: tuple[int, int]) -> bytes:
        return _granule(columns[part[0]].slice(part[1], GRANULE_ROWS))

    large = sum(column.get_total_buffer_size() for column in columns) >= _THREADS_FROM_BYTES
    digests = list((hashing_threads().map if large else map)(hash_part, parts))
    granules: list[list[bytes]] = [[] for _ in columns]
    for (index, _), digest in zip(parts, digests, strict=True):
        granules[index].append(digest)
    return [_column(column.type, parts) for column, parts in zip(columns, granules, strict=True)]


def _granule(column: pa.ChunkedArray) -> bytes:
    out = Framed(FORMAT).tag("granule")
    for start in range(0, len(column), BLOCK_ROWS):
        write_block(out, column.slice(start, BLOCK_ROWS).chunks)
    return out.raw_digest()


def _column(kind: pa.DataType, granules: Sequence[bytes]) -> Digest:
    out = Framed(FORMAT).tag("column").text(logical_type(kind))
    return out.length(len(granules)).raw(b"".join(granules)).hexdigest()


def table_version(
    kind: str, n_rows: int, columns: Iterable[ColumnDigest], labels: Digest | None = None
) -> ValueIdentity:
    """Put columns together into a table's identity; `labels` says what their names do not."""
    columns = tuple(columns)
    out = Framed(FORMAT).tag("table").text(kind).integer(n_rows).length(len(columns))
    for column in columns:
        out.text(column.name).child(column.digest)
    if labels is not None:
        out.tag("labels").child(labels)
    return ValueIdentity(DataVersion(out.hexdigest()), kind, n_rows, columns)


def unordered_version(
    kind: str, columns: Sequence[tuple[str, pa.ChunkedArray]], n_rows: int, frames: Digest | None = None
) -> ValueIdentity:
    """Identify a table whose rows are a multiset; its columns' digests each depend on the whole."""
    out = Framed(FORMAT).tag("rows").text(kind).integer(n_rows).length(len(columns))
    for name, column in columns:
        out.text(name).text(logical_type(column.type))
    if frames is not None:
        out.child(frames)
    version = out.child(unordered_digest([column for _, column in columns], n_rows)).hexdigest()
    whole = tuple(
        ColumnDigest(name, logical_type(c.type), Framed(FORMAT).tag("of").child(version).text(name).hexdigest())
        for name, c in columns
    )
    return ValueIdentity(DataVersion(version), kind, n_rows, whole, unordered=True)


def framed(frame: Digest | None, cells: Digest) -> Digest:
    """Return a column's digest from that of its cells, and of what there is beside them."""
    return cells if frame is None else Framed(FORMAT).tag("framed").child(frame).child(cells).hexdigest()


def identify_table(table: pa.Table | pa.RecordBatch, unordered: bool = False) -> ValueIdentity:
    """Identify an Arrow table; a record batch is a table of one chunk, of its own kind."""
    kind = ARROW_TABLE
    if isinstance(table, pa.RecordBatch):
        kind, table = "arrow.RecordBatch", pa.Table.from_batches([table])
    frames, labels = [field_digest(field) for field in table.schema], schema_digest(table.schema)
    if unordered:
        beside = digest_of_frames(frames, labels) if labels or any(frames) else None
        named = list(zip(table.column_names, table.columns, strict=True))
        return unordered_version(kind, named, table.num_rows, beside)
    digests = column_digests(table.columns)
    described = (
        ColumnDigest(field.name, logical_type(field.type), framed(frame, digest))
        for field, frame, digest in zip(table.schema, frames, digests, strict=True)
    )
    return table_version(kind, table.num_rows, described, labels)


def digest_of_frames(frames: Iterable[Digest | None], labels: Digest | None) -> Digest:
    """Return the digest of what there is beside the cells of a table whose rows are a multiset."""
    out = Framed(FORMAT).tag("frames")
    for frame in frames:
        out.none() if frame is None else out.child(frame)
    if labels is not None:
        out.tag("labels").child(labels)
    return out.hexdigest()


def identify_array(array: pa.Array | pa.ChunkedArray, unordered: bool = False) -> ValueIdentity:
    """Identify a single Arrow array; one in chunks is of a kind of its own."""
    is_chunked = isinstance(array, pa.ChunkedArray)
    kind, chunked = ("arrow.ChunkedArray", array) if is_chunked else ("arrow.Array", pa.chunked_array([array]))
    if unordered:
        return unordered_version(kind, [("", chunked)], len(chunked))
    column = ColumnDigest("", logical_type(chunked.type), column_digests([chunked])[0])
    return table_version(kind, len(chunked), [column])


class TableHasher:
    """Identify a table from a stream of record batches, holding at most a block of rows.

    Gives what `identify_table` gives for the whole without its metadata, however the stream is cut.
    """

    def __init__(self, schema: pa.Schema, kind: str = ARROW_TABLE) -> None:
        self._schema = schema
        self._kind = kind
        self._waiting: list[pa.RecordBatch] = []
        self._n_waiting = 0
        self._n_rows = 0
        self._open = [Framed(FORMAT).tag("granule") for _ in schema]
        self._granules: list[list[bytes]] = [[] for _ in schema]

    def feed(self, batch: pa.RecordBatch) -> None:
        """Take the next rows."""
        start = 0
        while start < batch.num_rows:
            part = batch.slice(start, BLOCK_ROWS - self._n_waiting)
            self._waiting.append(part)
            self._n_waiting += part.num_rows
            start += part.num_rows
            if self._n_waiting == BLOCK_ROWS:
                self._flush()

    def finish(self) -> ValueIdentity:
        """Return the identity of everything fed."""
        if self._n_waiting:
            self._flush()
        if self._n_rows % GRANULE_ROWS:
            self._close_granules()
        described = (
            ColumnDigest(field.name, logical_type(field.type), _column(field.type, granules))
            for field, granules in zip(self._schema, self._granules, strict=True)
        )
        return table_version(self._kind, self._n_rows, described)

    def _flush(self) -> None:
        def hash_column(index: int) -> None:
            write_block(self._open[index], [batch.column(index) for batch in self._waiting])

        list(hashing_threads().map(hash_column, range(len(self._open))))
        self._n_rows += self._n_waiting
        self._waiting, self._n_waiting = [], 0
        if self._n_rows % GRANULE_ROWS == 0:
            self._close_granules()

    def _close_granules(self) -> None:
        for granules, out in zip(self._granules, self._open, strict=True):
            granules.append(out.raw_digest())
        self._open = [Framed(FORMAT).tag("granule") for _ in self._schema]


def _write_type(walk: Walk, out: Framed, kind: pa.DataType) -> None:
    out.tag("arrow.DataType").text(logical_type(kind)).text(type_text(kind))
    _write_metadata(out, metadata_digest(pa.field("", kind)))


def _write_field(walk: Walk, out: Framed, field: pa.Field) -> None:
    out.tag("arrow.Field").text(field.name).boolean(field.nullable)
    out.tag("arrow.DataType").text(logical_type(field.type)).text(type_text(field.type))
    _write_metadata(out, metadata_digest(field))


def _write_schema(walk: Walk, out: Framed, schema: pa.Schema) -> None:
    out.tag("arrow.Schema").length(len(schema))
    for field in schema:
        _write_field(walk, out, field)
    _write_metadata(out, schema_digest(schema))


def _write_metadata(out: Framed, digest: Digest | None) -> None:
    if digest is not None:  # without any, the digest is the one it was before metadata counted
        out.tag("metadata").child(digest)


def _write_scalar(walk: Walk, out: Framed, scalar: pa.Scalar) -> None:
    out.tag("arrow.Scalar").text(logical_type(scalar.type))
    write_block(out, [pa.array([scalar], scalar.type)])


def table_encoder(identify: Any) -> Encoder:
    """Return the encoder of a table-like class, given what identifies it."""

    def write(walk: Walk, out: Framed, value: Any) -> Iterator[Any] | None:
        out.tag("table").child(identify(value).version)
        return None

    return Encoder(write, identify=identify)


def encoders() -> dict[type, Encoder]:
    """Return how Arrow's classes are written."""
    by_class: dict[type, Encoder] = {
        pa.Table: table_encoder(identify_table),
        pa.RecordBatch: table_encoder(identify_table),
        pa.ChunkedArray: table_encoder(identify_array),
        pa.Array: Encoder(table_encoder(identify_array).write, whole=True, identify=identify_array),
        pa.Schema: Encoder(_write_schema),
        pa.Field: Encoder(_write_field),
        pa.DataType: Encoder(_write_type, whole=True),
        pa.Scalar: Encoder(_write_scalar, whole=True),
    }
    return by_class

"""Store a stream of tables as one table, with one part in memory at a time.

A stream is a `RecordBatchReader`, a generator or another iterator of Python's own that yields tables, or an object that
gives its rows by Arrow's own protocol (a DuckDB relation). What is kept is the Arrow
table that its parts make: a stream can be read only once, a table by everyone.
"""

from __future__ import annotations

import itertools
from collections.abc import Generator, Iterable, Iterator
from typing import Any

from assetctl.assets.errors import AssetFailed, Problem
from assetctl.lineage.facts.ports import Stored
from assetctl.lineage.identity.values.walk import mro, type_name
from assetctl.storage.blobs.blobs import Blobs
from assetctl.storage.codecs.arrow_types import settled_reader
from assetctl.storage.codecs.base import NotEncodable
from assetctl.storage.codecs.containers import has_default_index, kind_of_table, plain_arrow
from assetctl.storage.codecs.registry import PARQUET
from assetctl.storage.values.sink import Sink

_READER = "pyarrow.lib.RecordBatchReader"
_CHUNKS = "pandas.io.parsers.readers.TextFileReader"  # `pd.read_csv(..., chunksize=n)`
_ROWS = frozenset(("duckdb", "_duckdb", "datafusion", "adbc_driver_manager", "ibis", "nanoarrow", "arro3", "pyspark"))
"""Libraries whose objects that speak Arrow's protocol are rows of columns and nothing else."""


def as_stream(value: object) -> Any:
    """Return a `RecordBatchReader` over a stream of tables, or None for any other value.

    Raises:
        AssetFailed: it is a generator of something else, or of nothing.
    """
    name = type_name(type(value))
    if name == _READER:
        return value
    if isinstance(value, Generator) or name == _CHUNKS or _is_plain_iterator(value):
        return _of_parts(value)  # type: ignore[arg-type]
    owner = next((cls for cls in mro(type(value)) if "__arrow_c_stream__" in vars(cls)), None)
    if owner is None or owner.__module__.partition(".")[0] not in _ROWS or isinstance(value, type):
        return None
    import pyarrow as pa

    return pa.RecordBatchReader.from_stream(value)


def _is_plain_iterator(value: object) -> bool:
    """Say whether a value is an iterator of Python's own (`map`, `zip`, `filter`, those of itertools): no data."""
    return isinstance(value, Iterator) and type(value).__module__ in {"builtins", "itertools"}


def _of_parts(parts: Iterable[object]) -> Any:
    import pyarrow as pa

    numbered = enumerate(parts)
    first = next(numbered, None)
    if first is None:
        raise _not_a_stream(parts, "it yielded nothing, so its columns are not known", "yield at least an empty table")
    schema = _part(parts, *first).schema

    def batches() -> Iterator[Any]:
        for place, part in itertools.chain([first], numbered):
            table = _part(parts, place, part)
            if not table.schema.equals(schema):
                reason = f"part {place} has other columns than the first: {_difference(schema, table.schema)}"
                raise _not_a_stream(parts, reason, "yield tables of one schema: `table.cast(schema)`")
            yield from table.to_batches()

    return pa.RecordBatchReader.from_batches(schema, batches())


def _part(parts: object, place: int, part: Any) -> Any:
    kind = kind_of_table(part)
    if kind is None or kind.endswith("Series"):
        reason = f"part {place} is a `{type_name(type(part))}`"
        raise _not_a_stream(parts, reason, "yield tables only, or return a list")
    if kind == "pandas.DataFrame" and not has_default_index(part):
        hint = "yield `frame.reset_index()`, or return one frame"
        raise _not_a_stream(parts, f"part {place} has an index, which a stream does not keep", hint)
    try:
        return plain_arrow(part, kind).replace_schema_metadata(None)
    except NotEncodable as refused:
        raise _not_a_stream(parts, f"part {place}: {refused}", "yield tables only, or return a list") from refused


def _difference(one: Any, other: Any) -> str:
    was, now = ({field.name: str(field.type) for field in schema} for schema in (one, other))
    names = [name for name in {**was, **now} if was.get(name) != now.get(name)]
    return ", ".join(f"`{n}` {was.get(n, 'absent')} and {now.get(n, 'absent')}" for n in names) or "in their order"


def _not_a_stream(parts: object, reason: str, hint: str) -> AssetFailed:
    return AssetFailed(
        Problem("value-not-storable", f"a `{type_name(type(parts))}` cannot be stored as a table: {reason}", hint=hint)
    )


def put_stream(blobs: Blobs, reader: Any) -> Stored:
    """Keep a reader's rows; they are read once, and what was written is read back to check it.

    Raises:
        AssetFailed: Parquet does not give these columns back.
        EnvironmentFault: the disk refused; nothing was stored.
    """
    from assetctl.lineage.identity.values.tables import TableHasher

    reader = settled_reader(reader)
    hasher = TableHasher(reader.schema)
    with Sink(blobs) as sink:
        try:
            PARQUET.write_stream(reader, hasher, sink.stream)
        except NotEncodable as refused:
            raise _cannot_be_kept(reader, str(refused)) from refused
        identity = hasher.finish()
        again = TableHasher(reader.schema)
        for batch in PARQUET.read_stream(sink.encoded(), ()):
            again.feed(batch)
        if again.finish().version != identity.version:
            raise _cannot_be_kept(reader, "Parquet does not give its columns back")
        return Stored(identity, PARQUET.name, sink.keep(), sink.size_bytes)


def _cannot_be_kept(reader: Any, reason: str) -> AssetFailed:
    return AssetFailed(
        Problem(
            "value-not-storable",
            f"a stream of tables cannot be stored: {reason}",
            (("columns", ", ".join(f"{field.name} {field.type}" for field in reader.schema)),),
            "cast the columns that Parquet does not have, or return a table",
        )
    )

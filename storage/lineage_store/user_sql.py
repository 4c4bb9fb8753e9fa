"""A person's SQL on an open connection: closing it off, which tables a query names, and its rows in batches.

There are two locks, each of them enough. The connection can neither write nor reach anything:
DuckDB's access to files is switched off but for those that the query reads, no setting can be
changed, nothing is loaded, the database is attached for reading only, and so is the transaction.
And only what `only_reading.py` has judged to read is executed. DuckDB says which tables a query
names, since a name in a string, an alias or a `WITH` is not a table.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import TYPE_CHECKING, Any

from assetctl.assets.errors import Problem, SelectionError
from assetctl.storage.lineage_store.folding import Connection, add_view, literal

if TYPE_CHECKING:
    import pyarrow as pa

_ROWS_AT_ONCE = 1 << 16
_KEPT_BYTES = 1 << 26  # of an answer in memory; the rest goes to a temporary file
_ONE_NAME = re.compile(r'("(?:[^"]|"")*"|[^".\s]+)(?: AS .*)?', re.DOTALL)
_LOOKS_AROUND = re.compile(r"\b(?:lineage|store|information_schema|show|duckdb_\w+|pg_\w+|sqlite_\w+)\b", re.IGNORECASE)
"""Words of a query that may want the lineage database or the list of tables; finding one too many costs a lock."""


TABLES_QUERY = """
SELECT asset AS "table", CASE WHEN is_source THEN 'source' ELSE 'asset' END AS what, n_rows AS "rows"
FROM lineage.assets WHERE is_source OR kind = 'file' OR asset IN (SELECT asset FROM lineage.columns)
UNION ALL
SELECT 'lineage.' || table_name, 'lineage', NULL FROM information_schema.tables WHERE table_schema = 'lineage'
ORDER BY what, 1"""
"""Lists what a query can name: table assets and sources, then the tables of lineage."""


class UnknownTable(SelectionError):
    """A query names a table that is not there; `name` is as the query has it."""

    def __init__(self, name: str) -> None:
        super().__init__(Problem("unknown-table", f"there is no table `{name}`"))
        self.name = name


@dataclass(frozen=True, slots=True)
class Answer:
    """The rows of a query: their schema, the batches as they come, and what has to be called at the end."""

    schema: pa.Schema
    batches: Iterator[pa.RecordBatch]
    close: Callable[[], object]

    def table(self) -> pa.Table:
        """Return all rows at once."""
        import pyarrow as pa

        return pa.Table.from_batches(self.batches, self.schema)


def tables_named(con: Connection, sql: str) -> tuple[str, ...]:
    """Return the tables that a query names without a schema, as far as DuckDB can say before it knows any.

    Raises:
        duckdb.Error: DuckDB cannot say.
    """
    tables: dict[str, str] = {}
    for text in sorted(con.get_table_names(sql, qualified=True)):
        one = _ONE_NAME.fullmatch(text)
        if one is not None:
            name = one[1]
            plain = name[1:-1].replace('""', '"') if name.startswith('"') else name
            tables.setdefault(plain.lower(), plain)
    words = set(re.findall(r"\w+", sql.lower()))
    for (name,) in con.execute("SELECT view_name FROM duckdb_views() WHERE internal").fetchall():
        if name in words:
            tables.setdefault(name, name)  # one of DuckDB's own, which an asset may be called too
    return tuple(tables.values())


def may_need_lineage(sql: str) -> bool:
    """Say whether a query may ask for more than assets; if not, the lineage database need not be opened for it."""
    return _LOOKS_AROUND.search(sql) is not None


def close_off(con: Connection, files: Iterable[str], spill: Path) -> None:
    """Make a connection unable to write or to reach anything, but to read `files`; this cannot be undone.

    What does not fit in memory goes to the folder `spill`.
    """
    allowed = ", ".join(literal(file) for file in files)
    con.execute(f"SET temp_directory = {literal(str(spill))}")
    con.execute(f"SET allowed_paths = [{allowed}]")
    con.execute("SET autoload_known_extensions = false")
    con.execute("SET enable_external_access = false")
    con.execute("SET lock_configuration = true")


def ask(
    con: Connection, sql: str, tables: Mapping[str, object], files: Iterable[str], spill: Path
) -> tuple[pa.Schema, Iterator[pa.RecordBatch]]:
    """Start answering a query that was judged, on a connection that must stay open until the last batch was read.

    Until then each of `tables` is a view: of a Parquet file if it is a path, otherwise of an
    Arrow table. Nothing else can be done with the connection afterwards.
    """
    stored = {str(path) for table in tables.values() if isinstance(table, Path) for path in (table, table.resolve())}
    close_off(con, [*files, *sorted(stored)], spill)
    for name, table in tables.items():
        add_view(con, name, table)
    con.execute("BEGIN TRANSACTION READ ONLY")
    relation = con.sql(sql)
    reader = relation.to_arrow_reader(_ROWS_AT_ONCE)
    return reader.schema, iter(reader)


def spooled(schema: pa.Schema, batches: Iterator[pa.RecordBatch]) -> Answer:
    """Read all batches at once, so that their source can be closed; large answers go to a temporary file."""
    import pyarrow as pa

    spool: Any = SpooledTemporaryFile(_KEPT_BYTES)  # noqa: SIM115  closed with the answer
    try:
        with pa.ipc.new_stream(spool, schema) as writer:
            for batch in batches:
                writer.write_batch(batch)
        spool.seek(0)
    except BaseException:
        spool.close()
        raise

    def again() -> Iterator[pa.RecordBatch]:
        with closing(spool), pa.ipc.open_stream(spool) as reader:
            yield from reader

    return Answer(schema, again(), spool.close)

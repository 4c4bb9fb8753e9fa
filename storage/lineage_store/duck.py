"""DuckDB itself: opening a database for a moment, and what its errors mean.

The only file that imports DuckDB. Nothing is ever fetched from anywhere, and a name in SQL
is never a variable of this program.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import duckdb

from assetctl.assets.errors import AssetctlError, Problem, SelectionError
from assetctl.storage.lineage_store.folding import CATALOG, Connection, create_schema, literal
from assetctl.storage.lineage_store.user_sql import (
    Answer,
    UnknownTable,
    ask,
    check_only_reads,
    missing_table,
    tables_named,
)

if TYPE_CHECKING:
    import pyarrow as pa

_T = TypeVar("_T")
_UNQUOTED = re.compile(r'at or near "[@/]"')
_QUOTE = 'versions and names with a `/` are written in double quotes: `from "features@9f3a1c"`, `from "clean/orders"`'
CONFIG: dict[str, str | bool | int | float | list[str]] = {
    "TimeZone": "UTC",
    "autoinstall_known_extensions": False,  # nothing is ever fetched from anywhere
    "python_enable_replacements": False,  # a name in SQL is never a variable of this program
}
_UNUSABLE = (  # what DuckDB says when the file may be well, but not for us now
    "Could not set lock",
    "already attached",  # by this very process, outside of this module
    "Cannot open file",
    "Permission denied",
    "Read-only file system",
    "No space left",
    "Could not write",
    "attached in read-only mode",
)
_DAMAGE_IN_QUERY = ("Corrupt database file", "database has been invalidated")
"""In a person's query, anything else is the query's own mistake."""


class Damaged(Exception):
    """The database file cannot be believed."""


class Unusable(Exception):
    """The database file cannot be used now: another program, the disk or its permissions are in the way."""


@contextmanager
def opened(path: Path, *, read_only: bool) -> Iterator[Connection]:
    """Open a database for a moment; DuckDB's errors become `Damaged` or `Unusable`."""
    con: duckdb.DuckDBPyConnection | None = None
    try:
        con = duckdb.connect(":memory:", config=CONFIG)
        con.execute(attach(path, read_only=read_only))
        con.execute(f"USE {CATALOG}")
        yield con
    except AssetctlError:
        raise
    except (duckdb.Error, UnicodeDecodeError) as cause:
        text = str(cause)
        if isinstance(cause, duckdb.OutOfMemoryException) or any(sign in text for sign in _UNUSABLE):
            raise Unusable(text) from cause
        raise Damaged(text) from cause
    finally:
        if con is not None:
            con.close()


def attach(path: Path, *, read_only: bool) -> str:
    """Return the statement that attaches a database under the name that everything here knows."""
    return f"ATTACH {literal(str(path))} AS {CATALOG}{' (READ_ONLY)' if read_only else ''}"


def one_line(trouble: Exception) -> str:
    """Return what an error says, in one line."""
    return " ".join(str(trouble).split())[:300]


def told(con: Connection, sql: str, answer: Callable[[], _T]) -> _T:
    """Return what `answer` gives; what DuckDB says against the query becomes an error of the person's."""
    try:
        return _stoppable(con, answer)
    except (duckdb.Error, OSError) as cause:  # Arrow gives what happens after the first batch as an `OSError`
        text = str(cause)
        if any(sign in text for sign in _DAMAGE_IN_QUERY):
            raise
        name = missing_table(text) if isinstance(cause, duckdb.CatalogException) else None
        if name is not None:
            raise UnknownTable(name) from cause
        hint = _QUOTE if _UNQUOTED.search(text) else "`from lineage.assets` lists assets"
        problem = Problem("bad-query", f"this query does not work: {text}", (("query", sql),), hint)
        raise SelectionError(problem) from cause


def _stoppable(con: Connection, answer: Callable[[], _T]) -> _T:
    """Answer on a thread of its own, so that this one hears Ctrl-C: DuckDB may look for it after minutes only."""
    pool = ThreadPoolExecutor(1, "assetctl-sql")
    found = pool.submit(answer)
    try:
        return found.result()
    except KeyboardInterrupt:
        while not found.done():  # again and again: between two statements nobody listens
            con.interrupt()
            wait([found], 0.05)
        raise
    finally:
        pool.shutdown(wait=False)


def answer_apart(sql: str, tables: Mapping[str, object]) -> Answer:
    """Answer without the lineage database, a batch at a time: nobody waits for who reads the rows.

    Raises:
        UnknownTable: the query names a table that is not there.
        SelectionError: it does more than read, or DuckDB cannot make sense of it.
    """
    con = duckdb.connect(":memory:", config=CONFIG)
    try:
        schema, batches = told(con, sql, lambda: ask(con, sql, tables))
    except BaseException:
        con.close()
        raise

    def until_the_last() -> Iterator[pa.RecordBatch]:
        while (batch := told(con, sql, lambda: next(batches, None))) is not None:
            yield batch

    return Answer(schema, until_the_last(), con.close)


def tables_in(sql: str) -> tuple[str, ...]:
    """Return the tables that a query names without a schema; () where DuckDB cannot say before it knows them.

    Raises:
        SelectionError: it does more than read; for some of that DuckDB would begin by asking.
    """
    with closing(duckdb.connect(":memory:", config=CONFIG)) as con:
        try:
            check_only_reads(con, sql)
            return tables_named(con, sql)
        except duckdb.Error:
            return ()


def in_memory() -> duckdb.DuckDBPyConnection:
    """Return a connection to a new lineage database in memory."""
    con = duckdb.connect(":memory:", config=CONFIG)
    con.execute(f"ATTACH ':memory:' AS {CATALOG}; USE {CATALOG}")
    create_schema(con)
    return con

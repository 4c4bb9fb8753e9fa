"""A person's SQL on a team's lineage store: PostgreSQL's own dialect, in a read-only transaction, rows in batches.

A query is what a cursor is declared for. PostgreSQL takes nothing but a query there: no `COPY`,
which writes files even in a read-only transaction, no `CALL`, no `DO`, no `SET`. What functions
can do is a matter of the rights of the role that asks.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from itertools import islice
from typing import TYPE_CHECKING, Any

from assetctl.assets.errors import Problem, SelectionError
from assetctl.storage.lineage_store.user_sql import Answer
from assetctl.storage.team.postgres import connected, told
from assetctl.storage.team.url import TeamUrl

if TYPE_CHECKING:
    import psycopg
    import pyarrow as pa

_ROWS_AT_ONCE = 10_000
_CURSOR = "assetctl_rows"
_EXPLAINS = re.compile(r"\s*explain\b", re.IGNORECASE)


def ask_team(url: TeamUrl, sql: str) -> Answer:
    """Start answering a query; the connection stays open until the answer is closed.

    One query, or its `EXPLAIN`, and nothing can be written: the server holds both against any text.

    Raises:
        SelectionError: PostgreSQL cannot make sense of the query; its message says where.
        EnvironmentFault: the store does not answer.
    """
    if not sql.strip():
        raise SelectionError(Problem("not-one-statement", "there is no query"))
    stack = ExitStack()
    try:
        con = stack.enter_context(connected(url))
        con.execute("BEGIN TRANSACTION READ ONLY")
        con.execute("SELECT 1")  # from the first query on, no statement can make the transaction a writing one
        cursor = con.cursor()
        with told(url, sql):
            rows = _rows(con, cursor, sql)
            first = next(rows, None)
        schema = _schema(
            _columns(con, sql) if first is None else [(c.name, c.type_code) for c in cursor.description or ()]
        )
    except BaseException:
        stack.close()
        raise
    return Answer(schema, _batches(url, sql, first, rows, schema), stack.close)


def _rows(con: psycopg.Connection[Any], cursor: psycopg.Cursor[Any], sql: str) -> Iterator[Any]:
    """Start giving the rows of a query; each text is sent as one statement, never as a script."""
    if _EXPLAINS.match(sql):
        return cursor.stream(sql)
    # `binary` has nothing to return here: it makes psycopg use the protocol that refuses several statements
    con.execute(f"DECLARE {_CURSOR} NO SCROLL CURSOR FOR {sql}", binary=True)
    return _fetched(cursor)


def _fetched(cursor: psycopg.Cursor[Any]) -> Iterator[Any]:
    while True:
        rows = cursor.execute(f"FETCH {_ROWS_AT_ONCE} FROM {_CURSOR}").fetchall()
        yield from rows
        if len(rows) < _ROWS_AT_ONCE:
            return


def _batches(url: TeamUrl, sql: str, first: Any, rows: Iterator[Any], schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    import pyarrow as pa

    taken = [] if first is None else [first]
    while True:
        with told(url, sql):
            taken += islice(rows, _ROWS_AT_ONCE - len(taken))
        if not taken:
            return
        columns = zip(*taken, strict=True)
        yield pa.RecordBatch.from_arrays(
            [
                pa.array(map(_shaped(field.type), column), field.type)
                for field, column in zip(schema, columns, strict=True)
            ],
            schema=schema,
        )
        taken = []


def _columns(con: psycopg.Connection[Any], sql: str) -> list[tuple[str, int]]:
    """Return the columns of a query that gave no row."""
    con.pgconn.prepare(b"", sql.encode())
    description = con.pgconn.describe_prepared(b"")
    return [((description.fname(n) or b"").decode(), description.ftype(n)) for n in range(description.nfields)]


def _schema(columns: Sequence[tuple[str, int]]) -> pa.Schema:
    import pyarrow as pa

    kinds = {
        16: pa.bool_(),
        20: pa.int64(),
        21: pa.int16(),
        23: pa.int32(),
        26: pa.int64(),
        700: pa.float32(),
        701: pa.float64(),
        1082: pa.date32(),
        1114: pa.timestamp("us"),
        1184: pa.timestamp("us", "UTC"),
    }
    return pa.schema([pa.field(name, kinds.get(kind, pa.string())) for name, kind in columns])


def _shaped(kind: Any) -> Any:
    """Return what makes a value fit a column: types without a counterpart become text, numerics with every digit."""
    import json

    from pyarrow import types

    if not types.is_string(kind):
        return lambda value: value

    def text(value: object) -> str | None:
        if value is None or isinstance(value, str):
            return value
        return json.dumps(value, default=str) if isinstance(value, dict | list) else str(value)

    return text

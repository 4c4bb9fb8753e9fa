"""Read a table, or a query, of an SQLite database: a function of the bytes of the file, as all sources are.

So a query may only select, and not call what differs from one time to the next; and a database that
another program is writing is refused, as a part of it lies in a second file.
"""

from __future__ import annotations

import contextlib
import re
import sqlite3
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from assetctl.assets.hints import did_you_mean
from assetctl.storage.sources.frame_readers import PANDAS, POLARS

OWN_OPTIONS = ("table", "query")
_SELECTING = (sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_RECURSIVE)
_CHANGING = ("random", "randomblob", "changes", "total_changes", "last_insert_rowid", "load_extension")
_CALENDAR = ("date", "time", "datetime", "julianday", "unixepoch", "strftime", "timediff")
_NOW = re.compile(r"\bnow\b|current_|localtime|\(\s*\)")  # without arguments they mean now, too


def read_sqlite(path: Path, library: str, options: Mapping[str, Any]) -> Any:
    """Return what `table` or `query` of the options selects, as a table of a library ("pyarrow": Arrow)."""
    others = {name: value for name, value in options.items() if name not in OWN_OPTIONS}
    with _connected(path) as connection:
        statement = _statement(connection, options)
        views = connection.execute("SELECT sql FROM sqlite_master WHERE type = 'view'")
        connection.set_authorizer(_authorizer("\n".join([statement, *(text for (text,) in views)])))
        if library == "pyarrow":
            return _as_arrow(connection.execute(statement))
        reader = (PANDAS if library == "pandas" else POLARS)["sqlite"]
        return reader.of(library)(statement, connection, **others)


@contextlib.contextmanager
def _connected(path: Path) -> Iterator[sqlite3.Connection]:
    for ending in ("-wal", "-journal"):
        beside = path.with_name(path.name + ending)
        if beside.exists() and beside.stat().st_size:
            raise ValueError(f"a part of it is in `{beside.name}`: close the program that writes it")
    connection = sqlite3.connect(f"file:{quote(str(path))}?mode=ro&immutable=1", uri=True)
    try:
        yield connection
    finally:
        connection.close()


def _statement(connection: sqlite3.Connection, options: Mapping[str, Any]) -> str:
    table, query = options.get("table"), options.get("query")
    selected = connection.execute("SELECT name FROM sqlite_master WHERE type IN ('table', 'view') ORDER BY name")
    names = [name for (name,) in selected if not name.startswith("sqlite_")]
    listed = ", ".join(names) or "(none)"
    if (table is None) == (query is None):
        example = names[0] if names else "t"
        raise ValueError(f'say what to read of it, with `options={{"table": "{example}"}}`; its tables: {listed}')
    if query is not None:
        return str(query)
    if table not in names:
        raise ValueError(f"it has no table `{table}`: {did_you_mean(str(table), names) or f'its tables: {listed}'}")
    quoted = str(table).replace('"', '""')
    return f'SELECT * FROM "{quoted}"'


def _authorizer(text: str) -> Any:
    says_now = _NOW.search(text.lower()) is not None

    def authorize(action: int, first: str | None, name: str | None, *_: object) -> int:
        if action == sqlite3.SQLITE_FUNCTION:
            called = str(name).lower()
            is_steady = called not in _CHANGING and not (says_now and called in _CALENDAR)
            return sqlite3.SQLITE_OK if is_steady and not called.startswith("current_") else sqlite3.SQLITE_DENY
        return sqlite3.SQLITE_OK if action in _SELECTING else sqlite3.SQLITE_DENY

    return authorize


def _as_arrow(cursor: sqlite3.Cursor) -> Any:
    import pyarrow as pa

    names = [described[0] for described in cursor.description]
    columns = list(zip(*cursor, strict=True)) or [()] * len(names)
    return pa.Table.from_arrays([pa.array(list(column)) for column in columns], names=names)

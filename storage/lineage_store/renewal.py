"""Build a new lineage database beside the old one, and put it in its place only when it is complete.

Whatever the reason (a rebuild, an earlier schema), the old file is never written, so a
process killed at any step leaves it as it was, and the half-built one is deleted by
whoever tries next. No schema change ever lies in a write-ahead log: the new file is
checkpointed before it is renamed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from assetctl.storage.journal.journal import FileJournal
from assetctl.storage.lineage_store.folding import CATALOG, Connection, fold_scan, insert_lines, literal, read_folded
from assetctl.storage.state.crash_points import CrashPoint, reached

_OLD = "old"
_NO_ROWS = ("facts", "folded")  # a fact with rows in no other table is one that the earlier release could not read


@contextmanager
def put_in_place(database: Path) -> Iterator[Path]:
    """Yield the path of a new database, which replaces `database` if the block raises nothing."""
    new = database.with_name(database.name + ".new")
    remove(new)
    yield new
    reached(CrashPoint.REBUILD_FOLDED)
    wal(database).unlink(missing_ok=True)  # of the old file; what it held is in the journal
    reached(CrashPoint.REBUILD_WAL_REMOVED)
    new.replace(database)


def migrate(con: Connection, old: Path, again: Collection[str], journal: FileJournal, sizes: Mapping[str, int]) -> None:
    """Fill an empty database with the rows of an older one, and with what only the journal knows.

    Rows of the kinds of facts in `again` are not copied but made anew, and so are rows of facts that have none yet.
    """
    con.execute(f"ATTACH {literal(str(old))} AS {_OLD} (READ_ONLY)")
    con.execute("CREATE TEMP TABLE again AS SELECT unnest(?::VARCHAR[]) AS kind", [sorted(again)])
    tables = _common_columns(con)
    rows = " UNION ALL ".join(
        f"SELECT counter, segment FROM {_OLD}.lineage.{table}" for table in tables if table not in _NO_ROWS
    )
    con.execute(
        f"""CREATE TEMP TABLE skipped AS
            SELECT counter, segment FROM {_OLD}.lineage.facts SEMI JOIN again USING (kind) UNION
            SELECT counter, segment FROM {_OLD}.lineage.facts ANTI JOIN ({rows}) USING (counter, segment)"""
    )
    con.execute("BEGIN")
    for table, columns in tables.items():
        names = ", ".join(f'"{name}"' for name in columns)
        rest = "" if table == "folded" else "ANTI JOIN skipped USING (counter, segment)"
        con.execute(f"INSERT INTO lineage.{table} ({names}) SELECT {names} FROM {_OLD}.lineage.{table} {rest}")
    skipped = set(con.execute("SELECT counter, segment FROM skipped").fetchall())
    if skipped:
        lines = [line for line in journal.scan({}).lines if (line[0].counter, line[0].segment) in skipped]
        insert_lines(con, lines)
    con.execute("COMMIT")
    con.execute(f"DETACH {_OLD}")
    fold_scan(con, journal.scan(read_folded(con).seen), sizes)


def _common_columns(con: Connection) -> dict[str, list[str]]:
    """Return the columns that both databases have, by table; what the schema says of itself is not copied."""
    rows = con.execute(
        f"""
        SELECT table_name, column_name FROM duckdb_columns() SEMI JOIN duckdb_tables() USING (database_name, table_oid)
        WHERE schema_name = 'lineage' AND database_name IN ('{CATALOG}', '{_OLD}') AND table_name <> 'meta'
        GROUP BY table_name, column_name HAVING count(DISTINCT database_name) = 2"""
    ).fetchall()
    columns: dict[str, list[str]] = {}
    for table, column in sorted(rows):
        columns.setdefault(table, []).append(column)
    return columns


def wal(database: Path) -> Path:
    """Return the write-ahead log of a database."""
    return database.with_name(database.name + ".wal")


def remove(database: Path) -> None:
    """Delete a half-built database of ours, which nobody has open."""
    database.unlink(missing_ok=True)
    wal(database).unlink(missing_ok=True)

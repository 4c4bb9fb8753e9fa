"""Create the schema of the lineage database, and fold the journal into it.

All functions work on a connection that the caller opens, locks and closes. A fold is one
transaction that also records how far it got, so a database that lost its newest commits
shows it, and is folded on from there. Folding a line twice adds nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from blake3 import blake3

from assetctl.lineage.facts.records import Fact, Position
from assetctl.storage.journal.journal import Scan
from assetctl.storage.journal.segments import Line, parse_json
from assetctl.storage.journal.wire import WireError, from_json, known_kinds
from assetctl.storage.schema.migrations import SCHEMA_VERSION
from assetctl.storage.schema.rows import COLUMNS, Rows
from assetctl.storage.schema.sql_files import sql_text
from assetctl.storage.schema.views import duckdb_views
from assetctl.storage.state.crash_points import CrashPoint, reached
from assetctl.storage.state.malformed import MALFORMED

if TYPE_CHECKING:
    import pyarrow as pa

CATALOG = "store"  # the file is attached under this name: its own would be that of the schema, and so ambiguous
_LINES_AT_ONCE = 20_000


class Relation(Protocol):
    """The part of a DuckDB relation that is used here."""

    def to_arrow_table(self) -> pa.Table: ...
    def to_arrow_reader(self, batch_size: int) -> pa.RecordBatchReader: ...


class Connection(Protocol):
    """The part of a DuckDB connection that is used here."""

    def execute(self, query: str, parameters: object = ...) -> Any: ...
    def sql(self, query: str, *, params: object = ...) -> Relation: ...
    def extract_statements(self, query: str) -> Sequence[Any]: ...
    def get_table_names(self, query: str, *, qualified: bool = ...) -> set[str]: ...
    def register(self, view_name: str, python_object: object) -> Any: ...
    def unregister(self, view_name: str) -> Any: ...
    def cursor(self) -> Connection: ...
    def interrupt(self) -> None: ...
    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Folded:
    """How far a database was folded: bytes seen and size at that moment, by segment."""

    seen: Mapping[str, int]
    sizes: Mapping[str, int]

    def is_current(self, sizes: Mapping[str, int]) -> bool:
        return self.sizes == sizes

    def is_ahead_of(self, sizes: Mapping[str, int]) -> bool:
        """Return whether the journal lacks what this database claims to have read."""
        return any(seen > sizes.get(segment, 0) for segment, seen in self.seen.items())


@cache
def schema_text() -> str:
    """Return the statements that create the schema."""
    tables = sql_text("ddl.sql")
    return f"{tables}\nUSE {CATALOG}.lineage;\n{duckdb_views()}\nUSE {CATALOG};\n"


@cache
def schema_name() -> str:
    """Return what a database written by this release says of its schema, and of the facts it could read."""
    return f"{SCHEMA_VERSION} {blake3((schema_text() + known_kinds()).encode()).hexdigest(8)}"


def create_schema(con: Connection) -> None:
    """Create the schema in an empty database, and make it durable before anything is folded."""
    con.execute("BEGIN")
    con.execute(schema_text())
    con.execute("INSERT INTO lineage.meta VALUES ('schema', ?)", [schema_name()])
    con.execute("COMMIT")
    con.execute(
        f"CHECKPOINT {CATALOG}"
    )  # replaying schema changes from a write-ahead log is the weak spot of the format


def schema_of(con: Connection) -> str | None:
    """Return what a database says of its schema; None if it says nothing."""
    tables = "SELECT count(*) FROM duckdb_tables() WHERE schema_name = 'lineage' AND table_name = 'meta'"
    if con.execute(tables).fetchall() == [(0,)]:
        return None
    rows = con.execute("SELECT value FROM lineage.meta WHERE name = 'schema'").fetchall()
    return None if not rows else str(rows[0][0])


def read_folded(con: Connection) -> Folded:
    """Return how far a database was folded."""
    rows = con.execute("SELECT segment, seen_bytes, size_bytes FROM lineage.folded").fetchall()
    return Folded({segment: seen for segment, seen, _ in rows}, {segment: size for segment, _, size in rows})


def fold_scan(con: Connection, scan: Scan, sizes: Mapping[str, int]) -> None:
    """Fold lines of the journal in one transaction; `sizes` are the segments' sizes before they were read."""
    try:
        con.execute("BEGIN")
        reached(CrashPoint.FOLD_BEGUN)
        for start in range(0, len(scan.lines), _LINES_AT_ONCE):
            insert_lines(con, scan.lines[start : start + _LINES_AT_ONCE])
        _record_folded(con, scan.seen, sizes)
        reached(CrashPoint.FOLD_INSERTED)
        con.execute("COMMIT")
        reached(CrashPoint.FOLD_COMMITTED)
    except BaseException:
        with suppress(Exception):  # an interrupted statement has ended the transaction; what it said is what counts
            con.execute("ROLLBACK")
        raise


def insert_lines(con: Connection, lines: Sequence[tuple[Position, Line]]) -> None:
    """Add the rows of lines that are not folded yet."""
    if not lines:
        return
    known = _known_positions(con, lines)
    rows = Rows()
    for position, line in lines:
        if position not in known:
            known.add(position)
            kind, fact = decode_line(line)
            rows.add(position, fact, kind, line.payload.decode("ascii"))
    for table, names in COLUMNS.items():
        columns = rows.columns(table)
        if columns:
            con.register("new_rows", arrow_table(columns))
            con.execute(f"INSERT INTO lineage.{table} ({', '.join(names)}) SELECT {', '.join(names)} FROM new_rows")
            con.unregister("new_rows")


def _known_positions(con: Connection, lines: Sequence[tuple[Position, Line]]) -> set[Position]:
    counters = [position.counter for position, _ in lines]
    query = f"SELECT counter, segment FROM lineage.facts WHERE counter BETWEEN {min(counters)} AND {max(counters)}"
    return {Position(counter, segment) for counter, segment in con.execute(query).fetchall()}


def decode_line(line: Line) -> tuple[str, Fact | None]:
    """Return a line's kind and its fact; what this release cannot read keeps its place, as text."""
    try:
        record = parse_json(line.payload)
        kind = str(record.get("k", "unknown"))
    except MALFORMED:
        return "unknown", None
    try:
        return kind, from_json(record)
    except WireError:
        return kind, None


def _record_folded(con: Connection, seen: Mapping[str, int], sizes: Mapping[str, int]) -> None:
    columns: dict[str, list[Any]] = {
        "segment": list(sizes),
        "seen_bytes": [seen.get(segment, 0) for segment in sizes],
        "size_bytes": list(sizes.values()),
    }
    con.execute("DELETE FROM lineage.folded")
    if sizes:
        con.register("new_rows", arrow_table(columns))
        con.execute("INSERT INTO lineage.folded SELECT segment, seen_bytes, size_bytes FROM new_rows")
        con.unregister("new_rows")


def arrow_table(columns: Mapping[str, list[Any]]) -> pa.Table:
    """Return columns as an Arrow table; lone surrogates in text, which Arrow refuses, become `?`."""
    import pyarrow as pa

    arrays = []
    for values in columns.values():
        try:
            arrays.append(pa.array(values))
        except UnicodeEncodeError:
            arrays.append(pa.array([_encodable(value) for value in values]))
    return pa.table(arrays, names=list(columns))


def _encodable(value: object) -> object:
    return value.encode("utf-8", "replace").decode("utf-8") if isinstance(value, str) else value


def add_view(con: Connection, name: str, table: object) -> None:
    """Add a view that lasts as long as the connection: of a Parquet file, or of an Arrow table."""
    quoted = '"' + name.replace('"', '""') + '"'
    if isinstance(table, Path):
        con.execute(f"CREATE TEMP VIEW {quoted} AS SELECT * FROM read_parquet({literal(str(table))})")
    else:
        con.register(name, table)


def literal(text: str) -> str:
    """Return text as SQL writes it."""
    return "'" + text.replace("'", "''") + "'"

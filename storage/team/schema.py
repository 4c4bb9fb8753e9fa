"""The lineage schema in a team's PostgreSQL: created once, migrated in place, one schema for one project.

Whoever comes first creates or migrates, in one transaction and under an advisory lock;
the others wait for it a bounded time. Every fact keeps its JSON here, since nobody else
may have the journal that it came from; a migration makes its rows anew from that.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, Any

from assetctl.assets.errors import EnvironmentFault, Problem
from assetctl.lineage.facts.records import Position
from assetctl.storage.journal.segments import Line
from assetctl.storage.lineage_store.folding import decode_line
from assetctl.storage.schema.migrations import MIGRATIONS, SCHEMA_VERSION, Migration, version_of
from assetctl.storage.schema.rows import COLUMNS, Rows
from assetctl.storage.schema.sql_files import sql_text
from assetctl.storage.schema.views import postgres_views
from assetctl.storage.team.url import TeamUrl

if TYPE_CHECKING:
    import psycopg

_FACTS = "facts"
_AT_ONCE = 5_000
_OTHERS = "SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = %s"
_META = """
SELECT 1 FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = %s AND c.relname = 'meta'"""


@cache
def _tables_text() -> str:
    return sql_text("ddl_postgres.sql")


def ensure_schema(
    con: psycopg.Connection[Any], url: TeamUrl, project: str, migrations: Sequence[Migration] = MIGRATIONS
) -> None:
    """Create the schema where there is none, and bring an earlier one up to date.

    Raises:
        EnvironmentFault: it is of a newer release, of another project, or holds other things.
    """
    target = max((SCHEMA_VERSION, *(migration.version for migration in migrations)))
    if _version(con, url, project, target) == target:
        return
    with con.transaction():
        con.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", (f"assetctl {url.schema}",))
        version = _version(con, url, project, target)
        if version == target:
            return
        if version is None:
            _create(con, url, project)
        else:
            _migrate(con, url, [migration for migration in migrations if migration.version > version])
        con.execute("UPDATE meta SET value = %s WHERE name = 'schema'", (str(target),))


def _version(con: psycopg.Connection[Any], url: TeamUrl, project: str, newest: int) -> int | None:
    """Return the version of the schema that is there, None if there is none.

    Raises:
        EnvironmentFault: it is of a newer release, or of another project.
    """
    # Not by `to_regclass`: it may answer from what this session knew before it waited for the lock.
    if con.execute(_META, (url.schema,)).fetchone() is None:
        return None
    meta = dict(con.execute(f"SELECT name, value FROM {url.schema}.meta").fetchall())
    version = version_of(meta.get("schema"))
    owner = meta.get("project")
    if owner is not None and owner != project:
        raise EnvironmentFault(
            Problem(
                "team-store-of-another-project",
                f"the team's lineage store belongs to project `{owner}`, and this is `{project}`",
                (("store", url.shown), ("schema", url.schema)),
                'give each project a schema (`lineage = "postgresql://…?schema=NAME"`), or set `name` in [tool.assetctl]',
            )
        )
    if version is None or version > newest:
        raise EnvironmentFault(
            Problem(
                "team-store-newer",
                "a newer assetctl wrote the team's lineage store; nothing was sent",
                (("store", url.shown), ("its schema", str(meta.get("schema"))), ("known here", str(newest))),
                "upgrade assetctl (`pip install -U assetctl`)",
            )
        )
    return version


def _create(con: psycopg.Connection[Any], url: TeamUrl, project: str) -> None:
    if con.execute(_OTHERS, (url.schema,)).fetchone() != (0,):
        raise EnvironmentFault(
            Problem(
                "team-schema-taken",
                f"schema `{url.schema}` of that database holds something other than a lineage store",
                (("store", url.shown),),
                'name one of its own: `lineage = "postgresql://…?schema=NAME"`',
            )
        )
    con.execute(f"CREATE SCHEMA IF NOT EXISTS {url.schema}")
    con.execute(_tables_text())
    _create_views(con, url)
    con.cursor().executemany(
        "INSERT INTO meta VALUES (%s, %s)", [("schema", str(SCHEMA_VERSION)), ("project", project)]
    )


def _create_views(con: psycopg.Connection[Any], url: TeamUrl) -> None:
    con.execute("SELECT set_config('search_path', %s, true)", (url.schema,))
    for statement in postgres_views(url.schema):
        con.execute(statement)


def _migrate(con: psycopg.Connection[Any], url: TeamUrl, steps: Sequence[Migration]) -> None:
    for step in sorted(steps, key=lambda step: step.version):
        for statement in step.postgres:
            con.execute(statement.format(schema=url.schema))
    again = sorted(frozenset().union(*(step.again for step in steps)))
    tables = [table for table in COLUMNS if table != _FACTS]
    without_rows = " AND ".join(
        f"NOT EXISTS (SELECT FROM {table} t WHERE t.counter = f.counter AND t.segment = f.segment)" for table in tables
    )
    facts = con.execute(
        f"SELECT counter, segment, payload FROM facts f WHERE kind = ANY(%s) OR ({without_rows})", (again,)
    ).fetchall()
    for table in tables:
        con.execute(
            f"DELETE FROM {table} t USING facts f"
            " WHERE f.counter = t.counter AND f.segment = t.segment AND f.kind = ANY(%s)",
            (again,),
        )
    for start in range(0, len(facts), _AT_ONCE):
        some = facts[start : start + _AT_ONCE]
        insert_rows(con, [(Position(c, s), Line(c, payload.encode("ascii"), 0)) for c, s, payload in some])
    _create_views(con, url)


def insert_rows(con: psycopg.Connection[Any], lines: Iterable[tuple[Position, Line]]) -> None:
    """Add what lines of the journal mean to every table but `facts`."""
    rows = Rows()
    for position, line in lines:
        kind, fact = decode_line(line)
        rows.add(position, fact, kind, "")
    for table, names in COLUMNS.items():
        columns = rows.columns(table)
        if table != _FACTS and columns:
            copy_rows(con, table, names, columns)


def copy_rows(con: psycopg.Connection[Any], table: str, names: Sequence[str], columns: Mapping[str, list[Any]]) -> None:
    """Append rows, given by column, to a table."""
    quoted = ", ".join(f'"{name}"' for name in names)
    with con.cursor().copy(f"COPY {table} ({quoted}) FROM STDIN") as copy:
        for row in zip(*columns.values(), strict=True):
            copy.write_row([clean(value) for value in row])


def clean(value: object) -> object:
    """Return a value as PostgreSQL takes it: no NUL in text, and no halves of surrogate pairs."""
    if isinstance(value, str):
        return str(value).encode("utf-8", "replace").decode("utf-8").replace("\0", "\ufffd")
    return value if value is None or isinstance(value, bool | int | float | datetime) else str(value)

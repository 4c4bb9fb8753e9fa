"""The views of the lineage schema, and the same questions asked as of an earlier moment, for DuckDB and PostgreSQL.

`X_as_of(moment)` is `X` as it was at a time, `X_as_of_run(run)` when a run had ended,
`X_as_of_position(place)` after a place in the journal: the question of the view itself,
put to the rows that were recorded by then, so the two cannot come to mean different
things. Only `materializations` differs: as of a moment it holds what was published then.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache

from assetctl.storage.schema.sql_files import sql_text

_SECTION = re.compile(r"^-- (view|question) (\w+)\n(.*?);\n", re.MULTILINE | re.DOTALL)
_ENDINGS = ("forgotten", "renames")

AS_OF: Mapping[str, tuple[str, ...]] = {
    "assets": ("materializations", "observations", *_ENDINGS),
    "materializations": ("materializations", *_ENDINGS),
    "runs": ("run_events", "steps"),
    **{
        table: (table,)
        for table in ("inputs", "columns", "steps", "checks", "metrics", "observations", "decisions", "pins", *_ENDINGS)
    },
}
"""What can be asked as of a moment, and the tables that its question reads."""

POINTS: Mapping[str, tuple[str, str, str]] = {
    "as_of": (
        "moment",
        "timestamptz",
        "EXISTS (SELECT 1 FROM {schema}.moments m WHERE m.counter = t.counter AND m.segment = t.segment AND m.recorded_at <= {point})",
    ),
    "as_of_run": (
        "run",
        "text",
        "t.counter <= (SELECT max(e.counter) FROM {schema}.run_events e WHERE e.run_id = {point})",
    ),
    "as_of_position": ("place", "bigint", "t.counter <= {point}"),
}
"""The ways to name a moment: the parameter, its type in PostgreSQL, and which rows were recorded by then."""


@cache
def sections(kind: str) -> Mapping[str, str]:
    """Return the texts of storage/schema/views.sql by name: those of a `view`, or of another `question`."""
    text = sql_text("views.sql")
    return {name: body for section_kind, name, body in _SECTION.findall(text) if section_kind == kind}


def duckdb_views() -> str:
    """Return the statements that create all views and table macros in DuckDB."""
    views = [f"CREATE VIEW lineage.{name} AS\n{body};" for name, body in sections("view").items()]
    macros = [
        f"CREATE MACRO lineage.{name}_{suffix}({parameter}) AS TABLE\n{question};"
        for name, suffix, question in _as_of("lineage", {"as_of": "CAST(moment AS TIMESTAMPTZ)"})
        for parameter in (POINTS[suffix][0],)
    ]
    return "\n\n".join([*views, *macros])


def postgres_views(schema: str) -> tuple[str, ...]:
    """Return the statements that create all views and functions in PostgreSQL, or bring them up to date."""
    views = [f"CREATE OR REPLACE VIEW {schema}.{name} AS\n{body}" for name, body in sections("view").items()]
    functions = [
        f"CREATE OR REPLACE FUNCTION {schema}.{name}_{suffix}({parameter} {kind}) RETURNS SETOF {schema}.{name}"
        f" LANGUAGE sql STABLE AS $answer$\n{question}\n$answer$"
        for name, suffix, question in _as_of(schema, dict.fromkeys(POINTS, "$1"))
        for parameter, kind, _ in (POINTS[suffix],)
    ]
    return (*views, *functions)


def _as_of(schema: str, points: Mapping[str, str]) -> Iterator[tuple[str, str, str]]:
    """Yield name, way and question: each table that it reads is replaced by the rows recorded by then."""
    for name, tables in AS_OF.items():
        question = sections("question").get(name) or sections("view").get(name) or f"SELECT * FROM {name}"
        for suffix, (parameter, _, condition) in POINTS.items():
            known = condition.format(schema=schema, point=points.get(suffix, parameter))
            then = [f"{table} AS (SELECT t.* FROM {schema}.{table} t WHERE {known})" for table in tables]
            yield name, suffix, f"WITH {', '.join(then)}\nSELECT * FROM (\n{question}\n) AS answer"

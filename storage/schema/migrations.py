"""Earlier versions of the lineage schema, and what brings a database of each up to date.

The schema changes only by adding: rows of an older database stay true, and what they
lack is in the facts that they were made from. So a migration names the kinds of facts to
read again; those that the earlier release could not read are always among them. In DuckDB
the rest is copied into a new file of the current schema, which then replaces the old one
(`storage/lineage_store/renewal.py`). In PostgreSQL, where no journal is at hand, `postgres`
changes the tables, and the facts are read again from their JSON.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

SCHEMA_VERSION = 4  # raised with every change of a released schema; any other change of its text is noticed by itself
_OF_TARGETS = [
    "checks",
    "columns",
    "decisions",
    "forgotten",
    "inputs",
    "materializations",
    "metrics",
    "observations",
    "pins",
    "steps",
]
_SCHEMA = re.compile(r"(\d{1,9})(?: [0-9a-f]+)?")


@dataclass(frozen=True, slots=True)
class Migration:
    """What made schema `version` of the one before.

    `before` is what a released DuckDB file of the version before says of its schema.
    `again` are the kinds of facts whose rows changed. `postgres` are statements, in which
    `{schema}` stands for the schema's name.
    """

    version: int
    before: str
    again: frozenset[str]
    postgres: tuple[str, ...]


MIGRATIONS: tuple[Migration, ...] = (
    Migration(
        version=2,
        before="1 963b7f7cda4f78be",
        again=frozenset(["run_started", "forgotten", "pinned", "unpinned", "renamed"]),
        postgres=(),  # the first schema that was ever made in PostgreSQL
    ),
    Migration(
        version=3,
        before="2 45d94c00ee713f4d",
        again=frozenset(),  # what names a partition is a fact that the earlier release could not read
        postgres=(
            *(
                f"ALTER TABLE {{schema}}.{table} ADD COLUMN partition TEXT COLLATE \"C\" DEFAULT ''"
                for table in _OF_TARGETS
            ),
            "ALTER TABLE {schema}.inputs ADD COLUMN upstream_partition TEXT COLLATE \"C\" DEFAULT ''",
            "ALTER TABLE {schema}.inputs ADD COLUMN n_partitions BIGINT",
        ),
    ),
    Migration(
        version=4,
        before="3 79a75f543d1c980a",
        again=frozenset(["materialized", "check_ran"]),  # whose metrics have a time from here on
        postgres=("ALTER TABLE {schema}.metrics ADD COLUMN recorded_at TIMESTAMP WITH TIME ZONE",),
    ),
)


def version_of(schema: str | None) -> int | None:
    """Return the version in the schema name that a database gives; None if the name makes no sense."""
    match = _SCHEMA.fullmatch(schema or "")
    return None if match is None else int(match[1])


def kinds_to_read_again(schema: str, migrations: Sequence[Migration] = MIGRATIONS) -> frozenset[str] | None:
    """Return the kinds of facts to read again to bring a DuckDB file with this schema up to date.

    None if the schema was never released: then the whole journal has to be read again.
    """
    steps = sorted(migrations, key=lambda migration: migration.version)
    first = next((n for n, migration in enumerate(steps) if migration.before == schema), None)
    return None if first is None else frozenset().union(*(migration.again for migration in steps[first:]))

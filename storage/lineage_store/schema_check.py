"""Say whether a database has the schema of this release, an earlier one, or one of a newer release."""

from __future__ import annotations

from collections.abc import Mapping

from assetctl.storage.lineage_store.duck import Damaged, Unusable
from assetctl.storage.lineage_store.folding import Connection, read_folded, schema_name, schema_of
from assetctl.storage.schema.migrations import SCHEMA_VERSION, kinds_to_read_again, version_of


class Newer(Unusable):
    """A newer release wrote the database file."""


class Outdated(Exception):
    """The database file has an earlier schema; `again` are the kinds of facts that a migration reads again, or None."""

    def __init__(self, schema: str) -> None:
        super().__init__(f"its schema is {schema!r}")
        self.again = kinds_to_read_again(schema)


def check_schema(con: Connection) -> None:
    """Check that a database has the schema of this release.

    Raises:
        Newer: a newer release wrote it; nothing here may change it.
        Outdated: it has an earlier schema, or one that was never released.
        Damaged: it says nothing of its schema that makes sense.
    """
    schema = schema_of(con)
    if schema == schema_name():
        return
    version = version_of(schema)
    if schema is None or version is None:
        raise Damaged(f"its schema is {schema!r}, not {schema_name()!r}")
    if version > SCHEMA_VERSION:
        raise Newer(
            f"a newer assetctl wrote the lineage database (schema {version}; this one knows {SCHEMA_VERSION});"
            " it is left as it is, and all is read from the journal until you upgrade (`pip install -U assetctl`)"
        )
    raise Outdated(schema)


def checked_folded(con: Connection, sizes: Mapping[str, int]) -> bool:
    """Return whether a database has all of the journal.

    Raises:
        Newer: see `check_schema`.
        Outdated: see `check_schema`.
        Damaged: it claims more than there is, or says nothing of its schema.
    """
    check_schema(con)
    folded = read_folded(con)
    if folded.is_ahead_of(sizes):
        raise Damaged("it claims more than the journal holds")
    return folded.is_current(sizes)

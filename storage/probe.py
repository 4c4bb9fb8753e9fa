"""Read the whole lineage database and say whether it is sound: `python -m assetctl.storage.probe STATE_FOLDER`.

Runs in a process of its own: what a damaged file does to its reader cannot be known.
"""

from __future__ import annotations

import sys
from pathlib import Path

from assetctl.assets.errors import EnvironmentFault, WaitTimeout
from assetctl.storage.journal import FileJournal
from assetctl.storage.layout import Layout
from assetctl.storage.lineage_db import WAIT_S, Damaged, Unusable, checked_folded, one_line, opened
from assetctl.storage.lineage_sql import SCHEMA_VERSION, found_schema
from assetctl.storage.lock import store_lock


def probe(layout: Layout) -> str:
    """Return "sound", or what is wrong and why, after reading every block of the database.

    What is wrong is one word: "damaged", "unusable" (for now), "newer" or "schema" (one of another release).
    """
    schema: str | None = None
    try:
        with store_lock(layout, WAIT_S), opened(layout.lineage_db, read_only=True) as con:
            schema = found_schema(con)
            checked_folded(con, FileJournal(layout).sizes())
            tables = con.execute("SELECT table_name FROM duckdb_tables() WHERE schema_name = 'lineage'").fetchall()
            for (table,) in tables:
                con.execute(f"SELECT max(hash({table})) FROM lineage.{table}").fetchall()
    except Damaged as trouble:
        return f"{_kind(trouble, schema)} {one_line(trouble)}"
    except (Unusable, WaitTimeout, EnvironmentFault) as trouble:
        return f"unusable {one_line(trouble)}"
    return "sound"


def _kind(trouble: Damaged, schema: str | None) -> str:
    number = (schema or "").partition(" ")[0]
    if trouble.suffix != "schema" or not number.isdigit():
        return "damaged"  # also a database of somebody else's: it is not what belongs here
    return "newer" if int(number) > SCHEMA_VERSION else "schema"


def main(state_folder: str) -> None:
    """Print the answer for a state folder."""
    state = Path(state_folder)
    sys.stdout.write(probe(Layout(state.parent, state)) + "\n")


if __name__ == "__main__":
    main(sys.argv[1])

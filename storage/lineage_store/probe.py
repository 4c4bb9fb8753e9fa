"""Read the whole lineage database and say whether it is sound: `python -m assetctl.storage.lineage_store.probe STATE_FOLDER`.

Runs in a process of its own: what a damaged file does to its reader cannot be known.
"""

from __future__ import annotations

import sys
from pathlib import Path

from assetctl.assets.errors import EnvironmentFault, WaitTimeout
from assetctl.storage.journal.journal import FileJournal
from assetctl.storage.lineage_store.duck import Damaged, Unusable, one_line, opened
from assetctl.storage.lineage_store.schema_check import Newer, Outdated, checked_folded
from assetctl.storage.lineage_store.store import WAIT_S
from assetctl.storage.state.layout import Layout
from assetctl.storage.state.lock import store_lock


def probe(layout: Layout) -> str:
    """Return "sound", or what is wrong and why, after reading every block of the database.

    What is wrong is one word: "damaged" or "unusable" (for now). "newer" and "outdated" are
    databases of other releases: nothing is wrong with them.
    """
    try:
        with store_lock(layout, WAIT_S), opened(layout.lineage_db, read_only=True) as con:
            checked_folded(con, FileJournal(layout).sizes())
            tables = con.execute("SELECT table_name FROM duckdb_tables() WHERE schema_name = 'lineage'").fetchall()
            for (table,) in tables:
                con.execute(f"SELECT max(hash({table})) FROM lineage.{table}").fetchall()
    except Newer as newer:
        return f"newer {one_line(newer)}"
    except Outdated as older:
        return f"outdated {one_line(older)}"
    except Damaged as trouble:
        return f"damaged {one_line(trouble)}"
    except (Unusable, WaitTimeout, EnvironmentFault) as trouble:
        return f"unusable {one_line(trouble)}"
    return "sound"


def main(state_folder: str) -> None:
    """Print the answer for a state folder."""
    state = Path(state_folder)
    sys.stdout.write(probe(Layout(state.parent, state)) + "\n")


if __name__ == "__main__":
    main(sys.argv[1])

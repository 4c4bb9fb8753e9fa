"""Examine the lineage database, in a process of its own: a damaged one may crash its reader.

Whatever is wrong with it, nothing is lost: it can be folded from the journal again. It is never
opened here; `probe.py` reads it, under the lock that every reader takes.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from assetctl.storage.care.findings import ERROR, NOTE, WARNING, Finding
from assetctl.storage.state.holders import waiting_for
from assetctl.storage.state.layout import Layout

_PROBE_S = 120
_PROBE = "import sys; sys.path.insert(0, sys.argv[1]); from assetctl.storage.lineage_store.probe import main; main(sys.argv[2])"
_REBUILD = "`assetctl doctor --rebuild` folds it anew from the journal; nothing is lost"


def database_findings(layout: Layout) -> Iterator[Finding]:
    """Yield what is wrong with the database, and what earlier ones were set aside."""
    if layout.lineage_db.is_file():
        yield from _probed(layout)
    for path in sorted(layout.state.glob(f"{layout.lineage_db.name}.*")):
        if path.name.endswith(".wal"):
            continue
        if path.suffix == ".new":
            hint = "nothing to do: the next `assetctl doctor --rebuild` begins anew"
            yield Finding(NOTE, "an unfinished rebuild of the lineage database", str(path), hint)
        else:
            hint = "delete it once you have looked at it"
            yield Finding(NOTE, "a lineage database that was set aside", str(path), hint)


def _probed(layout: Layout) -> Iterator[Finding]:

    where = str(layout.lineage_db)
    root = str(Path(__file__).parents[3])
    command = [sys.executable, "-c", _PROBE, root, str(layout.state)]
    try:
        with waiting_for("a process that reads the lineage database", _PROBE_S):
            done = subprocess.run(
                command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=_PROBE_S, check=False
            )
    except subprocess.TimeoutExpired:
        yield Finding(ERROR, "reading the lineage database does not end", where, _REBUILD)
        return
    kind, _, text = done.stdout.strip().partition(" ")
    if kind == "unusable":
        hint = "close the program that holds it; commands work in memory until then"
        yield Finding(WARNING, f"the lineage database cannot be read now: {text}", where, hint)
    elif kind == "newer":
        hint = "upgrade assetctl (`pip install -U assetctl`); commands work from the journal until then"
        yield Finding(WARNING, text, where, hint)
    elif kind == "outdated":
        hint = "nothing to do: the next command brings it up to date"
        yield Finding(NOTE, f"the lineage database has the schema of another release: {text}", where, hint)
    elif kind != "sound":
        why = text or f"reading it ended with exit code {done.returncode}"
        yield Finding(ERROR, f"the lineage database is damaged: {why}", where, _REBUILD)

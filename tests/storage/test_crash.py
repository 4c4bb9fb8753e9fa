"""A process killed at any point of recording: what it announced is there, and nothing half done is believed."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from assetctl.assets.ids import Target
from assetctl.storage.care.gc import Cleaning, apply_gc
from assetctl.storage.care.inspect import examine
from assetctl.storage.care.retention_rules import KeepRules
from assetctl.storage.journal.journal import FileJournal
from assetctl.storage.lineage_store.store import DuckLineageStore
from assetctl.storage.state.layout import Layout
from tests.storage.facts import failed
from tests.storage.memory import MemoryLineageStore

_PREAMBLE = """
import os, signal, sys
from pathlib import Path
from assetctl.assets.ids import AssetKey, Target, whole
from assetctl.lineage.facts.records import Output
from assetctl.storage.journal import journal as journal_module
from assetctl.storage.lineage_store import folding as lineage_sql
from assetctl.storage.blobs.blobs import Blobs
from assetctl.storage.journal.journal import FileJournal
from assetctl.storage.state.layout import Layout
from assetctl.storage.lineage_store.store import DuckLineageStore
from tests.storage.facts import failed, made, value

layout = Layout.of(Path(sys.argv[1]))
journal = FileJournal(layout)
store = DuckLineageStore(layout, journal)

def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)

def build(text):
    blob = Blobs(layout).put_bytes(text.encode() * 2000)
    if sys.argv[2] == "after the blob" and text == "two": die()
    output = Output(Target.parse("a"), value(text), "bytes/1", blob, len(text) * 2000)
    journal.append([made("a", text, of=text, outputs=(output,))])
    print(text, flush=True)

build("one")
store.refresh()
"""

_KILLED = {
    "after the blob": "build('two')",
    "in the middle of a line": """
real = os.write
os.write = lambda descriptor, data: (real(descriptor, data[: len(data) // 2]), die())
build('two')
""",
    "after the record": "build('two'); die()",
    "before the sync": """
build('two')
journal._sync = die
journal.sync()
""",
    "while folding": """
build('two')
lineage_sql._record_folded = die
store.refresh()
""",
    "after the fold": "build('two'); store.refresh(); die()",
    "while rebuilding": """
build('two')
Path.replace = die
store.rebuild()
""",
}


def run_until_killed(root: Path, point: str) -> list[str]:
    """Run the script that dies at `point`; return what it announced before."""
    script = _PREAMBLE + _KILLED[point]
    done = subprocess.run([sys.executable, "-c", script, str(root), point], capture_output=True, text=True, check=False)
    assert done.returncode == -9, done.stderr
    return done.stdout.split()


@pytest.mark.parametrize("point", list(_KILLED))
def test_what_was_announced_survives_and_nothing_else_is_believed(tmp_path: Path, point: str) -> None:
    announced = run_until_killed(tmp_path, point)
    layout = Layout.of(tmp_path)
    journal = FileJournal(layout)
    _check_traces_of_the_crash(layout, journal, point)
    store, oracle = DuckLineageStore(layout, journal), MemoryLineageStore(journal)
    store.refresh()
    oracle.refresh()
    key = Target.parse("a")
    snapshot = store.snapshot([key])
    assert snapshot == oracle.snapshot([key])
    recorded = snapshot.latest[key]
    assert recorded.materialization.id == f"m-a-{announced[-1]}-{announced[-1]}-run1"
    assert recorded.output.blob is not None
    assert layout.blob(recorded.output.blob).exists()
    assert store.warnings == []
    assert journal.append([failed("a")]).counter == len(announced) + 1


def _check_traces_of_the_crash(layout: Layout, journal: FileJournal, point: str) -> None:
    """A blob whose record was never finished is found and collected; a torn line is found."""
    layout.lineage_db.rename(layout.state / "kept")  # examining it needs a process, and is tried elsewhere
    said = [finding.what for finding in examine(layout)]
    torn = [what for what in said if "unfinished line" in what]
    orphan = [what for what in said if "1 stored blobs have no record" in what]
    assert len(torn) == (point == "in the middle of a line")
    assert len(orphan) == (point in {"after the blob", "in the middle of a line"})
    asked = Cleaning(layout, journal, KeepRules(grace_s=0), time.time() + 1)
    assert len(apply_gc(asked).reclaims) == len(orphan)
    (layout.state / "kept").rename(layout.lineage_db)


_FOLD_IN_LOOP = """
import sys
from pathlib import Path
from assetctl.assets.ids import Target
from assetctl.storage.journal.journal import FileJournal
from assetctl.storage.state.layout import Layout
from assetctl.storage.lineage_store.store import DuckLineageStore
from tests.storage.facts import made
layout = Layout.of(Path(sys.argv[1]))
journal = FileJournal(layout)
store = DuckLineageStore(layout, journal)
for n in range(4):
    journal.append([made(f"{sys.argv[2]}{n}", "x")])
    store.refresh()
    assert len(store.snapshot([Target.parse(f"{sys.argv[2]}{n}")]).latest) == 1, n
print(store.warnings)
"""


def test_processes_that_record_fold_and_read_at_once_lose_nothing(tmp_path: Path) -> None:
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", _FOLD_IN_LOOP, str(tmp_path), name],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for name in ("x", "y")
    ]
    said = [writer.communicate() for writer in writers]
    assert [out for out, _ in said] == ["[]\n"] * 2
    others = [line for _, err in said for line in err.splitlines() if "is in use by another process" not in line]
    assert [line for line in others if "Error" in line or "Warning" in line] == [], "they may wait for each other"
    layout = Layout.of(tmp_path)
    store = DuckLineageStore(layout, FileJournal(layout))
    counts = store.query("SELECT count(*) AS facts, count(DISTINCT asset) AS assets FROM lineage.materializations")
    assert counts.to_pylist() == [{"facts": 8, "assets": 8}]

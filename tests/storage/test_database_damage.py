"""A lineage database in any state whatever: it answers as the journal does, or is set aside and folded anew.

Opening a damaged file could take its reader down, so each damage is met by a process of
its own.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from assetctl.storage.care.findings import ERROR
from assetctl.storage.care.inspect_database import database_findings
from assetctl.storage.journal.journal import FileJournal
from assetctl.storage.lineage_store.store import DuckLineageStore
from assetctl.storage.state.layout import Layout
from tests.storage.damage import DAMAGES, damage
from tests.storage.facts import every_fact

N_FLIPS = 6  # of each file, in the default suite
_FOLD = """
import sys
from pathlib import Path
from assetctl.storage.journal.journal import FileJournal
from assetctl.storage.state.layout import Layout
from assetctl.storage.lineage_store.store import DuckLineageStore
layout = Layout.of(Path(sys.argv[1]))
DuckLineageStore(layout, FileJournal(layout)).refresh()
"""
_ASK = """
import json, sys
from pathlib import Path
from assetctl.assets.ids import AssetKey, Target, whole
from assetctl.storage.journal.journal import FileJournal
from assetctl.storage.state.layout import Layout
from assetctl.storage.lineage_store.store import DuckLineageStore
from tests.storage.memory import MemoryLineageStore
answers = []
for folder in sys.argv[1:]:
    layout = Layout.of(Path(folder))
    store, oracle = DuckLineageStore(layout, FileJournal(layout)), MemoryLineageStore(FileJournal(layout))
    store.refresh(); oracle.refresh()
    keys = [Target.parse(key) for key in ("a", "b", "c", "s")]
    same = store.snapshot(keys) == oracle.snapshot(keys) and dict(store.traces(keys)) == dict(oracle.traces(keys))
    rows = store.query("SELECT count(*) AS n FROM lineage.facts").to_pylist()
    answers.append([same, rows[0]["n"], store.warnings])
print(json.dumps(answers))
"""


@pytest.fixture(scope="module")
def sound(tmp_path_factory) -> Path:
    """A state folder whose database has a write-ahead log: its last fold was killed once it was committed."""
    root = tmp_path_factory.mktemp("sound")
    layout = Layout.of(root)
    for half in (0, 1):
        journal = FileJournal(layout)
        journal.append(every_fact()[half::2])
        journal.close()
        fault = {"ASSETCTL_FAULT": "fold_committed@1"} if half else {}
        command = [sys.executable, "-c", _FOLD, str(root)]
        assert subprocess.run(command, env={**os.environ, **fault}, check=False).returncode == (-9 if half else 0)
    assert wal_of(layout).stat().st_size > 0
    return root


def wal_of(layout: Layout) -> Path:
    return layout.lineage_db.with_name(layout.lineage_db.name + ".wal")


def copies(sound: Path, where: Path, harms: list[Callable[[Layout], None]]) -> list[Path]:
    """Return a copy of the folder for each harm, harmed."""
    roots = []
    for n, harm in enumerate(harms):
        root = where / str(n)
        shutil.copytree(sound, root)
        harm(Layout.of(root))
        roots.append(root)
    return roots


def ask(roots: list[Path]) -> list[tuple[bool, int, list[str]]]:
    done = subprocess.run(
        [sys.executable, "-c", _ASK, *map(str, roots)], capture_output=True, text=True, timeout=1200, check=False
    )
    assert (done.returncode, done.stderr) == (0, ""), done
    return [tuple(answer) for answer in json.loads(done.stdout)]


def _empty(layout: Layout) -> None:
    layout.lineage_db.write_bytes(b"")


def _garbage(layout: Layout) -> None:
    layout.lineage_db.write_bytes(random.Random(1).randbytes(40_000))


def _garbage_wal(layout: Layout) -> None:
    wal_of(layout).write_bytes(random.Random(1).randbytes(4000))


def _no_database(layout: Layout) -> None:
    layout.lineage_db.unlink()


def _no_wal(layout: Layout) -> None:
    wal_of(layout).unlink()


def _text(layout: Layout) -> None:
    layout.lineage_db.write_text("select 1;\n")


def _sql(layout: Layout, *statements: str) -> None:
    """Say something to the database in another process, as another program would."""
    code = "import sys, duckdb\ncon = duckdb.connect(sys.argv[1])\nfor s in sys.argv[2:]: con.execute(s)\ncon.close()"
    subprocess.run([sys.executable, "-c", code, str(layout.lineage_db), *statements], check=True)


def _foreign(layout: Layout) -> None:
    layout.lineage_db.unlink()
    wal_of(layout).unlink()
    _sql(layout, "CREATE TABLE orders AS SELECT 1 AS id")


def _wal_of_another(layout: Layout) -> None:
    other = layout.state / "other.duckdb"
    code = (
        "import sys, os, duckdb\ncon = duckdb.connect(sys.argv[1])\ncon.execute('CHECKPOINT')\n"
        "con.execute('CREATE TABLE orders AS SELECT 1 AS id')\nos._exit(0)"
    )
    subprocess.run([sys.executable, "-c", code, str(other)], check=True)
    other.with_name("other.duckdb.wal").replace(wal_of(layout))
    other.unlink()


def _newer_schema(layout: Layout) -> None:
    _sql(layout, "UPDATE lineage.lineage.meta SET value = '99 0123456789abcdef' WHERE name = 'schema'")


def _older_schema(layout: Layout) -> None:
    _sql(layout, "UPDATE lineage.lineage.meta SET value = '0 0123456789abcdef' WHERE name = 'schema'")


def _no_table(layout: Layout) -> None:
    _sql(layout, "DROP TABLE lineage.lineage.folded")


def _claims_more(layout: Layout) -> None:
    _sql(layout, "UPDATE lineage.lineage.folded SET seen_bytes = seen_bytes + 1000000")


HARMS = [
    _empty, _garbage, _garbage_wal, _no_database, _no_wal, _text, _foreign, _wal_of_another, _newer_schema,
    _older_schema, _no_table, _claims_more,
]  # fmt: skip


def test_whatever_is_in_its_place_the_answers_are_those_of_the_journal(sound: Path, tmp_path: Path) -> None:
    roots = copies(sound, tmp_path, HARMS)
    for harm, (same, n_facts, _warnings) in zip(HARMS, ask(roots), strict=True):
        assert (same, n_facts) == (True, len(every_fact())), harm.__name__


def flips(n: int, seed: int) -> list[Callable[[Layout], None]]:
    choose = random.Random(seed)
    kinds = [kind for kind in DAMAGES if kind not in {"a link", "a folder", "a pipe"}]

    def harm(of: Callable[[Layout], Path], kind: str, number: int) -> Callable[[Layout], None]:
        return lambda layout: damage(of(layout), kind, random.Random(number))

    files = (lambda layout: layout.lineage_db, wal_of)
    return [harm(of, choose.choice(kinds), choose.randrange(1 << 30)) for _ in range(n) for of in files]


def test_however_its_files_are_damaged_the_answers_are_those_of_the_journal(sound: Path, tmp_path: Path) -> None:
    for same, n_facts, _warnings in ask(copies(sound, tmp_path, flips(N_FLIPS, 1))):
        assert (same, n_facts) == (True, len(every_fact()))


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(10))
def test_soak_four_hundred_damages_of_its_files(sound: Path, tmp_path: Path, seed: int) -> None:
    for same, n_facts, _warnings in ask(copies(sound, tmp_path, flips(20, 100 + seed))):
        assert (same, n_facts) == (True, len(every_fact()))


@pytest.mark.parametrize(
    ("harm", "severity", "what"),
    [
        (_empty, "error", "damaged"),
        (_foreign, "error", "damaged: its schema is None"),
        (_newer_schema, "warning", "a newer assetctl wrote the lineage database"),
        (_older_schema, "note", "the schema of another release"),
    ],
)
def test_doctor_says_what_it_is(sound: Path, tmp_path: Path, harm, severity: str, what: str) -> None:
    (root,) = copies(sound, tmp_path, [harm])
    (finding,) = database_findings(Layout.of(root))
    assert finding.severity == severity
    assert what in finding.what


def test_a_rebuilt_database_is_equal_in_every_row_of_every_table_and_view(sound: Path, tmp_path: Path) -> None:
    (root,) = copies(sound, tmp_path, [lambda _layout: None])
    layout = Layout.of(root)
    store = DuckLineageStore(layout, FileJournal(layout))
    store.refresh()
    before = every_row(store)
    assert all(before[name] for name in before if name != "views"), {name for name in before if not before[name]}
    store.rebuild()
    assert every_row(store) == before
    again = DuckLineageStore(layout, FileJournal(layout))
    assert every_row(again) == before
    assert [finding for finding in database_findings(layout) if finding.severity == ERROR] == []


def every_row(store: DuckLineageStore) -> dict[str, list[str]]:
    """Return the rows of each table and view, as sorted text."""
    names = store.query(
        "SELECT table_name FROM duckdb_tables() WHERE schema_name = 'lineage' "
        "UNION ALL SELECT view_name FROM duckdb_views() WHERE schema_name = 'lineage'"
    )
    rows = {}
    for name in sorted(names["table_name"].to_pylist()):
        rows[name] = sorted(map(repr, store.query(f'SELECT * FROM lineage."{name}"').to_pylist()))
    return rows

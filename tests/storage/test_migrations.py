"""Databases of other releases: earlier ones are brought up to date, newer ones are left alone."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from assetctl.assets.errors import EnvironmentFault
from assetctl.assets.ids import Target
from assetctl.storage.care.inspect import examine
from assetctl.storage.journal.journal import FileJournal
from assetctl.storage.lineage_store.folding import schema_name
from assetctl.storage.lineage_store.probe import probe
from assetctl.storage.lineage_store.store import DuckLineageStore
from assetctl.storage.schema.migrations import MIGRATIONS, SCHEMA_VERSION, kinds_to_read_again, version_of
from assetctl.storage.state.format import ensure_state
from assetctl.storage.state.layout import Layout
from tests.storage.facts import made

FIXTURES = Path(__file__).with_name("fixtures")
VERSIONS = sorted(int(folder.name.removeprefix("schema-")) for folder in FIXTURES.glob("schema-*"))


def database_of(version: int, layout: Layout) -> None:
    """Lay out a state folder as the release of that schema left it: journal text, tables, and their rows."""
    folder = FIXTURES / f"schema-{version}"
    ensure_state(layout)
    layout.journal.mkdir()
    for segment in folder.glob("*.log"):
        shutil.copy(segment, layout.journal)
    con = duckdb.connect()
    con.execute(f"ATTACH '{layout.lineage_db}' AS store; USE store;" + (folder / "schema.sql").read_text("utf-8"))
    for table, contents in json.loads((folder / "rows.json").read_text("utf-8")).items():
        marks = ", ".join("?" for _ in contents["columns"])
        for row in contents["rows"]:
            con.execute(f"INSERT INTO lineage.{table} ({', '.join(contents['columns'])}) VALUES ({marks})", row)
    con.close()


def rows_of(store: DuckLineageStore) -> dict[str, list[tuple[object, ...]]]:
    """Every row of every table and view."""
    names = "SELECT table_name FROM information_schema.tables WHERE table_schema = 'lineage'"
    return store._ask(
        lambda con: {
            table: sorted(con.execute(f"SELECT * FROM lineage.{table}").fetchall(), key=repr)
            for (table,) in con.execute(names).fetchall()
        }
    )


def store_of(layout: Layout) -> DuckLineageStore:
    store = DuckLineageStore(layout, FileJournal(layout))
    store.refresh()
    return store


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout.of(tmp_path)


def left_behind(layout: Layout) -> list[str]:
    return sorted(path.name for path in layout.state.glob("lineage.duckdb*"))


def test_every_released_schema_has_a_fixture_and_a_migration() -> None:
    assert VERSIONS == [migration.version - 1 for migration in MIGRATIONS] == list(range(1, SCHEMA_VERSION))
    for migration in MIGRATIONS:
        meta = json.loads((FIXTURES / f"schema-{migration.version - 1}" / "rows.json").read_text())["meta"]["rows"]
        assert ["schema", migration.before] in meta


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("grown", [False, True], ids=["as left", "recorded more since"])
def test_a_database_of_every_version_becomes_what_a_fold_from_nothing_gives(
    layout: Layout, version: int, grown: bool
) -> None:
    database_of(version, layout)
    if grown:
        FileJournal(layout).append([made("b", "9"), made("new", "1")])
    migrated = store_of(layout)
    assert migrated.warnings == []
    assert left_behind(layout) == ["lineage.duckdb"]
    rows = rows_of(migrated)
    layout.lineage_db.unlink()
    assert rows == rows_of(store_of(layout))


@pytest.mark.parametrize("version", VERSIONS)
def test_what_an_earlier_release_could_not_read_is_read_again(layout: Layout, version: int) -> None:
    database_of(version, layout)
    store = store_of(layout)
    assert [pin.target for pin in store.pins() if pin.target.partition_key is None] == []  # set, then lifted
    assert store.names() == {Target.parse("b2"): (Target.parse("b"),)}
    assert store.query("SELECT branch FROM lineage.runs WHERE run_id = 'run2'").to_pylist() == [{"branch": "main"}]


def test_a_migration_copies_what_need_not_be_read_again(layout: Layout) -> None:
    """Rows come from the old file, not from the journal: a sign put there is still there."""
    database_of(1, layout)
    con = duckdb.connect()
    con.execute(f"ATTACH '{layout.lineage_db}' AS store; UPDATE store.lineage.observations SET kind = 'copied'")
    con.close()
    assert store_of(layout).query("SELECT kind FROM lineage.observations").to_pylist() == [{"kind": "copied"}]


@pytest.mark.parametrize("version", VERSIONS)
def test_metrics_recorded_by_earlier_releases_have_a_time(layout: Layout, version: int) -> None:
    database_of(version, layout)
    times = store_of(layout).query("SELECT recorded_at::text AS t FROM lineage.metrics").to_pylist()
    assert {row["t"][:19] for row in times} == {"2026-01-02 03:04:05"}


@pytest.mark.parametrize("version", VERSIONS)
def test_migrating_twice_changes_nothing(layout: Layout, version: int) -> None:
    database_of(version, layout)
    store_of(layout)
    before = layout.lineage_db.stat()
    store_of(layout)
    after = layout.lineage_db.stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


_KILLED = """
import os, shutil, signal, sys
from pathlib import Path
from assetctl.storage.journal.journal import FileJournal
from assetctl.storage.state.layout import Layout
from assetctl.storage.lineage_store.store import DuckLineageStore

base, stride = Path(sys.argv[1]), int(sys.argv[2])

def migrate(layout, step):
    seen = 0
    def count(frame, event, _):
        nonlocal seen
        if event == "call" and frame.f_code.co_filename.endswith(("/renewal.py", "/folding.py", "/duck.py")):
            seen += 1
            if seen == step:
                os.kill(os.getpid(), signal.SIGKILL)
    sys.setprofile(count)
    DuckLineageStore(layout, FileJournal(layout)).refresh()

step = 1
while True:
    shutil.copytree(base / "old", base / f"killed-{step}")
    child = os.fork()
    if child == 0:
        migrate(Layout.of(base / f"killed-{step}"), step)
        os._exit(0)
    if os.waitpid(child, 0)[1] == 0:
        break
    step += stride
print(step)
"""


def killed_at_steps(tmp_path: Path, stride: int) -> int:
    old = Layout.of(tmp_path / "old")
    old.root.mkdir()
    database_of(VERSIONS[-1], old)
    done = subprocess.run(
        [sys.executable, "-c", _KILLED, str(tmp_path), str(stride)], capture_output=True, text=True, check=True
    )
    expected = rows_of(store_of(old))
    killed = sorted(tmp_path.glob("killed-*"))
    for folder in killed:
        layout = Layout.of(folder)
        again = store_of(layout)
        assert rows_of(again) == expected, folder.name
        assert again.warnings == []
        assert left_behind(layout) == ["lineage.duckdb"]
    assert int(done.stdout) > 20
    return len(killed)


def test_a_migration_killed_on_the_way_starts_again(tmp_path: Path) -> None:
    assert killed_at_steps(tmp_path, 41) > 2


@pytest.mark.soak
def test_a_migration_killed_at_any_step_starts_again(tmp_path: Path) -> None:
    assert killed_at_steps(tmp_path, 1) > 40


# --- what is no earlier release --------------------------------------------------------


@pytest.fixture
def current(layout: Layout) -> Layout:
    ensure_state(layout)
    FileJournal(layout).append([made("a", "1")])
    store_of(layout)
    return layout


def says(layout: Layout, schema: str) -> None:
    con = duckdb.connect()
    con.execute(f"ATTACH '{layout.lineage_db}' AS store; UPDATE store.lineage.meta SET value = '{schema}'")
    con.close()


@pytest.mark.parametrize("schema", [f"{SCHEMA_VERSION} 0123456789abcdef", "1 0123456789abcdef"])
def test_a_schema_that_was_never_released_is_folded_anew(current: Layout, schema: str) -> None:
    says(current, schema)
    store = store_of(current)
    assert store.warnings == []
    assert left_behind(current) == ["lineage.duckdb"]
    assert store.query("SELECT value FROM lineage.meta").to_pylist() == [{"value": schema_name()}]
    assert list(store.snapshot([Target.parse("a")]).latest) == ["a"]


def test_a_newer_database_is_never_touched_and_all_commands_work(current: Layout) -> None:
    says(current, f"{SCHEMA_VERSION + 1} fedcba9876543210")
    before = current.lineage_db.read_bytes()
    journal = FileJournal(current)
    journal.append([made("b", "1")])
    store = DuckLineageStore(current, journal)
    store.refresh()
    store.refresh()
    assert sorted(store.snapshot([Target.parse("a"), Target.parse("b")]).latest) == ["a", "b"]
    assert store.query("SELECT count(*) AS n FROM lineage.assets").to_pylist() == [{"n": 2}]
    assert len(store.warnings) == 1
    assert "upgrade" in store.warnings[0]
    with pytest.raises(EnvironmentFault, match="rebuilt"):
        store.rebuild()
    assert current.lineage_db.read_bytes() == before
    assert left_behind(current) == ["lineage.duckdb"]


def test_a_newer_release_that_comes_between_is_noticed(current: Layout) -> None:
    store = store_of(current)
    says(current, f"{SCHEMA_VERSION + 1} fedcba9876543210")
    before = current.lineage_db.read_bytes()
    assert list(store.snapshot([Target.parse("a")]).latest) == ["a"]
    assert "newer assetctl" in store.warnings[0]
    assert current.lineage_db.read_bytes() == before


@pytest.mark.parametrize(
    ("schema", "answer", "severity"),
    [
        (f"{SCHEMA_VERSION + 1} fedcba9876543210", "newer", "warning"),
        ("1 0123456789abcdef", "outdated", "note"),
        ("nonsense", "damaged", "error"),
    ],
)
def test_doctor_tells_other_releases_from_damage(current: Layout, schema: str, answer: str, severity: str) -> None:
    says(current, schema)
    assert probe(current).split()[0] == answer
    (finding,) = [finding for finding in examine(current) if finding.where == str(current.lineage_db)]
    assert finding.severity == severity


def test_a_database_that_says_nonsense_of_its_schema_is_set_aside(current: Layout) -> None:
    says(current, "nonsense")
    store = store_of(current)
    assert len(store.warnings) == 1
    assert list(store.snapshot([Target.parse("a")]).latest) == ["a"]
    assert len(left_behind(current)) == 2


@pytest.mark.parametrize(
    ("schema", "version"), [("2 abc", 2), ("17", 17), ("", None), (None, None), ("2x", None), ("two 3", None)]
)
def test_the_version_is_read_from_what_a_database_says(schema: str | None, version: int | None) -> None:
    assert version_of(schema) == version


def test_only_released_schemas_are_migrated() -> None:
    assert kinds_to_read_again(MIGRATIONS[0].before) is not None
    assert kinds_to_read_again("1 somethingelse") is None

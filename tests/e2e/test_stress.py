"""Eight writers, four readers, a notebook and a database browser at one project: no error, no fact lost."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from assetctl.assets.ids import Target
from assetctl.lineage.facts.records import Materialized
from assetctl.storage.care.inspect import examine
from assetctl.storage.care.verify import read_again, take_inventory
from assetctl.storage.journal.journal import FileJournal
from assetctl.storage.lineage_store.store import DuckLineageStore
from assetctl.storage.state.layout import Layout
from tests.e2e.crashes import facts_of, report
from tests.e2e.projects import ROOT, DiskProject
from tests.storage.memory import MemoryLineageStore
from tests.storage.test_database_damage import every_row
from tests.waiting import PATIENCE_S

N_WRITERS, N_READERS = 8, 4

_BEGIN = """
import json, sys, time
from pathlib import Path
from assetctl.engine.planning.options import PlanOptions
from assetctl.engine.project import Project
root, number, seconds = Path(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
project = Project.open(root)
project.plan()
print("ready", flush=True)
while not (root / "go").exists():
    time.sleep(0.01)
end, n = time.monotonic() + seconds, 0
"""
_WRITE = """
def tell(event):
    for output in getattr(event, "outputs", ()):
        if hasattr(output, "value"):
            print(json.dumps([output.target, output.value.version]), flush=True)
while time.monotonic() < end or n == 0:
    n += 1
    only = PlanOptions(set=(f"own{number}.n={n}",))
    result = project.materialize(f"own{number}", "shared", options=only, jobs=1, on_event=tell)
    assert result.status == "succeeded", result.events
    assert project.load(f"own{number}") == [number, n] * 1500
"""
_READ = """
questions = [
    lambda: project.plan(),
    lambda: project.history(limit=50),
    lambda: project.sql("SELECT asset, count(*) AS n FROM lineage.materializations GROUP BY asset ORDER BY n"),
    lambda: project.load("shared"),
]
while time.monotonic() < end or n < len(questions):
    n += 1
    questions[(n + number) % len(questions)]()
print(json.dumps(n))
"""
_BROWSE = """
import sys, time, duckdb
from pathlib import Path
root, seconds = Path(sys.argv[1]), float(sys.argv[3])
print("ready", flush=True)
while not (root / "go").exists():
    time.sleep(0.01)
end, held = time.monotonic() + seconds, 0
while time.monotonic() < end:
    try:
        con = duckdb.connect(str(root / ".assetctl" / "lineage.duckdb"))
    except duckdb.Error:
        time.sleep(0.01)
        continue
    held += 1
    con.execute("SELECT count(*) FROM lineage.lineage.facts").fetchall()
    time.sleep(0.3)
    con.close()
    time.sleep(0.5)
print(held)
"""


def start(project: DiskProject, code: str, number: int, seconds: float) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", code, str(project.root), str(number), str(seconds)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=project.root,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )


def stress(project: DiskProject, seconds: float) -> None:
    project.asset("shared", "return list(range(3000))")
    for number in range(N_WRITERS):
        project.asset(f"own{number}", f"return [{number}, n] * 1500", reads="shared, n=0")
    project.build("shared")
    writers = [start(project, _BEGIN + _WRITE, number, seconds) for number in range(N_WRITERS)]
    readers = [start(project, _BEGIN + _READ, number, seconds) for number in range(N_READERS)]
    browser = start(project, _BROWSE, 0, seconds)
    processes = [*writers, *readers, browser]
    try:
        for process in processes:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n", process.communicate()
        with project.open() as notebook:
            plan = notebook.plan()
            assert notebook.load("shared") == list(range(3000))
            project.file("go", "")
            said = [process.communicate(timeout=PATIENCE_S) for process in processes]
            assert plan is not None
            assert notebook.load("own0") == [0, notebook.load("own0")[1]] * 1500
    finally:
        for process in processes:
            process.kill()
            process.wait()
    assert [process.returncode for process in processes] == [0] * len(processes), [err for _, err in said if err]
    announced = [json.loads(line) for out, _ in said[:N_WRITERS] for line in out.splitlines()]
    held = int(said[-1][0])
    assert held > 0
    n_facts = assert_nothing_lost(project, announced)
    reads = sum(int(out) for out, _ in said[N_WRITERS:-1])
    report(
        f"stress of {seconds:g} s: {len(announced)} announced, {n_facts} facts, {reads} reads, browser held {held} times"
    )


def assert_nothing_lost(project: DiskProject, announced: list[list[str]]) -> int:
    """What was announced is recorded, and what is folded is what a fold from nothing gives."""
    facts = facts_of(project)
    made = [f for _, f in facts if isinstance(f, Materialized)]
    recorded = {(str(output.target), str(output.value.version)) for fact in made for output in fact.outputs}
    assert {tuple(pair) for pair in announced} <= recorded
    assert len({position for position, _ in facts}) == len(facts)
    assert len({fact.id for fact in made}) == len(made)
    layout = Layout.of(project.root)
    store, oracle = DuckLineageStore(layout, FileJournal(layout)), MemoryLineageStore(FileJournal(layout))
    store.refresh()
    oracle.refresh()
    keys = [Target.parse("shared"), *(Target.parse(f"own{number}") for number in range(N_WRITERS))]
    assert store.snapshot(keys) == oracle.snapshot(keys)
    assert store.warnings == []
    anew = Layout.of(project.root.with_name("anew"))
    shutil.copytree(layout.journal, anew.journal)
    folded = DuckLineageStore(anew, FileJournal(anew))
    folded.refresh()
    assert every_row(store) == every_row(folded)
    assert list(read_again(take_inventory(layout, None).pieces, lambda _n: None)) == []
    assert [finding for finding in examine(layout) if finding.severity != "note"] == []
    return len(facts)


@pytest.mark.slow
def test_writers_readers_a_notebook_and_a_browser_at_once_lose_nothing(tmp_path: Path) -> None:
    stress(DiskProject(tmp_path / "project"), 2.0)


@pytest.mark.soak
def test_soak_writers_readers_a_notebook_and_a_browser_for_more_than_a_minute(tmp_path: Path) -> None:
    began = time.monotonic()
    stress(DiskProject(tmp_path / "project"), 75.0)
    assert time.monotonic() - began > 75

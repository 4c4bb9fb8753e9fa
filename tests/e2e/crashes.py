"""Runs that die at a named point, and what has to hold after any death.

The project has every way in which a value is kept: inside its record, as a blob, as a
table, as a folder, two at once. Its data follow from one number, `seed`, so that each
trial builds everything anew, and a build that was never disturbed says what is right.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from assetctl.assets.ids import Target
from assetctl.lineage.facts.records import Fact, Materialized, Position
from assetctl.storage.blobs.blobs import hash_file
from assetctl.storage.care.findings import Finding
from assetctl.storage.care.gc import Cleaning, apply_gc
from assetctl.storage.care.inspect_blobs import blob_findings, tidiness_findings
from assetctl.storage.care.inspect_folders import folder_findings
from assetctl.storage.care.inspect_journal import journal_findings
from assetctl.storage.care.retention_rules import KeepRules
from assetctl.storage.journal.journal import FileJournal
from assetctl.storage.lineage_store.store import DuckLineageStore
from assetctl.storage.state.crash_points import CrashPoint
from assetctl.storage.state.layout import Layout
from assetctl.storage.values.references import References, blob_files, versions_in
from tests.e2e.projects import DiskProject
from tests.storage.memory import MemoryLineageStore
from tests.waiting import PATIENCE_S, wait_until

KEYS = ["seed", "rows", "head", "tail", "table", "folder", "total", "text", "last"]
BLOBS_PER_BUILD = 8  # rows, head, tail, table, a manifest and two files, text
_LATER_S = 7200.0
_FILES = """
path = Path(tempfile.mkdtemp()) / "out"
(path / "deep").mkdir(parents=True)
(path / "a.txt").write_text("a" * rows[0])
(path / "deep" / "b.txt").write_text("b" * rows[1])
return path
"""


def make_project(root: Path, *, jobs: int) -> DiskProject:
    """Return the project, with seed 0; `jobs` above 1 has its steps performed by workers."""
    project = DiskProject(root, jobs=jobs)
    project.top("import tempfile\nfrom pathlib import Path\nimport pyarrow as pa")
    sow(project, 0)
    project.asset("rows", "return [seed + x for x in range(2000)]", reads="seed")
    project.asset("halves", "return rows[:1000], rows[1000:]", reads="rows", options="outs=['head', 'tail']")
    project.asset("table", "return pa.table({'x': rows})", reads="rows")
    project.asset("folder", _FILES, reads="rows")
    project.asset("total", "return sum(head) + table.num_rows", reads="head, table")
    project.asset("text", "return str(total) * 2000", reads="total, tail")
    project.asset("last", "return len(text)", reads="text, folder")
    return project


def sow(project: DiskProject, seed: int) -> None:
    project.asset("seed", f"return {1000 + seed}")


@dataclass
class Right:
    """What an undisturbed build gives, by seed; built once each."""

    root: Path
    known: dict[int, dict[str, str]] = field(default_factory=dict)

    def versions(self, seed: int) -> dict[str, str]:
        if seed not in self.known:
            project = make_project(self.root / str(seed), jobs=1)
            sow(project, seed)
            project.build()
            self.known[seed] = latest_versions(facts_of(project))
        return self.known[seed]


def layout_of(project: DiskProject) -> Layout:
    return Layout.of(project.root)


def facts_of(project: DiskProject) -> list[tuple[Position, Fact]]:
    journal = FileJournal(layout_of(project))
    recorded, _ = journal.read_since({})
    assert journal.problems == ()
    return recorded


def latest_versions(facts: Iterable[tuple[Position, Fact]]) -> dict[str, str]:
    return {str(v.output.target): str(v.output.value.version) for v in versions_in(facts)}


@dataclass(frozen=True)
class Death:
    """How a command ended that was told to die at a point."""

    witnesses: list[str]  # one line for each process that arrived there the n-th time
    announced: dict[str, str]  # what it said was materialized: asset -> data version
    pid: int

    @property
    def was_hit(self) -> bool:
        return bool(self.witnesses)


def die_at(project: DiskProject, point: CrashPoint, arrival: int, *words: str) -> Death:
    """Run a command with a death planned for it, or for its workers; it may end before it comes that far."""
    witness = project.root / f"witness-{time.monotonic_ns()}"
    process = subprocess.Popen(
        project.command(*(words or ("materialize", "--json"))),
        cwd=project.root,
        env=project.environment({"ASSETCTL_FAULT": f"{point.value}@{arrival}@{witness}"}),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    out, err = process.communicate(timeout=PATIENCE_S)
    witnesses = witness.read_text().splitlines() if witness.exists() else []
    died_itself = f"{point.value} {process.pid}" in witnesses
    assert (process.returncode == -signal.SIGKILL) == died_itself, (process.returncode, out, err)
    return Death(witnesses, announced_in(out), process.pid)


def die_after(project: DiskProject, delay_s: float) -> tuple[Death, bool]:
    """Kill a run and all its processes after a while; also return whether it was still running."""
    process = project.start("materialize", "--json")
    try:
        process.wait(timeout=delay_s)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
    out, _ = process.communicate(timeout=PATIENCE_S)
    return Death([], announced_in(out), process.pid), process.returncode == -signal.SIGKILL


def report(text: str) -> None:
    """Add a line to the report of a campaign, where one is kept."""
    if path := os.environ.get("ASSETCTL_SOAK_REPORT"):
        with Path(path).open("a", encoding="utf-8") as file:
            file.write(text + "\n")


def announced_in(out: str) -> dict[str, str]:
    """Return asset and data version of everything that a run said it had finished."""
    said: dict[str, str] = {}
    for line in out.splitlines():
        event = json.loads(line) if line.startswith("{") and line.endswith("}") else {}
        if event.get("event") == "step_finished":
            said.update({output["asset"]: output["data_version"] for output in event["outputs"]})
    return said


def workers_of(project: DiskProject) -> list[int]:
    """Return the worker processes that serve a project now."""
    pids = []
    for entry in Path("/proc").iterdir():
        try:
            words = (entry / "cmdline").read_bytes().split(b"\0") if entry.name.isdigit() else []
        except OSError:
            continue
        if b"assetctl.engine.executors.worker" in words and os.fsencode(project.root) in words:
            pids.append(int(entry.name))
    return pids


def assert_workers_leave(project: DiskProject) -> None:
    wait_until(lambda: not workers_of(project), "the workers of a killed run are gone")


def assert_nothing_lies(project: DiskProject, before: list[tuple[Position, Fact]], death: Death) -> list[Finding]:
    """Earlier facts are kept, what was announced is recorded, every record's bytes are there and are its own."""
    facts = facts_of(project)
    assert [pair for pair in facts if pair in before] == before
    recorded = {(str(v.output.target), str(v.output.value.version)) for v in versions_in(facts)}
    assert set(death.announced.items()) <= recorded
    layout = layout_of(project)
    references = References(layout)
    for digest in {digest for version in versions_in(facts) for digest in references.of(version)}:
        assert hash_file(layout.blob(digest)) == digest
    for file in blob_files(layout):  # also those without a record: a name stands for whole bytes
        assert hash_file(file.path) == file.digest
    journal = FileJournal(layout)
    journal.read_since({})
    findings = [*folder_findings(layout), *journal_findings(journal), *tidiness_findings(layout, facts)]
    assert [f for f in findings if f.severity != "note"] == []
    return findings


def collect_garbage(project: DiskProject) -> int:
    """Remove what the death left; return how much it was. Afterwards nothing unrecorded is there."""
    layout = layout_of(project)
    journal = FileJournal(layout)
    gone = apply_gc(Cleaning(layout, journal, KeepRules(grace_s=0), time.time() + _LATER_S)).reclaims
    assert not layout.temporary.exists() or list(layout.temporary.iterdir()) == []
    assert list(tidiness_findings(layout, facts_of(project))) == []
    return len(gone)


def assert_resumes(project: DiskProject, right: dict[str, str], before: list[tuple[Position, Fact]]) -> None:
    """The next run makes what is missing and nothing else, and the result is that of an undisturbed build."""
    done = {
        str(fact.step)
        for pair in facts_of(project)
        if pair not in before and isinstance(fact := pair[1], Materialized) and fact.published
    }
    ran = project.build()
    assert not done & {"halves" if key in {"head", "tail"} else key for key in ran}, (done, ran)
    assert latest_versions(facts_of(project)) == right
    with project.open() as opened:
        assert opened.plan().is_fresh
        assert {key: str(opened.find(key).output.value.version) for key in KEYS} == right
    layout = layout_of(project)
    assert list(blob_findings(layout, full=True)) == []
    store, oracle = DuckLineageStore(layout, FileJournal(layout)), MemoryLineageStore(FileJournal(layout))
    store.refresh()
    oracle.refresh()
    assert store.snapshot(list(map(Target.parse, KEYS))) == oracle.snapshot(list(map(Target.parse, KEYS)))
    assert store.warnings == []

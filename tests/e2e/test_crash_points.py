"""A process killed at each named point of the commit order, and of the store's care: nothing lies, nothing is lost."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from assetctl.storage.care.inspect_database import database_findings
from assetctl.storage.journal.journal import FileJournal
from assetctl.storage.lineage_store.store import DuckLineageStore
from assetctl.storage.state.crash_points import COMMIT_ORDER, CrashPoint
from tests.e2e.crashes import (
    BLOBS_PER_BUILD,
    Right,
    assert_nothing_lies,
    assert_resumes,
    assert_workers_leave,
    collect_garbage,
    die_after,
    die_at,
    facts_of,
    layout_of,
    make_project,
    report,
    sow,
)
from tests.e2e.projects import DiskProject

HITS = 20  # of each point, in a campaign
LEAVES_AN_ORPHAN = (CrashPoint.BLOB_RENAMED, CrashPoint.BLOB_FOLDER_SYNCED)
IN_WORKERS = COMMIT_ORDER[: COMMIT_ORDER.index(CrashPoint.INPUTS_RECHECKED)]
ONCE_A_RUN = COMMIT_ORDER[COMMIT_ORDER.index(CrashPoint.RUN_FINISHED_RECORDED) :]


@pytest.fixture(scope="module")
def right(tmp_path_factory) -> Right:
    return Right(tmp_path_factory.mktemp("right"))


def die_and_recover(project: DiskProject, right: Right, seed: int, point: CrashPoint, arrival: int) -> bool:
    """Die at the n-th arrival at a point, then look at everything and build on; say whether it came so far."""
    sow(project, seed)
    before = facts_of(project)
    death = die_at(project, point, arrival)
    assert_workers_leave(project)
    findings = assert_nothing_lies(project, before, death)
    has_orphan = any("no record" in finding.what for finding in findings)
    if death.was_hit and point in LEAVES_AN_ORPHAN:
        assert has_orphan
    if seed % 2:  # otherwise the next build finds the orphan, and takes it
        assert (collect_garbage(project) > 0) >= has_orphan
    assert_resumes(project, right.versions(seed), before)
    return death.was_hit


@pytest.mark.parametrize("point", COMMIT_ORDER, ids=lambda point: point.value)
def test_p07_to_p11_hold_after_a_death_at_each_point_of_the_commit_order(tmp_path: Path, right: Right, point) -> None:
    project = make_project(tmp_path / "project", jobs=1)
    arrival = 1 if point in ONCE_A_RUN else 3
    assert die_and_recover(project, right, 1, point, arrival)


def test_a_worker_alone_that_dies_costs_its_step_and_the_next_run_resumes(tmp_path: Path, right: Right) -> None:
    project = make_project(tmp_path / "project", jobs=2)
    assert die_and_recover(project, right, 1, CrashPoint.BLOB_RENAMED, 1)


def test_when_the_parent_alone_dies_its_workers_leave(tmp_path: Path, right: Right) -> None:
    project = make_project(tmp_path / "project", jobs=2)
    assert die_and_recover(project, right, 1, CrashPoint.RECORD_APPENDED, 3)


def test_a_death_while_cleaning_up_deletes_nothing_that_is_needed(tmp_path: Path, right: Right) -> None:
    project = make_project(tmp_path / "project", jobs=1)
    for seed in (0, 1):
        sow(project, seed)
        project.build()
    before = facts_of(project)
    n_blobs = len(project.blobs())
    death = die_at(project, CrashPoint.BLOB_DELETED, 3, "gc", "--keep-last", "1", "--apply")
    assert death.was_hit
    assert len(project.blobs()) == n_blobs - 3
    assert facts_of(project) == before
    with project.open() as opened:
        assert opened.plan().is_fresh
        assert opened.load("last") == len(opened.load("text"))
    assert project.run("gc", "--keep-last", "1", "--apply").code == 0
    assert len(project.blobs()) == BLOBS_PER_BUILD
    sow(project, 0)  # its bytes are gone, its record is not: nothing is restored that is not there
    assert_resumes(project, right.versions(0), before)


@pytest.mark.parametrize("point", [CrashPoint.REBUILD_WAL_REMOVED, CrashPoint.FOLD_INSERTED])
def test_a_death_while_the_database_is_rebuilt_leaves_a_sound_one(tmp_path: Path, right: Right, point) -> None:
    project = make_project(tmp_path / "project", jobs=1)
    sow(project, 1)
    project.build()
    before = facts_of(project)
    death = die_at(project, point, 1, "doctor", "--rebuild")
    assert death.was_hit
    assert_nothing_lies(project, before, death)
    layout = layout_of(project)
    assert ["unfinished rebuild" in finding.what for finding in database_findings(layout)] == [True]
    assert_resumes(project, right.versions(1), before)
    DuckLineageStore(layout, FileJournal(layout)).rebuild()
    assert list(database_findings(layout)) == []


def test_a_death_while_an_empty_database_is_filled_leaves_what_the_next_command_fills(
    tmp_path: Path, right: Right
) -> None:
    project = make_project(tmp_path / "project", jobs=1)
    sow(project, 1)
    project.build()
    before = facts_of(project)
    (project.state / "lineage.duckdb").unlink()
    death = die_at(project, CrashPoint.FOLD_INSERTED, 1, "plan", "--json")
    assert death.was_hit
    assert_nothing_lies(project, before, death)
    assert_resumes(project, right.versions(1), before)


@pytest.mark.soak
@pytest.mark.parametrize("jobs", [1, 2])
@pytest.mark.parametrize("point", COMMIT_ORDER, ids=lambda point: point.value)
def test_soak_a_campaign_of_deaths_at_each_point(tmp_path: Path, right: Right, point, jobs) -> None:
    project = make_project(tmp_path / "project", jobs=jobs)
    hits = 0
    choose = random.Random(f"{point} {jobs}")
    n_trials = 0
    while hits < HITS:
        n_trials += 1
        assert n_trials < 10 * HITS, f"{hits} hits in {n_trials} trials"
        arrival = 1 if point in ONCE_A_RUN else choose.randint(1, 6 if jobs == 1 or point not in IN_WORKERS else 3)
        hits += die_and_recover(project, right, n_trials, point, arrival)
    report(f"{point.value} with {jobs} jobs: {hits} deaths in {n_trials} runs")


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(10))
def test_soak_after_each_kill_at_a_random_instant_everything_holds(tmp_path: Path, right: Right, seed) -> None:
    project = make_project(tmp_path / "project", jobs=1 + seed % 2)
    choose = random.Random(seed)
    n_killed = 0
    for trial in range(1, HITS + 1):
        sow(project, trial)
        before = facts_of(project)
        death, was_killed = die_after(project, choose.uniform(0.4, 2.0))
        n_killed += was_killed
        assert_workers_leave(project)
        assert_nothing_lies(project, before, death)
        if trial % 2:
            collect_garbage(project)
        assert_resumes(project, right.versions(trial), before)
    report(f"random instants, seed {seed}: {n_killed} of {HITS} runs were killed")

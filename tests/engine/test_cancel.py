"""Stopping a run: from another thread with a token, and a whole process with SIGTERM."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from assetctl.engine.project import Project
from assetctl.engine.runs.cancel import CancelToken
from assetctl.engine.runs.result import RunResult
from assetctl.lineage.deciding.events import Event, StepFailed, StepRetried, StepStarted
from assetctl.lineage.facts.records import Fact, Materialized, RunFinished
from tests.waiting import PATIENCE_S, wait_until

ROOT = Path(__file__).parents[2]
ASSETS = """
import os, time
from pathlib import Path
from assetctl import asset

@asset
def first():
    return 1

@asset
def held(first):
    Path("started").write_text(str(os.getpid()))
    while not Path("go").exists():
        time.sleep(0.01)
    return 2

@asset
def after(held):
    return 3
"""
SCRIPT = """
import sys
from assetctl.engine.project import Project
Project.open(".").materialize(jobs=2)
print("went on")
"""


class Running:
    """A run on a thread of its own, whose step `held` has begun."""

    def __init__(self, folder: Path, *, jobs: int, is_pool: bool) -> None:
        (folder / "assets.py").write_text(ASSETS + ("\n@asset\ndef other():\n    return 4\n" if is_pool else ""))
        self.token = CancelToken()
        self.results: list[RunResult] = []
        self.thread = threading.Thread(target=self._run, args=(Project.open(folder), jobs))
        self.thread.start()
        wait_until((folder / "started").exists, "the step runs")

    def _run(self, project: Project, jobs: int) -> None:
        self.results.append(project.materialize(jobs=jobs, cancel=self.token))

    def result(self) -> RunResult:
        self.thread.join(timeout=PATIENCE_S)
        assert self.results, "the run has not ended"
        return self.results[0]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def facts_of(folder: Path) -> list[Fact]:
    return [fact for _, fact in Project.open(folder).workspace.stores.journal.read_since({})[0]]


def recorded_status(folder: Path) -> list[str]:
    return [fact.status for fact in facts_of(folder) if isinstance(fact, RunFinished)]


def latest(folder: Path) -> set[str]:
    return {fact.step.asset for fact in facts_of(folder) if isinstance(fact, Materialized)}


def test_no_call_is_lost_whichever_thread_it_comes_from():
    token = CancelToken()
    threads = [threading.Thread(target=lambda: [token.cancel() for _ in range(1000)]) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert token.count == 8000


@pytest.mark.parametrize(("jobs", "is_pool"), [(2, True), (1, False)])
def test_a_run_cancelled_from_another_thread_records_what_runs_and_starts_nothing_more(here, jobs, is_pool):
    run = Running(here, jobs=jobs, is_pool=is_pool)
    run.token.cancel()
    (here / "go").touch()
    result = run.result()
    assert (result.status, result.exit_code) == ("cancelled", 130)
    assert {"first", "held"} <= set(result.finished.materialized)
    assert "after" not in latest(here) and {"first", "held"} <= latest(here)
    assert recorded_status(here) == ["cancelled"]


def test_cancelled_twice_from_another_thread_a_pool_kills_what_runs(here):
    run = Running(here, jobs=2, is_pool=True)
    run.token.cancel()
    run.token.cancel()
    result = run.result()
    assert result.status == "cancelled"
    assert not [event for event in result.events if isinstance(event, StepFailed)], "being killed is no failure"
    worker = int((here / "started").read_text())
    wait_until(lambda: not Path(f"/proc/{worker}").exists(), "the worker is gone")
    assert {"first"} <= latest(here) and "held" not in latest(here)
    assert recorded_status(here) == ["cancelled"]


def test_cancelled_twice_in_process_the_running_step_still_ends(here):
    run = Running(here, jobs=1, is_pool=False)
    run.token.cancel()
    run.token.cancel()
    (here / "go").touch()
    assert set(run.result().finished.materialized) == {"first", "held"}


def test_a_run_that_was_asked_to_stop_when_all_was_under_way_is_not_cancelled(here):
    """Its last step has begun, and ends well: there is nothing to run again."""
    (here / "assets.py").write_text("from assetctl import asset\n@asset\ndef a():\n    return 1\n")
    token = CancelToken()

    def stop(event: Event) -> None:
        if isinstance(event, StepStarted):
            token.cancel()

    result = Project.open(here).materialize(jobs=1, cancel=token, on_event=stop)
    assert (result.status, result.exit_code, result.finished.materialized) == ("succeeded", 0, ("a",))
    assert recorded_status(here) == ["succeeded"]


def test_a_token_that_was_used_starts_nothing(here):
    (here / "assets.py").write_text(ASSETS)
    token = CancelToken()
    token.cancel()
    result = Project.open(here).materialize(cancel=token)
    assert (result.status, result.finished.materialized) == ("cancelled", ())
    assert not (here / "started").exists()


def test_a_step_that_waits_for_its_next_attempt_fails_instead_of_trying_again(here):
    (here / "assets.py").write_text(
        "from assetctl import asset\nfrom pathlib import Path\n@asset(retries=5)\ndef flaky():\n"
        "    with Path('tries').open('a') as log: log.write('x')\n    raise OSError('down')\n"
    )
    token = CancelToken()

    def stop(event: Event) -> None:
        if isinstance(event, StepRetried):
            token.cancel()

    result = Project.open(here).materialize(jobs=1, cancel=token, on_event=stop)
    assert (result.status, result.finished.failed) == ("cancelled", ("flaky",))
    assert (here / "tries").read_text() == "x"


def started(folder: Path, *arguments: str) -> subprocess.Popen[bytes]:
    """Start a program that runs the assets; what it prints goes to the file `said`. Return once `held` runs."""
    (folder / "assets.py").write_text(ASSETS + "\n@asset\ndef other():\n    return 4\n")
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}
    with (folder / "said").open("wb") as said:
        process = subprocess.Popen([sys.executable, *arguments], cwd=folder, env=environment, stdout=said, stderr=said)

    def step_runs() -> bool:
        assert process.poll() is None, f"ended before its step ran: {(folder / 'said').read_text()}"
        return (folder / "started").exists()

    wait_until(step_runs, "the step runs")
    return process


def terminate(folder: Path, process: subprocess.Popen[bytes]) -> None:
    """Send SIGTERM, and return once the run has said that it stops."""
    process.send_signal(signal.SIGTERM)
    wait_until(lambda: "stopping once" in (folder / "said").read_text(), "the run says that it stops")


def test_sigterm_lets_what_runs_finish_and_ends_with_143(here):
    process = started(here, "-m", "assetctl", "materialize", "-j", "2")
    terminate(here, process)
    (here / "go").touch()
    assert process.wait(timeout=PATIENCE_S) == 143
    assert {"first", "held"} <= latest(here) and "after" not in latest(here)
    assert recorded_status(here) == ["cancelled"]


def test_sigterm_twice_kills_what_runs_and_keeps_what_was_recorded(here):
    process = started(here, "-m", "assetctl", "materialize", "-j", "2")
    terminate(here, process)
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=PATIENCE_S) == 143
    worker = int((here / "started").read_text())
    wait_until(lambda: not Path(f"/proc/{worker}").exists(), "the worker is gone")
    assert "first" in latest(here) and "held" not in latest(here)
    assert recorded_status(here) == ["cancelled"]


def test_sigterm_in_process_interrupts_the_step_as_ctrl_c_does(here):
    process = started(here, "-m", "assetctl", "materialize", "-j", "1")
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=PATIENCE_S) == 143
    assert "first" in latest(here) and "held" not in latest(here)
    assert recorded_status(here) == ["cancelled"]


def test_a_program_without_an_answer_to_sigterm_ends_by_it_once_the_run_is_recorded(here):
    process = started(here, "-c", SCRIPT)
    process.send_signal(signal.SIGTERM)
    (here / "go").touch()
    assert process.wait(timeout=PATIENCE_S) == -signal.SIGTERM
    assert (here / "said").read_text() == ""
    assert {"first", "held"} <= latest(here)
    assert recorded_status(here) == ["cancelled"]

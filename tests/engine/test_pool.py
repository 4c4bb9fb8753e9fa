"""Worker processes: what kills one step kills nothing else, and none outlives its run."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from assetctl.engine.project import Project
from assetctl.lineage.deciding.events import StepFailed
from tests.waiting import wait_until

ROOT = Path(__file__).parents[2]
HEADER = "import os, signal, sys, time\nfrom pathlib import Path\nfrom assetctl import asset\n"


def open_project(tmp_path: Path, assets: str) -> Project:
    (tmp_path / "assets.py").write_text(HEADER + assets)
    return Project.open(tmp_path)


@pytest.mark.parametrize(
    ("body", "error_type", "part"),
    [
        ("os._exit(0)", "WorkerDied", "exit code 0"),
        ("os.kill(os.getpid(), signal.SIGKILL)", "WorkerDied", "SIGKILL"),
        ("os.abort()", "WorkerDied", "SIGABRT"),
        ("sys.exit(0)", "SystemExit", "sys.exit(0)"),
        ("raise KeyError('k')", "KeyError", "k"),
    ],
)
def test_a_step_that_dies_says_how_and_the_others_go_on(tmp_path, body, error_type, part):
    project = open_project(
        tmp_path,
        f"@asset\ndef dies():\n    {body}\n@asset\ndef after(dies):\n    return 1\n"
        "@asset\ndef one():\n    return 1\n@asset\ndef two(one):\n    return one + 1\n",
    )
    result = project.materialize(jobs=2)
    assert (result.finished.failed, result.finished.skipped) == (("dies",), ("after",))
    assert set(result.finished.materialized) == {"one", "two"}
    failed = next(e for e in result.events if isinstance(e, StepFailed))
    assert failed.error_type == error_type and part in failed.message


def test_a_timeout_kills_the_step_and_what_it_started(tmp_path, monkeypatch):
    root = tmp_path
    for timeout in ("500ms", "5s", "60s"):  # a busy machine starts nothing within half a second
        root = tmp_path / timeout
        root.mkdir()
        monkeypatch.chdir(root)
        project = open_project(
            root,
            "import subprocess\n"
            f"@asset(timeout='{timeout}')\ndef hangs():\n"
            "    child = subprocess.Popen(['sleep', '600'])\n"
            "    Path('child.pid').write_text(str(child.pid))\n    time.sleep(600)\n"
            "@asset\ndef fine():\n    return 1\n",
        )
        result = project.materialize(jobs=2)
        assert (result.finished.failed, result.finished.materialized) == (("hangs",), ("fine",))
        if (root / "child.pid").exists():
            break
    child = int((root / "child.pid").read_text())
    wait_until(lambda: not _is_running(child), "the child of the step is gone")


def test_what_steps_print_is_kept_also_from_child_processes(tmp_path):
    project = open_project(
        tmp_path,
        "@asset\ndef loud():\n    print('from python')\n    os.system('echo from a child')\n    raise ValueError\n"
        "@asset\ndef other():\n    return 1\n",
    )
    failed = next(e for e in project.materialize(jobs=2).events if isinstance(e, StepFailed))
    assert failed.log.split() == ["from", "python", "from", "a", "child"]


def test_code_that_changed_after_planning_is_refused(tmp_path):
    project = open_project(tmp_path, "@asset\ndef a():\n    return 1\n@asset\ndef b():\n    return 1\n")
    project.plan()

    def edit(event: object) -> None:
        (tmp_path / "assets.py").write_text(HEADER + "@asset\ndef a():\n    return 2\n@asset\ndef b():\n    return 1\n")

    events = project.materialize(jobs=2, on_event=edit).events
    failed = [e for e in events if isinstance(e, StepFailed)]
    assert all(e.error_type == "CodeChanged" for e in failed)  # a worker that was quick imported the planned code
    if not failed:
        assert project.load("a") == 1


def test_code_is_the_same_in_every_process(tmp_path):
    names = {
        "connect": "from duckdb import connect", "random": "from random import random",
        "rand": "from numpy.random import rand", "part": "import functools, duckdb\npart = functools.partial(duckdb.sql)",
        "kept": "kept = {'stat': os.stat}", "read_table": "from pyarrow.parquet import read_table",
    }  # fmt: skip
    steps = "".join(f"@asset\ndef a_{name}():\n    return {name} is None\n" for name in names)
    project = open_project(tmp_path, "\n".join(names.values()) + f"\n{steps}")
    assert project.materialize(jobs=2).finished.failed == ()
    assert Project.open(tmp_path).plan().is_fresh


def test_workers_die_with_a_run_that_is_killed(tmp_path):
    (tmp_path / "assets.py").write_text(
        HEADER + "@asset\ndef a():\n    Path(os.environ['PIDS'], str(os.getpid())).touch()\n    time.sleep(60)\n"
        "@asset\ndef b():\n    Path(os.environ['PIDS'], str(os.getpid())).touch()\n    time.sleep(60)\n"
    )
    pids = tmp_path / "pids"
    pids.mkdir()
    environment = {**os.environ, "PIDS": str(pids), "PYTHONPATH": str(ROOT)}
    run = subprocess.Popen(
        [sys.executable, "-m", "assetctl", "materialize", "-j", "2"],
        cwd=tmp_path,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    wait_until(lambda: len(list(pids.iterdir())) == 2, "both workers run their step")
    run.send_signal(signal.SIGKILL)
    run.wait()
    workers = [int(p.name) for p in pids.iterdir()]
    wait_until(lambda: not any(map(_is_running, workers)), "the workers of a killed run are gone")


def _is_running(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"

"""Steps that end badly: each is one failed step with its reason, and everything else is built."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from assetctl.engine.isolation.forked import forks_end_here
from assetctl.engine.project import Project
from assetctl.engine.runs.result import RunResult
from assetctl.engine.steps.descriptors import identity, standard_descriptors_kept
from assetctl.engine.steps.endings import ProcessExit, exits_are_raised
from assetctl.lineage.deciding.events import StepFailed
from tests.waiting import PATIENCE_S, wait_until

ROOT = Path(__file__).parents[2]
HEADER = """
import asyncio, ctypes, os, signal, subprocess, sys, time
from pathlib import Path
from assetctl import asset, check

class Mute(Exception):
    def __str__(self):
        raise ValueError("no words")

class Odd(Exception):
    def __str__(self):
        return 7

class Hostile(Exception):
    @property
    def __notes__(self):
        raise KeyboardInterrupt

"""
RAISES = {
    "cancelled": ("raise asyncio.CancelledError", "CancelledError", ""),
    "generator": ("raise GeneratorExit('g')", "GeneratorExit", "g"),
    "keyboard": ("raise KeyboardInterrupt('k')", "KeyboardInterrupt", "k"),
    "mute": ("raise Mute", "Mute", "its __str__ raised ValueError"),
    "odd": ("raise Odd", "Odd", "its __str__ raised TypeError"),
    "hostile": ("raise Hostile('h')", "Hostile", "h"),
    "exits": ("sys.exit(0)", "SystemExit", "sys.exit(0)"),
}
IN_PROCESS = RAISES | {
    "leaves": ("os._exit(0)", "ProcessExit", "os._exit(0)"),
    "leaves9": ("os._exit(9)", "ProcessExit", "os._exit(9)"),
}
IN_WORKERS = RAISES | {
    "leaves": ("os._exit(0)", "WorkerDied", "exit code 0"),
    "loses": ("os.closerange(0, 65536); time.sleep(600)", "WorkerDied", "closed a descriptor"),
    "quickly": ("os.closerange(3, 65536)", "WorkerDied", "closed a descriptor"),
    "parent": (
        "subprocess.Popen(['sleep', '600']); os.fork() or time.sleep(600); os.kill(os.getpid(), signal.SIGKILL)",
        "WorkerDied",
        "SIGKILL",
    ),
}
FINE = """
@asset
def forks():
    child = os.fork()
    if child == 0:
        return "child"
    return f"parent of {os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])}"

@asset
def child_raises():
    child = os.fork()
    if child == 0:
        raise ValueError
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

@asset
def closes():
    os.closerange(0, 3)
    return 1

@asset
def after(closes):
    print("heard")
    return 2

@check(asset=after, blocking=False)
def cancels(after):
    raise asyncio.CancelledError
"""
VALUES = {
    "forks": "parent of 0",
    "child_raises": 1,
    "closes": 1,
    "after": 2,
}


# In this process it would wait for the servers that other tests started.
COLLECTS = """
@asset
def collects_all_its_children():
    os.fork() or os._exit(5)
    ended = []
    while True:
        try:
            ended.append(os.waitstatus_to_exitcode(os.wait()[1]))
        except ChildProcessError:
            return ended
"""


def build(folder: Path, endings: dict[str, tuple[str, str, str]], jobs: int) -> tuple[Project, RunResult]:
    failing = "".join(f"@asset\ndef {name}():\n    {body}\n" for name, (body, _, _) in endings.items())
    (folder / "assets.py").write_text(HEADER + failing + FINE + (COLLECTS if jobs > 1 else ""))
    project = Project.open(folder)
    return project, project.materialize(jobs=jobs)


@pytest.mark.parametrize(("endings", "jobs"), [(IN_PROCESS, 1), (IN_WORKERS, 2)])
def test_each_bad_ending_is_the_failure_of_its_step_and_the_rest_is_built(tmp_path, endings, jobs):
    before = [identity(number) for number in range(3)]
    project, result = build(tmp_path, endings, jobs)
    failed = {e.step: e for e in result.events if isinstance(e, StepFailed)}
    said = {str(name): (e.error_type, e.message) for name, e in failed.items()}
    assert said.keys() == endings.keys()
    for name, (_, error_type, part) in endings.items():
        assert said[name][0] == error_type and part in said[name][1], said[name]
    assert (result.status, result.exit_code) == ("failed", 1)
    assert {key: project.load(key) for key in VALUES} == VALUES
    assert jobs == 1 or project.load("collects_all_its_children") == [5]
    assert {log.asset: log.text for log in project.logs()}["after"] == "heard\n"
    assert [identity(number) for number in range(3)] == before


def test_the_one_step_of_a_command_cannot_end_it_with_an_exit_code_of_its_own(tmp_path):
    (tmp_path / "assets.py").write_text(HEADER + "@asset\ndef only():\n    os._exit(0)\n")
    command = [sys.executable, "-m", "assetctl", "materialize"]
    done = subprocess.run(
        command, cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "ProcessExit: the function called os._exit(0)" in done.stderr


def test_a_thread_that_ends_the_process_is_named_and_never_a_success(capfd):
    child = os.fork()
    if child == 0:
        from threading import Thread

        with exits_are_raised("model"):
            thread = Thread(target=lambda: os._exit(0))
            thread.start()
            thread.join()
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 1
    assert capfd.readouterr().err == "error: a thread of `model` ended this process with os._exit(0)\n"


def test_os_exit_is_what_it_was_after_the_step():
    before = os._exit
    with pytest.raises(ProcessExit), exits_are_raised("model"):
        os._exit(3)
    assert os._exit is before


@pytest.mark.parametrize(("raised", "status"), [(None, 0), (SystemExit(0), 1), (KeyboardInterrupt(), 1)])
def test_a_forked_child_ends_where_its_parent_goes_on(raised, status):
    child = 0
    try:
        with forks_end_here():
            child = os.fork()
            if child == 0 and raised is not None:
                raise raised
    except BaseException:  # noqa: BLE001  reached by nobody
        os._exit(77)
    assert child != 0
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == status


def test_replaced_standard_descriptors_are_put_back(tmp_path):
    before = [identity(number) for number in range(3)]
    with (tmp_path / "elsewhere").open("w") as file, standard_descriptors_kept():
        os.close(0)
        os.dup2(file.fileno(), 1)
        os.close(2)
    assert [identity(number) for number in range(3)] == before


def test_workers_and_what_they_started_die_with_a_killed_run_even_if_a_step_never_lets_go_of_the_interpreter(tmp_path):
    """`PyDLL` holds the lock of the interpreter during the call, so no thread of the worker can do anything."""
    body = "child = subprocess.Popen(['sleep', '600']); Path('{0}').write_text(f'{{os.getpid()}} {{child.pid}}')"
    step = "@asset\ndef {0}():\n    " + body + "; ctypes.PyDLL(None).sleep(600)\n"
    (tmp_path / "assets.py").write_text(HEADER + step.format("a") + step.format("b"))
    run = subprocess.Popen(
        [sys.executable, "-m", "assetctl", "materialize", "-j", "2"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    files = [tmp_path / "a", tmp_path / "b"]
    wait_until(lambda: all(file.exists() and len(file.read_text().split()) == 2 for file in files), "both steps run")
    run.send_signal(signal.SIGKILL)
    run.wait(PATIENCE_S)
    pids = [int(word) for file in files for word in file.read_text().split()]
    wait_until(lambda: not any(map(_is_running, pids)), "workers and their children are gone")


def _is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_a_step_that_ends_the_process_of_its_run_is_named_and_a_child_forked_at_import_does_not_go_on(tmp_path):
    (tmp_path / "assets.py").write_text(
        HEADER + "os.fork()\n@asset\ndef a(): return 1\n@asset\ndef b(a): ctypes.CDLL(None)._exit(0)\n"
    )
    command = [sys.executable, "-m", "assetctl", "materialize", "-j", "1"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    run = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert run.returncode == 1
    assert run.stderr.count("✓ a") == run.stderr.count("▸ b") == 1
    assert "error: the process of this command ended by itself while `b` ran, with exit code 0\n" in run.stderr

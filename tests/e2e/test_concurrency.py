"""Several processes at one project, and processes killed at any moment: nothing runs twice, nothing is lost.

Functions wait for each other through named pipes, never by sleeping.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.projects import Answer, DiskProject
from tests.waiting import PATIENCE_S, wait_for_file

N_PROCESSES = 10
GATE = """
    (HERE / "started").write_text("")
    with open(HERE / "gate"):  # until somebody opens its other end
        pass
    return list(range(2000))
"""


@pytest.fixture
def project(tmp_path: Path) -> Iterator[DiskProject]:
    project = DiskProject(tmp_path / "project")
    yield project
    project.stop_all()


def finish(process: subprocess.Popen[str]) -> Answer:
    out, err = process.communicate(timeout=PATIENCE_S)
    return Answer(process.returncode, out, err)


def wait_until_it_decided(process: subprocess.Popen[str]) -> None:
    """Return once a run says that it started: it has planned on what was recorded then."""
    assert process.stdout is not None
    line = process.stdout.readline()
    assert '"run_started"' in line, (line, process.communicate())


def materialized(answer: Answer) -> list[str]:
    assets: list[str] = answer.document["materialized"]
    return assets


def test_p16_of_two_processes_one_builds_and_the_other_waits_and_reuses(project):
    os.mkfifo(project.root / "gate")
    project.top("from ran_log import HERE").asset("a", GATE).asset("b", "return sum(a)", reads="a")
    first = project.start("materialize", "--json")
    wait_for_file(project.root / "started", first)
    second = project.start("materialize", "--json")
    wait_until_it_decided(second)
    (project.root / "gate").open("w").close()
    answers = [finish(first), finish(second)]
    assert [answer.code for answer in answers] == [0, 0], answers
    assert sorted(project.ran) == ["a", "b"]
    assert sorted(materialized(answers[0]) + materialized(answers[1])) == ["a", "b"]
    assert project.plan().document["fresh"] is True


def test_p16_a_result_that_a_check_refused_is_not_made_again_by_the_process_that_waited(project):
    os.mkfifo(project.root / "gate")
    project.top("from ran_log import HERE").asset("a", GATE).asset("b", "return sum(a)", reads="a")
    project.code("check", "@check(asset=a)\ndef is_short(a):\n    return len(a) < 100\n")
    first = project.start("materialize", "--json")
    wait_for_file(project.root / "started", first)
    second = project.start("materialize", "--json")
    wait_until_it_decided(second)
    (project.root / "gate").open("w").close()
    answers = [finish(first), finish(second)]
    assert [answer.code for answer in answers] == [1, 1], answers
    assert [answer.document["failed"] for answer in answers] == [["a"], ["a"]]
    assert project.ran == ["a"]


def test_p16_what_a_step_reads_is_what_its_record_says_though_another_process_rebuilt_it_meanwhile(project):
    """One run has settled on `a` and builds `slow`; another then forces `a` to new data; then the first builds `b`."""
    os.mkfifo(project.root / "gate")
    project.top("import random\nfrom ran_log import HERE").asset("a", "return random.random()").build()
    project.asset("slow", GATE).asset("b", "return a", reads="a, *, slow")
    first = project.start("materialize", "--json")
    wait_for_file(project.root / "started", first)
    assert project.materialize("a", "--force").ran == ["a"]
    (project.root / "gate").open("w").close()
    assert finish(first).code == 0
    read_the_new = project.value("b") == project.value("a")
    assert project.plan().verdicts["b"] == ("fresh" if read_the_new else "stale")
    assert project.materialize().ran == ([] if read_the_new else ["b"])
    assert project.value("b") == project.value("a")


@pytest.fixture
def diamonds(tmp_path: Path) -> Iterator[DiskProject]:
    """Nine assets in three layers, some larger than a record, one with two outputs; built in worker processes."""
    project = DiskProject(tmp_path / "project", jobs=2)
    project.asset("root", "return list(range(3000))").asset("small", "return 7")
    for name in ("left", "right"):
        project.asset(name, f"return [x * {len(name)} + small for x in root]", reads="root, small")
    project.asset("halves", "return left[:1500], right[1500:]", reads="left, right", options="outs=['head', 'tail']")
    project.asset("total", "return sum(head) + sum(tail)", reads="head, tail")
    project.asset("text", "return str(total) * 2000", reads="total")
    project.asset("last", "return len(text)", reads="text, total")
    yield project
    project.stop_all()


STEPS = ["halves", "last", "left", "right", "root", "small", "text", "total"]


def expected_total() -> int:
    left = [x * 4 + 7 for x in range(3000)]
    right = [x * 5 + 7 for x in range(3000)]
    return sum(left[:1500]) + sum(right[1500:])


def assert_all_right(project: DiskProject) -> None:
    assert project.plan().document["fresh"] is True
    assert project.value("total") == expected_total()
    assert project.value("text") == str(expected_total()) * 2000
    doctor = project.run("doctor", "--deep", "--json")
    assert doctor.code == 0, doctor.out


def test_ten_processes_at_once_run_every_function_once_and_lose_no_fact(diamonds):
    processes = [diamonds.start("materialize", "--json") for _ in range(N_PROCESSES)]
    answers = [finish(process) for process in processes]
    assert [answer.code for answer in answers] == [0] * N_PROCESSES, [a.err for a in answers if a.code]
    assert sorted(diamonds.ran) == STEPS
    reported = Counter(key for answer in answers for key in materialized(answer))
    assert reported == dict.fromkeys(["head", "tail", *(set(STEPS) - {"halves"})], 1)
    assert_all_right(diamonds)
    history = diamonds.run("history", "--limit", "100", "--json").document["entries"]
    assert sorted(entry["asset"] for entry in history) == sorted(reported)
    (diamonds.state / "lineage.duckdb").unlink()
    assert diamonds.materialize().ran == []  # and the journal alone says the same


def kill_at(project: DiskProject, delay_s: float) -> None:
    """Start a run and kill it after a while; its workers leave when they find it gone."""
    process = project.start("materialize", "--json")
    try:
        process.wait(timeout=delay_s)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
    process.communicate()


def kill_trials(project: DiskProject, n_kills: int, seed: int) -> None:
    """Kill runs at random moments, each of new data, then let one finish; every value has to be right."""
    choose = random.Random(seed)
    for trial in range(n_kills):
        project.asset("small", f"return {100 + trial}")
        kill_at(project, choose.uniform(0.5, 2.5))
    project.asset("small", "return 7")
    assert project.materialize().answer.code == 0
    assert_all_right(project)


def test_after_kills_at_random_moments_a_normal_run_gets_everything_right(diamonds):
    kill_trials(diamonds, 5, seed=20)


def test_a_process_killed_while_another_waits_for_it_hands_the_work_over(project):
    os.mkfifo(project.root / "gate")
    body = 'if not (HERE / "free").exists():\n' + "\n".join(f"    {line.strip()}" for line in GATE.splitlines()[1:3])
    project.top("from ran_log import HERE").asset("a", body + "\n        pass\nreturn 1")
    first = project.start("materialize", "--json")
    wait_for_file(project.root / "started", first)
    second = project.start("materialize", "--json")
    wait_until_it_decided(second)
    project.file("free", "")
    os.killpg(first.pid, signal.SIGKILL)
    first.communicate()
    answer = finish(second)
    assert (answer.code, materialized(answer)) == (0, ["a"]), answer.err
    assert project.ran == ["a", "a"]

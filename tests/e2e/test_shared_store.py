"""Projects that keep their bytes in one store: each finds its own, and none loses any to another's cleaning up."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from assetctl.storage.state.holders import holders
from assetctl.storage.state.in_use import alone_with, in_use
from assetctl.storage.state.layout import Layout
from tests.e2e.projects import DiskProject
from tests.waiting import PATIENCE_S, wait_for_file

LARGE = "return [{n}] * 2000"


class Sharing(DiskProject):
    """A project whose bytes lie in the folder `store` beside it."""

    def settings(self, assets=("pipeline.py",), more: str = "") -> Sharing:
        listed = ", ".join(f'"{name}"' for name in assets)
        text = f'[tool.assetctl]\nassets = [{listed}]\njobs = {self.jobs}\nstore = "../store"\n{more}'
        self.file("pyproject.toml", text)
        return self

    def is_whole(self, key: str, value: object) -> bool:
        answer = self.ask("get", key, "-o", "-")
        return answer.code == 0 and json.loads(answer.out) == value


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "store"


@pytest.fixture
def one(tmp_path: Path) -> Iterator[Sharing]:
    project = Sharing(tmp_path / "one")
    project.asset("a", LARGE.format(n=1)).build()
    yield project
    project.stop_all()


@pytest.fixture
def two(tmp_path: Path) -> Iterator[Sharing]:
    project = Sharing(tmp_path / "two")
    yield project
    project.stop_all()


def blobs_in(store: Path) -> list[Path]:
    return sorted(path for path in (store / "blobs-v1").rglob("*") if path.is_file())


def make_old(store: Path) -> None:
    """Let no blob be too young to be a leftover."""
    for path in blobs_in(store):
        os.utime(path, (1, 1))


def gc(project: DiskProject, *words: str) -> dict:
    answer = project.ask("gc", *words, "--json")
    assert answer.code == 0, answer.err
    return answer.document


def test_bytes_lie_in_the_store_and_records_in_the_project(one, store):
    assert len(blobs_in(store)) == 1
    assert not (one.state / "blobs-v1").exists()
    assert one.segments()
    assert (one.state / "lineage.duckdb").exists()
    assert not list(store.glob("journal*"))
    assert one.is_whole("a", [1] * 2000)
    assert one.ask("doctor", "--deep", "--json").document["findings"] == []


def test_equal_bytes_of_two_projects_are_kept_once(one, two, store):
    two.asset("b", LARGE.format(n=1)).build()
    assert len(blobs_in(store)) == 1


def test_cleaning_up_spares_what_another_project_refers_to(one, two, store):
    two.asset("a", LARGE.format(n=1)).build()
    two.asset("a", LARGE.format(n=2)).build()
    make_old(store)
    one.asset("a", LARGE.format(n=3)).build()
    plan = gc(one, "--keep-last", "1", "--apply")
    assert (plan["reclaims"], plan["n_spared"]) == ([], 2)
    assert two.asset("a", LARGE.format(n=1)).build() == []  # restored
    assert two.is_whole("a", [1] * 2000)


def test_what_only_the_cleaned_project_refers_to_goes(one, two, store):
    two.asset("b", LARGE.format(n=2)).build()
    one.asset("a", LARGE.format(n=3)).build()
    assert gc(one, "--keep-last", "1", "--apply")["reclaimed_bytes"] > 0
    assert len(blobs_in(store)) == 2
    assert one.is_whole("a", [3] * 2000)
    assert two.is_whole("b", [2] * 2000)


def test_what_may_belong_to_a_project_that_is_not_there_stays_until_it_is_struck_off(one, two, store):
    two.asset("b", LARGE.format(n=2)).build()
    shutil.rmtree(two.root)
    make_old(store)
    plan = gc(one, "--apply")
    assert (plan["gone_roots"], plan["reclaims"]) == ([str(two.root)], [])
    assert len(gc(one, "--apply", "--forget-root", str(two.root))["reclaims"]) == 1
    assert gc(one)["gone_roots"] == []
    assert len(blobs_in(store)) == 1


def test_a_project_that_moved_is_a_root_again_with_its_next_run(one, two, store, tmp_path):
    two.asset("b", LARGE.format(n=2)).build()
    two.root.rename(tmp_path / "moved")
    make_old(store)
    assert gc(one, "--apply")["reclaims"] == []  # it has not run since
    moved = Sharing(tmp_path / "moved")
    moved.asset("b", LARGE.format(n=2)).asset("c", "return 1").build()
    make_old(store)
    assert gc(one, "--apply")["reclaims"] == []
    assert moved.is_whole("b", [2] * 2000)


def unreadable(project: DiskProject) -> None:
    project.state.rename(project.root / "elsewhere")
    project.state.symlink_to("/nowhere/at/all")  # a disk that is not mounted


def empty_mount_point(project: DiskProject) -> None:
    shutil.rmtree(project.state)
    project.state.mkdir()


def newer(project: DiskProject) -> None:
    (project.state / "format").write_text("assetctl-state 2\n")


def broken_root(project: DiskProject) -> None:
    for file in (project.root.parent / "store" / "roots-v1").iterdir():
        if str(project.root) in file.read_text():
            file.write_text("{")


@pytest.mark.parametrize("harm", [unreadable, empty_mount_point, newer, broken_root])
def test_a_project_that_cannot_be_read_now_makes_cleaning_up_refuse(one, two, store, harm: Callable):
    two.asset("b", LARGE.format(n=2)).build()
    harm(two)
    make_old(store)
    answer = one.ask("gc", "--apply", "--json")
    assert (answer.code, "Traceback" in answer.err) == (6, False), answer.err
    hint = answer.problems[0]["hint"]
    assert "--forget-root" in hint
    assert len(blobs_in(store)) == 2
    named = hint.partition("--forget-root ")[2].rstrip("`")
    assert len(gc(one, "--forget-root", named, "--apply")["reclaims"]) == 1


def test_a_root_that_is_none_cannot_be_forgotten(one):
    answer = one.ask("gc", "--forget-root", "nowhere", "--json")
    assert answer.code == 2
    assert "nowhere" in answer.problems[0]["message"]


def test_worktrees_of_one_project_are_roots_of_their_own(one, store, tmp_path):
    shutil.copytree(one.root, tmp_path / "worktree", ignore=shutil.ignore_patterns(".assetctl"))
    worktree = Sharing(tmp_path / "worktree")
    worktree.asset("a", LARGE.format(n=1)).build()
    assert len(list((store / "roots-v1").iterdir())) == 2


def test_registering_again_writes_nothing(one, store):
    (file,) = (store / "roots-v1").iterdir()
    before = file.stat().st_ino
    one.asset("b").build()
    assert [path.stat().st_ino for path in (store / "roots-v1").iterdir()] == [before]


def test_bytes_kept_before_the_store_was_set_are_found_and_cleaned_up(tmp_path, store):
    project = DiskProject(tmp_path / "one")
    project.asset("a", LARGE.format(n=1)).asset("b", LARGE.format(n=2)).build()
    project.asset("b", LARGE.format(n=3)).build()
    project.file("pyproject.toml", '[tool.assetctl]\nassets = ["pipeline.py"]\nstore = "../store"\n')
    assert project.build("a", "b") == []
    assert project.asset("b", LARGE.format(n=2)).build() == []  # restored from where it lies
    assert len(project.blobs()) == 3
    project.asset("b", LARGE.format(n=4)).build()
    assert len(blobs_in(store)) == 1
    assert gc(project, "--keep-last", "1", "--apply")["reclaims"]
    assert project.value("a") == [1] * 2000
    assert len(project.blobs()) == 1


def test_bytes_in_an_earlier_store_are_found_when_the_setting_is_gone(one, store):
    DiskProject.settings(one)
    assert one.build("a") == []
    assert one.is_whole("a", [1] * 2000)
    assert one.ask("doctor", "--deep", "--json").document["findings"] == []


def test_a_store_that_is_another_projects_state_folder_spares_that_project(tmp_path):
    host = DiskProject(tmp_path / "host")
    host.asset("h", LARGE.format(n=1)).build()
    guest = DiskProject(tmp_path / "guest")
    guest.file("pyproject.toml", '[tool.assetctl]\nassets = ["pipeline.py"]\nstore = "../host/.assetctl"\n')
    guest.asset("g", LARGE.format(n=2)).build()
    make_old(host.state)
    assert gc(guest, "--apply")["reclaims"] == []
    assert gc(host, "--apply")["reclaims"] == []
    assert len(host.blobs()) == 2


def test_a_store_of_a_newer_release_is_refused_untouched(one, store):
    (store / "format").write_text("assetctl-state 2\n")
    for words in (["materialize"], ["plan"], ["gc", "--apply"]):
        answer = one.ask(*words, "--json")
        assert (answer.code, "newer" in answer.problems[0]["message"]) == (6, True), answer.err
        assert str(store) in answer.problems[0]["facts"]["folder"]


def test_a_no_op_is_remembered_with_a_store_and_notices_when_its_bytes_go(one, store):
    for path in (*one.root.rglob("*"), *blobs_in(store), one.root):
        os.utime(path, (1, 1), follow_symlinks=False)
    blob = blobs_in(store)[0]
    remembered = one.state / "cache-v1" / "noop"
    for _ in range(40):  # what changed in the last two seconds is not remembered yet
        assert one.run("materialize").code == 0
        if remembered.is_dir() and list(remembered.iterdir()):
            break
    assert str(blob) in next(remembered.iterdir()).read_text()
    blob.unlink()
    assert one.materialize("a").ran == ["a"]


BAD_STORES = ["", "   ", "$HOME/x", "s3://bucket/x", "~nobody_of_that_name/x", ".", "..", "/", "a\\u0000b"]


@pytest.mark.parametrize("given", BAD_STORES)
def test_a_store_that_cannot_be_meant_is_refused(tmp_path, given):
    project = DiskProject(tmp_path / "p").asset("a")
    project.file("pyproject.toml", f'[tool.assetctl]\nassets = ["pipeline.py"]\nstore = "{given}"\n')
    answer = project.ask("materialize", "--json")
    assert (answer.code, "store" in answer.problems[0]["message"]) == (2, True), answer.out
    assert not project.state.exists()


def test_the_home_folder_and_a_path_relative_to_the_project_can_be_named(tmp_path):
    project = DiskProject(tmp_path / "p").asset("a", LARGE.format(n=1))
    for given, at in (("~/cache", tmp_path / "home" / "cache"), ("cache", project.root / "cache")):
        project.file("pyproject.toml", f'[tool.assetctl]\nassets = ["pipeline.py"]\nstore = "{given}"\n')
        (tmp_path / "home").mkdir(exist_ok=True)
        project.materialize("a", "--force", env={"HOME": str(tmp_path / "home")})
        assert len(blobs_in(at)) == 1
        assert (at / ".gitignore").read_text() == "*\n"


# --- while others work ---------------------------------------------------------------------------


def test_cleaning_up_waits_for_a_run_and_says_who_it_is_when_it_gives_up(one):
    os.mkfifo(one.root / "gate")
    one.top("from ran_log import HERE")
    one.asset("slow", '(HERE / "started").write_text("")\nopen(HERE / "gate").close()\nreturn 1')
    run = one.start("materialize", "slow")
    wait_for_file(one.root / "started", run)
    layout = Layout.of(one.root, one.root.parent / "store")
    assert [os.getpgid(holder.pid) for holder in holders(layout.in_use)] == [run.pid]
    script = (
        "from pathlib import Path; import sys; from assetctl.storage.state.in_use import alone_with\n"
        "from assetctl.storage.state.layout import Layout\n"
        "with alone_with(Layout.of(Path(sys.argv[1]), Path(sys.argv[2])), 0.1): pass\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(one.root), str(layout.store)],
        env=one.environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert "WaitTimeout" in done.stderr
    waiting = one.start("gc", "--keep-last", "1", "--apply")
    (one.root / "gate").open("w").close()
    assert run.wait(PATIENCE_S) == 0
    assert waiting.wait(PATIENCE_S) == 0


def test_the_lock_of_a_killed_run_is_free(one):
    os.mkfifo(one.root / "gate")
    one.top("from ran_log import HERE")
    one.asset("slow", '(HERE / "started").write_text("")\nopen(HERE / "gate").close()\nreturn 1')
    run = one.start("materialize", "slow")
    wait_for_file(one.root / "started", run)
    one.stop_all()
    with alone_with(Layout.of(one.root, one.root.parent / "store"), 5):
        pass


def loop(project: DiskProject, seconds: float, script: str) -> subprocess.Popen[str]:
    """Run a piece of code over and over in a process of its own; it prints what went wrong."""
    code = (
        "import sys, time\nfrom assetctl import Project\nuntil = time.monotonic() + float(sys.argv[1])\nn = 0\n"
        "while time.monotonic() < until:\n"
        + "\n".join(f"    {line}" for line in script.splitlines())
        + "\n    n += 1\n"
        "print(n)\n"
    )
    return subprocess.Popen(
        [sys.executable, "-c", code, str(seconds)],
        cwd=project.root,
        env=project.environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


BUILD = """
from pathlib import Path
text = Path("pipeline.py").read_text().splitlines()
Path("pipeline.py").write_text("\\n".join([*text[:-1], f"    return [{n % 3}] * 2000"]) + "\\n")
result = Project.open().materialize("changing", jobs=1)
assert result.status == "succeeded", result.events
assert Project.open().load("changing") == [n % 3] * 2000
"""
LOOK = """
assert Project.open().load("a") == [1] * 2000
assert len(Project.open().load("changing")) == 2000
"""
CLEAN = """
from assetctl.storage.care.gc import Cleaning, apply_gc
from assetctl.storage.care.retention_rules import KeepRules
project = Project.open()
apply_gc(Cleaning(project.workspace.layout, project.workspace.stores.journal, KeepRules(keep_last=1, grace_s=0), time.time() + 1))
"""


@pytest.mark.parametrize("seconds", [2, pytest.param(120, marks=pytest.mark.soak)])
def test_cleaning_up_in_a_loop_while_others_build_restore_and_read_costs_nobody_anything(one, two, seconds):
    for project in (one, two):
        project.asset("a", LARGE.format(n=1)).asset("changing", "return [0] * 2000").build()
    loops = [
        loop(one, seconds, BUILD),
        loop(two, seconds, BUILD),
        loop(one, seconds, LOOK),
        loop(one, seconds, CLEAN),
        loop(two, seconds, CLEAN),
    ]
    answers = [process.communicate(timeout=seconds + PATIENCE_S) for process in loops]
    assert [err for _, err in answers if err] == []
    assert all(int(out) > 0 for out, _ in answers), answers
    for project in (one, two):
        assert project.is_whole("a", [1] * 2000)
        assert project.run("doctor", "--deep").code == 0


def test_a_store_is_in_use_by_many_threads_at_once_and_free_afterwards(one):
    layout = Layout.of(one.root, one.root.parent / "store")
    inside = threading.Barrier(4)

    def use() -> None:
        with in_use(layout), in_use(layout):
            inside.wait(PATIENCE_S)

    threads = [threading.Thread(target=use) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with alone_with(layout, 1):
        pass


def test_a_child_that_a_step_forked_does_not_keep_the_store_in_use(one):
    layout = Layout.of(one.root, one.root.parent / "store")
    reading, writing = os.pipe()
    with in_use(layout):
        child = os.fork()
        if child == 0:
            os.close(writing)
            os.read(reading, 1)  # until the parent is done
            os._exit(0)
    os.close(reading)
    with alone_with(layout, 1):
        pass
    os.close(writing)
    os.waitpid(child, 0)


def test_holding_the_store_costs_little(one):
    """As a ratio to opening and closing one file."""
    import time

    layout = Layout.of(one.root, one.root.parent / "store")

    def best(action: Callable[[], None]) -> float:
        times = []
        for _ in range(200):
            began = time.perf_counter()
            action()
            times.append(time.perf_counter() - began)
        return min(times)

    def hold() -> None:
        with in_use(layout):
            pass

    def touch() -> None:
        os.close(os.open(layout.in_use, os.O_RDONLY))

    assert best(hold) < 30 * best(touch)

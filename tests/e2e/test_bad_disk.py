"""Disks that refuse: full, read-only, forbidden, elsewhere, gone. A clear error, and nothing lost.

Root may write anywhere, so what is forbidden is tried as another user, and what is full or
read-only on a small disk in memory; where the machine allows neither, the test says so.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from assetctl.assets.errors import EnvironmentFault
from tests.e2e.projects import Answer, DiskProject

LARGE = "return [{n}] * 30000"  # about 90 kB as JSON


def mount(*words: str) -> None:
    done = subprocess.run(["mount", *words], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"this machine allows no mounts: {done.stderr.strip()}")


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A small disk in memory."""
    if os.getuid():
        pytest.skip("mounting needs root")
    folder = tmp_path / "disk"
    folder.mkdir()
    mount("-t", "tmpfs", "-o", "size=6m", "tmpfs", str(folder))
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=False)


def resize(disk: Path, size: str) -> None:
    mount("-o", f"remount,size={size}", str(disk))


def fill(disk: Path, left: int) -> None:
    """Use up a disk but for so many bytes."""
    filesystem = os.statvfs(disk)
    with (disk / "filler").open("wb") as file:
        file.write(b"\0" * max(0, filesystem.f_bavail * filesystem.f_frsize - left))


# --- full ----------------------------------------------------------------------------------------


@pytest.fixture
def on_disk(tmp_path: Path, disk: Path) -> DiskProject:
    """A project whose state folder is a link to the small disk, with one result kept."""
    project = DiskProject(tmp_path / "project")
    (project.root / ".assetctl").symlink_to(disk / "state")
    (disk / "state").mkdir()
    project.asset("first", LARGE.format(n=1)).materialize()
    return project


def test_a_full_disk_is_named_and_earlier_results_stay(on_disk, disk):
    fill(disk, 20_000)
    on_disk.asset("second", LARGE.format(n=2))
    answer = on_disk.run("materialize", "--json")
    assert (answer.code, "Traceback" in answer.err) == (6, False), answer.err
    assert ".assetctl" in answer.err
    assert "space" in answer.err.lower()
    for words in (["status"], ["plan"], ["get", "first", "-o", str(on_disk.root / "first.json")], ["sql", "select 1"]):
        assert on_disk.ask(*words).code == 0, words
    (disk / "filler").unlink()
    assert on_disk.materialize().ran == ["second"]
    assert on_disk.value("first") == [1] * 30000
    assert on_disk.ask("doctor", "--deep").code == 0


def full_disk_trials(project: DiskProject, disk: Path, lefts: range) -> None:
    """Build with less and less space; then with enough."""
    for n, left in enumerate(lefts):
        project.asset("second", LARGE.format(n=100 + n))
        project.asset("third", "return second[0]", reads="second")
        fill(disk, left)
        try:
            with project.open() as opened:
                result = opened.materialize(jobs=1)
            assert result.status == "succeeded", result.events
        except EnvironmentFault as fault:
            named = dict(fault.problems[0].facts)["file"]
            assert str(project.root) in named or str(disk) in named
        assert project.value("first") == [1] * 30000
        (disk / "filler").unlink()
        project.build()
        assert project.value("third") == 100 + n
    assert project.ask("doctor", "--deep").code == 0
    assert list((disk / "state" / "tmp").iterdir()) == []


def test_whatever_is_left_of_the_disk_nothing_is_lost_and_the_next_run_recovers(on_disk, disk):
    resize(disk, "8m")
    full_disk_trials(on_disk, disk, range(0, 240_000, 30_000))


@pytest.mark.soak
def test_soak_whatever_is_left_of_the_disk_nothing_is_lost(on_disk, disk):
    resize(disk, "60m")
    full_disk_trials(on_disk, disk, range(0, 400_000, 4096))


# --- read-only -----------------------------------------------------------------------------------

ASKING = [
    ["status"],
    ["plan"],
    ["ls"],
    ["show", "first"],
    ["why", "first"],
    ["history"],
    ["lineage"],
    ["logs"],
    ["sql", "select count(*) from lineage.materializations"],
    ["gc"],
    ["doctor"],
]


def test_on_a_read_only_disk_one_can_ask_everything_and_get_values(on_disk, disk, tmp_path):
    mount("-o", "remount,ro", str(disk))
    for words in ASKING:
        answer = on_disk.ask(*words)
        assert answer.code == 0, (words, answer.err)
    assert on_disk.ask("get", "first", "-o", str(tmp_path / "first.json")).code == 0
    assert (tmp_path / "first.json").read_text().startswith("[1")
    on_disk.asset("first", LARGE.format(n=2))
    for words in (["materialize", "--json"], ["gc", "--apply", "--json"]):
        answer = on_disk.ask(*words)
        assert (answer.code, "Traceback" in answer.err) == (6, False), answer.err
        assert "read-only" in answer.err.lower()
    mount("-o", "remount,rw", str(disk))
    assert on_disk.materialize().ran == ["first"]


def test_a_store_on_another_disk_takes_and_gives_everything(tmp_path, disk):
    """A rename does not cross disks: what is unfinished lies beside what is kept."""
    resize(disk, "20m")
    project = DiskProject(tmp_path / "project")
    project.file("pyproject.toml", f'[tool.assetctl]\nassets = ["pipeline.py"]\nstore = "{disk}/store"\n')
    project.top("from pathlib import Path\nimport pyarrow as pa\nfrom ran_log import HERE")
    project.asset("large", LARGE.format(n=1))
    project.asset("table", 'return pa.table({"x": range(50000)})')
    project.asset("file", '(HERE / "made.txt").write_text("made" * 2000)\nreturn HERE / "made.txt"')
    project.asset("folder", '(HERE / "f").mkdir(exist_ok=True)\n(HERE / "f" / "x").write_text("x")\nreturn HERE / "f"')
    project.asset("reads", "return len(file.read_text()), len(table), len(large)", reads="file: Path, table, large")
    project.build()
    assert project.value("reads") == (8000, 50000, 30000)
    for key, name in (("table", "t.csv"), ("table", "t.parquet"), ("file", "f.txt"), ("folder", "d"), ("large", "l")):
        assert project.ask("get", key, "-o", str(tmp_path / name)).code == 0
    assert (tmp_path / "t.csv").stat().st_dev != disk.stat().st_dev
    assert not (project.state / "tmp").exists()
    assert list((disk / "store" / "tmp").iterdir()) == []


def test_a_store_on_a_disk_that_is_not_mounted_is_missed_and_not_begun_anew(tmp_path, disk):
    project = DiskProject(tmp_path / "project")
    project.file("pyproject.toml", f'[tool.assetctl]\nassets = ["pipeline.py"]\nstore = "{disk}/store"\n')
    project.asset("a", LARGE.format(n=1)).build()
    subprocess.run(["umount", str(disk)], check=True)
    project.asset("a", LARGE.format(n=2))
    answer = project.run("materialize")
    assert (answer.code, project.ran) == (6, ["a"]), answer.err
    assert "the store of this project cannot be reached" in answer.err
    assert list(disk.iterdir()) == []


def test_a_store_that_was_deleted_is_begun_anew(tmp_path):
    project = DiskProject(tmp_path / "project")
    project.file("pyproject.toml", '[tool.assetctl]\nassets = ["pipeline.py"]\nstore = "../store"\n')
    project.asset("a", LARGE.format(n=1)).build()
    shutil.rmtree(tmp_path / "store")
    assert project.build("a") == ["a"]


# --- forbidden -----------------------------------------------------------------------------------


@pytest.fixture
def built(tmp_path: Path) -> Iterator[DiskProject]:
    if os.getuid() or not sys.platform.startswith("linux"):
        pytest.skip("dropping the privileges of root needs root")
    project = DiskProject(tmp_path / "project")
    project.asset("first", LARGE.format(n=1)).materialize()
    project.run("plan")
    yield project
    subprocess.run(["chmod", "-R", "u+rwX", str(project.root)], check=True)


def without_privileges() -> None:
    """Let permissions count for this process and what it starts, though it is root's."""
    libc = ctypes.CDLL(None, use_errno=True)
    for capability in (1, 2, 3):  # to override, to read and to search in spite of them, and to act as any owner
        if libc.prctl(24, capability, 0, 0, 0):
            raise OSError(ctypes.get_errno(), "a privilege cannot be dropped")


def unprivileged(project: DiskProject, *words: str) -> Answer:
    done = subprocess.run(
        project.command(*words),
        cwd=project.root,
        env=project.environment(),
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=without_privileges,
    )
    return Answer(done.returncode, done.stdout, done.stderr)


def test_who_may_only_read_can_ask_everything_and_builds_nothing(built):
    built.root.joinpath("ran.log").write_text("")
    subprocess.run(["chmod", "-R", "a-w", str(built.state)], check=True)
    for words in [["status"], ["ls"], ["sql", "select 1"], ["gc"], ["get", "first", "-o", "-"]]:
        answer = unprivileged(built, *words)
        assert (answer.code, "Traceback" in answer.err) == (0, False), (words, answer.err)
    built.asset("first", LARGE.format(n=2))
    for words in (["materialize"], ["gc", "--apply"]):
        answer = unprivileged(built, *words)
        assert (answer.code, "Traceback" in answer.err) == (6, False), answer.err
        assert "permission" in answer.err.lower()
        assert str(built.state) in answer.err
    assert built.ran == []


@pytest.mark.parametrize("part", [".", "journal-v1", "blobs-v1", "format"])
def test_what_may_not_even_be_read_is_named(built, part):
    path = built.state / part
    before = path.stat().st_mode
    path.chmod(0)
    for words in (["plan"], ["materialize"], ["get", "first", "-o", "-"], ["gc"]):
        answer = unprivileged(built, *words)
        assert (answer.code, "Traceback" in answer.err) == (6, False), (words, answer.err)
        assert str(path) in answer.err
    path.chmod(before)
    assert built.plan().document["fresh"] is True


def test_without_a_temporary_folder_anywhere_a_value_is_still_written_to_a_file(built):
    command = built.command("get", "first", "-o", "-")
    env = built.environment({"TMPDIR": "/nonexistent"})
    done = subprocess.run(command, cwd=built.root, env=env, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout[:2]) == (0, "[1")


def test_a_home_that_cannot_be_written_does_no_harm(built):
    assert built.materialize(env={"HOME": "/proc"}).ran == []
    built.file("pyproject.toml", '[tool.assetctl]\nassets = ["pipeline.py"]\nstore = "~/cache"\n')
    built.asset("first", LARGE.format(n=2))
    answer = built.run("materialize", "--json", env={"HOME": "/proc"})
    assert (answer.code, "Traceback" in answer.err) == (6, False), answer.err
    assert "/proc/cache" in answer.err


@pytest.mark.parametrize("umask", [0o000, 0o077, 0o277])
def test_blobs_are_read_only_and_handed_out_writable_whatever_the_umask(tmp_path, umask):
    project = DiskProject(tmp_path / "project").asset("a", LARGE.format(n=1))
    before = os.umask(umask & 0o077)
    try:
        project.build()
        assert [path.stat().st_mode & 0o777 for path in project.blobs()] == [0o400]
        with project.open() as opened:
            opened.export("a", tmp_path / "a.json")
        assert (tmp_path / "a.json").stat().st_mode & 0o777 == 0o666 & ~(umask & 0o077)
    finally:
        os.umask(before)


# --- gone ----------------------------------------------------------------------------------------


def test_a_state_folder_deleted_by_a_running_step_is_an_error_and_the_next_run_begins_anew(tmp_path):
    project = DiskProject(tmp_path / "project")
    project.top("import shutil\nfrom ran_log import HERE")
    project.asset("a", LARGE.format(n=1))
    project.asset("b", 'shutil.rmtree(HERE / ".assetctl", ignore_errors=True)\nreturn len(a)', reads="a")
    answer = project.run("materialize", "--json")
    assert (answer.code, "Traceback" in answer.err) == (6, False), answer.err
    assert "journal" in answer.err
    project.asset("b", "return len(a)", reads="a")
    assert project.materialize().ran == ["a", "b"]
    assert project.value("b") == 30000


def test_a_state_folder_deleted_while_a_notebook_holds_the_project_is_begun_anew(tmp_path):
    project = DiskProject(tmp_path / "project").asset("a", LARGE.format(n=1))
    with project.open() as opened:
        assert opened.materialize(jobs=1).status == "succeeded"
        shutil.rmtree(project.state)
        assert opened.materialize(jobs=1).status == "succeeded"
    assert project.ran == ["a", "a"]
    assert project.plan().document["fresh"] is True
    assert project.value("a") == [1] * 30000

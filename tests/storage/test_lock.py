"""Locks between processes: let go of by the system, refused where the system has none, never in the way of recording."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from assetctl.assets.errors import EnvironmentFault, WaitTimeout
from assetctl.assets.ids import Target
from assetctl.storage.journal.journal import FileJournal
from assetctl.storage.lineage_store.store import DuckLineageStore
from assetctl.storage.state import holders, lock
from assetctl.storage.state.layout import Layout
from assetctl.storage.state.lock import hold, lock_file, step_lock, step_lock_file, store_lock
from tests.storage.facts import failed, made
from tests.waiting import wait_until

NO_LOCKS = [errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP]
_HOLD = """
import sys
from pathlib import Path
from assetctl.storage.state.lock import hold
with hold(Path(sys.argv[1]), 0, ""):
    print("held", flush=True)
    sys.stdin.read()
"""


class Refusing:
    """A lock on a disk that says no."""

    def __init__(self, refusal: Exception) -> None:
        self._refusal = refusal

    def acquire(self) -> None:
        raise self._refusal

    def release(self) -> None:
        raise AssertionError("it was never held")


def refused(number: int) -> Callable[[Path, float], Refusing]:
    return lambda _path, _timeout: Refusing(OSError(number, os.strerror(number)))


def start_holder(path: Path) -> subprocess.Popen[str]:
    holder = subprocess.Popen(
        [sys.executable, "-c", _HOLD, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    return holder


def end(holder: subprocess.Popen[str]) -> None:
    holder.kill()
    holder.communicate()


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout.of(tmp_path)


@pytest.mark.parametrize("number", NO_LOCKS)
def test_a_disk_without_locks_is_refused_by_name(tmp_path: Path, number: int) -> None:
    with (
        pytest.raises(EnvironmentFault, match="does not support file locks"),
        hold(tmp_path / "l", 0, "", refused(number)),
    ):
        raise AssertionError("held without a lock")


def test_a_lock_library_without_locks_is_refused_too(tmp_path: Path) -> None:
    with (
        pytest.raises(EnvironmentFault, match="does not support file locks"),
        hold(tmp_path / "l", 0, "", lambda _path, _timeout: Refusing(NotImplementedError())),
    ):
        raise AssertionError("held without a lock")


@pytest.mark.parametrize("number", NO_LOCKS)
def test_a_segment_that_cannot_be_locked_is_not_written_and_nothing_is_lost(layout: Layout, number: int) -> None:
    FileJournal(layout).append([made("a", "1")])

    def refuse(_descriptor: int) -> None:
        raise OSError(number, os.strerror(number))

    with pytest.raises(EnvironmentFault, match="does not support file locks"):
        FileJournal(layout, mark=refuse).append([made("a", "2")])
    assert len(FileJournal(layout).read_since({})[0]) == 1
    assert len(list(layout.journal.iterdir())) == 1


def test_a_killed_holder_lets_go_at_once(layout: Layout) -> None:
    path = step_lock_file(layout, Target.parse("a"))
    holder = start_holder(path)
    with pytest.raises(WaitTimeout), step_lock(layout, Target.parse("a"), 0):
        raise AssertionError("two hold it")
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    with step_lock(layout, Target.parse("a"), 0):
        pass
    end(holder)


def test_what_a_lock_file_holds_plays_no_part(layout: Layout) -> None:
    """The process id of somebody alive, as a lock by id would leave it when the id is used again."""
    path = step_lock_file(layout, Target.parse("a"))
    path.parent.mkdir(parents=True)
    path.write_text(str(os.getpid()))
    with step_lock(layout, Target.parse("a"), 0):
        pass
    assert path.read_text() == str(os.getpid())


def _folder(path: Path) -> None:
    path.mkdir()


def _link(path: Path) -> None:
    (path.parent / "elsewhere").write_text("")
    path.symlink_to(path.parent / "elsewhere")


def _dangling(path: Path) -> None:
    path.symlink_to(path.parent / "nowhere")


@pytest.mark.parametrize("replace", [_folder, _link, _dangling])
def test_a_lock_that_is_no_file_is_an_error_that_says_what_to_do(layout: Layout, replace) -> None:
    path = step_lock_file(layout, Target.parse("a"))
    path.parent.mkdir(parents=True)
    replace(path)
    with pytest.raises(EnvironmentFault, match="not a file") as caught, step_lock(layout, Target.parse("a"), 0):
        raise AssertionError("held")
    assert caught.value.problems[0].facts == (("file", str(path)),)
    assert "delete it" in (caught.value.problems[0].hint or "")
    assert not (layout.locks / "nowhere").exists()


def test_a_database_that_cannot_be_locked_costs_a_warning_and_a_fold_in_memory(layout: Layout) -> None:
    FileJournal(layout).append([made("a", "1")])
    layout.locks.mkdir(parents=True)
    _folder(layout.locks / "lineage.lock")
    store = DuckLineageStore(layout, FileJournal(layout))
    store.refresh()
    assert list(store.snapshot([Target.parse("a")]).latest) == ["a"]
    assert len(store.warnings) == 1
    assert not layout.lineage_db.exists()


def test_a_lock_file_deleted_under_its_holder_loses_no_fact(layout: Layout) -> None:
    """Two may then hold what they take for one lock: both record, and both records are there."""
    holder = start_holder(layout.locks / "lineage.lock")
    (layout.locks / "lineage.lock").unlink()
    ours, theirs = FileJournal(layout), FileJournal(layout)
    with store_lock(layout, 0):
        positions = [journal.append([failed(name)]) for journal, name in ((ours, "a"), (theirs, "b"), (ours, "c"))]
    assert [position for position, _ in FileJournal(layout).read_since({})[0]] == positions
    end(holder)


def test_whoever_waits_says_for_whom_and_for_what_and_who_is_stopped(layout: Layout, caplog, monkeypatch) -> None:
    for module in (lock, holders):
        monkeypatch.setattr(module, "SAY_AFTER_S", 0.05)
    layout.in_use.parent.mkdir(parents=True, exist_ok=True)
    file = lock_file(layout)
    holder = start_holder(file)
    holder.send_signal(signal.SIGSTOP)
    os.waitid(os.P_PID, holder.pid, os.WSTOPPED)
    try:
        with pytest.raises(WaitTimeout) as gave_up, store_lock(layout, 0.2):
            raise AssertionError("held")
        is_over = holders.Patience(file, "the bytes are in use", time.monotonic() + 60)
        wait_until(lambda: is_over.is_over or len(caplog.messages) == 2, "it has said so")
    finally:
        end(holder)
    who = f"process {holder.pid} ({sys.executable} -c"
    stopped = f"which is stopped: `kill -CONT {holder.pid}` lets it go on"
    for said, what in zip(caplog.messages, ("the lineage store is in use by another process", "in use"), strict=True):
        assert who in said and stopped in said and what in said
    assert who in dict(gave_up.value.problems[0].facts)["held by"]


def test_a_short_wait_says_nothing(layout: Layout, caplog) -> None:
    holder = start_holder(lock_file(layout))
    with pytest.raises(WaitTimeout), store_lock(layout, 0.1):
        raise AssertionError("held")
    end(holder)
    assert caplog.messages == []


def test_whoever_waits_for_another_program_says_so_after_a_while(monkeypatch, caplog):
    monkeypatch.setattr(holders, "SAY_AFTER_S", 0.05)
    with holders.waiting_for("a quick one", 60.0):
        pass
    with holders.waiting_for("git", 60.0):
        wait_until(lambda: caplog.messages, "it has said so")
    assert caplog.messages == ["waiting up to 60 s for git"]

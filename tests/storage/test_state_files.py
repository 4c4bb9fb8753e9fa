"""Files of the state folder: never waited for when they are something else, and there after a power loss."""

from __future__ import annotations

import errno
import os
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from assetctl.assets.errors import EnvironmentFault
from assetctl.assets.ids import Target
from assetctl.storage.blobs.blobs import Blobs
from assetctl.storage.blobs.file_digests import FileDigests
from assetctl.storage.journal.journal import FileJournal
from assetctl.storage.lineage_store.store import DuckLineageStore
from assetctl.storage.state.format import ensure_state, environment_fault, read_format
from assetctl.storage.state.in_use import in_use
from assetctl.storage.state.layout import Layout
from assetctl.storage.state.lock import step_lock, step_lock_file
from assetctl.storage.state.roots import register, roots_of
from tests.storage.facts import made

PATIENCE_S = 20


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    layout = Layout.of(tmp_path / "p", tmp_path / "store")
    layout.root.mkdir()
    ensure_state(layout)
    register(layout)
    FileJournal(layout).append([made("a", "1")])
    return layout


@pytest.fixture(autouse=True)
def nothing_waits() -> Iterator[None]:
    """Whatever opens a pipe in the wrong way waits for ever: end this process rather than the patience of a person."""
    watch = threading.Timer(PATIENCE_S, lambda: os._exit(99))
    watch.daemon = True
    watch.start()
    yield
    watch.cancel()


def pipe(path: Path) -> None:
    path.unlink(missing_ok=True)
    os.mkfifo(path)


def listening(path: Path) -> None:
    path.unlink(missing_ok=True)
    here = Path.cwd()
    os.chdir(path.parent)  # the name of a socket may not be long
    try:
        with socket.socket(socket.AF_UNIX) as bound:
            bound.bind(path.name)
    finally:
        os.chdir(here)


def folder(path: Path) -> None:
    path.unlink(missing_ok=True)
    path.mkdir()


def linked_device(path: Path) -> None:
    path.unlink(missing_ok=True)
    path.symlink_to("/dev/zero")


OTHER_THINGS = [pipe, listening, folder, linked_device]


@pytest.mark.parametrize("put", OTHER_THINGS)
@pytest.mark.parametrize("where", ["format", "../../store/format"])
def test_a_format_that_is_no_file_is_refused_with_its_path_and_what_to_type(layout, where, put):
    path = Path(os.path.normpath(layout.state / where))
    put(path)
    with pytest.raises(EnvironmentFault) as refused:
        read_format(path.parent)
    (problem,) = refused.value.problems
    assert problem.code == "state-file-replaced"
    assert dict(problem.facts)["file"] == str(path)
    assert problem.hint is not None and f"mv {path} " in problem.hint


@pytest.mark.parametrize("put", [pipe, listening, folder])
def test_locks_that_are_no_files_are_refused_at_once(layout, put):
    step = Target.parse("a")
    with in_use(layout), step_lock(layout, step, 0):
        pass
    for path, use in (
        (layout.in_use, lambda: in_use(layout)),
        (step_lock_file(layout, step), lambda: step_lock(layout, step, 0)),
    ):
        put(path)
        with pytest.raises(EnvironmentFault) as refused, use():
            raise AssertionError("held")
        assert refused.value.problems[0].code == "lock-file-replaced"
        assert dict(refused.value.problems[0].facts)["file"] == str(path)


@pytest.mark.parametrize("put", [pipe, listening])
@pytest.mark.parametrize("name", ["lineage.duckdb", "lineage.duckdb.wal", "lineage.duckdb.new"])
def test_a_database_that_is_no_file_is_set_aside_with_a_warning_that_names_it(layout, name, put):
    before = DuckLineageStore(layout, FileJournal(layout))
    before.refresh()
    put(layout.state / name)
    store = DuckLineageStore(layout, FileJournal(layout))
    assert [record.output.target for record in store.snapshot([Target.parse("a")]).latest.values()] == ["a"]
    if name != "lineage.duckdb.new":  # left over from a rebuild: it is replaced when the next one begins
        (warning,) = store.warnings
        assert f"{layout.state / name} is not a file" in warning
        assert layout.lineage_db.is_file()
        assert len(list(layout.state.glob("*.corrupt-*"))) == (1 if name == "lineage.duckdb" else 2)


@pytest.mark.parametrize("put", OTHER_THINGS)
def test_caches_segments_and_roots_that_are_no_files_are_passed_over(layout, put, tmp_path):
    file = tmp_path / "f"
    file.write_text("x")
    os.utime(file, (1, 1))
    layout.cache.mkdir()
    put(layout.cache / "file-digests.txt")
    assert FileDigests(layout.cache).of(file) == FileDigests(layout.cache).of(file)
    put(layout.journal / "000-1-2.log")
    journal = FileJournal(layout)
    assert journal.append([made("a", "2")]).counter == 2
    assert len(journal.read_since({})[0]) == 2
    put(layout.roots / "other.json")
    (trouble,) = [root.trouble for root in roots_of(layout.store) if root.file.name == "other.json"]
    assert "cannot be read" in trouble


# --- the disk ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("number", "code", "part"),
    [
        (errno.ENOSPC, "disk-full", "free some space"),
        (errno.EACCES, "permission-denied", "permissions"),
        (errno.EIO, "io-error", "failing"),
    ],
)
def test_the_advice_fits_what_the_disk_said(number, code, part):
    (problem,) = environment_fault(OSError(number, os.strerror(number)), "f", "it cannot be read").problems
    assert problem.code == code
    assert problem.hint is not None and part in problem.hint
    assert ("free" in problem.hint) == (number == errno.ENOSPC)


def calls_during(monkeypatch: pytest.MonkeyPatch, action: Callable[[], object]) -> list[tuple[str, str]]:
    """Return what an action made, renamed and synced, in order, with the paths of descriptors."""
    calls: list[tuple[str, str]] = []

    def traced(name: str, say: Callable[..., str]) -> None:
        real = getattr(os, name)

        def call(*arguments: object, **options: object) -> object:
            calls.append((name, say(*arguments)))
            return real(*arguments, **options)

        monkeypatch.setattr(os, name, call)

    for name in ("fsync", "fdatasync"):
        traced(name, lambda descriptor: str(Path(f"/proc/self/fd/{descriptor}").readlink()))
    traced("mkdir", lambda path, *_: str(path))
    for name in ("replace", "rename"):
        traced(name, lambda _old, new, *_: str(new))
    action()
    monkeypatch.undo()
    return calls


def test_a_new_state_folder_and_its_format_survive_a_power_loss(tmp_path, monkeypatch):
    layout = Layout.of(tmp_path / "p", tmp_path / "far" / "store")
    layout.root.mkdir()

    def first_record() -> None:
        ensure_state(layout)
        register(layout)
        Blobs(layout).put_bytes(b"value")
        journal = FileJournal(layout)
        journal.append([made("a", "1")])
        journal.sync()

    calls = calls_during(monkeypatch, first_record)
    made_folders = {path for name, path in calls if name == "mkdir" and Path(path).is_absolute()}
    assert {str(layout.state), str(layout.store), str(layout.blobs)} <= made_folders
    for path in made_folders:
        later = calls[calls.index(("mkdir", path)) :]
        assert ("fsync", str(Path(path).parent)) in later, f"the name of {path} may be lost"
    for file in (layout.state / "format", layout.store / "format"):
        at = calls.index(("replace", str(file)))
        name, synced = calls[at - 1]
        assert (name, Path(synced).parent) == ("fsync", file.parent), "its bytes are synced before it is renamed"
        assert ("fsync", str(file.parent)) in calls[at:]

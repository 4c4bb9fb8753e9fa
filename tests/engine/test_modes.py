"""Who may read what assetctl keeps: its owner alone, unless a store was made for others."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from assetctl.engine.project import Project
from assetctl.storage.state.modes import mode_below

ASSETS = """
from pathlib import Path
import pyarrow as pa
from assetctl import Context, asset, check, source

words = source.file("words.csv")

@asset
def table(words: pa.Table, context: Context):
    print("to the log")
    context.figure("f", "<svg xmlns='http://www.w3.org/2000/svg'/>")
    return pa.table({"n": list(range(100_000))})

@asset
def folder(table):
    made = Path(__file__).parent / "made"
    (made / "deep").mkdir(parents=True, exist_ok=True)
    (made / "deep" / "page.txt").write_text("words " * 1000)
    return made

@check(asset=table)
def there(table):
    return table.num_rows > 0
"""


@contextmanager
def umask(mask: int) -> Iterator[None]:
    before = os.umask(mask)
    try:
        yield
    finally:
        os.umask(before)


def project_in(root: Path, settings: str = "") -> Project:
    root.mkdir(exist_ok=True)
    (root / "assets.py").write_text(ASSETS)
    (root / "words.csv").write_text("a\n1\n")
    (root / "pyproject.toml").write_text(f"[tool.assetctl]\nassets = ['assets.py']\n{settings}")
    return Project.open(root)


def used(project: Project) -> Project:
    """Have everything written that a project keeps."""
    project.materialize(jobs=1)
    project.plan()
    project.sql("from lineage.assets")
    (project.root / "words.csv").write_text("a\n2\n")
    Project.open(project.root).materialize(jobs=1)
    return project


def modes(folder: Path) -> dict[str, int]:
    paths = [folder, *sorted(folder.rglob("*"))]
    return {str(path.relative_to(folder)): stat.S_IMODE(path.lstat().st_mode) for path in paths}


@pytest.mark.parametrize("mask", [0o000, 0o022, 0o077])
def test_everything_that_is_kept_is_its_owners_alone_whatever_the_umask(tmp_path, mask):
    with umask(mask):
        project = used(project_in(tmp_path / "p"))
    kept = modes(project.root / ".assetctl")
    assert len(kept) > 20
    assert {name: oct(mode) for name, mode in kept.items() if mode & 0o077} == {}
    assert kept["."] == 0o700
    assert project.load("table").num_rows == 100_000


def test_a_store_that_was_made_for_a_group_stays_open_to_it(tmp_path):
    store = tmp_path / "store"
    store.mkdir()
    store.chmod(0o775)
    with umask(0o002):
        project = used(project_in(tmp_path / "p", f'store = "{store}"\n'))
    kept = modes(store)
    assert kept["."] == 0o775
    folders = {mode for name, mode in kept.items() if (store / name).is_dir()}
    assert folders == {0o775}
    blobs = {mode for name, mode in kept.items() if name.startswith("blobs-v1/") and (store / name).is_file()}
    assert blobs == {0o444}
    assert {oct(mode) for mode in modes(project.root / ".assetctl").values() if mode & 0o077} == set()


def test_a_state_folder_that_others_can_read_works_and_doctor_says_how_to_close_it(tmp_path):
    project = project_in(tmp_path / "p")
    state = project.root / ".assetctl"
    state.mkdir()
    state.chmod(0o755)
    with umask(0o022):
        used(project)
    notes = [f for f in project.doctor().findings if "read by others" in f.what]
    assert [(note.severity, note.hint) for note in notes] == [("note", f"close it: `chmod -R go-rwx {state}`")]
    assert project.doctor().is_sound
    for path in (state, *state.rglob("*")):
        path.chmod(path.stat().st_mode & 0o700)
    assert not [f for f in Project.open(project.root).doctor().findings if "read by others" in f.what]
    assert used(Project.open(project.root)).load("table").num_rows == 100_000
    assert not any(mode & 0o077 for mode in modes(state).values())


def test_what_is_handed_out_is_as_open_as_any_new_file(tmp_path):
    with umask(0o022):
        project = used(project_in(tmp_path / "p"))
        project.get("table", tmp_path / "table.parquet")
        project.get("folder", tmp_path / "copy")
    given = [tmp_path / "table.parquet", tmp_path / "copy" / "deep" / "page.txt", tmp_path / "copy" / "deep"]
    given = [path for path in given if path.exists()] or list((tmp_path / "copy").rglob("*"))
    expected = {tmp_path / "copy" / "deep": 0o755}
    assert {path: stat.S_IMODE(path.stat().st_mode) for path in given} == {p: expected.get(p, 0o644) for p in given}


def test_a_folder_that_its_owner_may_not_write_takes_nothing_from_the_owner_of_what_is_below(tmp_path):
    tmp_path.chmod(0o550)
    assert mode_below(tmp_path) == 0o640
    assert mode_below(tmp_path, 0o444) == 0o440

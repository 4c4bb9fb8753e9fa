"""Examining a state folder: each kind of damage is found, named, and nothing else is."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from assetctl.assets.ids import AssetKey
from assetctl.lineage.identity.encode import digest_bytes
from assetctl.lineage.records import BlobDigest, Output
from assetctl.storage.blobs import Blobs
from assetctl.storage.findings import Finding
from assetctl.storage.inspect import examine
from assetctl.storage.journal import FileJournal
from assetctl.storage.layout import Layout
from assetctl.storage.lineage_db import DuckLineageStore
from assetctl.storage.state import ensure_state
from tests.storage.facts import made, value

TEXT = "the value of a"


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    """A sound state folder: one asset in a blob, one inline, every writer gone; not folded yet."""
    layout = Layout.of(tmp_path)
    ensure_state(layout)
    blob = Blobs(layout).put_bytes(TEXT.encode())
    stored = Output(AssetKey("a"), value("a"), "text/1", blob, len(TEXT))
    inline = Output(AssetKey("b"), value("b"), "text/1", BlobDigest(digest_bytes(b"b")), 1, b"b")
    journal = FileJournal(layout)
    journal.append([made("a", "a", outputs=(stored,)), made("b", "b", outputs=(inline,))])
    journal.close()
    return layout


def fold(layout: Layout) -> None:
    DuckLineageStore(layout, FileJournal(layout)).refresh()


def blob_path(layout: Layout) -> Path:
    (path,) = [path for path in layout.blobs.rglob("*") if path.is_file()]
    return path


def segment_path(layout: Layout) -> Path:
    (path,) = layout.journal.iterdir()
    return path


def rewrite(path: Path, data: bytes) -> None:
    path.chmod(0o644)
    path.write_bytes(data)


def tear_tail(layout: Layout) -> Path:
    path = segment_path(layout)
    rewrite(path, path.read_bytes() + b"0123 unfinished")
    return path


def break_line(layout: Layout) -> Path:
    path = segment_path(layout)
    rewrite(path, path.read_bytes().replace(b'"k":"materialized"', b'"k":"Materialized"', 1))
    return path


def lose_blob(layout: Layout) -> Path:
    path = blob_path(layout)
    path.unlink()
    return path


def shorten_blob(layout: Layout) -> Path:
    path = blob_path(layout)
    rewrite(path, TEXT.encode()[:-1])
    return path


def link_blob(layout: Layout) -> Path:
    path = blob_path(layout)
    path.rename(layout.root / "elsewhere")
    path.symlink_to(layout.root / "elsewhere")
    return path


def flip_blob(layout: Layout) -> Path:
    path = blob_path(layout)
    rewrite(path, TEXT.upper().encode())
    return path


def quarantine_blob(layout: Layout) -> Path:
    path = blob_path(layout)
    layout.quarantine.mkdir()
    return path.rename(layout.quarantine / (path.parent.name + path.name))


def add_orphan(layout: Layout) -> Path:
    Blobs(layout).put_bytes(b"nobody's")
    return layout.blobs


def add_foreign_file(layout: Layout) -> Path:
    path = layout.blobs / "notes.txt"
    path.write_text("mine")
    return path


def leave_write(layout: Layout) -> Path:
    layout.temporary.mkdir(exist_ok=True)
    path = layout.temporary / f"{2**22 + 1}-x"
    path.write_text("x")
    os.utime(path, (0, 0))
    return path


def break_database(layout: Layout) -> Path:
    fold(layout)
    whole = layout.lineage_db.read_bytes()
    rewrite(layout.lineage_db, whole[:13000] + bytes(byte ^ 255 for byte in whole[13000:]))
    return layout.lineage_db


def shorten_journal(layout: Layout) -> Path:
    fold(layout)
    path = segment_path(layout)
    rewrite(path, path.read_bytes().splitlines(keepends=True)[0])
    return layout.lineage_db


def set_database_aside(layout: Layout) -> Path:
    path = layout.state / "lineage.duckdb.corrupt-20260101"
    path.write_text("")
    return path


def come_from_the_future(layout: Layout) -> Path:
    layout.format_file.write_text("assetctl-state 99\n")
    return layout.format_file


DAMAGE: list[tuple[Callable[[Layout], Path], str, str, str]] = [
    (tear_tail, "warning", "ends in an unfinished line", "nothing to do"),
    (break_line, "error", "checksum does not match", "skipped"),
    (lose_blob, "warning", "`a` are missing", "assetctl materialize a"),
    (shorten_blob, "error", "`a` are not what was recorded", "assetctl materialize a"),
    (link_blob, "error", "`a` are not what was recorded", "assetctl materialize a"),
    (quarantine_blob, "error", "`a` were corrupt", "assetctl materialize a"),
    (add_orphan, "note", "1 stored blobs have no record (8 bytes)", "assetctl gc"),
    (add_foreign_file, "warning", "did not put there", "move it"),
    (leave_write, "note", "unfinished write", "assetctl gc"),
    (break_database, "error", "database is damaged", "doctor --rebuild"),
    (shorten_journal, "error", "more than the journal holds", "doctor --rebuild"),
    (set_database_aside, "note", "set aside", "delete"),
    (come_from_the_future, "error", "newer assetctl", "upgrade"),
]


def test_a_sound_folder_has_no_findings(layout: Layout) -> None:
    fold(layout)
    assert examine(layout, full=True) == []


def test_a_folder_that_does_not_exist_has_no_findings(tmp_path: Path) -> None:
    assert examine(Layout.of(tmp_path)) == []
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("harm", "severity", "what", "hint"), DAMAGE, ids=[row[0].__name__ for row in DAMAGE])
def test_each_damage_is_found_alone(
    layout: Layout, harm: Callable[[Layout], Path], severity: str, what: str, hint: str
) -> None:
    where = harm(layout)
    before = {path: path.lstat().st_mtime_ns for path in layout.state.rglob("*") if "locks" not in path.parts}
    (found,) = [finding for finding in examine(layout) if _is_about(finding, harm)]
    assert found.severity == severity
    assert what in found.what
    assert found.where.startswith(str(where))
    assert hint in found.hint
    assert {path: path.lstat().st_mtime_ns for path in layout.state.rglob("*") if "locks" not in path.parts} == before


def _is_about(finding: Finding, harm: Callable[[Layout], Path]) -> bool:
    """A broken record leaves its blob without one, and a shortened journal too: findings of their own."""
    return harm not in (break_line, shorten_journal) or "no record" not in finding.what


def test_equal_sizes_are_told_apart_by_a_full_examination_only(layout: Layout) -> None:
    flip_blob(layout)
    assert examine(layout) == []
    (found,) = examine(layout, full=True)
    assert (found.severity, "hash" in found.what) == ("error", True)


def test_a_tail_that_is_still_being_written_is_no_finding(layout: Layout) -> None:
    journal = FileJournal(layout)
    position = journal.append([made("c", "c")])
    with journal.path(position.segment).open("ab") as file:
        file.write(b"half a li")
    assert [finding for finding in examine(layout) if "journal" in finding.where] == []
    journal.close()
    assert len([finding for finding in examine(layout) if "journal" in finding.where]) == 1


def test_earlier_versions_that_were_cleaned_up_are_no_finding(layout: Layout) -> None:
    blob = Blobs(layout).put_bytes(b"newer")
    FileJournal(layout).append([made("a", "a2", outputs=(Output(AssetKey("a"), value("a2"), "text/1", blob, 5),))])
    (old,) = [p for p in layout.blobs.rglob("*") if p.is_file() and p.read_bytes() == TEXT.encode()]
    old.unlink()
    assert examine(layout) == []


def test_a_database_held_by_another_program_is_a_warning(layout: Layout) -> None:
    fold(layout)
    code = "import sys, duckdb; con = duckdb.connect(sys.argv[1]); print('held', flush=True); sys.stdin.read(); con.close()"
    holder = subprocess.Popen(
        [sys.executable, "-c", code, str(layout.lineage_db)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert holder.stdin is not None and holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    (found,) = examine(layout)
    holder.stdin.close()
    holder.wait()
    holder.stdout.close()
    assert found.severity == "warning"
    assert "Conflicting lock" in found.what


def test_rebuilding_heals_a_damaged_database(layout: Layout) -> None:
    break_database(layout)
    store = DuckLineageStore(layout, FileJournal(layout))
    store.rebuild()
    assert examine(layout) == []
    assert sorted(store.snapshot([AssetKey("a"), AssetKey("b")]).latest) == ["a", "b"]

"""Examining a state folder: each kind of damage is found, named, and nothing else is."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from assetctl.assets.errors import EnvironmentFault
from assetctl.assets.ids import Target
from assetctl.lineage.facts.records import BlobDigest, Output, RunId, RunStarted
from assetctl.lineage.identity.encode import digest_bytes
from assetctl.storage.blobs.blobs import Blobs
from assetctl.storage.care.findings import Finding
from assetctl.storage.care.inspect import examine
from assetctl.storage.care.inspect_folders import folder_findings
from assetctl.storage.journal.journal import FileJournal
from assetctl.storage.journal.wire import to_json
from assetctl.storage.lineage_store.store import DuckLineageStore
from assetctl.storage.state.format import ensure_state
from assetctl.storage.state.layout import Layout
from tests.storage.damage import line_of, raw_line, spoiled
from tests.storage.facts import WHEN, every_fact, made, value
from tests.storage.memory import MemoryLineageStore

TEXT = "the value of a"


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return sound_folder(tmp_path)


def sound_folder(root: Path) -> Layout:
    """Return a sound state folder: one asset in a blob, one inline, every writer gone; not folded yet."""
    layout = Layout.of(root)
    ensure_state(layout)
    blob = Blobs(layout).put_bytes(TEXT.encode())
    stored = Output(Target.parse("a"), value("a"), "text/1", blob, len(TEXT))
    inline = Output(Target.parse("b"), value("b"), "text/1", BlobDigest(digest_bytes(b"b")), 1, b"b")
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


def break_last_line(layout: Layout) -> Path:
    path = segment_path(layout)
    data = path.read_bytes()
    rewrite(path, data[:-3] + bytes([data[-3] ^ 1]) + data[-2:])
    return path


def break_last_newline(layout: Layout) -> Path:
    path = segment_path(layout)
    rewrite(path, path.read_bytes()[:-1] + b"\x0b")
    return path


def misuse_segment_name(layout: Layout) -> Path:
    path = layout.journal / "0-0-0.log"
    path.mkdir()
    return path


def pipe_for_segment(layout: Layout) -> Path:
    path = layout.journal / "0-0-0.log"
    os.mkfifo(path)
    return path


def dangling_segment(layout: Layout) -> Path:
    path = layout.journal / "0-0-0.log"
    path.symlink_to(layout.root / "nowhere")
    return path


def copy_segment(layout: Layout) -> Path:
    journal = FileJournal(layout)
    path = journal.path(journal.append([RunStarted(RunId("r9"), WHEN, (), "materialize")]).segment)
    journal.close()
    copy = layout.journal / f"{path.stem}-copy.log"
    copy.write_bytes(path.read_bytes())
    return copy


def link_part(layout: Layout) -> Path:
    elsewhere = layout.journal.rename(layout.root / "elsewhere")
    layout.journal.symlink_to(elsewhere)
    return layout.journal


def file_for_folder(layout: Layout) -> Path:
    layout.quarantine.write_text("")
    return layout.quarantine


def folder_for_lock(layout: Layout) -> Path:
    path = layout.locks / "gc.lock"
    path.mkdir(parents=True)
    return path


def folder_for_database(layout: Layout) -> Path:
    layout.lineage_db.mkdir()
    return layout.lineage_db


def leave_rebuild(layout: Layout) -> Path:
    path = layout.state / "lineage.duckdb.new"
    path.write_text("")
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
    (break_last_line, "error", "checksum does not match", "skipped"),
    (break_last_newline, "error", "a line whose end is damaged", "skipped"),
    (misuse_segment_name, "error", "segment of the journal that is not a file", "move this away"),
    (pipe_for_segment, "error", "segment of the journal that is not a file", "move this away"),
    (dangling_segment, "error", "segment of the journal that is not a file", "move this away"),
    (copy_segment, "warning", "is a copy of", "move one of the two away"),
    (link_part, "warning", "`journal-v1` is a symbolic link to", "behind the link"),
    (file_for_folder, "error", "`quarantine-v1` is not a folder", "move it away"),
    (folder_for_lock, "warning", "a lock that is not a file", "delete it"),
    (folder_for_database, "error", "`lineage.duckdb` is not a file", "move it away"),
    (leave_rebuild, "note", "an unfinished rebuild", "begins anew"),
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
    (finding,) = [finding for finding in examine(layout) if _is_about(finding, harm)]
    assert finding.severity == severity, finding
    assert what in finding.what
    assert finding.where.startswith(str(where))
    assert hint in finding.hint
    assert {path: path.lstat().st_mtime_ns for path in layout.state.rglob("*") if "locks" not in path.parts} == before


def _is_about(finding: Finding, harm: Callable[[Layout], Path]) -> bool:
    """A broken record leaves its blob without one, and a shortened journal too: findings of their own."""
    return (
        harm not in (break_line, break_last_line, break_last_newline, shorten_journal)
        or "no record" not in finding.what
    )


def test_equal_sizes_are_told_apart_by_a_full_examination_only(layout: Layout) -> None:
    flip_blob(layout)
    assert examine(layout) == []
    (finding,) = examine(layout, full=True)
    assert (finding.severity, "hash" in finding.what) == ("error", True)


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
    FileJournal(layout).append([made("a", "a2", outputs=(Output(Target.parse("a"), value("a2"), "text/1", blob, 5),))])
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
    (finding,) = examine(layout)
    holder.stdin.close()
    holder.wait()
    holder.stdout.close()
    assert finding.severity == "warning"
    assert "cannot be read now: process " in finding.what


def test_rebuilding_heals_a_damaged_database(layout: Layout) -> None:
    break_database(layout)
    store = DuckLineageStore(layout, FileJournal(layout))
    store.rebuild()
    assert examine(layout) == []
    assert sorted(store.snapshot([Target.parse("a"), Target.parse("b")]).latest) == ["a", "b"]


@contextmanager
def as_nobody() -> Iterator[None]:
    """Be a user whom nothing belongs to, where this one may do everything."""
    was_root = os.geteuid() == 0
    if was_root:
        os.seteuid(65534)
    try:
        yield
    finally:
        if was_root:
            os.seteuid(0)


def opened_to_all(layout: Layout) -> Layout:
    """Give a state folder the modes that it had before it was made private."""
    for path in (layout.state, *layout.state.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
    return layout


def test_a_private_folder_of_somebody_else_is_named_with_its_owner() -> None:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        layout = sound_folder(Path(folder))
        layout.state.chmod(0o700)
        with as_nobody(), pytest.raises(EnvironmentFault) as caught:
            examine(layout)
    (problem,) = caught.value.problems
    assert problem.facts[0][1] == str(layout.state)
    assert "mode 700; you are user" in problem.facts[1][1]


def test_what_may_not_be_read_is_named_with_its_owner() -> None:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        layout = opened_to_all(sound_folder(Path(folder)))
        hidden = [segment_path(layout), blob_path(layout)]
        for path in hidden:
            path.chmod(0)
        with as_nobody(), pytest.raises(EnvironmentFault) as caught:
            examine(layout)
    said = [(problem.facts[0][1], problem.facts[1][1]) for problem in caught.value.problems]
    assert [path for path, _ in said] == list(map(str, hidden))
    assert all("mode 0; you are user" in owner for _, owner in said)
    assert caught.value.exit_code == 6


def test_a_folder_that_may_not_be_written_is_a_warning() -> None:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        layout = opened_to_all(sound_folder(Path(folder)))
        layout.journal.chmod(0o555)
        with as_nobody():
            findings = [finding for finding in folder_findings(layout) if finding.where == str(layout.journal)]
    assert [(finding.severity, finding.what) for finding in findings] == [
        ("warning", "`journal-v1` may not be written by this user")
    ]


def test_a_line_that_is_no_fact_costs_only_itself(layout: Layout) -> None:
    """Valid JSON of every wrong type, deep nesting, NUL, a byte order mark, ten megabytes: with a right checksum."""
    wrongs = [wrong for fact in every_fact() for wrong in spoiled(to_json(fact))]
    lines = [line_of(wrong, counter) for counter, wrong in enumerate(wrongs, 100)]
    deep = b'{"c":50,"x":' + b"[" * 200_000 + b"]" * 200_000 + b"}"
    huge = b'{"c":51,"k":"materialized","v":1,"x":"' + b"y" * 10_000_000 + b'"}'
    strange = [b"\0" * 100, b"\xef\xbb\xbf" + lines[0][17:-1], b"", b"{}", b"null", b'{"c":52,', deep, huge]
    strange.append(b'{"c":%d,"k":"materialized","v":1}' % 10**30)
    with segment_path(layout).open("ab") as file:
        file.writelines([*map(raw_line, strange), *lines])
    keys = [Target.parse("a"), Target.parse("b")]
    store, oracle = DuckLineageStore(layout, FileJournal(layout)), MemoryLineageStore(FileJournal(layout))
    store.refresh()
    oracle.refresh()
    assert len(wrongs) > 1000
    assert sorted(store.snapshot(keys).latest) == ["a", "b"]
    assert store.snapshot(keys) == oracle.snapshot(keys)
    assert store.warnings == []
    assert {finding.severity for finding in examine(layout) if "journal holds" in finding.what} == {"error", "warning"}
    assert FileJournal(layout).append([made("a", "later")]).counter >= 100 + len(wrongs)


def test_lines_with_garbage_in_place_of_a_checksum_are_each_reported(layout: Layout) -> None:
    good = segment_path(layout).read_bytes()
    for garbage in (b"\0" * 50, b"\xef\xbb\xbf", b"\n\n\n", b"x" * 10_000_000, good[17:80]):
        rewrite(segment_path(layout), garbage + b"\n" + good)
        findings = [finding for finding in examine(layout) if "checksum" in finding.what]
        assert {finding.severity for finding in findings} == {"error"}
        assert len(FileJournal(layout).read_since({})[0]) == 2

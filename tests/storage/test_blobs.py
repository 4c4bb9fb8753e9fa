"""Blobs are whole, verified, written once, and never shared with anybody."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from assetctl.assets.errors import CorruptionError, EnvironmentFault
from assetctl.assets.ids import Target
from assetctl.lineage.facts.ports import Form, Wanted
from assetctl.lineage.facts.records import BlobDigest, ProvenanceDigest
from assetctl.lineage.facts.snapshot import OutputState
from assetctl.lineage.identity.encode import digest_bytes
from assetctl.storage.blobs.blobs import Blobs, hash_file
from assetctl.storage.blobs.folders import copy_folder, put_folder, read_empty, read_manifest
from assetctl.storage.state.copying import clone_or_copy
from assetctl.storage.state.layout import Layout, file_name, key_of
from assetctl.storage.values.store import BlobDataStore

DATA = b"some bytes " * 1000


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout.of(tmp_path)


@pytest.fixture
def blobs(layout: Layout) -> Blobs:
    return Blobs(layout)


def damage(path: Path, data: bytes) -> None:
    path.chmod(0o644)
    path.write_bytes(data)


def test_bytes_come_back_under_their_plain_hash(blobs: Blobs, layout: Layout) -> None:
    digest = blobs.put_bytes(DATA)
    assert digest == digest_bytes(DATA)
    assert blobs.read_bytes(digest) == DATA
    assert hash_file(layout.blob(digest)) == digest
    assert layout.blob(digest).stat().st_mode & 0o777 == 0o400  # as private as the state folder


def test_putting_twice_writes_once_and_leaves_nothing_behind(blobs: Blobs, layout: Layout) -> None:
    digest = blobs.put_bytes(DATA)
    before = layout.blob(digest).stat().st_ino
    blobs.put_bytes(DATA)
    temporary = blobs.temporary()
    temporary.write_bytes(DATA)
    assert blobs.put_file(temporary) == digest
    assert layout.blob(digest).stat().st_ino == before
    assert list(layout.temporary.iterdir()) == []


def test_putting_again_heals_a_corrupt_blob(blobs: Blobs, layout: Layout) -> None:
    digest = blobs.put_bytes(DATA)
    damage(layout.blob(digest), b"X" + DATA[1:])  # the same size, so only the hash tells
    assert blobs.put_bytes(DATA) == digest
    assert blobs.read_bytes(digest) == DATA


def test_a_blob_that_is_used_again_is_young_again(blobs: Blobs, layout: Layout) -> None:
    digest = blobs.put_bytes(DATA)
    os.utime(layout.blob(digest), (1, 1))
    blobs.put_bytes(DATA)
    assert layout.blob(digest).stat().st_mtime > 1


@pytest.mark.parametrize("size", [10, 3 << 20])
def test_a_file_is_adopted(blobs: Blobs, layout: Layout, size: int) -> None:
    temporary = blobs.temporary(".x")
    temporary.write_bytes(b"x" * size)
    digest = blobs.put_file(temporary)
    assert digest == digest_bytes(b"x" * size)
    assert not temporary.exists()
    assert blobs.state(digest, size) is OutputState.PRESENT


def test_states(blobs: Blobs, layout: Layout) -> None:
    digest = blobs.put_bytes(DATA)
    assert blobs.state(digest, len(DATA)) is OutputState.PRESENT
    assert blobs.state(digest, len(DATA) - 1) is OutputState.CORRUPT
    assert blobs.state(BlobDigest("b3:" + "0" * 64), 1) is OutputState.MISSING
    path = layout.blob(digest)
    elsewhere = layout.state / "elsewhere"
    path.rename(elsewhere)
    path.symlink_to(elsewhere)
    assert blobs.state(digest, len(DATA)) is OutputState.CORRUPT
    with pytest.raises(CorruptionError):
        blobs.open_verified(digest)


@pytest.mark.parametrize("read", ["read_bytes", "open_verified"])
def test_a_changed_bit_is_noticed_and_set_aside(blobs: Blobs, layout: Layout, read: str) -> None:
    digest = blobs.put_bytes(DATA)
    damage(layout.blob(digest), b"S" + DATA[1:])
    with pytest.raises(CorruptionError) as raised:
        getattr(blobs, read)(digest)
    problem = raised.value.problems[0]
    assert ("digest", digest) in problem.facts
    assert "assetctl doctor" in (problem.hint or "")
    assert layout.quarantined(digest).read_bytes() == b"S" + DATA[1:]
    assert blobs.state(digest, len(DATA)) is OutputState.CORRUPT
    with pytest.raises(CorruptionError, match="set aside"):
        getattr(blobs, read)(digest)
    blobs.put_bytes(DATA)
    assert blobs.read_bytes(digest) == DATA
    assert blobs.state(digest, len(DATA)) is OutputState.PRESENT


def test_a_blob_changed_after_it_was_verified_is_hashed_again(blobs: Blobs, layout: Layout) -> None:
    digest = blobs.put_bytes(DATA)
    path = blobs.open_verified(digest)
    damage(path, b"S" + DATA[1:])
    os.utime(path, ns=(1, 1))
    with pytest.raises(CorruptionError):
        blobs.open_verified(digest)


def test_a_missing_blob_says_so(blobs: Blobs) -> None:
    with pytest.raises(CorruptionError, match="missing"):
        blobs.read_bytes(BlobDigest("b3:" + "0" * 64))


def test_a_copy_does_not_reach_the_store(blobs: Blobs, layout: Layout, tmp_path: Path) -> None:
    digest = blobs.put_bytes(DATA)
    target = tmp_path / "deep" / "copy.bin"
    blobs.copy_out(digest, target)
    assert target.stat().st_ino != layout.blob(digest).stat().st_ino
    target.write_bytes(b"edited")
    assert blobs.read_bytes(digest) == DATA
    assert sorted(path.name for path in target.parent.iterdir()) == ["copy.bin"]


def test_neither_an_edited_copy_nor_an_edited_original_reaches_the_store(layout: Layout, tmp_path: Path) -> None:
    """Overwritten in place, appended to, and replaced: none of it shows in what is stored."""
    store = BlobDataStore(layout)
    original, folder = tmp_path / "made.bin", tmp_path / "folder"
    original.write_bytes(DATA)
    folder.mkdir()
    (folder / "part").write_bytes(DATA)
    for path in (original, folder):
        stored = store.put(path, codec=None, unordered=False, provenance=ProvenanceDigest(""))
        output = stored.as_output(Target.parse("a"))
        copy = store.load(output, Wanted(Form.PATH))
        for edited in (path, copy):
            file = edited / "part" if edited.is_dir() else edited
            with file.open("r+b") as opened:
                opened.write(b"EDIT")
            with file.open("ab") as opened:
                opened.write(b"more")
        again = store.load(output, Wanted(Form.PATH))
        assert (again / "part" if again.is_dir() else again).read_bytes() == DATA


def test_keys_that_differ_in_case_only_never_share_a_file(layout: Layout) -> None:
    keys = ["a", "A", "b/c", "B/c", "b/C", "b.c", "b+c".replace("+", "-"), "x" * 200, "X" * 200, "/".join("a" * 100)]
    for name in (file_name(key) for key in keys):
        assert len(name.encode()) + len(".lock") <= 255
    assert len({file_name(key).casefold() for key in keys}) == len(keys)
    assert len({str(layout.log("run", key)).casefold() for key in keys}) == len(keys)
    assert [key_of(file_name(key)) for key in keys] == keys
    assert key_of("clean__shuttles") == "clean/shuttles"  # as an earlier release named its logs


def test_a_full_disk_is_an_environment_fault_and_stores_nothing(blobs: Blobs, layout: Layout) -> None:
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("this system has no /dev/full")
    with pytest.raises(OSError, match=os.strerror(errno.ENOSPC)), full.open("wb", buffering=0) as file:
        file.write(b"x")
    layout.state.mkdir()
    layout.blobs.write_text("a file where the folder should be")
    with pytest.raises(EnvironmentFault) as raised:
        blobs.put_bytes(DATA)
    assert str(layout.blob(BlobDigest(digest_bytes(DATA)))) in dict(raised.value.problems[0].facts)["file"]


def test_a_failed_copy_leaves_no_half_file(tmp_path: Path) -> None:
    target = tmp_path / "target"
    with pytest.raises(FileNotFoundError):
        clone_or_copy(tmp_path / "absent", target)
    assert list(tmp_path.iterdir()) == []


def make_folder(root: Path) -> Path:
    folder = root / "model"
    (folder / "sub").mkdir(parents=True)
    (folder / "empty").mkdir()
    (folder / "weights.bin").write_bytes(DATA)
    (folder / "sub" / "run.sh").write_text("echo")
    (folder / "sub" / "run.sh").chmod(0o755)
    (folder / "link").symlink_to("weights.bin")
    return folder


def test_a_folder_comes_back_file_by_file(blobs: Blobs, tmp_path: Path) -> None:
    digest, files, manifest = put_folder(blobs, make_folder(tmp_path))
    assert [file.name for file in files] == ["link", "sub/run.sh", "weights.bin"]
    assert read_manifest(digest, manifest) == files
    copy_folder(blobs, files, tmp_path / "copy", read_empty(digest, manifest))
    assert (tmp_path / "copy" / "link").read_bytes() == DATA
    assert os.access(tmp_path / "copy" / "sub" / "run.sh", os.X_OK)
    assert not os.access(tmp_path / "copy" / "weights.bin", os.X_OK)
    assert put_folder(blobs, tmp_path / "copy")[0] == digest


def test_a_manifest_cannot_write_outside_its_folder() -> None:
    for name in ("../evil", "/etc/evil", "a/../../evil"):
        manifest = f'{{"format":"assetctl.folder/1","files":[["{name}","b3:00",1,false]]}}'.encode()
        with pytest.raises(CorruptionError):
            read_manifest(BlobDigest("b3:00"), manifest)
    for empty in ('["../evil"]', '["/etc/evil"]', '"x"', "[1]", "{}"):
        with pytest.raises(CorruptionError):
            read_manifest(BlobDigest("b3:00"), f'{{"files":[],"empty":{empty}}}'.encode())

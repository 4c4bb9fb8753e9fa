"""Files and folders count by their bytes and relative names."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from assetctl.storage.blobs.file_digests import digest_directory, digest_file


def _touch(folder: Path) -> None:
    os.utime(folder / "b" / "é.txt", (1, 1))


def _run_bit(folder: Path) -> None:
    (folder / "a.txt").chmod(0o755)


def _empty_folder(folder: Path) -> None:
    (folder / "nothing").mkdir()


def _link_to_the_same(folder: Path) -> None:
    (folder / "a.txt").rename(folder.parent / "elsewhere.txt")
    (folder / "a.txt").symlink_to(folder.parent / "elsewhere.txt")


def _made_in_another_order(folder: Path) -> None:
    kept = (folder / "a.txt").read_bytes()
    (folder / "a.txt").unlink()
    (folder / "a.txt").write_bytes(kept)


def _one_bit(folder: Path) -> None:
    (folder / "a.txt").write_bytes(b"ab!"[:2] + b"b")


def _rename(folder: Path) -> None:
    (folder / "a.txt").rename(folder / "c.txt")


def _another_form_of_the_name(folder: Path) -> None:
    (folder / "b" / "é.txt").rename(folder / "b" / "e\u0301.txt")


def _move(folder: Path) -> None:
    (folder / "b" / "é.txt").rename(folder / "é.txt")


def _dangling_link(folder: Path) -> None:
    (folder / "link").symlink_to("nowhere")


def make(parent: Path) -> Path:
    folder = parent / "folder"
    (folder / "b").mkdir(parents=True)
    (folder / "a.txt").write_bytes(b"abc")
    (folder / "b" / "é.txt").write_bytes(b"")
    return folder


@pytest.mark.parametrize("edit", [_touch, _run_bit, _link_to_the_same, _made_in_another_order])
def test_equal_folders(edit: Callable[[Path], None], tmp_path: Path) -> None:
    folder, other = make(tmp_path / "one"), make(tmp_path / "other place")
    edit(other)
    assert digest_directory(folder) == digest_directory(other)


@pytest.mark.parametrize("edit", [_one_bit, _rename, _another_form_of_the_name, _move, _dangling_link, _empty_folder])
def test_different_folders(edit: Callable[[Path], None], tmp_path: Path) -> None:
    folder, other = make(tmp_path / "one"), make(tmp_path / "other")
    edit(other)
    assert digest_directory(folder)[0] != digest_directory(other)[0]


def test_a_file_counts_by_its_bytes_alone(tmp_path: Path) -> None:
    one, other, third = (tmp_path / name for name in ("a.csv", "b.bin", "c.csv"))
    for path, content in ((one, b"abc"), (other, b"abc"), (third, b"abb")):
        path.write_bytes(content)
    os.utime(other, (1, 1))
    assert digest_file(one) == digest_file(other) != digest_file(third)

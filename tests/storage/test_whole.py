"""A file that is replaced is the old one or the new one, whatever happens meanwhile."""

from __future__ import annotations

import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from assetctl.storage.state.modes import open_as_any
from assetctl.storage.state.whole import whole_file, write_whole

_KILLED_HALFWAY = """
import os, signal, sys
from pathlib import Path
from assetctl.storage.state.modes import open_as_any
from assetctl.storage.state.whole import whole_file
with whole_file(Path(sys.argv[1]), durable=False) as file:
    file.write(b"half")
    file.flush()
    os.kill(os.getpid(), signal.SIGKILL)
"""


def names_in(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


@pytest.mark.parametrize("durable", [False, True])
def test_the_new_bytes_take_the_place_of_the_old(tmp_path: Path, durable: bool) -> None:
    target = tmp_path / "kept"
    write_whole(target, b"old, and longer", durable=durable)
    write_whole(target, b"new", durable=durable)
    assert target.read_bytes() == b"new"
    assert names_in(tmp_path) == ["kept"]


def write_half(target: Path) -> None:
    with whole_file(target, durable=True) as file:
        file.write(b"half")
        raise ZeroDivisionError


def test_an_error_halfway_leaves_the_old_bytes_and_nothing_else(tmp_path: Path) -> None:
    target = tmp_path / "kept"
    target.write_bytes(b"old")
    with pytest.raises(ZeroDivisionError):
        write_half(target)
    assert target.read_bytes() == b"old"
    assert names_in(tmp_path) == ["kept"]


def test_a_kill_halfway_leaves_the_old_bytes(tmp_path: Path) -> None:
    target = tmp_path / "kept"
    target.write_bytes(b"old")
    killed = subprocess.run([sys.executable, "-c", _KILLED_HALFWAY, str(target)], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert target.read_bytes() == b"old"
    assert [name for name in names_in(tmp_path) if not name.startswith(".")] == ["kept"]


def test_the_file_has_the_permissions_of_any_new_file_or_those_that_its_folder_allows(tmp_path: Path) -> None:
    ordinary = tmp_path / "ordinary"
    ordinary.touch()
    target = tmp_path / "kept"
    target.touch(0o400)
    tmp_path.chmod(0o750)
    write_whole(target, b"x", durable=False, opener=open_as_any)
    assert target.stat().st_mode == ordinary.stat().st_mode
    write_whole(target, b"x", durable=False)
    assert target.stat().st_mode & 0o777 == ordinary.stat().st_mode & 0o750


def test_a_folder_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        write_whole(tmp_path / "absent" / "kept", b"x", durable=False)
    assert names_in(tmp_path) == []


def test_writers_at_once_each_write_a_whole_file(tmp_path: Path) -> None:
    target = tmp_path / "kept"
    texts = [bytes([65 + n]) * 100_000 for n in range(8)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda text: write_whole(target, text, durable=False), texts))
    assert target.read_bytes() in texts
    assert names_in(tmp_path) == ["kept"]

"""A shared cache in a plain folder: a mounted share, or a disk that several checkouts see.

A file is written under a temporary name beside its own, made durable, and renamed. The
folder itself has to exist: a share that is not mounted must not turn into a local folder.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from assetctl.storage.remote.transport import Absent, Denied, Unreachable
from assetctl.storage.state.whole import fsync_folder

_UNFINISHED = ".unfinished-"
_BLOCK_BYTES = 1 << 20


class FolderTransport:
    """`transport.Transport` over a folder."""

    def __init__(self, where: str, root: Path) -> None:
        self._where = where
        self._root = root

    @property
    def where(self) -> str:
        return self._where

    def size(self, name: str, within_s: float) -> int | None:
        try:
            with self._answered():
                status = (self._root / name).stat()
        except Absent:
            return None
        return status.st_size if stat.S_ISREG(status.st_mode) else None

    def names(self, folder: str, within_s: float) -> list[str]:
        try:
            with self._answered():
                names = [path.name for path in (self._root / folder).iterdir()]
                return [name for name in names if not name.startswith(_UNFINISHED)]
        except Absent:
            return []

    def read(self, name: str, start: int, n_bytes: int, within_s: float) -> bytes:
        if self.size(name, within_s) is None:  # also what is no regular file, and might never end
            raise Absent(f"there is no `{name}`")
        with self._answered(), (self._root / name).open("rb") as file:
            file.seek(start)
            return file.read(n_bytes)

    def put_bytes(self, name: str, data: bytes, within_s: float) -> None:
        self._put(name, lambda: iter([data]))

    def put_file(self, name: str, path: Path, within_s: float) -> None:
        def blocks() -> Iterator[bytes]:
            with path.open("rb") as file:
                while block := file.read(_BLOCK_BYTES):
                    yield block

        self._put(name, blocks)

    def _put(self, name: str, blocks: Callable[[], Iterator[bytes]]) -> None:
        target = self._root / name
        unfinished = target.with_name(f"{_UNFINISHED}{os.getpid()}-{os.urandom(6).hex()}")
        with self._answered():
            self._make(target.parent)
            try:
                with unfinished.open("xb") as file:
                    os.fchmod(file.fileno(), stat.S_IMODE(self._root.stat().st_mode) & 0o666)
                    file.writelines(blocks())
                    file.flush()
                    os.fsync(file.fileno())
                unfinished.replace(target)
            finally:
                unfinished.unlink(missing_ok=True)
            fsync_folder(target.parent)

    def _make(self, folder: Path) -> None:
        """Make a folder with the permissions of the cache's own."""
        if folder.is_dir():
            return
        mode = stat.S_IMODE(self._root.stat().st_mode)
        if folder != self._root:
            self._make(folder.parent)
            folder.mkdir(exist_ok=True)
            folder.chmod(mode)

    @contextmanager
    def _answered(self) -> Iterator[None]:
        """Turn the system's errors into those of a transport."""
        try:
            yield
        except (FileNotFoundError, NotADirectoryError) as cause:
            if self._root.is_dir():
                raise Absent(str(cause)) from cause
            raise Denied(f"there is no folder `{self._root}` (create or mount it)") from cause
        except PermissionError as cause:
            raise Denied(f"permission denied: `{cause.filename}`") from cause
        except OSError as cause:
            raise Unreachable(f"{cause.strerror or cause}: `{self._root}`") from cause

"""Blobs: bytes named by their hash, written once, verified when read.

A blob is written under a temporary name, made durable, and only then renamed to its
digest, so a name always stands for whole bytes: a process killed at any point leaves
at worst a stray temporary file. Blobs are read-only and never handed out themselves
(a consumer that edits its copy must not reach the store): `copy_out` clones where the
file system can and copies where it cannot; a hard link would share the bytes.

| at rest                                | `state`  | reading |
|----------------------------------------|----------|---------|
| a regular file of the recorded size    | present  | hashed once per process and file signature |
| another size, or not a regular file    | corrupt  | set aside, CorruptionError |
| absent, but set aside earlier          | corrupt  | CorruptionError |
| absent                                 | missing  | CorruptionError |

A blob is looked for in the store, then in the stores that the project used earlier; it
is written to the store only. Nothing here deletes: what is found corrupt is moved to
quarantine, where it can be looked at, and the next build writes the blob anew.
"""

from __future__ import annotations

import itertools
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Protocol, TypeVar

from blake3 import blake3

from assetctl.assets.errors import CorruptionError, EnvironmentFault, Problem
from assetctl.assets.problem_codes import ProblemCode
from assetctl.lineage.facts.records import BlobDigest
from assetctl.lineage.facts.snapshot import OutputState
from assetctl.lineage.identity.encode import PREFIX, Buffer, digest_bytes
from assetctl.storage.state.copying import clone_or_copy
from assetctl.storage.state.crash_points import CrashPoint, reached
from assetctl.storage.state.descend import made_folder, make_folder
from assetctl.storage.state.format import environment_fault
from assetctl.storage.state.layout import Layout
from assetctl.storage.state.modes import mode_below, open_new
from assetctl.storage.state.regular import open_regular

_T = TypeVar("_T")

_READ_ONLY = 0o444
_BLOCK_BYTES = 1 << 22  # read and hashed at a time, by all cores: a mapped file would count as memory used


def hash_file(path: Path) -> BlobDigest:
    """Return the digest of a file's bytes; a pipe that took its place since it was listed is not waited for."""
    hasher = blake3(max_threads=blake3.AUTO)
    with open(open_regular(path), "rb", buffering=0) as file:  # noqa: PTH123  it is open already
        block = memoryview(bytearray(min(_BLOCK_BYTES, os.fstat(file.fileno()).st_size + 1)))
        while n_read := file.readinto(block):
            hasher.update(block[:n_read])
    return BlobDigest(PREFIX + hasher.hexdigest())


class Elsewhere(Protocol):
    """Another place that may have blobs missing here."""

    def has(self, digest: BlobDigest, size_bytes: int) -> bool:
        """Say whether it has a blob of this size."""
        ...

    def bring(self, digest: BlobDigest) -> bool:
        """Fetch a blob, verify it and store it here; say whether that worked."""
        ...


class Blobs:
    """The content-addressed store of one project; `elsewhere` is asked for what is not in it."""

    elsewhere: Elsewhere | None = None

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._places = layout.places
        self._verified: dict[BlobDigest, tuple[int, ...]] = {}
        self._n_temporary = 0

    def temporary(self, suffix: str = "") -> Path:
        """Return a new name for an unfinished write; its folder exists.

        Raises:
            EnvironmentFault: the folder cannot be made.
        """
        self._n_temporary += 1
        folder = self._layout.temporary
        self._guard(folder, "the store cannot be written", lambda: make_folder(folder))
        return folder / f"{os.getpid()}-{id(self):x}-{self._n_temporary}-{os.urandom(4).hex()}{suffix}"

    def put_bytes(self, data: Buffer) -> BlobDigest:
        """Store bytes and return their digest; durable on return, a no-op when they are stored already.

        Raises:
            EnvironmentFault: the disk refused; nothing was stored.
        """
        digest = BlobDigest(digest_bytes(data))
        if not self._is_reused(digest, len(data)):
            temporary = self.temporary()
            with _discarded_if_refused(temporary):
                self._guard(temporary, "a blob cannot be written", lambda: _write_new(temporary, data))
            reached(CrashPoint.OUTPUT_WRITTEN)
            self.adopt(temporary, digest)
        return digest

    def put_file(self, temporary: Path) -> BlobDigest:
        """Store a finished temporary file, which is gone afterwards; durable on return.

        Raises:
            EnvironmentFault: the disk refused; nothing was stored.
        """
        reached(CrashPoint.OUTPUT_WRITTEN)
        digest = hash_file(temporary)
        self.adopt(temporary, digest)
        return digest

    def adopt(self, temporary: Path, digest: BlobDigest) -> None:
        """Turn a temporary file, known to have this digest, into the blob; it is gone afterwards, even on failure."""
        reached(CrashPoint.OUTPUT_HASHED)
        target = self._layout.blob(digest)

        def move() -> None:
            size = temporary.stat().st_size
            if self._is_reused(digest, size):
                temporary.unlink()
                return
            with temporary.open("rb+") as file:
                os.fchmod(file.fileno(), mode_below(temporary.parent, _READ_ONLY))  # whatever the umask
                os.fsync(file.fileno())
            reached(CrashPoint.OUTPUT_DURABLE)
            if target.is_dir() and not target.is_symlink():  # a file cannot take its place
                self._move_aside(digest, target)
            with made_folder(target.parent) as folder:
                os.replace(temporary, target.name, dst_dir_fd=folder)
                reached(CrashPoint.BLOB_RENAMED)
                os.fsync(folder)
            reached(CrashPoint.BLOB_FOLDER_SYNCED)

        with _discarded_if_refused(temporary):
            self._guard(target, "a blob cannot be written", move)

    def _is_reused(self, digest: BlobDigest, size: int) -> bool:
        """Say whether a blob is stored already and whole, so that nothing has to be written.

        It is hashed, so that building again heals a corrupt one, and counts as young from
        now on, so that `gc` leaves it to the record that is about to name it.
        """
        target = self._layout.blob(digest)
        try:
            status = target.lstat()
            if not stat.S_ISREG(status.st_mode) or status.st_size != size or hash_file(target) != digest:
                return False
            os.utime(target)
        except OSError:  # gone or unreadable meanwhile: write it
            return False
        return True

    def path(self, digest: BlobDigest) -> Path:
        """Return the path of a blob, or the path it would be written to if it is not stored anywhere."""
        first = self._layout.blob(digest)
        if len(self._places) == 1 or os.path.lexists(first):
            return first
        return next((p for place in self._places[1:] if os.path.lexists(p := place.blob(digest))), first)

    def read_bytes(self, digest: BlobDigest) -> bytes:
        """Return a blob's bytes, hashed on the way.

        Raises:
            CorruptionError: they are missing, or not what was recorded; then they were set aside.
        """
        path = self.path(digest)
        data = self._reading(digest, path, lambda: own_bytes(path))
        if BlobDigest(digest_bytes(data)) != digest:
            self._set_aside(digest, path)
            return self.read_bytes(digest)
        return data

    def open_verified(self, digest: BlobDigest) -> Path:
        """Return a blob's own path for reading, after hashing it once per process and file signature.

        Raises:
            CorruptionError: it is missing, or not what was recorded; then it was set aside.
        """
        path = self.path(digest)
        status = self._reading(digest, path, path.lstat)
        if self._verified.get(digest) != _signature(status):
            if not stat.S_ISREG(status.st_mode) or self._reading(digest, path, lambda: hash_file(path)) != digest:
                self._set_aside(digest, path)
                return self.open_verified(digest)
            self._verified[digest] = _signature(status)
        return path

    def state(self, digest: BlobDigest, size_bytes: int) -> OutputState:
        """Say whether a blob can be read: from one `stat` (see the table above), else from elsewhere."""
        local = self.local_state(digest, size_bytes)
        if local is OutputState.PRESENT or self.elsewhere is None:
            return local
        return OutputState.PRESENT if self.elsewhere.has(digest, size_bytes) else local

    def local_state(self, digest: BlobDigest, size_bytes: int) -> OutputState:
        """Say from one `stat` whether a blob is here."""
        path = self.path(digest)
        try:
            status = path.lstat()
        except FileNotFoundError:
            return OutputState.MISSING if self._aside(digest) is None else OutputState.CORRUPT
        except OSError as cause:
            raise environment_fault(cause, path, "the store cannot be read") from cause
        is_whole = stat.S_ISREG(status.st_mode) and status.st_size == size_bytes
        return OutputState.PRESENT if is_whole else OutputState.CORRUPT

    def copy_out(self, digest: BlobDigest, target: Path) -> None:
        """Write a blob to a path of the caller's own, writable; never a link to the store.

        Raises:
            CorruptionError: see `open_verified`.
            EnvironmentFault: the target cannot be written.
        """
        source = self.open_verified(digest)
        self._guard(target, "a file cannot be written", lambda: clone_or_copy(source, target))

    def _guard(self, path: Path, message: str, action: Callable[[], object]) -> None:
        try:
            action()
        except OSError as cause:
            raise environment_fault(cause, path, message) from cause

    def _reading(self, digest: BlobDigest, path: Path, read: Callable[[], _T]) -> _T:
        try:
            return read()
        except FileNotFoundError as cause:
            if self.elsewhere is not None and self.elsewhere.bring(digest):
                return read()
            aside = self._aside(digest)
            if aside is not None:
                raise corruption(digest, "its bytes had another hash and were set aside", aside) from cause
            raise corruption(digest, "it is missing", path, "blob-missing") from cause
        except OSError as cause:
            raise environment_fault(cause, path, "a blob cannot be read") from cause

    def _aside(self, digest: BlobDigest) -> Path | None:
        """Return where corrupt bytes of a blob were set aside, if they were."""
        paths = (place.quarantined(digest) for place in self._places)
        return next((path for path in paths if os.path.lexists(path)), None)

    def _set_aside(self, digest: BlobDigest, path: Path) -> None:
        """Move corrupt bytes out of a blob's place; return only if the right ones were fetched from elsewhere."""
        with suppress(OSError, EnvironmentFault):  # on a disk that cannot be written it stays where it is
            path = self._move_aside(digest, path)
        if self.elsewhere is None or not self.elsewhere.bring(digest):
            raise corruption(digest, "its bytes have another hash", path)

    def _move_aside(self, digest: BlobDigest, path: Path) -> Path:
        """Move what lies in a blob's place to the quarantine of its store, unless another process has healed it."""
        place = next((place for place in self._places if place.blob(digest) == path), self._layout)
        make_folder(place.quarantine)
        first = place.quarantined(digest)
        names = itertools.chain([first], (first.with_name(f"{first.name}.{n}") for n in itertools.count(2)))
        aside = next(name for name in names if not os.path.lexists(name))
        path.replace(aside)
        if stat.S_ISREG(aside.lstat().st_mode) and hash_file(aside) == digest:
            return aside.replace(path)
        return aside


def own_bytes(path: Path) -> bytes:
    """Return a blob's bytes; b"" for anything but a regular file: its hash differs anyway, and a pipe would block."""
    return path.read_bytes() if stat.S_ISREG(path.lstat().st_mode) else b""


@contextmanager
def _discarded_if_refused(temporary: Path) -> Iterator[None]:
    """Delete the rest of a failed write: on a full disk it would take the space that the next run needs."""
    try:
        yield
    except BaseException:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise


def corruption(digest: BlobDigest, reason: str, path: Path, code: ProblemCode = "blob-corrupt") -> CorruptionError:
    """Return the error for stored bytes that cannot be trusted or found."""
    return CorruptionError(
        Problem(
            code,
            f"blob `{digest[:11]}` is not what was recorded: {reason}",
            (("digest", digest), ("file", str(path))),
            "`assetctl doctor` says which asset it belongs to, and what builds it again",
        )
    )


def _signature(status: os.stat_result) -> tuple[int, ...]:
    return status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino


def _write_new(path: Path, data: Buffer) -> None:
    with open(path, "wb", opener=open_new) as file:
        file.write(data)

"""Digests of files and folders by their bytes, cached by file stat.

A cached digest is valid while size, mtime, ctime, inode and path stay the same. A file
that changed less than two seconds before it was hashed is not cached: it could change
again within the clock's resolution and keep its stat. A symbolic link counts as what it
points to (a folder reached twice on one path is not entered again, a dangling link
counts by its target's text); an empty folder counts by its name; times, owners and modes do not count.
"""

from __future__ import annotations

import os
import stat
import time
import zlib
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from assetctl.lineage.facts.records import Digest
from assetctl.lineage.identity.encode import Framed, digest_bytes
from assetctl.storage.blobs.blobs import hash_file
from assetctl.storage.state.format import environment_fault
from assetctl.storage.state.modes import make_folders, mode_below
from assetctl.storage.state.regular import NotAFile, open_regular, read_regular
from assetctl.storage.state.whole import write_whole

_RACY_NS = 2_000_000_000
_COMPACT_FROM = 2_000  # lines
Stat = tuple[int, int, int, int]


def digest_file(path: Path) -> Digest:
    """Return the digest of a file's bytes.

    Raises:
        EnvironmentFault: the file cannot be read.
    """
    try:
        return Digest(hash_file(path))
    except NotAFile as cause:
        what = OSError(cause.errno, "it is a pipe, a socket, a device or a folder, not a file")
        raise environment_fault(what, path, "a file cannot be read") from cause
    except OSError as cause:
        raise environment_fault(cause, path, "a file cannot be read") from cause


def digest_directory(path: Path, digests: FileDigests | None = None) -> tuple[Digest, int]:
    """Return the digest of a folder (relative paths and bytes of its files), and their size in bytes.

    What of it is empty counts too; a folder without empty ones in it has the digest that it always had.
    """
    listing, empty = list_directory(path)
    out = Framed("av/1").tag("directory").length(len(listing))
    size = 0
    for name, file in listing:
        out.text(name)
        if file.exists():
            out.child(digest_file(file) if digests is None else digests.of(file))
            size += size_of(file)
        else:
            out.tag("dangling").text(_leads_to(file))
    write_empty(out, empty)
    return out.hexdigest(), size


def size_of(path: Path) -> int:
    """Return the size of a file.

    Raises:
        EnvironmentFault: it is not there any more, or cannot be asked.
    """
    try:
        return path.stat().st_size
    except OSError as cause:
        raise environment_fault(cause, path, "a file cannot be read") from cause


def write_empty(out: Framed, names: Sequence[str]) -> None:
    """Write which folders below a folder are empty, if any are."""
    if names:
        out.tag("empty folders").length(len(names))
        for name in names:
            out.text(name)


def list_directory(path: Path) -> tuple[list[tuple[str, Path]], list[str]]:
    """Return what is below a folder, sorted.

    First (relative posix path, path) of every file and dangling link, then the relative paths of empty folders.

    Raises:
        EnvironmentFault: a folder cannot be read.
    """
    try:
        listing = sorted(_walk(path, "", frozenset()))
        return [row for row in listing if row[0][-1] != "/"], [name[:-1] for name, _ in listing if name[-1] == "/"]
    except OSError as cause:
        raise environment_fault(cause, cause.filename or path, "a folder cannot be read") from cause


def _walk(folder: Path, prefix: str, above: frozenset[tuple[int, int]]) -> Iterator[tuple[str, Path]]:
    """Yield files and dangling links, and each empty folder with a "/" behind its name."""
    here = folder.stat()
    if (here.st_dev, here.st_ino) in above:
        return
    above |= {(here.st_dev, here.st_ino)}
    is_empty = bool(prefix)
    with os.scandir(folder) as entries:
        for entry in entries:
            path, name = folder / entry.name, prefix + entry.name
            if entry.is_dir():
                is_empty = False
                yield from _walk(path, name + "/", above)
            elif entry.is_file() or (entry.is_symlink() and not path.exists()):
                is_empty = False
                yield name, path
    if is_empty:
        yield prefix, folder


def _leads_to(link: Path) -> str:
    try:
        return str(link.readlink())
    except OSError as cause:  # it is no link any more, or nothing at all
        raise environment_fault(cause, link, "a file cannot be read") from cause


class FileDigests:
    """Digests of files, remembered in a text file that is safe to delete and to write concurrently.

    Each line is appended in one write and carries a checksum; lines that do not parse are
    dropped. A file is known by a digest of its path: the name of a file can be a secret.
    """

    def __init__(self, cache_folder: Path) -> None:
        self._file = cache_folder / "file-digests.txt"
        self._known: dict[str, tuple[Stat, Digest]] | None = None

    def of(self, path: Path) -> Digest:
        """Return the digest of a file's bytes, hashed again only if its stat changed.

        Raises:
            EnvironmentFault: the file cannot be read.
        """
        name = _place(path)
        before = self._stat(path)
        known = self._load().get(name)
        if known is not None and known[0] == before:
            return known[1]
        started_ns = time.time_ns()
        digest = digest_file(path)
        if self._stat(path) == before and max(before[1], before[2]) < started_ns - _RACY_NS:
            self._remember(name, before, digest)
        return digest

    def _stat(self, path: Path) -> Stat:
        try:
            status = path.stat()
        except OSError as cause:
            raise environment_fault(cause, path, "a file cannot be read") from cause
        return status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino

    def _load(self) -> dict[str, tuple[Stat, Digest]]:
        if self._known is None:
            self._known = {}
            lines = [line for line in self._lines() if line]
            read = [_parse(line) for line in lines]
            self._known.update((parsed[0], parsed[1:]) for parsed in read if parsed is not None)
            is_long = len(lines) > _COMPACT_FROM and len(lines) > 2 * len(self._known)
            if is_long or None in read:  # a torn line, or one of an earlier release, which wrote names
                self._rewrite(self._known)
        return self._known

    def _lines(self) -> list[bytes]:
        try:
            return read_regular(self._file).splitlines()
        except OSError:
            return []  # a cache that cannot be read is an empty one

    def _remember(self, name: str, signature: Stat, digest: Digest) -> None:
        self._load()[name] = (signature, digest)
        try:
            make_folders(self._file.parent)
            mode = mode_below(self._file.parent)
            descriptor = open_regular(self._file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, mode)
            try:
                os.write(descriptor, _line(name, signature, digest))
            finally:
                os.close(descriptor)
        except OSError:
            return  # not remembering is always correct

    def _rewrite(self, known: dict[str, tuple[Stat, Digest]]) -> None:
        with suppress(OSError):  # then the longer file stays
            write_whole(self._file, b"".join(_line(name, *entry) for name, entry in known.items()), durable=False)


def _place(path: Path) -> str:
    return digest_bytes(os.fsencode(os.path.abspath(path))).removeprefix("b3:")[:32]


def _line(name: str, signature: Stat, digest: Digest) -> bytes:
    body = f"{' '.join(map(str, signature))} {digest} {name}".encode()
    return f"\n{zlib.crc32(body):08x} ".encode() + body  # begins a line of its own after a torn one


def _parse(line: bytes) -> tuple[str, Stat, Digest] | None:
    checksum, _, body = line.partition(b" ")
    try:
        if int(checksum, 16) != zlib.crc32(body):
            return None
        size, mtime, ctime, inode, digest, name = body.decode().split(" ", 5)
        if len(name) != 32 or not name.isalnum():
            return None  # a path, as earlier releases wrote it
        return name, (int(size), int(mtime), int(ctime), int(inode)), Digest(digest)
    except ValueError:
        return None


def is_regular(path: Path) -> bool:
    """Say whether a path is a file, or a link to one."""
    try:
        return stat.S_ISREG(path.stat().st_mode)
    except OSError:
        return False

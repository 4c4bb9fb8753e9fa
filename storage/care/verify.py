"""Hash stored bytes again and report those that are not what was recorded; nothing is moved or changed.

What is looked at: every blob that a record refers to (its value, a folder's manifest and
files, its figures), every value kept inside a record, every line of the journal. Bytes
of an earlier version that are not there were cleaned up and are no damage; those of a
latest version are reported as missing. Looking at a blob (is it there, a regular file,
of its size) costs a `stat` and is done for all; reading may be done for a part
(`storage/care/subset.py`).

Reading is harmless: unlike a consumer's read this sets nothing aside, so that looking at
a store that another process uses, or that is mounted read-only, is always possible. A
blob that changes under the reader, because a build heals it, is read again.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from blake3 import blake3

from assetctl.assets.ids import AssetKey, Target
from assetctl.lineage.facts.records import BlobDigest, DataVersion, Fact, MaterializationId, Position, ProvenanceDigest
from assetctl.lineage.identity.encode import PREFIX, digest_bytes
from assetctl.storage.blobs.blobs import Blobs
from assetctl.storage.journal.journal import FileJournal
from assetctl.storage.state.format import environment_fault
from assetctl.storage.state.layout import Layout
from assetctl.storage.values.references import References, Version, versions_in

_BLOCK_BYTES = 1 << 20
_MANY_THREADS_FROM = 1 << 24  # a file this large is hashed by all cores; smaller ones side by side
_N_FILES_AT_ONCE = min(4, os.cpu_count() or 1)
_FILES_PER_BATCH = 1024
_READINGS = 3


@dataclass(frozen=True, slots=True)
class Use:
    """One record that refers to some bytes. `part` says which part of the record they are ("" for its value)."""

    target: Target
    data_version: DataVersion
    materialization: MaterializationId
    provenance: ProvenanceDigest
    is_latest: bool
    part: str = ""


@dataclass(frozen=True, slots=True)
class Piece:
    """A blob that should be there, whom it serves, and its size (None where none was recorded)."""

    digest: BlobDigest
    path: Path
    size_bytes: int | None
    uses: tuple[Use, ...]

    @property
    def is_of_a_latest_version(self) -> bool:
        return any(use.is_latest for use in self.uses)


@dataclass(frozen=True, slots=True)
class Damage:
    """Bytes that are not what was recorded; `uses` is () where nobody can know whose they are.

    `is_plain`: a `stat` shows it, so a plan sees it too. `is_missing`: they are not there,
    and nothing says that they were ever wrong.
    """

    what: str
    path: Path
    digest: BlobDigest | None = None
    uses: tuple[Use, ...] = ()
    is_plain: bool = True
    is_missing: bool = False


@dataclass(frozen=True, slots=True)
class Inventory:
    """What is stored for some assets, as far as a `stat` tells, and the damage that it already shows."""

    pieces: tuple[Piece, ...]  # there, and of the right size; sizes are the actual ones
    n_inline: int
    damages: tuple[Damage, ...]

    @property
    def stored_bytes(self) -> int:
        return sum(piece.size_bytes or 0 for piece in self.pieces)


def take_inventory(layout: Layout, assets: Collection[AssetKey] | None, *, latest_only: bool = False) -> Inventory:
    """Look at what is stored for some assets (None: for all that were ever recorded).

    Raises:
        EnvironmentFault: the journal or the blob folder cannot be read.
    """
    journal = FileJournal(layout)
    facts, _ = journal.read_since({})
    damages = list(_journal_damages(journal))
    versions = [
        version for version in _with_latest(facts) if assets is None or version[0].output.target.asset in assets
    ]
    if latest_only:
        versions = [version for version in versions if version[1]]
    inline = [(version, is_latest) for version, is_latest in versions if version.output.inline is not None]
    damages += [damage for version, is_latest in inline for damage in _inline_damage(journal, version, is_latest)]
    pieces: list[Piece] = []
    for piece in _pieces(layout, versions):
        piece_or_damage = _look(layout, piece)
        if isinstance(piece_or_damage, Piece):
            pieces.append(piece_or_damage)
        elif piece_or_damage is not None:
            damages.append(piece_or_damage)
    return Inventory(tuple(pieces), len(inline), tuple(damages))


def read_again(pieces: Sequence[Piece], on_bytes: Callable[[int], None]) -> Iterator[Damage]:
    """Hash pieces and yield the damaged ones; `on_bytes` is told of progress, from several threads.

    Raises:
        EnvironmentFault: a file may not be read.
    """
    large = [piece for piece in pieces if (piece.size_bytes or 0) >= _MANY_THREADS_FROM]
    small = [piece for piece in pieces if (piece.size_bytes or 0) < _MANY_THREADS_FROM]
    for piece in large:
        damage = _read(piece, on_bytes, blake3.AUTO)
        if damage is not None:
            yield damage
    with ThreadPoolExecutor(_N_FILES_AT_ONCE) as pool:
        for start in range(0, len(small), _FILES_PER_BATCH):
            batch = small[start : start + _FILES_PER_BATCH]
            damages = pool.map(lambda piece: _read(piece, on_bytes, 1), batch)
            yield from (damage for damage in damages if damage is not None)


def _journal_damages(journal: FileJournal) -> Iterator[Damage]:
    for problem in journal.problems:
        if problem.is_damage:
            what = f"a record was lost: the journal holds {problem.what} at byte {problem.offset}"
            yield Damage(what, journal.path(problem.segment))


def _with_latest(facts: Iterable[tuple[Position, Fact]]) -> list[tuple[Version, bool]]:
    """Return all recorded versions, each with whether it is the one that readers get now."""
    versions = list(versions_in(facts))
    latest = {v.output.target: v for v in versions if v.materialization.published}
    return [(version, latest.get(version.output.target) is version) for version in versions]


def _use(version: Version, *, is_latest: bool, part: str = "") -> Use:
    made, output = version.materialization, version.output
    return Use(output.target, output.value.version, made.id, made.provenance.digest, is_latest, part)


def _inline_damage(journal: FileJournal, version: Version, is_latest: bool) -> Iterator[Damage]:
    output = version.output
    if output.inline is not None and BlobDigest(digest_bytes(output.inline)) != output.blob:
        path = journal.path(version.position.segment)
        uses = (_use(version, is_latest=is_latest),)
        yield Damage("the value kept inside its record has another hash", path, output.blob, uses, is_plain=False)


def _pieces(layout: Layout, versions: Sequence[tuple[Version, bool]]) -> list[Piece]:
    """Return the blobs that versions refer to, each once, sorted by digest."""
    references = References(layout)
    sizes: dict[BlobDigest, int | None] = {}
    uses: dict[BlobDigest, dict[tuple[Target, DataVersion, str], Use]] = {}
    for version, is_latest in versions:
        for digest, size, part in references.parts(version):
            sizes[digest] = size if size is not None else sizes.get(digest)
            use = _use(version, is_latest=is_latest, part=part)
            known = uses.setdefault(digest, {}).get((use.target, use.data_version, part))
            if known is None or not known.is_latest:  # a restored version stands for the one it came from
                uses[digest][use.target, use.data_version, part] = use
    blobs = Blobs(layout)
    return [Piece(digest, blobs.path(digest), sizes[digest], tuple(uses[digest].values())) for digest in sorted(sizes)]


def _look(layout: Layout, piece: Piece) -> Piece | Damage | None:
    """Return the piece with the size it has, what is wrong with it, or None if it was cleaned up."""
    try:
        status = piece.path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        aside = layout.quarantined(piece.digest)
        if aside.exists():
            return Damage("they were found corrupt earlier and set aside", aside, piece.digest, piece.uses)
        if piece.is_of_a_latest_version:
            return Damage("they are missing", piece.path, piece.digest, piece.uses, is_missing=True)
        return None
    except OSError as cause:
        raise environment_fault(cause, piece.path, "the store cannot be read") from cause
    if not stat.S_ISREG(status.st_mode):
        kind = {stat.S_IFLNK: "a symbolic link", stat.S_IFDIR: "a folder"}.get(stat.S_IFMT(status.st_mode), "no file")
        return Damage(f"{kind} is in their place", piece.path, piece.digest, piece.uses)
    if piece.size_bytes is not None and status.st_size != piece.size_bytes:
        what = f"they are {status.st_size} bytes instead of {piece.size_bytes}"
        return Damage(what, piece.path, piece.digest, piece.uses)
    return Piece(piece.digest, piece.path, status.st_size, piece.uses)


def _read(piece: Piece, on_bytes: Callable[[int], None], n_threads: int) -> Damage | None:
    for _ in range(_READINGS):
        try:
            digest, before = _hashed(piece.path, on_bytes, n_threads)
            if digest == piece.digest or _signature(piece.path.lstat()) == before:
                break
        except FileNotFoundError:  # another process cleaned it up, or set it aside, just now
            if not piece.is_of_a_latest_version:
                return None
            return Damage("they are missing", piece.path, piece.digest, piece.uses, is_missing=True)
        except OSError as cause:
            if cause.errno not in {errno.EIO, errno.ELOOP}:
                raise environment_fault(cause, piece.path, "stored bytes cannot be read") from cause
            return Damage(f"they cannot be read: {cause.strerror}", piece.path, piece.digest, piece.uses)
    else:
        return Damage("they change while they are read", piece.path, piece.digest, piece.uses, is_plain=False)
    if digest == piece.digest:
        return None
    return Damage("their hash is another", piece.path, piece.digest, piece.uses, is_plain=False)


def _hashed(path: Path, on_bytes: Callable[[int], None], n_threads: int) -> tuple[str, tuple[int, ...]]:
    """Return a file's digest and its signature from before hashing; never follows a link or waits for a pipe."""
    hasher = blake3(max_threads=n_threads)
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb", buffering=0) as file:
        before = _signature(os.fstat(descriptor))
        block = memoryview(bytearray(_BLOCK_BYTES * (4 if n_threads != 1 else 1)))
        while n_read := file.readinto(block):
            hasher.update(block[:n_read])
            on_bytes(n_read)
    return PREFIX + hasher.hexdigest(), before


def _signature(status: os.stat_result) -> tuple[int, ...]:
    return status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino

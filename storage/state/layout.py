"""Every path in a project's state folder and store; folder names carry the version of their format.

The store is where bytes are kept: the state folder itself, or a folder that several projects
share. Records, locks of steps, logs and caches are always the project's own.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from assetctl.lineage.facts.records import BlobDigest
from assetctl.lineage.identity.encode import digest_bytes

STATE_FOLDER = ".assetctl"
FORMAT_FILE = "format"


_LONGEST_NAME = 200  # bytes, of the 255 that file systems allow


@dataclass(frozen=True, slots=True)
class Layout:
    """Where a project's state lies. Nothing here touches the disk."""

    root: Path  # the project folder
    state: Path  # the state folder, normally root/.assetctl
    shared: Path | None = None  # the store, where it is not the state folder
    earlier: tuple[Path, ...] = ()  # stores in which bytes of this project may lie from before

    @classmethod
    def of(cls, root: Path, store: Path | None = None) -> Layout:
        """Return the layout of a project whose bytes lie in `store`, or beside its records."""
        state = root / STATE_FOLDER
        return cls(root, state) if store in (None, state) else cls(root, state, store, (state,))

    @property
    def store(self) -> Path:
        """The folder that blobs are written to, and everything that has to be on their device."""
        return self.state if self.shared is None else self.shared

    @property
    def places(self) -> tuple[Layout, ...]:
        """This layout, and the same with each earlier store in place of the store: where a blob may lie."""
        return (self, *(replace(self, shared=store, earlier=()) for store in self.earlier))

    @property
    def blobs(self) -> Path:
        return self.store / "blobs-v1"

    @property
    def quarantine(self) -> Path:
        """Bytes that were found corrupt, by the digest they should have had."""
        return self.store / "quarantine-v1"

    @property
    def temporary(self) -> Path:
        """Unfinished writes; on the same device as the blobs, so that a rename is atomic."""
        return self.store / "tmp"

    @property
    def roots(self) -> Path:
        """The projects that keep bytes in this store, one small file each."""
        return self.store / "roots-v1"

    @property
    def in_use(self) -> Path:
        """Locked by all who may need bytes of this store, and by `gc` against them."""
        return self.store / "locks" / "in-use.lock"

    @property
    def stores_file(self) -> Path:
        """Names every store that this project ever kept bytes in."""
        return self.state / "stores"

    @property
    def identity_file(self) -> Path:
        """Holds what tells this state folder from any other, wherever it lies: a random text."""
        return self.state / "identity"

    @property
    def journal(self) -> Path:
        return self.state / "journal-v1"

    @property
    def lineage_db(self) -> Path:
        return self.state / "lineage.duckdb"

    @property
    def locks(self) -> Path:
        return self.state / "locks"

    @property
    def logs(self) -> Path:
        return self.state / "logs"

    @property
    def cache(self) -> Path:
        """Digests remembered by file stat; safe to delete at any time."""
        return self.state / "cache-v1"

    @property
    def unshared(self) -> Path:
        """Entries that are still to be uploaded to the shared cache."""
        return self.state / "unshared-v1"

    @property
    def format_file(self) -> Path:
        """Names the format of the state folder; a newer one is refused."""
        return self.state / FORMAT_FILE

    def blob(self, digest: BlobDigest) -> Path:
        """Return where a blob lies: two hex digits as folder, the rest as name."""
        hexadecimal = digest.removeprefix("b3:")
        return self.blobs / hexadecimal[:2] / hexadecimal[2:]

    def log(self, run: str, step: str) -> Path:
        """Return where a step's log of a run lies."""
        return self.logs / run / f"{file_name(step)}.log"

    def quarantined(self, digest: BlobDigest) -> Path:
        return self.quarantine / digest.removeprefix("b3:")


def file_name(key: str) -> str:
    """Return a file name for a target: readable, and unique even where file names ignore case.

    Characters of a partition key that a file name may not hold are escaped, and long keys are cut short.
    """
    short = digest_bytes(key.encode("utf-8", "surrogateescape")).removeprefix("b3:")[:8]
    readable = key if key.isascii() and "[" not in key else _escaped(key)
    return f"{readable.replace('/', '+')}.{short}"


def key_of(name: str) -> str:
    """Return the target that a file name of `file_name`, or of an earlier release, stands for."""
    key = name.rpartition(".")[0].replace("+", "/")
    if "%" in key:
        from urllib.parse import unquote

        key = unquote(key, errors="surrogateescape")
    if file_name(key) == name:
        return key
    return key if "[" in key else name.replace("__", "/")


def _escaped(key: str) -> str:
    from urllib.parse import quote

    return quote(key, safe="/[]", errors="surrogateescape")[:_LONGEST_NAME]

"""Every path below `.assetctl/`, in one place; folder names carry their format's version."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from assetctl.lineage.records import BlobDigest

STATE_FOLDER = ".assetctl"


@dataclass(frozen=True, slots=True)
class Layout:
    """Where a project's state lies. Nothing here touches the disk."""

    root: Path  # the project folder
    state: Path  # the state folder, normally root/.assetctl

    @classmethod
    def of(cls, root: Path) -> Layout:
        return cls(root, root / STATE_FOLDER)

    @property
    def blobs(self) -> Path:
        return self.state / "blobs-v1"

    @property
    def quarantine(self) -> Path:
        """Bytes that were found corrupt, by the digest they should have had."""
        return self.state / "quarantine-v1"

    @property
    def temporary(self) -> Path:
        """Unfinished writes; on the same device as the blobs, so that a rename is atomic."""
        return self.state / "tmp"

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
        return self.state / "format"

    def blob(self, digest: BlobDigest) -> Path:
        """Return where a blob lies: two hex digits as folder, the rest as name."""
        hexadecimal = digest.removeprefix("b3:")
        return self.blobs / hexadecimal[:2] / hexadecimal[2:]

    def quarantined(self, digest: BlobDigest) -> Path:
        return self.quarantine / digest.removeprefix("b3:")

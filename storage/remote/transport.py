"""What the shared cache asks of the place it lies in, and the ways in which that place can fail.

Names are relative to the cache's prefix, their parts joined by `/`. Nothing is ever
changed there: whatever is put is whole the moment it can be seen, under a name that
says what it holds.
"""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

_EXTRAS = {"s3": "s3", "s3a": "s3", "gs": "gcs", "gcs": "gcs"}


class RemoteFault(Exception):
    """The remote did not do what it was asked to; the text is for people."""


class Absent(RemoteFault):
    """Nothing of that name is there."""


class Denied(RemoteFault):
    """It says no (credentials, permission, a package that is not installed): trying again is no use."""


class Unreachable(RemoteFault):
    """It did not answer, or not as it should; a later attempt may go better."""


class Transport(Protocol):
    """Bytes by name, somewhere else. No call lasts much longer than `within_s` seconds."""

    @property
    def where(self) -> str:
        """The remote as a person wrote it."""
        ...

    def size(self, name: str, within_s: float) -> int | None:
        """Return how many bytes a name holds, or None if nothing is there."""
        ...

    def names(self, folder: str, within_s: float) -> list[str]:
        """Return the last parts of the names in a folder; none if there is no such folder."""
        ...

    def read(self, name: str, start: int, n_bytes: int, within_s: float) -> bytes:
        """Return at most `n_bytes` from `start` on; fewer only at the end.

        Raises:
            Absent: nothing of that name is there.
        """
        ...

    def put_bytes(self, name: str, data: bytes, within_s: float) -> None: ...

    def put_file(self, name: str, path: Path, within_s: float) -> None: ...


def open_transport(remote: str, root: Path) -> Transport:
    """Return the transport for a remote as the settings name it; a path is the project's.

    Raises:
        Denied: a package that it needs is not installed, or there is no such kind of remote.
    """
    protocol, found, _ = remote.partition("://")
    if not found or protocol == "file":
        from assetctl.storage.remote.folder import FolderTransport

        path = Path(remote.removeprefix("file://")).expanduser()
        return FolderTransport(remote, path if path.is_absolute() else root / path)
    from assetctl.storage.remote.objects import ObjectTransport

    return ObjectTransport(remote)


def install_hint(protocol: str) -> str:
    """Return what to type so that a kind of remote can be used."""
    return f"pip install 'assetctl[{_EXTRAS.get(protocol, 'remote')}]'"

"""The interface of a remote (`Transport`), and the ways in which one can fail.

Names are relative to the cache's prefix, their parts joined by `/`. Nothing stored is
ever changed: an upload becomes visible all at once, under a name that says what it
holds.
"""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

_EXTRAS = {"s3": "s3", "s3a": "s3", "gs": "gcs", "gcs": "gcs"}


class RemoteFault(Exception):
    """A call to the remote failed. The message is shown to people."""


class Absent(RemoteFault):
    """Nothing of that name is there."""


class Denied(RemoteFault):
    """It refused (credentials, permission, a missing package): trying again will not help."""


class Unreachable(RemoteFault):
    """It gave no answer, or a broken one; a later attempt may succeed."""


class Transport(Protocol):
    """Bytes stored elsewhere under a name. No call takes much longer than `within_s` seconds."""

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


def install_hint(protocol: str) -> str:
    """Return what to type so that a kind of remote can be used."""
    return f"pip install 'assetctl[{_EXTRAS.get(protocol, 'remote')}]'"

"""Open a remote with the transport that its address asks for."""

from __future__ import annotations

from pathlib import Path

from assetctl.storage.remote.folder import FolderTransport
from assetctl.storage.remote.objects import ObjectTransport
from assetctl.storage.remote.transport import Transport


def open_transport(remote: str, root: Path) -> Transport:
    """Return the transport for a remote as the settings name it; a relative path starts at the project root.

    Raises:
        Denied: its first call raises this if a package is missing or there is no such kind of remote.
    """
    protocol, separator, _ = remote.partition("://")
    if not separator or protocol == "file":
        path = Path(remote.removeprefix("file://")).expanduser()
        return FolderTransport(remote, path if path.is_absolute() else root / path)
    return ObjectTransport(remote)

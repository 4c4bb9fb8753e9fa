"""Cache what identity learned from source texts in the project's cache folder; safe to delete at any time.

There is one file for each source file, replaced when its text changes, so the cache never
outgrows the project. Each file begins with a digest of the identity code and Python's minor
version: what another release or another Python wrote is not used.
"""

from __future__ import annotations

import sys
from contextlib import suppress
from functools import cache
from pathlib import Path

from assetctl.lineage.identity.encode import Framed
from assetctl.storage.state.modes import make_folders
from assetctl.storage.state.regular import read_regular
from assetctl.storage.state.whole import write_whole

_FOLDER = "code"


class TextCache:
    """Bytes by key below `folder`, the cache folder of a state folder; writes only where there is a state folder."""

    def __init__(self, folder: Path) -> None:
        self._state = folder.parent
        self._folder = folder / _FOLDER

    def get(self, key: str) -> bytes | None:
        """Return what was cached, or None."""
        try:
            data = read_regular(self._place(key))
        except OSError:
            return None
        edition, _, payload = data.partition(b"\n")
        return payload if edition == _edition() else None

    def put(self, key: str, data: bytes) -> None:
        """Cache bytes; readers get all of them, or what was there before. If the disk refuses, only the cache is lost."""
        if not self._state.is_dir():
            return
        with suppress(OSError):
            make_folders(self._folder)
            write_whole(self._place(key), _edition() + b"\n" + data, durable=False)

    def _place(self, key: str) -> Path:
        return self._folder / key.removeprefix("b3:")


@cache
def _edition() -> bytes:
    """Return a digest of this release's identity code and this Python's version."""
    out = Framed("code cache/1").text(".".join(map(str, sys.version_info[:2])))
    folder = Path(__file__).resolve().parents[2] / "lineage" / "identity"
    for file in sorted(folder.rglob("*.py")):
        out.text(file.name).raw(file.read_bytes())
    return out.hexdigest().encode()

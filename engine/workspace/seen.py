"""What a step was seen to look at, as it is now: one function gives the digest when it is recorded and when it is compared."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from stat import S_IMODE, S_ISDIR, S_ISREG

from assetctl.lineage.facts.kinds import UndeclaredKind
from assetctl.lineage.facts.records import Digest
from assetctl.lineage.identity.encode import Framed
from assetctl.storage.blobs.file_digests import FileDigests, digest_directory

_FORMAT = "seen/1"
_OWN = frozenset({".assetctl", "__pycache__"})  # names that come and go with what this tool and Python keep

UNSEEN = Framed(_FORMAT).tag(UndeclaredKind.UNSEEN.value).hexdigest()
LOST = Framed(_FORMAT).tag("lost").hexdigest()  # of what the recorder failed to note: never what is there now
NOTHING_THERE = Framed(_FORMAT).tag(UndeclaredKind.PLACE.value).text("nothing").hexdigest()


class Seen:
    """Answers for one project; `variable` gives the keyed hash of a variable's value, or None if it is unset."""

    def __init__(self, root: Path, digests: FileDigests, variable: Callable[[str], str | None]) -> None:
        self._root = root
        self._digests = digests
        self._variable = variable

    def digest(self, kind: UndeclaredKind | str, name: str) -> Digest | None:
        """Return the digest of something now; None if it is gone, or if only a later release knows what it is."""
        path = self._root / name
        match kind:
            case UndeclaredKind.FILE:
                return self._digests.of(path) if path.is_file() else None
            case UndeclaredKind.FOLDER:
                return digest_directory(path, self._digests)[0] if path.is_dir() else None
            case UndeclaredKind.LISTING:
                return _listing(path, with_status=False)
            case UndeclaredKind.ENTRIES:
                return _listing(path, with_status=True)
            case UndeclaredKind.PLACE | UndeclaredKind.SIZE | UndeclaredKind.TIME | UndeclaredKind.MODE:
                return _status(path, UndeclaredKind(kind))
            case UndeclaredKind.LINK:
                return _link(path)
            case UndeclaredKind.VARIABLE:
                value = self._variable(name)
                out = Framed(_FORMAT).tag("variable").text(name)
                return (out.none() if value is None else out.text(value)).hexdigest()
            case UndeclaredKind.UNSEEN:
                return UNSEEN
            case _:
                return None


def _status(path: Path, kind: UndeclaredKind) -> Digest:
    out = Framed(_FORMAT).tag(kind.value)
    try:
        status = path.stat()
    except (OSError, ValueError):
        return out.text("nothing").hexdigest()
    out.text("folder" if S_ISDIR(status.st_mode) else "file" if S_ISREG(status.st_mode) else "other")
    if kind is UndeclaredKind.SIZE and S_ISREG(status.st_mode):
        out.integer(status.st_size)
    if kind is UndeclaredKind.TIME:
        out.integer(status.st_mtime_ns)
    if kind is UndeclaredKind.MODE:
        out.integer(S_IMODE(status.st_mode))
    return out.hexdigest()


def _link(path: Path) -> Digest:
    out = Framed(_FORMAT).tag("link")
    try:
        return out.text(str(path.readlink())).hexdigest()
    except OSError:
        return out.none().hexdigest()


def _listing(path: Path, *, with_status: bool) -> Digest:
    out = Framed(_FORMAT).tag("entries" if with_status else "listing")
    try:
        with os.scandir(path) as found:
            entries = sorted((entry for entry in found if entry.name not in _OWN), key=lambda entry: entry.name)
    except OSError:
        return out.text("nothing").hexdigest()
    out.length(len(entries))
    for entry in entries:
        out.text(entry.name).tag("folder" if entry.is_dir() else "file")
        if with_status:
            try:
                status = entry.stat()
                out.integer(status.st_size).integer(status.st_mtime_ns)
            except OSError:
                out.none()  # a link to nothing
    return out.hexdigest()

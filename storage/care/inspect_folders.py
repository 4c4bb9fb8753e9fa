"""Examine the parts of the state folder: whether each is what it should be, and may be used by this user.

Everything else follows a link that stands in place of a part. Here it is reported, since
whoever made it may not know that another disk, or another project, now holds the results.
"""

from __future__ import annotations

import os
import shlex
import stat
from collections.abc import Iterator
from pathlib import Path

from assetctl.assets.errors import EnvironmentFault, Problem
from assetctl.storage.care.findings import ERROR, NOTE, WARNING, Finding
from assetctl.storage.journal.segments import SUFFIX
from assetctl.storage.state.layout import Layout
from assetctl.storage.state.modes import is_open_to_others

_MOST_NAMED = 20


def require_readable(layout: Layout) -> None:
    """Check that everything recorded may be read.

    Raises:
        EnvironmentFault: some of it may not; it names each file and its owner.
    """
    unreadable = [path for path in _ground_state(layout) if not _may(path, _needed(path))]
    if unreadable:
        raise EnvironmentFault(*(_unreadable(path) for path in unreadable[:_MOST_NAMED]))


def folder_findings(layout: Layout) -> Iterator[Finding]:
    """Yield parts that are links, or not what they should be, or that may not be written."""
    if layout.state.is_dir() and is_open_to_others(layout.state):
        hint = f"close it: `chmod -R go-rwx {shlex.quote(str(layout.state))}`"
        yield Finding(NOTE, "the state folder can be read by others", str(layout.state), hint)
    for path in _parts(layout):
        if not path.is_symlink() and not path.exists():
            continue
        is_file = path in {layout.format_file, layout.lineage_db}
        if path.is_symlink():
            yield _link(path)
        if not (path.is_file() if is_file else path.is_dir()):
            what = f"`{path.name}` is not a {'file' if is_file else 'folder'}"
            yield Finding(ERROR, what, str(path), "move it away; what belongs there is made anew, or restore it")
        elif not is_file and not _may(path, os.W_OK | os.X_OK):
            what = f"`{path.name}` may not be written by this user"
            yield Finding(WARNING, what, str(path), _owner_hint(path))
    for path in _locks(layout):
        if path.is_symlink() or not path.is_file():
            yield Finding(
                WARNING, "a lock that is not a file", str(path), "delete it; a lock is made where it is needed"
            )
        elif not _may(path, os.R_OK | os.W_OK):
            yield Finding(WARNING, "a lock that may not be taken by this user", str(path), _owner_hint(path))


def _parts(layout: Layout) -> tuple[Path, ...]:
    folders = (layout.state, layout.journal, layout.blobs, layout.temporary, layout.quarantine)
    return (*folders, layout.locks, layout.logs, layout.cache, layout.format_file, layout.lineage_db)


def _locks(layout: Layout) -> list[Path]:
    return sorted(layout.locks.iterdir()) if layout.locks.is_dir() and _may(layout.locks, os.R_OK) else []


def _ground_state(layout: Layout) -> Iterator[Path]:
    """Yield the journal, its segments, the blob folders and the blobs, as far as they are there."""
    for folder in (layout.state, layout.journal):
        if folder.is_dir():
            yield folder
        if not _may(layout.state, os.R_OK | os.X_OK):
            return  # nobody can tell what is in it
    if layout.journal.is_dir() and _may(layout.journal, os.R_OK | os.X_OK):
        yield from sorted(path for path in layout.journal.iterdir() if path.name.endswith(SUFFIX) and path.is_file())
    if not layout.blobs.is_dir():
        return
    yield layout.blobs
    if _may(layout.blobs, os.R_OK | os.X_OK):
        for folder in sorted(path for path in layout.blobs.iterdir() if path.is_dir()):
            yield folder
            if _may(folder, os.R_OK | os.X_OK):
                yield from (path for path in sorted(folder.iterdir()) if path.is_file())


def _may(path: Path, what: int) -> bool:
    return os.access(path, what, effective_ids=os.access in os.supports_effective_ids)


def _needed(path: Path) -> int:
    return os.R_OK | os.X_OK if path.is_dir() else os.R_OK


def _link(path: Path) -> Finding:
    try:
        target = str(path.readlink())
    except OSError:
        target = "unknown"
    what = f"`{path.name}` is a symbolic link to {target}"
    hint = "if you did not mean that, put the folder itself here; what is stored lies behind the link"
    return Finding(WARNING, what, str(path), hint)


def _unreadable(path: Path) -> Problem:
    kind = "folder" if path.is_dir() else "file"
    return Problem(
        "permission-denied",
        f"a {kind} of the store cannot be read",
        ((kind, str(path)), ("owner", _owner(path))),
        _owner_hint(path),
    )


def _owner(path: Path) -> str:
    status = path.lstat()
    return f"user {status.st_uid}, mode {stat.S_IMODE(status.st_mode):o}; you are user {os.geteuid()}"


def _owner_hint(path: Path) -> str:
    if path.lstat().st_uid != os.geteuid():
        return "another user made it (was a command run with sudo?): give the state folder to one user with chown"
    return f"allow it: `chmod u+rwX {shlex.quote(str(path))}`"

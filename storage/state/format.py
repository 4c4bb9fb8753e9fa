"""The state folder, and a shared store: created once, recognised always, refused when a newer release wrote it.

Its `format` file names one number for everything below it. A release that changes what
an older one must not misread raises that number; reading creates and changes nothing.
"""

from __future__ import annotations

import errno
import os
import shlex
from pathlib import Path

from assetctl.assets.errors import EnvironmentFault, Problem
from assetctl.assets.problem_codes import code_of
from assetctl.storage.state.layout import FORMAT_FILE, STATE_FOLDER, Layout
from assetctl.storage.state.modes import make_folders
from assetctl.storage.state.regular import NotAFile, read_regular
from assetctl.storage.state.whole import fsync_folder, write_whole

FORMAT = 1
_PREFIX = "assetctl-state "
_FULL = {errno.ENOSPC, errno.EDQUOT}
_REFUSED = {errno.EACCES, errno.EPERM, errno.EROFS}


def ensure_state(layout: Layout) -> None:
    """Create the state folder, its `.gitignore` and its format file where they are missing.

    Raises:
        EnvironmentFault: the folder cannot be written, or a newer release wrote it.
    """
    check_state(layout)
    ensure_folder(layout.state)


def ensure_folder(folder: Path) -> None:
    """Create a state folder or a shared store where it is missing; git is told to leave a new one alone.

    Raises:
        EnvironmentFault: it cannot be written, or a newer release wrote it.
    """
    check_folder(folder)
    try:
        is_new = not folder.is_dir() or not any(folder.iterdir())
        make_durably(folder)
        if is_new or folder.name == STATE_FOLDER:
            _write_once(folder / ".gitignore", "*\n")
        _write_once(folder / FORMAT_FILE, f"{_PREFIX}{FORMAT}\n")
    except OSError as cause:
        raise environment_fault(cause, folder, "the state folder cannot be written") from cause


def check_state(layout: Layout) -> None:
    """Check that this release may read and write the state folder and the store, where they exist.

    Raises:
        EnvironmentFault: a newer release wrote one of them, or its format cannot be read.
    """
    for folder in dict.fromkeys((layout.state, layout.store)):
        check_folder(folder)


def check_folder(folder: Path) -> None:
    """Check that this release may read and write a folder, if it exists.

    Raises:
        EnvironmentFault: a newer release wrote it, or its format cannot be read.
    """
    folder_format = read_format(folder)
    if folder_format is not None and folder_format > FORMAT:
        raise EnvironmentFault(
            Problem(
                "state-newer",
                "the state folder was written by a newer assetctl",
                (("folder", str(folder)), ("its format", str(folder_format)), ("known here", f"up to {FORMAT}")),
                "upgrade assetctl (`pip install -U assetctl`); nothing was changed",
            )
        )


def read_format(folder: Path) -> int | None:
    """Return the number in a folder's format file; None if there is no file, or nothing was written to it yet."""
    file = folder / FORMAT_FILE
    try:
        text = read_regular(file).decode("utf-8", "replace").strip()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as cause:
        raise environment_fault(cause, file, "the state folder cannot be read") from cause
    if not text:
        return None
    number = text.removeprefix(_PREFIX)
    if number == text or not (number.isascii() and number.isdigit()):
        raise EnvironmentFault(
            Problem(
                "state-unrecognized",
                "the format of the state folder cannot be recognised",
                (("file", str(file)), ("holds", repr(text[:60]))),
                f"if this folder is assetctl's, write `{_PREFIX}{FORMAT}` into that file",
            )
        )
    return int(number)


def environment_fault(cause: OSError, path: Path | str, message: str) -> EnvironmentFault:
    """Return the error for a disk that refused; it names the file and what the system said."""
    if isinstance(cause, NotAFile):
        facts = (("file", str(cause.filename)), ("reason", "it is a pipe, a socket, a device or a folder, not a file"))
        move = shlex.join(["mv", str(cause.filename), f"{cause.filename}.aside"])
        hint = f"move it away (`{move}`), or put the file itself back"
        return EnvironmentFault(Problem("state-file-replaced", message, facts, hint))
    facts = (("file", str(path)), ("reason", cause.strerror or type(cause).__name__))
    return EnvironmentFault(Problem(code_of(cause), message, facts, _what_helps(cause)))


def _what_helps(cause: OSError) -> str:
    if cause.errno in _FULL:
        return "free some space, and run the command again"
    if cause.errno in _REFUSED:
        return "check the permissions of that file and its folder, and run the command again"
    if cause.errno == errno.EIO:
        return "the disk, or the connection to it, is failing: see the log of the system (`dmesg`), then run the command again"
    return "check the disk and the permissions of that folder, and run the command again"


def make_durably(folder: Path) -> None:
    """Create a folder, and those above it, so that their names survive a power loss.

    Raises:
        OSError: the disk refused.
    """
    missing = []
    for above in (folder, *folder.parents):
        if os.path.lexists(above):
            break
        missing.append(above)
    make_folders(folder)
    for made in missing:
        fsync_folder(made.parent)


def _write_once(path: Path, text: str) -> None:
    """Write a small file unless it is there; it appears whole, whoever else is creating it."""
    if path.exists() and path.stat().st_size > 0:
        return
    write_whole(path, text.encode(), durable=True)
    fsync_folder(path.parent)

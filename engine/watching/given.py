"""Paths that are handed on to code which opens them unseen: readers in native code, databases, child processes."""

from __future__ import annotations

import glob
import os
import re
import shlex
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import FrameType

from assetctl.engine.watching.askers import Asker
from assetctl.engine.watching.touched import Aspect, Touched, names_in, noting, status_of

_LONGEST = 4096  # of a path
_MOST = 10_000  # elements of a list: a longer one is hardly a list of paths
_QUOTED = re.compile(r"'((?:[^']|'')+)'|\"((?:[^\"]|\"\")+)\"")
_MOST_TEXT = 1_000_000
# What libraries ask of the machine, or of version control, by a program: nothing of the project is looked at.
_QUIET = frozenset({
    "fc-list", "getconf", "git", "ldconfig", "lsb_release", "lscpu", "nproc", "nvidia-smi", "sw_vers", "sysctl",
    "uname",
})  # fmt: skip
_TRACKER = "resource_tracker import main"  # a child that multiprocessing and joblib tidy up with


def note_given(value: object, folder: str = "") -> None:
    """Note what a reader is given: a path, a pattern, a folder, or a list of these."""
    with noting() as touched:
        if touched is not None:
            _note(touched, value, folder, Asker.OWN)


def note_written(value: object) -> None:
    """Note a file that native code is about to write."""
    if isinstance(value, str | os.PathLike):
        with noting() as touched:
            if touched is not None:
                touched.note_made(value)


def note_sql(text: object, parameters: Iterable[object] = ()) -> None:
    """Note the files that an SQL text names in quotes, or gets as parameters."""
    if not isinstance(text, str) or len(text) > _MOST_TEXT:
        return
    with noting() as touched:
        if touched is not None:
            names = [m[1].replace("''", "'") if m[1] else m[2].replace('""', '"') for m in _QUOTED.finditer(text)]
            for name in [*names, *_texts(parameters)]:
                if _is_path(name):
                    _note(touched, name, "", Asker.LIBRARY)
                    if not glob.has_magic(name):
                        touched.note_altered(name)  # `COPY ... TO` looks the same


def _texts(values: Iterable[object]) -> Iterator[str]:
    for value in values:
        if isinstance(value, str):
            yield value
        elif isinstance(value, list | tuple) and len(value) < _MOST:
            yield from _texts(value)


def _is_path(name: str) -> bool:
    """Say whether a text in SQL is meant as a path: something is there, or could be."""
    if not 0 < len(name) < _LONGEST or "\n" in name or "\x00" in name:
        return False
    return status_of(name) is not None or "/" in name or bool(re.search(r"\.\w{2,8}$", name))


def note_database(name: object) -> None:
    """Note a database file that is opened, with the log that belongs to it."""
    if isinstance(name, str) and name.startswith("file:"):
        name = name.removeprefix("file:").partition("?")[0].removeprefix("//")
    if not isinstance(name, str | bytes | os.PathLike) or name in ("", b"", ":memory:"):
        return
    with noting() as touched:
        if touched is not None:
            path = os.fsdecode(name)
            touched.note_look(path, Aspect.BYTES, Asker.LIBRARY)
            touched.note_altered(path)  # nobody says whether it will be
            if status_of(path + "-wal") is not None:
                touched.note_look(path + "-wal", Aspect.BYTES, Asker.LIBRARY)
                touched.note_altered(path + "-wal")


def note_command(frame: FrameType, command: object, folder: object = None) -> None:
    """Note the project's files that the arguments of a child process name: it may read or write them."""
    with noting() as touched:
        if touched is None:
            return
        words = list(_words(command))
        program = os.path.basename(words[0]) if words else "?"
        if not any(_TRACKER in word for word in words):
            touched.note_unseen(f"a child process (`{program}`)", frame, is_quiet=program in _QUIET)
        base = os.fsdecode(folder) if isinstance(folder, str | bytes | os.PathLike) else ""
        for word in words:
            path = os.path.join(base, word)
            if 0 < len(word) < _LONGEST and status_of(path) is not None and names_in(path) is None:
                touched.note_look(path, Aspect.BYTES, Asker.LIBRARY)
                touched.note_altered(path)


def _words(command: object) -> Iterable[str]:
    if isinstance(command, str | bytes):
        text = os.fsdecode(command)
        try:
            return [*shlex.split(text), *re.split(r"[\s<>|;&=]+", text)]
        except ValueError:
            return re.split(r"[\s<>|;&=\"']+", text)
    if isinstance(command, list | tuple):
        words = [os.fsdecode(word) for word in command if isinstance(word, str | bytes | os.PathLike)]
        after_equals = [word.partition("=")[2] for word in words if "=" in word]
        scripts = [part for word in words if " " in word for part in re.split(r"[\s<>|;&=\"']+", word)]
        return [*words, *after_equals, *scripts]
    return [os.fsdecode(command)] if isinstance(command, os.PathLike) else []


def _note(touched: Touched, value: object, folder: str, asker: Asker) -> None:
    if isinstance(value, list | tuple | set | frozenset):
        for item in list(value)[:_MOST]:
            _note(touched, item, folder, asker)
    elif isinstance(value, str | os.PathLike):
        text = os.fspath(value)
        if isinstance(text, str) and 0 < len(text) < _LONGEST and "\n" not in text and "\x00" not in text:
            _note_path(touched, os.path.join(folder, text.removeprefix("file://").removeprefix("file:")), asker)


def _note_path(touched: Touched, path: str, asker: Asker) -> None:
    if touched.within(path) is None:
        return
    if status_of(path) is None and glob.has_magic(path):
        _note_pattern(touched, path, asker)
    else:
        aspect = Aspect.BYTES if names_in(path) is None else Aspect.TREE
        touched.note_look(path, aspect, asker)


def _note_pattern(touched: Touched, pattern: str, asker: Asker) -> None:
    """Note the files that match now, and the names in each folder in which another could."""
    parts = Path(pattern).parts
    fixed = next(n for n, part in enumerate(parts) if glob.has_magic(part))
    base = os.path.join(*parts[:fixed]) if fixed else "."
    touched.note_look(base, Aspect.NAMES, asker)
    for match in glob.iglob(pattern, recursive=True):  # noqa: PTH207  as the reader takes it
        touched.note_look(match, Aspect.BYTES if names_in(match) is None else Aspect.NAMES, asker)
    if len(parts) > fixed + 1:
        for place, folders, _ in os.walk(base):
            folders[:] = [name for name in folders if not name.startswith(".")]
            touched.note_look(place, Aspect.NAMES, asker)

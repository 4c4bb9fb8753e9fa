"""What a watched step, or an import, looked at; and which watch is running.

Audit events, wrapped functions and wrapped native readers all report here.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from enum import Flag, auto
from functools import lru_cache
from pathlib import Path
from stat import S_ISREG
from types import CodeType, FrameType
from typing import ClassVar

from assetctl.assets.importing import is_personal
from assetctl.engine.watching.askers import Asked, Asker
from assetctl.engine.watching.settings_models import names_meant
from assetctl.lineage.facts.records import Digest
from assetctl.storage.blobs.blobs import hash_file

SYSTEM = ("/proc/", "/sys/", "/dev/")
ALL_VARIABLES = "*"
# Variables that differ between two terminals, or two commands.
OF_TERMINALS = frozenset({
    "_", "COLUMNS", "LINES", "OLDPWD", "PWD", "SHLVL", "SSH_AUTH_SOCK", "SSH_CLIENT", "SSH_CONNECTION",
    "SSH_TTY", "STY", "TERM", "TERM_PROGRAM", "TERM_SESSION_ID", "TMUX", "TMUX_PANE", "WINDOWID",
    "XDG_SESSION_ID", "GPG_TTY",
})  # fmt: skip
_CODE_SUFFIXES = (".py", ".pyc", ".so", ".pyd")
_NOBODYS = frozenset(
    {".assetctl", ".git", ".venv", ".tox", ".nox", "__pycache__", "site-packages", ".cache"}
)  # names of folders
_KIND_TESTS = frozenset({
    "exists", "lexists", "isfile", "isdir", "islink", "ismount", "samefile", "is_file", "is_dir", "is_symlink",
    "is_mount", "is_fifo", "is_socket", "is_block_device", "is_char_device", "access", "walk", "_walk", "fwalk", "_fwalk", "glob",
    "iglob", "rglob",
})  # fmt: skip
_LINK_TESTS = frozenset({"islink", "is_symlink", "lexists", "samefile"})
_WALKS = frozenset({"walk", "_walk", "fwalk", "_fwalk", "glob", "iglob", "rglob", "_iglob"})
# Functions of the standard library that ask only so that they can do what they are told to.
_SILENT = frozenset({
    "makedirs", "mkdir", "realpath", "_joinrealpath", "resolve", "samestat", "expanduser", "copystat", "rmtree",
    "copyfile", "copy", "copy2", "copytree", "_copytree", "copymode", "move", "_samefile", "make_archive",
    "unpack_archive",
})  # fmt: skip
_stat = os.stat  # while a watch is on, the name leads to a wrapper that notes who asked
Status = tuple[int, int, int, int] | None


class Aspect(Flag):
    """What of a path was looked at."""

    BYTES = auto()  # of a file
    TREE = auto()  # names and bytes of everything below a folder
    NAMES = auto()  # in a folder
    ENTRIES = auto()  # names in a folder, with sizes and times
    KIND = auto()  # nothing, a file or a folder
    SIZE = auto()
    TIME = auto()
    MODE = auto()  # of access
    LINK = auto()  # what a symbolic link leads to


@dataclass(slots=True)
class Look:
    """A path as it was when it was first looked at.

    `digest` is that of the bytes then, where the file was so young that its status might not
    show another change.
    """

    aspects: Aspect
    asker: Asker
    status: Status
    names: frozenset[str] | None = None
    digest: Digest | None = None


@dataclass(slots=True)
class Touched:
    """What a step used: paths it looked at, files it wrote, variables, code objects executed, modules loaded."""

    is_import: ClassVar[bool] = False
    root: str
    looks: dict[str, Look] = field(default_factory=dict)
    made: set[str] = field(default_factory=set)  # paths with nothing left of what was there before
    altered: set[str] = field(default_factory=set)  # files it wrote into
    variables: set[str] = field(default_factory=set)
    unseen: set[str] = field(default_factory=set)  # what it did that the recorder cannot look into
    executed: set[CodeType] = field(default_factory=set)
    imported: set[str] = field(default_factory=set)  # names of modules that were not loaded before
    lost: set[str] = field(default_factory=set)  # kinds of errors in the recorder itself: a look was not noted
    began_ns: int = field(default_factory=time.time_ns)
    told_in: str = ""  # the file in which forked children tell of theirs
    tell: Callable[[], None] | None = None  # in such a child
    news: list[tuple[str, str]] = field(default_factory=list)  # what it has not told yet
    _real: str = ""

    def __post_init__(self) -> None:
        self._real = _real_folder(self.root) if self.root else ""

    @property
    def read(self) -> set[str]:
        """The files whose bytes were read."""
        return {path for path, look in self.looks.items() if Aspect.BYTES in look.aspects}

    def note_look(self, path: object, aspects: Aspect, asker: Asker) -> None:
        """Note that something about a path was looked at, unless the step made what is there."""
        inside = self.within(path)
        if inside is None or self._is_made(inside):
            return
        known = self.looks.get(inside)
        if known is None:
            status = status_of(inside)
            known = self.looks[inside] = Look(aspects, asker, status)
        known.asker = max(known.asker, asker)
        known.aspects |= aspects
        if self.tell is not None:
            self.news.append(("look", inside))
        if known.names is None and known.aspects & (Aspect.NAMES | Aspect.ENTRIES | Aspect.TREE):
            known.names = contents(inside, known.aspects)
        young = known.status is not None and max(known.status[1:3]) >= self.began_ns - 1_000_000
        if known.digest is None and young and Aspect.BYTES in known.aspects:
            known.digest = _digest(inside)

    def note_opened(self, path: object, frame: FrameType | None) -> None:
        """Note that a file was opened so that it can be read."""
        inside = self.within(path)
        if inside is None:
            return
        asked = Asked(frame)
        if inside.endswith(_CODE_SUFFIXES) and (asked.is_import or asked.asker is Asker.NOBODY):
            return  # imported modules are known otherwise; tracebacks and the like show source lines
        self.note_look(inside, Aspect.BYTES, max(asked.asker, Asker.LIBRARY))

    def note_listed(self, path: object, frame: FrameType | None, *, with_status: bool) -> None:
        """Note that the names in a folder were asked for; `with_status`: entries that know more than their names."""
        if self.within(path) is None:
            return
        asked = Asked(frame)
        if asked.asker is not Asker.NOBODY and "import" not in asked.through and not asked.through & _SILENT:
            is_more = with_status and asked.is_direct and asked.asker is Asker.OWN
            self.note_look(path, Aspect.ENTRIES if is_more else Aspect.NAMES, asked.asker)

    def note_asked(self, path: object, frame: FrameType | None, *, is_access: bool = False) -> None:
        """Note that the status of a path was asked."""
        if self.within(path) is None:
            return
        asked = Asked(frame)
        if asked.asker is Asker.NOBODY or "import" in asked.through or asked.through & _SILENT:
            return
        if asked.asker is Asker.LIBRARY and asked.is_while_importing():
            return  # a library looks for its settings when it is first imported, by whomever
        self.note_look(path, Aspect.MODE if is_access else _aspects(asked), asked.asker)

    def note_link(self, path: object, frame: FrameType | None) -> None:
        """Note that it was asked what a symbolic link leads to."""
        asked = Asked(frame)
        if asked.asker is not Asker.NOBODY and "import" not in asked.through and not asked.is_while_importing():
            self.note_look(path, Aspect.LINK, asked.asker)

    def note_variable(self, name: object, frame: FrameType | None) -> None:
        """Note that a variable was read, if first-party code did."""
        text = name.decode("utf-8", "surrogateescape") if isinstance(name, bytes) else name
        if not isinstance(text, str) or text in self.variables:
            return
        asked = Asked(frame, for_variables=True)
        if asked.asker is Asker.OWN and "expanduser" not in asked.through:
            for meant in names_meant(asked.calling, text):
                self.keep("variables", meant)

    def note_unseen(self, what: str, frame: FrameType | None, *, is_quiet: bool = False) -> None:
        """Note that the step did something that the recorder cannot look into; `is_quiet`: it is nothing if a library did."""
        asked = Asked(frame, through_machinery=True)
        is_of_library = asked.asker is Asker.LIBRARY and not is_quiet and not asked.is_while_importing()
        if asked.asker is Asker.OWN or is_of_library:
            self.keep("unseen", what)

    def note_made(self, path: object) -> None:
        """Note that the step replaced, created or removed what is at a path."""
        inside = self.within(path)
        if inside is not None and not inside.endswith(".py"):
            self.keep("made", inside)

    def note_altered(self, path: object) -> None:
        """Note that the step writes into a file that may have been there."""
        inside = self.within(path)
        if inside is not None:
            self.keep("made" if status_of(inside) is None else "altered", inside)

    def note_folder_made(self, path: object) -> None:
        """Note that a folder is made, if there was nothing."""
        inside = self.within(path)
        if inside is not None and status_of(inside) is None:
            self.keep("made", inside)

    def keep(self, kind: str, name: str) -> None:
        """Keep a name in one of the sets, to be told if this is a child."""
        names: set[str] = getattr(self, kind)
        if name not in names:
            names.add(name)
            if self.tell is not None:
                self.news.append((kind, name))

    def note_executed(self, code: CodeType) -> None:
        if code not in self.executed and is_personal(code.co_filename):
            self.executed.add(code)

    def wrote(self, path: str) -> bool:
        """Say whether the step wrote a path, or something in that folder."""
        if path in self.made or path in self.altered:
            return True
        return any(os.path.dirname(other) == path for other in self.made)

    def may_hold(self, path: object) -> bool:
        """Say, quickly, whether a path could lie in the project."""
        if type(path) is not str or path[:1] != "/" or "/." in path:
            return True
        return path.startswith((self.root, self._real)) or path + "/" == self.root

    def within(self, path: object) -> str | None:
        """Return the path if it lies in the project and is neither state nor an environment's."""
        if not isinstance(path, str | bytes | os.PathLike):
            return None
        absolute = os.path.abspath(os.fsdecode(path))
        if absolute.startswith(self._real):
            absolute = self.root + absolute[len(self._real) :]
        if not absolute.startswith(self.root) and absolute + os.sep != self.root:
            return None
        if absolute[-1] == ">" and os.path.basename(absolute)[0] == "<":
            return None  # what Python calls code without a file, such as "<unknown>"
        if not _NOBODYS.isdisjoint(Path(absolute[len(self.root) :]).parts):
            return _source_of_bytecode(absolute)
        return absolute

    def _is_made(self, path: str) -> bool:
        if not self.made:
            return False
        while len(path) >= len(self.root):
            if path in self.made:
                return True
            path = os.path.dirname(path)
        return False


@dataclass(slots=True)
class Opened(Touched):
    """Notes paths anywhere but those of the system, of installed packages, and Python's own caches."""

    is_import: ClassVar[bool] = True

    def within(self, path: object) -> str | None:
        if not isinstance(path, str | bytes | os.PathLike):
            return None
        absolute = os.path.abspath(os.fsdecode(path))
        if absolute.startswith(SYSTEM):
            return None
        return absolute if is_personal(absolute) and not absolute.endswith(".pyc") else None

    def may_hold(self, path: object) -> bool:
        return True

    def note_unseen(self, what: str, frame: FrameType | None, *, is_quiet: bool = False) -> None:
        """Note that first-party code did something that the status of no file shows."""
        if Asked(frame, through_machinery=True).asker is Asker.OWN:
            self.unseen.add(what)

    def note_look(self, path: object, aspects: Aspect, asker: Asker) -> None:
        inside = self.within(path)
        is_meant = asker is Asker.OWN or Aspect.BYTES in aspects  # what libraries ask for follows from files anyway
        if is_meant and inside is not None and inside not in self.looks:
            self.looks[inside] = Look(aspects, asker, status_of(inside))

    def note_opened(self, path: object, frame: FrameType | None) -> None:
        self.note_look(path, Aspect.BYTES, Asker.LIBRARY)


@dataclass(frozen=True, slots=True)
class AtImport:
    """What importing first-party modules looked at; each path with its status when that was first done."""

    paths: Mapping[str, Status] = field(default_factory=dict)
    variables: frozenset[str] = frozenset()
    unseen: frozenset[str] = frozenset()

    def __or__(self, other: Touched | AtImport) -> AtImport:
        looks = other.paths if isinstance(other, AtImport) else {path: x.status for path, x in other.looks.items()}
        unseen = other.unseen if isinstance(other, AtImport) else other.unseen | other.lost
        return AtImport({**looks, **self.paths}, self.variables | other.variables, self.unseen | unseen)


def status_of(path: str) -> Status:
    """Return size, mtime, ctime and inode of a path; None if nothing is there."""
    try:
        status = _stat(path)
    except (OSError, ValueError):
        return None
    return status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino


def names_in(folder: str) -> frozenset[str] | None:
    """Return the names in a folder; None if it is none."""
    try:
        return frozenset(os.listdir(folder))  # noqa: PTH208  a million names, perhaps
    except OSError:
        return None


@lru_cache(maxsize=16)
def _real_folder(folder: str) -> str:
    return os.path.realpath(folder) + os.sep


def contents(folder: str, aspects: Aspect) -> frozenset[str] | None:
    """Return what tells whether a folder changed: names, or names with statuses, of what is in it or below it."""
    if Aspect.TREE in aspects:
        below = (os.path.join(place, name) for place, folders, files in os.walk(folder) for name in (*folders, *files))
        return frozenset(f"{path}\0{status_of(path)}" for path in below)
    names = names_in(folder)
    if names is None or Aspect.ENTRIES not in aspects:
        return names
    return frozenset(f"{name}\0{status_of(os.path.join(folder, name))}" for name in names)


def _digest(path: str) -> Digest | None:
    try:
        if not S_ISREG(_stat(path).st_mode):
            return None
        return Digest(hash_file(Path(path)))
    except OSError:
        return None


def _aspects(asked: Asked) -> Aspect:
    if asked.through & _LINK_TESTS and not asked.through & _WALKS:
        return Aspect.KIND | Aspect.LINK
    if asked.through & _KIND_TESTS:
        return Aspect.KIND
    if "getsize" in asked.through:
        return Aspect.SIZE
    if asked.through & {"getmtime", "getctime"}:
        return Aspect.TIME
    if asked.asker is Asker.LIBRARY:
        return Aspect.SIZE
    taken = asked.next_attribute()
    if taken == "st_size":
        return Aspect.SIZE
    if taken == "st_mode":
        return Aspect.MODE
    return Aspect.TIME if taken in ("st_mtime", "st_mtime_ns") else Aspect.SIZE | Aspect.TIME | Aspect.MODE


def _source_of_bytecode(path: str) -> str | None:
    """Return the file that a `.pyc` was compiled from: it may be run without its source being opened."""
    folder, name = os.path.split(path)
    if os.path.basename(folder) != "__pycache__" or not name.endswith(".pyc"):
        return None
    return os.path.join(os.path.dirname(folder), name.partition(".")[0] + ".py")


active: list[Touched] = []  # what is watched now; at most one
_noting: set[int] = set()  # threads that note something just now: what they open themselves is not the step's


def forget_threads() -> None:
    """Forget the threads of the process that this one was forked from."""
    _noting.clear()


class noting:  # noqa: N801  used like a function
    """Give what is watched now; None if nothing is, or if this thread is noting something already.

    What goes wrong here is not the watched code's: it ends with a look that is unseen.
    """

    __slots__ = ("_thread", "_touched")

    def __enter__(self) -> Touched | None:
        self._thread, self._touched = threading.get_ident(), None
        if self._thread not in _noting:
            for self._touched in active:
                _noting.add(self._thread)
        return self._touched

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> bool:
        if self._touched is not None:
            if kind is not None:
                self._touched.keep("lost", kind.__name__)
            if self._touched.tell is not None:
                with suppress(OSError):  # a child that may write nothing any more
                    self._touched.tell()
            _noting.discard(self._thread)
        return kind is not None and issubclass(kind, Exception)

"""What a watched step touched, and which watch is running.

Audit events and wrapped native readers both report here.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from types import CodeType

from assetctl.assets.importing import is_personal

SYSTEM = ("/proc/", "/sys/", "/dev/")
_CODE_SUFFIXES = (".py", ".pyc", ".so", ".pyd")


@dataclass(slots=True)
class Touched:
    """What a step used: absolute paths of files read, code objects executed, modules loaded."""

    root: str
    read: set[str] = field(default_factory=set)
    written: set[str] = field(default_factory=set)
    executed: set[CodeType] = field(default_factory=set)
    imported: set[str] = field(default_factory=set)  # names of modules that were not loaded before

    def note_read(self, path: object) -> None:
        file = self._within(path)
        if file is not None and file not in self.written:
            self.read.add(file)

    def note_written(self, path: object) -> None:
        file = self._within(path)
        if file is not None:
            self.written.add(file)

    def note_executed(self, code: CodeType) -> None:
        if code not in self.executed and is_personal(code.co_filename):
            self.executed.add(code)

    def _within(self, path: object) -> str | None:
        """Return the path if it is a data file of the project; its code and state are known otherwise."""
        if not isinstance(path, str | bytes | os.PathLike):
            return None
        absolute = os.path.abspath(os.fsdecode(path))
        inside = absolute.startswith(self.root) and not absolute.endswith(_CODE_SUFFIXES)
        parts = Path(absolute[len(self.root) :]).parts
        return absolute if inside and not any(p.startswith(".") or p == "site-packages" for p in parts) else None


@dataclass(slots=True)
class Opened(Touched):
    """Notes files anywhere but those of the system, of installed packages, and Python's own caches."""

    def _within(self, path: object) -> str | None:
        if not isinstance(path, str | bytes | os.PathLike):
            return None
        absolute = os.path.abspath(os.fsdecode(path))
        is_ours = is_personal(absolute) and not absolute.startswith(SYSTEM) and not absolute.endswith(".pyc")
        return absolute if is_ours else None


active: list[Touched] = []  # what is watched now; at most one


def note_read(path: object) -> None:
    """Note a file that native code is about to read; does nothing while no step is watched."""
    if active:
        active[0].note_read(path)

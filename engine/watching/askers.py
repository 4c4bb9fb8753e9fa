"""Who asked: whose code, going outwards through the standard library, called what the recorder saw."""

from __future__ import annotations

import dis
import os
import sysconfig
from enum import IntEnum
from functools import lru_cache
from types import CodeType, FrameType

from assetctl.assets.importing import is_personal
from assetctl.engine.watching.called import calls_library


class Asker(IntEnum):
    """Whose looking it was; the greater counts for more."""

    NOBODY = 0  # Python's own machinery, or this tool
    LIBRARY = 1
    OWN = 2  # first-party code


class _Whose(IntEnum):
    PASSED_ON = 0  # the standard library, which asks on behalf of its caller
    IMPORTS = 1
    MACHINERY = 2
    TOOL = 3
    LIBRARY = 4
    OWN = 5


# What Python asks for to find, show or start code; nothing that it computes depends on the answer.
_MACHINERY = frozenset({
    "linecache", "inspect", "traceback", "warnings", "pkgutil", "zipimport", "subprocess", "tempfile",
    "locale", "gettext", "site", "sysconfig",
})  # fmt: skip
_MACHINERY_FOLDERS = frozenset({"importlib", "multiprocessing", "logging", "concurrent"})
_POOLS = frozenset({"multiprocessing", "concurrent"})
_WORKERS = frozenset({
    "worker", "mapstar", "starmapstar", "run", "_worker", "_process_worker", "_process_chunk", "<listcomp>",
})  # fmt: skip
_FINDERS = ("importlib_metadata", "pkg_resources", "stevedore")  # installed ones, which list the import path
# Libraries that read variables for the code that called them.
_SETTINGS = ("pydantic_settings", "decouple", "environs", "environ", "dynaconf", "omegaconf", "starlette", "prettyconf")
_STDLIB = tuple({sysconfig.get_path(name) + os.sep for name in ("stdlib", "platstdlib")})
_HERE = os.path.abspath(__file__)
_PACKAGE, _CHECKOUT = (os.path.dirname(os.path.dirname(os.path.dirname(p))) for p in (_HERE, os.path.realpath(_HERE)))
_INNER = ("assets", "lineage", "storage", "engine", "integrations", "cli")
_TOOL = (_PACKAGE + os.sep, *(os.path.join(_CHECKOUT, name) + os.sep for name in _INNER))


class Asked:
    """One look, seen from the call that made it."""

    __slots__ = ("asker", "calling", "is_direct", "is_import", "through")

    def __init__(
        self, frame: FrameType | None, *, for_variables: bool = False, through_machinery: bool = False
    ) -> None:
        self.through: set[str] = set()  # functions of the standard library that passed it on
        self.is_direct = frame is not None and _whose(frame.f_code.co_filename) is not _Whose.PASSED_ON
        self.is_import = False  # by an import statement, or `import_module`
        self.asker = Asker.NOBODY
        self.calling: FrameType | None = None  # the frame that asked
        came_from_imports = False
        whose = _Whose.MACHINERY
        while frame is not None:
            whose = _whose(frame.f_code.co_filename)
            if whose is _Whose.IMPORTS or (came_from_imports and whose is _Whose.TOOL):
                came_from_imports = True
                if frame.f_code.co_name == "_find_and_load":
                    self.is_import = True
                    return
            elif whose is _Whose.PASSED_ON or (through_machinery and whose is _Whose.MACHINERY):
                self.through.add(frame.f_code.co_name)
            else:
                break
            frame = frame.f_back
        if (frame is None and whose is _Whose.PASSED_ON) or (frame is not None and _runs_given_work(frame)):
            self.asker, self.calling = Asker.OWN, frame  # a thread or a worker began with the function itself
            return
        if frame is None or whose in (_Whose.MACHINERY, _Whose.TOOL):
            return
        self.calling = frame
        if came_from_imports:
            self.through.add("import")
        is_own = whose is _Whose.OWN
        if for_variables:
            is_own = not calls_library(frame) if is_own else _is_for_settings(frame.f_code.co_filename)
        self.asker = Asker.OWN if is_own else Asker.LIBRARY

    def is_while_importing(self) -> bool:
        """Say whether the asking code is part of an import, and no first-party code lies between."""
        frame = self.calling
        while frame is not None:
            whose = _whose(frame.f_code.co_filename)
            if whose is _Whose.OWN:
                return False
            if whose is _Whose.IMPORTS:
                return True
            frame = frame.f_back
        return False

    def next_attribute(self) -> str:
        """Return the attribute that the asking code takes of what it gets, as in `os.stat(path).st_size`; "" if none."""
        frame = self.calling
        return "" if frame is None else _attribute_after(frame.f_code, frame.f_lasti)


@lru_cache(maxsize=2048)
def _attribute_after(code: CodeType, offset: int) -> str:
    for instruction in dis.get_instructions(code):
        if instruction.offset > offset:
            is_attribute = instruction.opname == "LOAD_ATTR"
            return str(instruction.argval) if is_attribute else ""
    return ""


def _runs_given_work(frame: FrameType) -> bool:
    """Say whether a frame is where a pool calls what it was given: nobody but the step gave it."""
    code = frame.f_code
    return code.co_name in _WORKERS and any(f"{os.sep}{pool}{os.sep}" in code.co_filename for pool in _POOLS)


@lru_cache(maxsize=8192)
def _whose(file: str) -> _Whose:
    if file.startswith("<ipython-input"):
        return _Whose.OWN
    if file.startswith("<"):
        return _Whose.IMPORTS if file.startswith(("<frozen importlib", "<frozen zipimport")) else _Whose.PASSED_ON
    if file.startswith(_TOOL):
        return _Whose.TOOL
    if not is_personal(file) and file.startswith(_STDLIB) and "site-packages" not in file:
        folder = next(file[len(start) :] for start in _STDLIB if file.startswith(start))
        first = folder.partition(os.sep)[0]
        is_machinery = first in _MACHINERY_FOLDERS or first.removesuffix(".py") in _MACHINERY
        return _Whose.MACHINERY if is_machinery else _Whose.PASSED_ON
    if is_personal(file):
        return _Whose.OWN
    return _Whose.MACHINERY if any(f"{os.sep}{name}{os.sep}" in file for name in _FINDERS) else _Whose.LIBRARY


@lru_cache(maxsize=512)
def _is_for_settings(file: str) -> bool:
    return any(f"{os.sep}{name}{os.sep}" in file for name in _SETTINGS)

"""Import a person's modules from their source, and remember the text that was imported.

Bytecode caches are not used for them: a `.pyc` is trusted by Python when size and
whole-second mtime agree, so an edit of the same length within a second would run old
code under a new name. What was imported is what counts; `text_of` returns it even when
the file has changed since.
"""

from __future__ import annotations

import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import os
import sys
import sysconfig
from collections.abc import Sequence
from pathlib import Path
from types import CodeType, ModuleType

_imported_text: dict[str, str] = {}
_imported_code: dict[str, CodeType] = {}
_active: list[Path] = []  # the project whose modules are in `sys.modules`; at most one
_shelved: dict[Path, dict[str, ModuleType]] = {}
_added: set[str] = set()  # what was put on the path for it


def text_of(file: str) -> str | None:
    """Return the source text that was imported from a file, or None if it was not imported by us."""
    return _imported_text.get(file)


def code_of(file: str) -> CodeType | None:
    """Return the code that was made of `text_of(file)`, or None if it was not imported by us."""
    return _imported_code.get(file)


class _SourceLoader(importlib.machinery.SourceFileLoader):
    """Compiles the source each time and keeps its text."""

    def get_code(self, fullname: str) -> CodeType:
        path = self.get_filename(fullname)
        data = self.get_data(path)
        code: CodeType = self.source_to_code(data, path)
        _imported_text[path] = importlib.util.decode_source(data)
        _imported_code[path] = code
        return code


class _SourceFinder(importlib.abc.MetaPathFinder):
    """Hands modules that are nobody's installed package to `_SourceLoader`."""

    keeps_text = True

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        spec = importlib.machinery.PathFinder.find_spec(fullname, path, target)
        if spec is None or spec.origin is None or type(spec.loader) is not importlib.machinery.SourceFileLoader:
            return None
        if not is_personal(spec.origin):
            return None
        spec.loader = _SourceLoader(fullname, spec.origin)
        return spec


_finder = _SourceFinder()
_TOOL = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep  # the folder of `assetctl`
_INSTALLED = tuple({sysconfig.get_path(name) + os.sep for name in ("stdlib", "platstdlib", "purelib", "platlib")})


def is_personal(file: str) -> bool:
    """Say whether a file is neither the standard library's, nor installed, nor this tool's."""
    if file.startswith(_INSTALLED) or f"{os.sep}site-packages{os.sep}" in file or file.startswith("<"):
        return False
    return not file.startswith(_TOOL)


def install() -> None:
    """Put the finder in front, once."""
    if _finder not in sys.meta_path:
        sys.meta_path.insert(0, _finder)
    importlib.invalidate_caches()


def forget_modules(root: Path) -> dict[str, ModuleType]:
    """Drop every module imported from below `root`, so that the next import reads the files again; return them."""
    prefix = str(root) + os.sep
    dropped: dict[str, ModuleType] = {}
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None)
        paths = list(getattr(module, "__path__", ())) if file is None else [file]
        if name != "__main__" and any(p.startswith(prefix) and is_personal(p) for p in map(str, paths)):
            dropped[name] = sys.modules.pop(name)
    return dropped


def activate(root: Path) -> None:
    """Make the modules of one project the ones that are imported, and shelve those of the previous project.

    Two projects of one process may both have a `helpers.py`; each sees its own.
    """
    if _active and _active[0] == root:
        return
    if _active:
        _shelved[_active[0]] = forget_modules(_active[0])
        sys.path[:] = [p for p in sys.path if p not in _added]
        _added.clear()
    _active[:] = [root]
    sys.modules.update(_shelved.pop(root, {}))
    put_on_path(root)


def put_on_path(folder: Path) -> None:
    """Make a folder the first that imports look in."""
    text = str(folder)
    if text in sys.path:
        sys.path.remove(text)
    else:
        _added.add(text)
    sys.path.insert(0, text)
    importlib.invalidate_caches()

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
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import CodeType, FunctionType, ModuleType

from assetctl.assets.errors import DeclarationError, Problem

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


_NEEDED_BY_NOBODY = frozenset(
    [
        "test",
        "tests",
        "docs",
        "doc",
        "examples",
        "example",
        "scripts",
        "benchmarks",
        "utils",
        "util",
        "tools",
        "helpers",
        "config",
        "common",
        "lib",
        "src",
        "data",
        "build",
        "main",
        "this",
        "antigravity",
        "idlelib",
        "turtledemo",
        "turtle",
        "lib2to3",
        "setup",
        "conftest",
        "noxfile",
        "tasks",
        "fabfile",
        "manage",
    ]
)
"""Names that projects use, and that no library imports even where something installed has them."""

_LIBRARIES = frozenset(
    [
        "pandas",
        "numpy",
        "polars",
        "pyarrow",
        "duckdb",
        "sklearn",
        "scipy",
        "skops",
        "joblib",
        "cloudpickle",
        "matplotlib",
        "mlflow",
        "xarray",
        "torch",
        "lightgbm",
        "xgboost",
        "catboost",
        "statsmodels",
        "click",
        "blake3",
        "sqlmodel",
        "sqlalchemy",
        "pydantic",
        "filelock",
        "yaml",
        "rich",
        "psycopg",
        "IPython",
        "ipykernel",
        "typing_extensions",
        "packaging",
        "dateutil",
        "pytz",
        "six",
        "networkx",
        "plotly",
        "altair",
        "PIL",
        "requests",
        "urllib3",
    ]
)
"""What a folder with an `__init__.py` may not be called; any other such folder may be this very project, installed."""

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


def held_modules(holder: ModuleType, candidates: dict[str, ModuleType]) -> list[str]:
    """Return the names of those modules that a module holds, itself or by something of theirs, or that these hold."""
    held: dict[str, None] = {}
    waiting = [holder]
    while waiting:
        for value in list(vars(waiting.pop()).values()):
            kind = type(value)
            is_module, is_code = issubclass(kind, ModuleType), issubclass(kind, FunctionType | type)
            name = value.__name__ if is_module else value.__module__ if is_code else kind.__module__
            parts = name.split(".") if isinstance(name, str) else []
            for known in (".".join(parts[: length + 1]) for length in range(len(parts))):
                if known in candidates and known not in held:
                    held[known] = None
                    waiting.append(candidates[known])
    return list(held)


def activate(root: Path) -> None:
    """Make the modules of one project the ones that are imported, and shelve those of the previous project.

    Two projects of one process may both have a `helpers.py`; each sees its own.

    Raises:
        DeclarationError: a file of the project would be imported in place of a module that libraries need.
    """
    if _active and _active[0] == root:
        return
    refuse_shadows(root)
    if _active:
        _shelved[_active[0]] = forget_modules(_active[0])
        sys.path[:] = [p for p in sys.path if p not in _added]
        _added.clear()
    _active[:] = [root]
    sys.modules.update(_shelved.pop(root, {}))
    put_on_path(root)


def refuse_shadows(folder: Path) -> None:
    """Refuse a folder whose files would be imported in place of modules that Python and its libraries need.

    Raises:
        DeclarationError: with every such file.
    """
    problems = [
        Problem(
            "shadows-module",
            f"`{path.relative_to(folder)}` has the name of {owner}, and would be imported in its place",
            (("the file", str(path)),),
            "rename the file",
        )
        for path, owner in _shadows(folder)
    ]
    if problems:
        raise DeclarationError(*problems)


def _shadows(folder: Path) -> Iterator[tuple[Path, str]]:
    try:
        names = sorted(os.listdir(folder))  # noqa: PTH208  of every command, and only names are needed
    except OSError:
        return
    for name in names:
        module = name.removesuffix(".py")
        path = folder / name if name.endswith(".py") else folder / name / "__init__.py"
        is_standard = module in sys.stdlib_module_names and module not in _NEEDED_BY_NOBODY
        if not is_standard and not name.endswith(".py") and module not in _LIBRARIES:
            continue
        if not path.is_file():
            continue
        if is_standard:
            yield path, "a module of Python's own"
        elif module not in _NEEDED_BY_NOBODY and _is_installed(module, folder, path):
            yield path, f"the installed library `{module}`"


def _is_installed(module: str, folder: Path, path: Path) -> bool:
    """Say whether a library has the name of a module of the project, and is not that module, installed."""
    places = [p for p in sys.path if p and "-packages" in p and not p.startswith(str(folder) + os.sep + "src")]
    spec = importlib.machinery.PathFinder.find_spec(module, places)
    installed = Path(spec.origin) if spec is not None and spec.origin is not None else None
    if installed is None or not installed.is_file():
        return False
    return not installed.samefile(path) and installed.read_bytes() != path.read_bytes()


def put_on_path(folder: Path) -> None:
    """Make a folder the first that imports look in."""
    text = str(folder)
    if text in sys.path:
        sys.path.remove(text)
    else:
        _added.add(text)
    sys.path.insert(0, text)
    importlib.invalidate_caches()

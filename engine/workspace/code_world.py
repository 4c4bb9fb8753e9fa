"""Tell identity of code what it needs from outside: whose code, what text, which variables and files.

Everything is read once and remembered, so that one plan sees one world. Values of
environment variables leave only as keyed hashes.
"""

from __future__ import annotations

import linecache
import os
import sys
import sysconfig
import tokenize
from pathlib import Path
from types import CodeType

from blake3 import blake3

from assetctl.assets.importing import code_of, text_of
from assetctl.engine.secrets.secret_values import EnvironmentValues
from assetctl.engine.watching.taken_names import original_of
from assetctl.engine.workspace.code_files import CodeFiles
from assetctl.engine.workspace.installed import Installed
from assetctl.engine.workspace.text_cache import TextCache
from assetctl.lineage.facts.ports import Origin, OriginKind
from assetctl.lineage.identity.encode import PREFIX
from assetctl.storage.blobs.file_digests import FileDigests

_PROJECT, _STDLIB, _TOOL = Origin(OriginKind.PROJECT), Origin(OriginKind.STDLIB), Origin(OriginKind.TOOL)
_PACKAGE = "assetctl"
_KEY_SIZE = 32


class ProjectWorld:
    """The real `CodeWorld` of one project folder.

    `variable_key` is the project's secret for hashing environment values; any length.
    `cache` keeps what was learned from source texts, `digests` those of files; None keeps nothing.
    """

    def __init__(
        self, root: Path, variable_key: bytes, cache: TextCache | None = None, digests: FileDigests | None = None
    ) -> None:
        self._cache = cache
        self.root = Path(os.path.abspath(root))
        self._key = blake3(variable_key).digest()[:_KEY_SIZE]
        self._installed = Installed()
        self.code_files = CodeFiles(self.root, digests)
        self.environment = EnvironmentValues.now()
        self._texts: dict[str, str | None] = {}
        self._variables: dict[str, str | None] = {}
        self._stdlib = _standard_folders()
        self._tool = _tool_folders()
        self._roots = tuple(dict.fromkeys((str(self.root), os.path.realpath(self.root))))

    def origin(self, module: str, file: str | None) -> Origin:
        """Say whose code a module (or a file without one) is."""
        top = module.partition(".")[0]
        if file is None or file.startswith("<"):
            return self._origin_by_name(top)
        if top == _PACKAGE or _is_below(file, self._tool):
            return _TOOL if _is_below(file, self._tool) else _PROJECT
        distribution = self._installed.owner(file)
        if distribution is not None:
            return Origin(OriginKind.DISTRIBUTION, *distribution)
        return _STDLIB if _is_standard(file, self._stdlib) else _PROJECT

    def original(self, value: object) -> object:
        """Return the function or class that watching wrapped, any other value as it is."""
        return original_of(value)

    def source(self, file: str) -> str | None:
        """Return a file's text as it was imported, or a notebook cell's as it was run."""
        if file not in self._texts:
            self._texts[file] = text_of(file) or _cell_text(file) or _file_text(file)
        return self._texts[file]

    def compiled(self, file: str) -> CodeType | None:
        """Return the module code that was made from a file's text when it was imported, if it was kept."""
        return code_of(file) if text_of(file) else None

    def kept(self, key: str) -> bytes | None:
        """Return what was kept under a key, or None."""
        return None if self._cache is None else self._cache.get(key)

    def keep(self, key: str, data: bytes) -> None:
        """Keep bytes under a key."""
        if self._cache is not None:
            self._cache.put(key, data)

    def relative(self, file: str) -> str:
        """Return a path relative to the project root with forward slashes (unchanged if outside), for people.

        The file that a notebook keeps a cell in is named as the cell.
        """
        if f"{os.sep}ipykernel_" in file:
            return "notebook cell"
        for root in self._roots:
            if file == root:
                return "."
            if file.startswith(root + os.sep):
                return file[len(root) + 1 :].replace(os.sep, "/")
        return file

    def variable(self, name: str) -> str | None:
        """Return a keyed hash of an environment variable's value, or None if it is unset."""
        self._variables[name] = self.hashed(name, os.environ.get(name))
        return self._variables[name]

    def is_current(self) -> bool:
        """Say whether every variable and every file that was asked for is as it was."""
        variables = all(self.hashed(name, os.environ.get(name)) == was for name, was in self._variables.items())
        return variables and self.code_files.is_current()

    def hashed(self, name: str, value: str | None) -> str | None:
        """Return the keyed hash of a value that a variable has, or had."""
        if value is None:
            return None
        text = value.encode("utf-8", "surrogateescape")
        return PREFIX + blake3(name.encode() + b"\0" + text, key=self._key).hexdigest()

    def hidden(self, text: str) -> str:
        """Return a text with marks in place of values of environment variables."""
        return self.environment.hidden(text)

    def file_digest(self, path: str) -> str | None:
        """Return the digest of a file's bytes (a relative path is the project's), or None if it cannot be read."""
        return self.code_files.digest(path)

    def file_text(self, path: str) -> str | None:
        """Return a file's text without values of environment variables; None if it is long, or no text."""
        text = self.code_files.text(path)
        return None if text is None else self.hidden(text)

    def files(self, pattern: str) -> tuple[str, ...]:
        """Return the project's files that match a glob or lie below a folder, relative to its root, sorted."""
        return self.code_files.matching(pattern)

    def _origin_by_name(self, top: str) -> Origin:
        if top == _PACKAGE:
            return _TOOL
        if top in sys.builtin_module_names or top in sys.stdlib_module_names:
            return _STDLIB
        distribution = self._installed.owner_of_package(top) if top else None
        return _PROJECT if distribution is None else Origin(OriginKind.DISTRIBUTION, *distribution)


def _cell_text(file: str) -> str | None:
    """Return the text of a notebook cell: a cached entry that was never a file on disk."""
    entry = linecache.cache.get(file)
    if entry is None or len(entry) < 3 or entry[1] is not None:
        return None
    return "".join(entry[2])


def _file_text(file: str) -> str | None:
    try:
        with tokenize.open(file) as stream:
            return stream.read()
    except (OSError, SyntaxError, UnicodeDecodeError, ValueError):
        return None


def _standard_folders() -> tuple[str, ...]:
    names = ("stdlib", "platstdlib")
    folders = {sysconfig.get_path(name) for name in names}
    return tuple(sorted({os.path.normpath(p) for p in folders if p} | {os.path.realpath(p) for p in folders if p}))


def _is_standard(file: str, folders: tuple[str, ...]) -> bool:
    parts = Path(file).parts
    return _is_below(file, folders) and "site-packages" not in parts and "dist-packages" not in parts


def _tool_folders() -> tuple[str, ...]:
    """Return the folders of this package: where it is imported from, and where its links lead."""
    here = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    package = os.path.dirname(os.path.abspath(sys.modules[_PACKAGE].__file__ or here))
    inner = ("assets", "lineage", "storage", "engine", "integrations", "cli")
    return (package, *(os.path.realpath(os.path.join(package, name)) for name in inner))


def _is_below(file: str, folders: tuple[str, ...]) -> bool:
    return any(file.startswith(folder + os.sep) for folder in folders)
